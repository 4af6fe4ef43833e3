//! What arrives, and where.

use super::world::{Manner, World, alert, rules, set};
use crate::{AlertmanagerSet, Options, Settings};
use client::config::{Credentials, SecretSource};
use model::Labels;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn every_alertmanager_hears_of_every_alert() {
    let world = World::of(&["a:9093", "b:9093"]);
    world.send(&[("X", 4), ("Y", 4)]);
    world.pass(1).await;
    for address in ["a:9093", "b:9093"] {
        let [heard] = world.alertmanagers.heard(address).try_into().unwrap();
        let head: Vec<_> = heard.head.lines().collect();
        assert_eq!(head[0], "POST /api/v2/alerts HTTP/1.1");
        assert!(head.contains(&"Content-Type: application/json"), "{head:?}");
        assert!(head.iter().any(|line| line.starts_with("User-Agent: Rushlight/")), "{head:?}");
        assert_eq!(
            heard.alerts[0],
            json!({
                "labels": {"alertname": "X", "severity": "page"},
                "annotations": {"summary": "X is on"},
                "startsAt": "1970-01-01T00:00:00.000Z",
                "endsAt": "1970-01-01T00:04:00.000Z",
                "generatorURL": "http://here/graph?g0.expr=up",
            })
        );
        assert_eq!(world.alertmanagers.taken(address), [["X=4", "Y=4"]]);
        assert_eq!(world.metric(&format!("sent_total {address}")), Some(2.0));
        assert_eq!(world.metric(&format!("errors_total {address}")), Some(0.0));
        assert_eq!(world.metric(&format!("dropped_total {address}")), Some(0.0));
        assert_eq!(world.metric(&format!("queue_length {address}")), Some(0.0));
        assert_eq!(world.metric(&format!("latency_seconds_count {address}")), Some(1.0));
    }
    assert_eq!(world.metric("queue_capacity"), Some(10_000.0));
    assert_eq!(world.metric("alertmanagers_discovered"), Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn batches_are_bounded_and_in_order() {
    let world = World::with(Options { batch_size: 2, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:9093"])]);
    world.alertmanagers.set("a:9093", Manner::Take);
    world.send(&[("A", 1), ("B", 1), ("C", 1), ("D", 1), ("E", 1)]);
    world.pass(1).await;
    let taken = world.alertmanagers.taken("a:9093");
    assert_eq!(taken, [&["A=1", "B=1"][..], &["C=1", "D=1"], &["E=1"]]);
}

#[tokio::test(start_paused = true)]
async fn labels_are_filled_in_and_rewritten() {
    let world = World::new();
    let mut quiet = set("quiet");
    quiet.alert_relabel = rules(&[
        "{source_labels: [alertname], regex: Loud, action: drop}",
        "{source_labels: [severity], target_label: level}",
    ]);
    world.notifier.apply(Settings {
        external_labels: Labels::from_pairs([
            ("cluster", "c1"),
            ("replica", "r0"),
            ("severity", "info"),
        ]),
        alert_relabel: rules(&[
            "{source_labels: [severity], regex: info, action: drop}",
            "{regex: replica, action: labeldrop}",
        ]),
        sets: vec![set("all"), quiet],
    });
    world.discover(&[("all", &["a:9093"]), ("quiet", &["q:9093"])]);
    world.alertmanagers.set("a:9093", Manner::Take);
    world.alertmanagers.set("q:9093", Manner::Take);
    // Without a severity of its own it gets that of the external labels, and is dropped.
    let mut silent = alert("Silent", 4);
    silent.labels = Labels::from_pairs([("alertname", "Silent")]);
    let mut elsewhere = alert("Elsewhere", 4);
    elsewhere.labels = elsewhere.labels.with("cluster", "c9");
    world.notifier.send(vec![silent, elsewhere, alert("Loud", 4)]);
    world.pass(1).await;
    let labels = |address: &str| -> Vec<_> {
        let [heard] = world.alertmanagers.heard(address).try_into().unwrap();
        heard.alerts.iter().map(|alert| alert["labels"].clone()).collect()
    };
    assert_eq!(
        labels("a:9093"),
        [
            json!({"alertname": "Elsewhere", "cluster": "c9", "severity": "page"}),
            json!({"alertname": "Loud", "cluster": "c1", "severity": "page"}),
        ]
    );
    let level =
        json!({"alertname": "Elsewhere", "cluster": "c9", "severity": "page", "level": "page"});
    assert_eq!(labels("q:9093"), [level]);
}

#[tokio::test(start_paused = true)]
async fn settings_of_the_set_are_used() {
    let world = World::new();
    let mut secured = AlertmanagerSet { path_prefix: "/team/".into(), ..set("s") };
    let secret = SecretSource::Text("tok".into());
    secured.http.credentials = Credentials::Scheme { scheme: "Bearer".into(), secret };
    world.apply([secured]);
    world.discover(&[("s", &["a"])]);
    world.alertmanagers.set("a:80", Manner::Take);
    world.send(&[("X", 4)]);
    world.pass(1).await;
    let [heard] = world.alertmanagers.heard("a:80").try_into().unwrap();
    let head: Vec<_> = heard.head.lines().collect();
    assert_eq!(head[0], "POST /team/api/v2/alerts HTTP/1.1");
    assert!(head.contains(&"Host: a"), "{head:?}");
    assert!(head.contains(&"Authorization: Bearer tok"), "{head:?}");
    assert_eq!(world.notifier.alertmanagers().active, ["http://a/team/api/v2/alerts"]);
}

#[tokio::test(start_paused = true)]
async fn without_alertmanagers_nothing_is_kept() {
    let world = World::new();
    world.send(&[("X", 4)]);
    world.apply([set("s")]);
    world.discover(&[("s", &["a:9093"])]);
    world.alertmanagers.set("a:9093", Manner::Take);
    world.pass(60).await;
    assert!(world.alertmanagers.heard("a:9093").is_empty());
}
