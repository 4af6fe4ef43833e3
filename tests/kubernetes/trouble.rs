//! What goes wrong in clusters, and how little of it is felt.

use super::Cluster;
use super::cluster::{explain, series, targets, told};
use crate::harness::{vector, wait_for};
use apiserver::{App, Fit, Scenario};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Good monitors beside the bad one: as many as an unoptimized server reads while others build.
const GOOD: u32 = 200;

fn monitor(name: &str, endpoint: Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
           "metadata": {"name": name, "namespace": "many"},
           "spec": {"selector": {"matchLabels": {"app": "one"}}, "endpoints": [endpoint]}})
}

fn one_app() -> Scenario {
    let ports = BTreeMap::from([("web".to_owned(), 9100)]);
    let pages = BTreeMap::from([("web".to_owned(), "one 1\n".to_owned())]);
    let app = App {
        namespace: "many".into(),
        name: "one".into(),
        pods: 1,
        ports,
        pages,
        ..App::default()
    };
    Scenario { nodes: 1, apps: vec![app] }
}

/// What the cluster holds about an object: the condition of its binding, and its Events.
fn condition(cluster: &Cluster, name: &str) -> Option<Value> {
    let object = cluster.server.get("servicemonitors", "many", name)?;
    let condition = object.pointer("/status/bindings/0/conditions/0")?;
    Some(condition.clone())
}

#[test]
fn one_bad_monitor_among_many_harms_none_and_is_named() {
    let cluster = Cluster::of(one_app());
    for n in 0..GOOD {
        // All have the same target, which is told apart by the monitor.
        let name = format!("good-{n:04}");
        let relabelings = json!([{"targetLabel": "monitor", "replacement": name}]);
        let good = json!({"port": "web", "interval": "30s", "relabelings": relabelings});
        cluster.server.apply(&monitor(&name, good));
    }
    let bad = json!({"port": "web", "interval": "10s", "scrapeTimeout": "20s"});
    cluster.server.apply(&monitor("bad", bad));
    let server = cluster.inside();
    wait_for("all good targets", || {
        let found = vector(&server.query("count(up{namespace='many'} == 1)"));
        (found.first()?.1 == f64::from(GOOD)).then_some(())
    });
    assert!(targets(&server, "serviceMonitor/many/bad/0").is_empty());

    told(&server, &["object=many/bad", "scrapeTimeout"]);
    let told_in_status = wait_for("its status", || condition(&cluster, "bad"));
    assert_eq!(
        (&told_in_status["type"], &told_in_status["status"]),
        (&json!("Accepted"), &json!("False"))
    );
    assert_eq!(told_in_status["reason"], "InvalidConfiguration");
    assert!(told_in_status["message"].as_str().unwrap().contains("scrapeTimeout"));
    let events = cluster.server.list("events", Some("many"));
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (&event["regarding"]["name"], &event["reason"], &event["type"]),
        (&json!("bad"), &json!("InvalidConfiguration"), &json!("Warning"))
    );
    let (is_well, text) = explain(&server, "servicemonitor", "many/bad");
    assert!(!is_well && text.contains("scrapeTimeout"), "{text}");
}

const SPEECH: (&str, &str) = ("smallest", "lightning-asr");

#[test]
fn a_cluster_out_of_reach_is_caught_up_with() {
    let cluster = Cluster::start("lightning-asr");
    cluster.apply("lightning-asr/objects.yaml");
    let server = cluster.inside();
    series(&server, "asr_active_requests", 2);
    cluster.runtime.block_on(cluster.server.stop_listening());
    let address = cluster.world.address(SPEECH.0, SPEECH.1, "metrics");
    let scrapes = || cluster.world.pages().scrapes(address).count;
    let before = scrapes();
    wait_for("scrapes that go on", || (scrapes() > before + 2).then_some(()));
    assert_eq!(server.get("/-/ready").status, 200);
    wait_for("watches that lag behind", || {
        let page = server.get("/metrics").text();
        let mut lines = page.lines().filter(|line| line.starts_with(BEHIND));
        lines.any(|line| !line.ends_with(" 0")).then_some(())
    });
    // What happened meanwhile is seen, though the cluster forgot how it came about.
    cluster.world.scale(SPEECH.0, SPEECH.1, 3);
    cluster.server.forget();
    cluster.runtime.block_on(cluster.server.listen_again()).unwrap();
    series(&server, "asr_active_requests", 3);
    for (pods, fit) in [(1, Fit::HalfLine), (2, Fit::Error(410, "Expired".into()))] {
        cluster.server.trouble().fit(fit);
        cluster.world.scale(SPEECH.0, SPEECH.1, pods);
        series(&server, "asr_active_requests", pods);
    }
}

const BEHIND: &str = "rushlight_kubernetes_watch_behind_seconds{";

#[test]
fn a_start_without_the_cluster_scrapes_what_was_found_before() {
    let cluster = Cluster::start("lightning-asr");
    cluster.apply("lightning-asr/objects.yaml");
    let server = cluster.inside();
    series(&server, "asr_active_requests", 2);
    assert!(server.stop().success());
    cluster.runtime.block_on(cluster.server.stop_listening());
    let address = cluster.world.address(SPEECH.0, SPEECH.1, "metrics");
    let before = cluster.world.pages().scrapes(address).count;
    let server = cluster.inside();
    wait_for("scrapes after the start", || {
        (cluster.world.pages().scrapes(address).count > before + 2).then_some(())
    });
    let pool = targets(&server, "serviceMonitor/smallest/lightning-asr/0");
    assert_eq!(pool.len(), 2, "{pool:?}");
    assert_eq!(pool[0]["labels"]["service"], "lightning-asr");
    cluster.world.scale(SPEECH.0, SPEECH.1, 3);
    cluster.runtime.block_on(cluster.server.listen_again()).unwrap();
    series(&server, "asr_active_requests", 3);
}

#[test]
fn reloads_that_fail_leave_the_cluster_and_others_may_leave_it() {
    let cluster = Cluster::plain("lightning-asr");
    let server = cluster.outside("");
    let file = cluster.folder.path().join("prometheus.yml");
    let reload = |config: &str, outcome: &str| {
        std::fs::write(&file, config).expect("a writable folder");
        server.signal("HUP");
        told(&server, &[outcome]);
    };
    // Another cluster, and a log that cannot be written: none of it counts.
    reload(
        "kubernetes: {apiServer: 'http://127.0.0.1:1'}\nglobal: {query_log_file: /proc/none/log}\n",
        "the configuration was not loaded",
    );
    cluster.apply("lightning-asr/objects.yaml");
    series(&server, "asr_active_requests", 2);

    reload("global: {}\n", "no cluster is followed any more");
    let pools = || {
        let answer = server.get("/api/v1/targets").json();
        answer["data"]["activeTargets"].as_array().expect("a list").len()
    };
    wait_for("all targets to go", || (pools() == 0).then_some(()));
    cluster.server.apply(&monitor("late", json!({"port": "web"})));
    let (is_well, text) = explain(&server, "servicemonitor", "smallest/lightning-asr");
    assert!(!is_well && text.contains("follows no Kubernetes cluster"), "{text}");
    assert_eq!(pools(), 0);
}
