//! What teams run, and what they ask for.

use super::Cluster;
use super::cluster::{explain, series, targets, told};
use crate::harness::{vector, wait_for};
use serde_json::{Value, json};
use std::time::Duration;

/// The labels of a series, without those that are another's business.
fn labels(series: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), series[name].clone())).collect()
}

#[test]
fn speech_is_found_without_any_configuration() {
    let cluster = Cluster::start("lightning-asr");
    let server = cluster.inside();
    cluster.apply("lightning-asr/objects.yaml");
    let found = series(&server, "asr_active_requests", 2);
    for pod in cluster.world.pods("smallest", "lightning-asr") {
        let expected = json!({
            "__name__": "asr_active_requests", "job": "lightning-asr",
            "instance": format!("{}:2269", pod.address), "namespace": "smallest",
            "service": "lightning-asr", "pod": pod.name, "container": "lightning-asr",
            "endpoint": "metrics", "exported_pod": format!("of-{}", pod.name),
        });
        let mut bare = found.iter().map(|(series, _)| series.clone());
        // External labels are not on series.
        assert!(bare.any(|series| series == expected), "{expected} is not in {found:?}");
    }
    assert_eq!(vector(&server.query("sum(asr_total_requests)"))[0].1, 2408.0);
    let pool = targets(&server, "serviceMonitor/smallest/lightning-asr/0");
    assert_eq!(pool.len(), 2, "{pool:?}");
    assert!(pool.iter().all(|target| target["health"] == "up"), "{pool:?}");
    assert_eq!(pool[0]["discoveredLabels"]["__meta_kubernetes_namespace"], "smallest");
    told(&server, &["object=smallest/lightning-asr"]);
    let (is_well, text) = explain(&server, "servicemonitor", "smallest/lightning-asr");
    assert!(is_well, "{text}");

    // All pods are replaced; the old ones' series end.
    let roll = cluster.world.roll("smallest", "lightning-asr", Duration::from_millis(20));
    cluster.runtime.block_on(roll);
    let pods: Vec<_> =
        cluster.world.pods("smallest", "lightning-asr").into_iter().map(|pod| pod.name).collect();
    wait_for("the new pods only", || {
        let found = vector(&server.query("asr_active_requests"));
        let is_new = |(series, _): &(Value, f64)| pods.iter().any(|pod| series["pod"] == **pod);
        (found.len() == 2 && found.iter().all(is_new)).then_some(())
    });
}

const CHOSEN: &str = "serviceMonitorSelector: {matchLabels: {release: kube-prometheus-stack}}\n\
                      ruleSelector: {matchLabels: {release: kube-prometheus-stack}}\n\
                      evaluationInterval: 1s";

#[test]
fn a_voice_gateway_its_models_and_its_gpus() {
    let cluster = Cluster::plain("voice-gateway");
    cluster.apply("voice-gateway/objects.yaml");
    let server = cluster.outside(CHOSEN);
    let check = |query: &str, count: usize, expected: Value| {
        let found = series(&server, query, count);
        let names: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(labels(&found[0].0, &names), expected, "{query}");
    };
    check(
        "voice_gateway_active_streams",
        1,
        json!({"namespace": "voice-workflow", "service": "voice-gateway", "endpoint": "http",
               "job": "voice-gateway"}),
    );
    check("nv_gpu_utilization", 1, json!({"service": "triton", "endpoint": "8002"}));
    check(
        "DCGM_FI_DEV_GPU_UTIL",
        2,
        json!({"namespace": "gpu-operator", "exported_namespace": "voice-workflow",
               "exported_pod": "triton-0", "job": "nvidia-dcgm-exporter"}),
    );
    let nodes = vector(&server.query("count by (node) (DCGM_FI_DEV_GPU_UTIL)"));
    assert!(nodes.iter().all(|(series, _)| series["node"].is_string()), "{nodes:?}");
    assert!(vector(&server.query("up{service='sandbox'}")).is_empty());

    let groups = || server.get("/api/v1/rules").json()["data"]["groups"].clone();
    let group = wait_for("the alert on a full GPU", || {
        let group = groups()[0].clone();
        let state = group["rules"][2]["state"].clone();
        (state == "firing").then_some(group)
    });
    assert_eq!(
        (&group["name"], group["rules"].as_array().map(Vec::len)),
        (&json!("voice-gateway"), Some(3))
    );
    let file = group["file"].as_str().unwrap();
    assert!(file.contains("voice-workflow-voice-gateway-alerts-"), "{file}");
    let alert = &group["rules"][2]["alerts"][0];
    assert_eq!(alert["annotations"]["summary"], "GPU 0 at 95.65%");

    let (_, text) = explain(&server, "servicemonitor", "monitoring/dcgm-exporter");
    assert!(text.contains("nvidia-dcgm-exporter"), "{text}");
    // The one without the label: what it lacks is named.
    let (is_well, text) = explain(&server, "servicemonitor", "voice-workflow/sandbox-monitor");
    assert!(!is_well && text.contains("release"), "{text}");
    let (_, text) = explain(&server, "prometheusrule", "voice-workflow/voice-gateway-alerts");
    assert!(text.contains("voice-gateway"), "{text}");
}

