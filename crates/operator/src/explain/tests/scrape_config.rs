//! ScrapeConfigs: their lists of discovery.

use super::world::{World, all_down, all_up, world};
use scrape::Reason;

const NODES: &str = "
kind: ScrapeConfig
metadata: {name: nodes, namespace: infra}
spec:
  staticConfigs: [{targets: ['10.0.0.9:9100']}]
";

fn nodes() -> World {
    world(NODES)
}

fn lists(lists: &str) -> World {
    nodes().edit("staticConfigs: [{targets: ['10.0.0.9:9100']}]", lists)
}

#[test]
fn all_is_well() {
    let explanation = nodes().given(all_up).passes();
    assert_eq!(explanation.checks[4].message, "targets are found by staticConfigs");
    assert_eq!(explanation.jobs, ["scrapeConfig/infra/nodes"]);
}

#[test]
fn lists_that_find_nothing() {
    const FIX: &str = "list the targets by one of staticConfigs, httpSDConfigs, dnsSDConfigs, \
                       fileSDConfigs and kubernetesSDConfigs";
    let explanation = lists("ec2SDConfigs: [{region: eu-west-1}]").fails(
        "discovery",
        "ec2SDConfigs is not built in, and left out",
        FIX,
    );
    assert_eq!(explanation.outcomes()[5].0, "relabeling");
    lists("jobName: x").fails("discovery", "no list finds targets for it", FIX);
    lists("staticConfigs: [{targets: []}]").fails(
        "discovery",
        "spec.staticConfigs names no targets",
        "write host:port of each target in spec.staticConfigs[0].targets",
    );
}

#[test]
fn fields_are_those_of_the_kind() {
    let missing = "server returned HTTP status 404 Not Found";
    nodes().given(all_down(Reason::Status, missing)).fails(
        "scrapes",
        "the only target is down: http://10.0.0.9:9100/metrics: server returned HTTP status 404 Not \
         Found",
        "there is no page at http://10.0.0.9:9100/metrics: write where it is as spec.metricsPath",
    );
}
