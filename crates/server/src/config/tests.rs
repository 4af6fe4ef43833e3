//! Files good and bad.

use super::*;

fn parse_text(text: &str) -> Result<Loaded, String> {
    let variable = |name: &str| (name == "POD").then(|| "pod-1".to_owned());
    parse(text, "prometheus.yml", Path::new("/etc"), &Global::default(), variable)
        .map_err(|error| error.to_string())
}

#[test]
fn an_empty_file_is_all_defaults() {
    for text in ["", "# nothing\n", "global:\n", "scrape_configs: []\n"] {
        let loaded = parse_text(text).unwrap();
        assert_eq!(loaded.global, Global::default(), "{text:?}");
        assert!(loaded.jobs.is_empty());
    }
}

#[test]
fn faults_tell_their_place() {
    let check = |text: &str, parts: &[&str]| {
        let error = parse_text(text).expect_err(text);
        for part in parts {
            let error = format!("{error}$");
            assert!(error.contains(part), "{text}: {error}");
        }
    };
    check("global:\n  scrape_intervall: 1s\n", &["prometheus.yml:2:3: ", "scrape_intervall"]);
    check("nonsense: 1\n", &["prometheus.yml:1:1: ", "nonsense"]);
    check("global:\n  scrape_interval: 1x\n", &["prometheus.yml:2:20: ", "1x"]);
    check(
        "global:\n  sample_limit: 1\n  sample_limit: 1\n",
        &["prometheus.yml:3:3: duplicate mapping key: sample_limit$"],
    );
    check("global: {}\n---\nglobal: {}\n", &["prometheus.yml:3:1: multiple YAML documents"]);
    check(
        "scrape_configs:\n- &a {job_name: [&b [x]]}\n",
        &["prometheus.yml:2:17: expected string scalar$"],
    );
    check("global: {scrape_protocols: [PrometheusProto]}\n", &["not built in yet"]);
    check("rule_files:\n  - a.yml\n", &["prometheus.yml:2:", "not supported yet"]);
    check("remote_write:\n  - url: http://x\n", &["prometheus.yml:2:", "not supported yet"]);
    check("tracing:\n  endpoint: x\n", &["prometheus.yml:2:", "tracing is not supported yet"]);
    check("storage:\n  tsdb:\n    out_of_order_time_window: 1h\n", &["prometheus.yml:3:", "0s"]);
    check(
        "scrape_configs:\n- job_name: a\n  static_configs: []\n- job_name: a\n",
        &["prometheus.yml:4:3: found multiple scrape configs with job name \"a\""],
    );
    check(
        "scrape_configs:\n- job_name: a\n  metrics_pth: /x\n",
        &["prometheus.yml:3:3: field metrics_pth not found in type (the nearest is metrics_path)"],
    );
    check("global:\n  scrape_interval: 5s\n  scrape_timeout: 10s\n", &["timeout greater than"]);
    check(
        "global:\n  query_log_file: x\n",
        &["prometheus.yml:2:3: global.query_log_file is not supported yet"],
    );
}

#[test]
fn empty_sections_of_parts_to_come_are_fine() {
    let text = "rule_files: []\nalerting:\nremote_write:\nremote_read: []\notlp: {}\nruntime:\n  gogc: 75\n";
    parse_text(text).unwrap();
}

#[test]
fn external_labels_know_the_environment() {
    let text = "global:\n  external_labels:\n    pod: ${POD}\n    node: $NODE\n    cluster: a\n";
    let loaded = parse_text(text).unwrap();
    assert_eq!(loaded.external_labels.to_string(), r#"{cluster="a", pod="pod-1"}"#);
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn it_prints_as_yaml_that_loads_again() {
    let text = r#"
global:
  scrape_interval: 5s
  external_labels: {pod: $POD, number: "1"}
scrape_configs:
- job_name: node
  basic_auth: {username: me, password: hunter2}
  relabel_configs:
  - source_labels: [__address__]
    regex: '(.*):\d+'
    target_label: host
  static_configs:
  - targets: ["localhost:9100", "b:1"]
    labels: {a: "yes", b: "", y: n, version: 1.10, zip: 010}
"#;
    let loaded = parse_text(text).unwrap();
    let yaml = to_yaml(&loaded);
    assert!(!yaml.contains("hunter2") && yaml.contains("password: <secret>"), "{yaml}");
    assert!(yaml.contains("  scrape_timeout: 5s\n") && yaml.contains("pod: pod-1"), "{yaml}");
    let again = parse_text(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let statics = |loaded: &Loaded| loaded.scrape_configs[0].static_configs().to_vec();
    assert_eq!(statics(&again), statics(&loaded), "{yaml}");
    assert_eq!(again.global.scrape_interval, loaded.global.scrape_interval);
    assert_eq!(to_yaml(&again), yaml);
}