#[test]
fn a_runtime_and_a_gateway_whose_port_has_another_name() {
    let cluster = Cluster::start("arks");
    cluster.apply("arks/objects.yaml");
    let server = cluster.inside();
    let found = series(&server, "vllm:num_requests_running", 2);
    let names = ["namespace", "service", "arks_ai_application", "job"];
    let expected = json!({"namespace": "serving", "service": "arks-qwen-worker",
                          "arks_ai_application": "qwen", "job": "arks-qwen-worker"});
    assert_eq!(labels(&found[0].0, &names), expected);
    let gateway = "arks-operator-system/arks-gateway";
    let (is_well, text) = explain(&server, "servicemonitor", gateway);
    assert!(!is_well && text.contains("http-metrics") && text.contains("metrics"), "{text}");
    // As explain said.
    let mut monitor =
        cluster.server.get("servicemonitors", "arks-operator-system", "arks-gateway").unwrap();
    monitor["spec"]["endpoints"][0]["port"] = json!("metrics");
    cluster.server.apply(&monitor);
    let found = series(&server, "arks_gateway_requests_total", 1);
    assert_eq!(found[0].0["job"], "gateway-plugins");
    let (is_well, text) = explain(&server, "servicemonitor", gateway);
    assert!(is_well, "{text}");
}

#[test]
fn a_model_server_behind_tls_and_a_token_that_changes() {
    let cluster = Cluster::start("variants");
    let (world, fake) = (&cluster.world, &cluster.server);
    let server = cluster.inside();
    cluster.apply("variants/objects.yaml");
    // What it refers to comes later than the monitor.
    let ca = json!({"apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": "ca", "namespace": "llm-inference"},
                    "data": {"ca.crt": world.authority().pem()}});
    fake.apply(&ca);
    let found = series(&server, "vllm:kv_cache_usage_perc", 1);
    assert_eq!(found[0].0["endpoint"], "https");
    series(&server, "inferno_desired_ratio{variant_name='llama-8b-autoscaler'}", 1);
    let address = world.address("llm-inference", "vllm-llama-8b", "https");
    let shown = || world.pages().scrapes(address).authorization;
    assert_eq!(shown().as_deref(), Some("Bearer hush-first"));
    let mut secret = fake.get("secrets", "llm-inference", "scrape-token").unwrap();
    secret["data"]["token"] = json!("aHVzaC1zZWNvbmQ=");
    fake.apply(&secret);
    wait_for("the new token", || (shown().as_deref() == Some("Bearer hush-second")).then_some(()));
    for path in ["/api/v1/status/config", "/api/v1/targets", "/metrics"] {
        assert!(!server.get(path).text().contains("hush"), "{path}");
    }
    assert!(!server.log().contains("hush"), "{}", server.log());
}

#[test]
fn the_end_waits_for_no_watch() {
    let cluster = Cluster::plain("lightning-asr");
    let server = cluster.outside("");
    cluster.apply("lightning-asr/objects.yaml");
    series(&server, "asr_active_requests", 2);
    server.signal("TERM");
    told(&server, &["msg=ended"]);
    // What it says when it gave up waiting for something.
    let log = server.log();
    assert!(!log.contains("at the end"), "{log}");
}
