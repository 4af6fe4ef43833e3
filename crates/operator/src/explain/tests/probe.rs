//! Probes: their prober, and what is probed.

use super::world::{World, all_up, world};

const BLACKBOX: &str = "
kind: Service
metadata: {name: blackbox, namespace: monitoring}
spec: {selector: {app: blackbox}, ports: [{name: http, port: 9115}]}
---
kind: Ingress
metadata: {name: web, namespace: shop, labels: {public: 'yes'}}
spec: {rules: [{host: shop.example.com}]}
---
kind: Probe
metadata: {name: site, namespace: shop}
spec:
  prober: {url: 'blackbox.monitoring.svc:9115'}
  targets:
    staticConfig: {static: ['https://example.com']}
";

const INGRESS: &str = "ingress: {selector: {matchLabels: {public: 'yes'}}}";

fn blackbox() -> World {
    world(BLACKBOX)
}

fn targets(targets: &str) -> World {
    blackbox().edit("staticConfig: {static: ['https://example.com']}", targets)
}

#[test]
fn all_is_well() {
    let explanation = blackbox().given(all_up).passes();
    let checks: Vec<_> = explanation.checks[4..].iter().map(|c| (c.check, &*c.message)).collect();
    assert_eq!(
        checks,
        [
            ("prober", "Service monitoring/blackbox has port 9115"),
            ("targets", "1 target written down"),
            ("relabeling", "1 target found, none dropped"),
            ("limits", "no limit is passed"),
            ("scrapes", "the target is up"),
        ]
    );
    blackbox().edit("blackbox.monitoring.svc:9115", "probes.example.com").given(all_up).passes();
    targets(INGRESS).given(all_up).passes();
}

#[test]
fn the_prober_is_not_there() {
    let url = |url: &str| blackbox().edit("blackbox.monitoring.svc:9115", url);
    url("blackbx.monitoring.svc:9115").fails(
        "prober",
        "there is no Service monitoring/blackbx as in spec.prober.url",
        "write spec.prober.url: blackbox.monitoring.svc:9115",
    );
    url("prober.monitoring:9115").fails(
        "prober",
        "there is no Service monitoring/prober as in spec.prober.url",
        "create the Service monitoring/prober, or correct spec.prober.url",
    );
    url("blackbox.monitoring.svc.cluster.local:9116").fails(
        "prober",
        "Service monitoring/blackbox has no port 9116; it has 9115",
        "write spec.prober.url: blackbox.monitoring.svc.cluster.local:9115",
    );
    url("blackbox.monitoring.svc").fails(
        "prober",
        "Service monitoring/blackbox has no port 80; it has 9115",
        "write spec.prober.url: blackbox.monitoring.svc:9115",
    );
    url("").fails(
        "prober",
        "spec.prober.url is empty",
        "write spec.prober.url: host:port, such as that of a blackbox exporter",
    );
    url("http://blackbox:9115").fails(
        "valid",
        "prober.url: \"http://blackbox:9115\" is not host or host:port",
        "kubectl edit probe -n shop site, field spec.prober.url",
    );
}

#[test]
fn nothing_is_probed() {
    targets("staticConfig: {static: []}").fails(
        "targets",
        "spec.targets.staticConfig.static is empty, so nothing is probed",
        "write what to probe there, such as https://example.com",
    );
    targets("{}").fails(
        "targets",
        "spec.targets names nothing to probe",
        "write spec.targets.staticConfig.static or spec.targets.ingress",
    );
}

#[test]
fn ingresses() {
    let explanation = targets(INGRESS).edit("{public: 'yes'}}}", "{public: 'true'}}}").fails(
        "ingresses",
        "no Ingress in namespace shop matches spec.targets.ingress.selector: public=true",
        "give the Ingress the labels public=true, or correct spec.targets.ingress.selector",
    );
    assert_eq!(explanation.details("ingresses"), ["Ingresses there: shop/web"]);
    targets(INGRESS).edit("[{host: shop.example.com}]", "[{}]").fails(
        "ingresses",
        "1 Ingress found, none with a host in its rules",
        "write spec.rules[0].host in Ingress shop/web",
    );
    targets(INGRESS).edit("name: site, namespace: shop", "name: site, namespace: other").fails(
        "ingresses",
        "there is no Ingress in namespace other",
        "write spec.targets.ingress.namespaceSelector: {matchNames: [shop]}",
    );
}
