//! Values of the chart kube-prometheus-stack.

use super::Cluster;
use super::cluster::{fixture, series, targets, told};
use crate::harness::wait_for;
use serde_json::Value;

#[test]
fn values_of_the_chart_are_taken_with_rules_at_both_places() {
    let cluster = Cluster::start("lightning-asr");
    cluster.apply("lightning-asr/objects.yaml");
    let values = format!("--from-kps-values={}", fixture("values/speech.yaml").display());
    let server = cluster.inside_with(&[&values]);
    series(&server, "asr_active_requests", 2);
    let average = series(&server, "asr:requests:active_avg", 1);
    assert_eq!((&average[0].0["namespace"], average[0].1), (&Value::from("smallest"), 3.0));
    series(&server, "ALERTS{alertname='AsrQueueDeep',alertstate='firing'}", 2);
    wait_for("the job of the values", || {
        let pool = targets(&server, "lightning-asr-aggregated");
        (pool.len() == 1 && pool[0]["globalUrl"].as_str()?.contains("lightning-asr:2269"))
            .then_some(())
    });
    let kept_for = server.get("/api/v1/status/runtimeinfo").json();
    assert_eq!(kept_for["data"]["storageRetention"], "15d or 50GiB");
    told(&server, &["prometheusSpec.additionalPrometheusRulesMap"]);
}
