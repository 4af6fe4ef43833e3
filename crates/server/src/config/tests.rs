//! Files good and bad.

use super::*;

fn parse_text(text: &str) -> Result<Loaded, String> {
    let variable = |name: &str| (name == "POD").then(|| "pod-1".to_owned());
    parse(text, "prometheus.yml", Path::new("/etc"), &Reading::default(), variable)
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
    check(
        "global: {sample_limit: \"5\"}\n",
        &["1:24: expected a whole number of 0 or more, not a text in quotes$"],
    );
    check("runtime: {gogc: off}\n", &["1:17: expected a whole number$"]);
    check("scrape_configs: [{honor_labels: 1}]\n", &["1:33: expected true or false$"]);
    check("scrape_configs: {job_name: a}\n", &["1:17: expected a list$"]);
    check("global: 5\n", &["1:9: expected a map$"]);
    check("global: {? : 1}\n", &["1:12: expected a text, not null$"]);
    check("global: &a {external_labels: *a}\n", &["1:30: an anchor holds itself$"]);
    check("global: {scrape_protocols: [Proto]}\n", &["unknown scrape protocol Proto"]);
    check("rule_files:\n  - '*/a.yml'\n", &["prometheus.yml:2:5: invalid rule file path"]);
    check("remote_write:\n  - name: a\n", &["prometheus.yml:2:5: url for remote_write is empty$"]);
    check(
        "remote_write:\n- url: http://x\n  queue_config: {capacty: 1}\n",
        &["prometheus.yml:3:18: field capacty not found in type (the nearest is capacity)$"],
    );
    check(
        "remote_write:\n- {url: http://x, name: a}\n- {url: http://y, name: a}\n",
        &["prometheus.yml:3:3: found multiple remote write configs with job name \"a\"$"],
    );
    check("remote_write: [null]\n", &["prometheus.yml:1:16: empty or null remote write config"]);
    check(
        "remote_write:\n- url: http://x\n  sigv4: {}\n  google_iam: {}\n",
        &["2:3: at most one of", "Currently configured: [sigv4 google_iam]$"],
    );
    check(
        "remote_write:\n- url: http://x\n  azuread: {sdk: {}, oauth: {}}\n",
        &["2:3: cannot provide multiple authentication methods in the Azure AD config$"],
    );
    check(
        "remote_write:\n- url: http://x\n  queue_config: {max_backoff: 1ms}\n",
        &["2:3: remote write queue max_backoff must not be less than min_backoff$"],
    );
    check("tracing:\n  client_type: tcp\n", &["prometheus.yml:2:16: expected tracing client type"]);
    check("tracing: {}\n", &["prometheus.yml:1:10: tracing endpoint must be set$"]);
    check(
        "storage:\n  tsdb:\n    out_of_order_time_window: 1x\n",
        &["prometheus.yml:3:31: unknown unit"],
    );
    check(
        "storage: {tsdb: {chunk_encoding: {floats: gorilla}}}\n",
        &["prometheus.yml:1:43: 'storage.tsdb.chunk_encoding.floats' must be"],
    );
    check("storage: {tsdb: {retention: {percentage: .nan}}}\n", &["in the range [0, 100]"]);
    check(
        "alerting:\n  alertmanagers:\n  - static_configs: [{targets: ['http://a']}]\n",
        &["prometheus.yml:3:5: \"http://a\" is not a valid hostname$"],
    );
    check(
        "alerting:\n  alertmanagers:\n  - basic_auth: {username: a}\n    sigv4: {}\n",
        &["prometheus.yml:3:5: at most one of basic_auth, authorization, oauth2, & sigv4"],
    );
    check("alerting: {alert_relabel_configs: [null]}\n", &["prometheus.yml:1:11: empty or null"]);
    check(
        "scrape_configs:\n- job_name: a\n  static_configs: []\n- job_name: a\n",
        &["prometheus.yml:4:3: found multiple scrape configs with job name \"a\""],
    );
    check(
        "scrape_configs:\n- job_name: a\n  metrics_pth: /x\n",
        &["prometheus.yml:3:3: field metrics_pth not found in type (the nearest is metrics_path)"],
    );
    check("global:\n  scrape_interval: 5s\n  scrape_timeout: 10s\n", &["timeout greater than"]);
}

#[test]
fn what_is_not_built_is_valid_but_refused_with_its_place() {
    let check = |text: &str, expected: &str| {
        let loaded = parse_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let error = loaded.refuse_unbuilt().expect_err(text).to_string();
        assert_eq!(error, format!("prometheus.yml:{expected} is not built in"));
    };
    check("remote_write:\n  - url: http://x\n", "2:5: remote_write");
    check("remote_read:\n  - url: http://x\n", "2:5: remote_read");
    check("tracing:\n  endpoint: x\n", "2:3: tracing");
    check("alerting:\n  alertmanagers: [{sigv4: {}}]\n", "2:27: sigv4 (alerting)");
    check(
        "storage:\n  tsdb:\n    out_of_order_time_window: 1h\n",
        "3:31: storage.tsdb.out_of_order_time_window above 0s",
    );
}

#[test]
fn alerting_has_its_defaults() {
    let text = "
global: {rule_query_offset: 30s}
alerting:
  alert_relabel_configs: [{regex: replica, action: labeldrop}]
  alertmanagers:
  - static_configs: [{targets: ['a:1']}]
  - scheme: https
    path_prefix: /am
    timeout: 3s
    basic_auth: {username: u, password_file: secret}
    relabel_configs: [{action: keep, source_labels: [x], regex: y}]
    alert_relabel_configs: [{target_label: a, replacement: b}]
    file_sd_configs: [{files: [am.yml]}]
";
    let loaded = parse_text(text).unwrap().refuse_unbuilt().unwrap();
    assert_eq!(loaded.rule_query_offset_ms, 30_000);
    assert_eq!(loaded.alerting.alert_relabel.len(), 1);
    let [(first, first_sd), (second, second_sd)] = loaded.alerting.sets.as_slice() else {
        panic!("two sets")
    };
    assert_eq!((first.name.as_str(), second.name.as_str()), ("config-0", "config-1"));
    assert_eq!((first.scheme.as_str(), first.path_prefix.as_str()), ("http", ""));
    assert_eq!((second.scheme.as_str(), second.path_prefix.as_str()), ("https", "/am"));
    assert_eq!((first.timeout.as_secs(), second.timeout.as_secs()), (10, 3));
    assert_eq!((second.relabel.len(), second.alert_relabel.len()), (1, 1));
    assert_eq!(first_sd.written[0].targets, ["a:1"]);
    assert_eq!(second_sd.file[0].files, ["/etc/am.yml"]);
    assert!(format!("{:?}", second.http).contains("/etc/secret"), "{:?}", second.http);
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
    let yaml = to_yaml(&loaded, &[]);
    assert!(!yaml.contains("hunter2") && yaml.contains("password: <secret>"), "{yaml}");
    assert!(yaml.contains("  scrape_timeout: 5s\n") && yaml.contains("pod: pod-1"), "{yaml}");
    let again = parse_text(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
    let statics = |loaded: &Loaded| loaded.scrape_configs[0].sd().written.clone();
    assert_eq!(statics(&again), statics(&loaded), "{yaml}");
    assert_eq!(again.global.scrape_interval, loaded.global.scrape_interval);
    assert_eq!(to_yaml(&again, &[]), yaml);
}

#[test]
fn differences_are_names() {
    let check = |old: &str, new: &str, expected: diff::Diff| {
        let parse = |text| parse_text(text).unwrap();
        assert_eq!(diff::Diff::new(&parse(old), &parse(new)), expected, "{old} {new}");
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let none = diff::Diff::default;
    check("", "", none());
    check("", "global:\n# nothing\n", none());
    check(
        "scrape_configs: [{job_name: a}]",
        "scrape_configs: [{job_name: a, scheme: http}]",
        none(),
    );
    let interval = |text: &str| format!("global: {{scrape_interval: {text}}}\n");
    let settings = names(&["global.scrape_interval"]);
    check(&interval("2m"), &interval("3m"), diff::Diff { settings, ..none() });
    let jobs = "scrape_configs: [{job_name: b}, {job_name: a, scrape_interval: 1m}]";
    let changed = vec![("b".to_owned(), names(&["scrape_interval"]))];
    let settings = names(&["global.scrape_interval"]);
    check(jobs, &format!("{}{jobs}", interval("2m")), diff::Diff { changed, settings, ..none() });
    let jobs = "scrape_configs: [{job_name: c}, {job_name: a, bearer_token: x}]";
    check(
        "scrape_configs: [{job_name: b}, {job_name: a, bearer_token: y}]",
        jobs,
        diff::Diff {
            added: names(&["c"]),
            removed: names(&["b"]),
            changed: vec![("a".to_owned(), names(&["authorization"]))],
            ..none()
        },
    );
    let alerting = |target: &str| {
        format!("alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n")
    };
    let settings = names(&["alerting.alertmanagers"]);
    check(&alerting("a:1"), &alerting("b:1"), diff::Diff { settings, ..none() });
    let retention = "storage: {tsdb: {retention: {time: 1d}}}";
    let settings = names(&["storage.tsdb.retention.time"]);
    check("", retention, diff::Diff { settings, ..none() });
}

#[test]
fn differences_of_rules_are_names_of_files_and_groups() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("p.yml", "rule_files: ['*.rules']\n");
    let group = |name: &str, expr: &str| {
        format!("- name: {name}\n  rules: [{{record: r, expr: '{expr}'}}]\n")
    };
    let file = |groups: &[String]| format!("groups:\n{}", groups.concat());
    let reading = Reading { rules: Some(promql::Features::default()), ..Reading::default() };
    let loaded = || load(&folder.path().join("p.yml"), &reading).unwrap();
    write("a.rules", &file(&[group("one", "a+b"), group("two", "b"), group("three", "c")]));
    write("b.rules", &file(&[group("one", "a")]));
    let old = loaded();
    assert!(diff::Diff::new(&old, &old).is_empty());

    // Where a group stands, and how its queries are spaced, is no difference.
    write("a.rules", &file(&[group("two", "c"), group("one", "a + b"), group("four", "d")]));
    std::fs::rename(folder.path().join("b.rules"), folder.path().join("c.rules")).unwrap();
    let rules = diff::Diff::new(&old, &loaded()).rules;
    let of = |file: &str, rest: &str| vec![format!("{}/{file}{rest}", folder.path().display())];
    let expected = diff::RulesDiff {
        added_files: of("c.rules", ""),
        removed_files: of("b.rules", ""),
        added: of("a.rules", ";four"),
        removed: of("a.rules", ";three"),
        changed: of("a.rules", ";two"),
    };
    assert_eq!(rules, expected);
}
