//! The section `kubernetes` beside the other sections, and values in place of a file.

use super::diff::Diff;
use super::values::load_values;
use super::*;
use ::kubernetes::values::{Options, import};
use model::relabel::Action;

fn load_text(text: &str) -> Result<Loaded, String> {
    let how = Reading {
        rules: Some(promql::Features::default()),
        replica: Some("pod-1".into()),
        own_namespace: Some("own".into()),
        shard: Some(1),
        ..Reading::default()
    };
    parse(text, "p.yml", Path::new("/etc"), &how, |_| None).map_err(|error| error.to_string())
}

#[test]
fn a_file_without_the_section_is_as_before() {
    let loaded = load_text("global: {external_labels: {a: b}}\n").unwrap();
    assert!(loaded.kubernetes.is_none());
    assert_eq!(loaded.external_labels, Labels::from_pairs([("a", "b")]));
    assert_eq!(loaded.global.scrape_interval.ms, 60_000);
    assert!(load_text("kubernetes:\n").unwrap().kubernetes.is_some());
}

#[test]
fn the_section_says_what_the_file_does_not() {
    let section = "kubernetes:\n  scrapeInterval: 10s\n  evaluationInterval: 20s\n  \
                   externalLabels: {a: x, b: y}\n  retention: 10d\n  retentionSize: 1GB\n  \
                   instance: {name: k}\n  exemplars: {maxSize: 5}\n  ruleQueryOffset: 7s\n";
    let loaded = load_text(section).unwrap();
    assert_eq!(loaded.global.scrape_interval.ms, 10_000);
    assert_eq!((loaded.evaluation_interval_ms, loaded.rule_query_offset_ms), (20_000, 7000));
    let labels = |more: [(&'static str, &'static str); 2]| {
        let own = [("prometheus", "own/k"), ("prometheus_replica", "pod-1")];
        Labels::from_pairs(own.into_iter().chain(more))
    };
    assert_eq!(loaded.external_labels, labels([("a", "x"), ("b", "y")]));
    assert_eq!(loaded.retention.unwrap().time_ms, Some(10 * 86_400_000));
    assert_eq!((loaded.retention.unwrap().bytes, loaded.max_exemplars), (Some(1 << 30), Some(5)));
    assert_eq!(loaded.alerting.alert_relabel.len(), 1, "the replica is taken off alerts");

    let file = "global: {scrape_interval: 5s, external_labels: {a: z}}\n\
                storage: {tsdb: {retention: {size: 5GB}}}\n";
    let loaded = load_text(&format!("{file}{section}")).unwrap();
    assert_eq!((loaded.global.scrape_interval.ms, loaded.evaluation_interval_ms), (5000, 20_000));
    assert_eq!(loaded.external_labels, labels([("a", "z"), ("b", "y")]));
    let retention = loaded.retention.unwrap();
    assert_eq!((retention.time_ms, retention.bytes), (None, Some(5 << 30)), "said as a whole");
    assert_eq!(load_text("kubernetes: {}").unwrap().global.scrape_interval.ms, 30_000);
}

#[test]
fn what_is_written_in_both_places_is_told() {
    let check = |file: &str, section: &str, expected: &[&str]| {
        let text = format!("global: {{{file}}}\nkubernetes: {{{section}}}\n");
        assert_eq!(load_text(&text).unwrap().warnings, expected, "{text}");
    };
    check("scrape_interval: 15s", "", &[]);
    check("", "scrapeInterval: 20s", &[]);
    let told = "kubernetes.scrapeInterval does nothing, as global.scrape_interval is written";
    check("scrape_interval: 15s", "scrapeInterval: 20s, evaluationInterval: 20s", &[told]);
}

#[test]
fn enforced_limits_hold_for_the_file_too() {
    let check = |file: &str, section: &str, expected: u64| {
        let text = format!("global: {{{file}}}\nkubernetes: {{{section}}}\n");
        assert_eq!(load_text(&text).unwrap().global.sample_limit, expected, "{text}");
    };
    check("", "", 0);
    check("", "sampleLimit: 5", 5);
    check("sample_limit: 7", "sampleLimit: 5", 7);
    check("sample_limit: 7", "enforcedSampleLimit: 5", 5);
    check("sample_limit: 3", "enforcedSampleLimit: 5", 3);
    check("", "enforcedSampleLimit: 5", 5);
    let text = "global: {body_size_limit: 2MB}\nkubernetes: {enforcedBodySizeLimit: 1MB}\n";
    assert_eq!(load_text(text).unwrap().global.body_size_limit, 1 << 20);
}

#[test]
fn alertmanagers_of_the_section_come_after_those_of_the_file() {
    let text = "alerting:\n  alert_relabel_configs: [{action: labeldrop, regex: x}]\n  \
                alertmanagers: [{static_configs: [{targets: ['a:1']}]}]\n\
                kubernetes:\n  alerting: {alertmanagers: [{name: am, port: web}]}\n  \
                additionalAlertManagerConfigs: [{static_configs: [{targets: ['b:1']}], \
                timeout: 3s}]\n  \
                additionalAlertRelabelConfigs: [{action: labeldrop, regex: y}]\n";
    let loaded = load_text(text).unwrap();
    let names: Vec<_> = loaded.alerting.sets.iter().map(|(set, _)| set.name.as_str()).collect();
    assert_eq!(names, ["config-0", "config-1", "config-2"]);
    let (set, sd) = &loaded.alerting.sets[1];
    assert_eq!((set.relabel.len(), sd.kubernetes.len()), (2, 1));
    assert!(sd.kubernetes[0].namespaces.own_namespace, "no namespace is named");
    assert_eq!(loaded.alerting.sets[2].0.timeout.as_secs(), 3);
    let rules: Vec<_> = loaded.alerting.alert_relabel.iter().map(|r| r.regex.to_string()).collect();
    assert_eq!(rules.len(), 3);
    assert!(rules[0].contains("prometheus_replica"), "{rules:?}");
    assert!(rules[2].contains('y'), "{rules:?}");
}

#[test]
fn jobs_of_the_section_are_read_strictly() {
    let text = "scrape_configs: [{job_name: a}]\nkubernetes:\n  shards: 3\n  \
                additionalScrapeConfigs:\n  - job_name: b\n  - job_name: c\n    relabel_configs:\n    \
                - {action: hashmod, modulus: 2, target_label: t}\n";
    let loaded = load_text(text).unwrap();
    let names: Vec<_> = loaded.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let hashes = |i: usize| {
        let rules = loaded.jobs[i].relabel.iter();
        rules.filter(|rule| rule.action == Action::HashMod).map(|r| r.modulus).collect::<Vec<_>>()
    };
    assert_eq!([hashes(0), hashes(1), hashes(2)], [vec![], vec![3], vec![2]]);
    let check = |section: &str, expected: &str| {
        let error =
            load_text(&format!("scrape_configs: [{{job_name: a}}]\nkubernetes:\n{section}"));
        let error = error.expect_err(section);
        assert!(error.starts_with(expected), "{error}");
    };
    check(
        "  additionalScrapeConfigs:\n  - job_name: b\n    metrics_pth: /x\n",
        "p.yml:5:5: field metrics_pth not found in type (the nearest is metrics_path)",
    );
    check(
        "  additionalScrapeConfigs:\n  - job_name: a\n",
        "p.yml:4:5: found multiple scrape configs with job name \"a\"",
    );
    check("  additionalScrapeConfigs: 5\n", "p.yml:3:28: ");
    check(
        "  scrapeIntervall: 5s\n",
        "p.yml:3:3: kubernetes.scrapeIntervall: field scrapeIntervall",
    );
    check("  remoteWrite: [a]\n", "p.yml:3:3: kubernetes.remoteWrite: sending samples on");
    check(
        "  shards: x\n  retention: y\n",
        "p.yml:3:11: kubernetes.shards: expected a whole number of 0 or more, not a text (\"x\")\n\
         p.yml:4:14: kubernetes.retention: expected a duration",
    );
    check(
        "  additionalAlertManagerConfigs: [{nonsense: 1}]\n",
        "p.yml:3:36: field nonsense not found",
    );
    check(
        "  tsdb: {outOfOrderTimeWindow: 1h}\n",
        "p.yml:3:32: kubernetes.tsdb.outOfOrderTimeWindow: samples that come late",
    );
    check(
        "  externalLabels: {a/b: c}\n  nameValidationScheme: Legacy\n",
        "p.yml:3:3: \"a/b\" is not",
    );
}

#[test]
fn rules_of_the_section_are_files_without_a_folder() {
    let text = |expr: &str| {
        format!(
            "kubernetes:\n  additionalPrometheusRulesMap:\n    asr: {{groups: [{{name: g, \
             partial_response_strategy: warn, rules: [{{record: a, expr: {expr}}}]}}]}}\n    b: \
             {{groups: []}}\n"
        )
    };
    let loaded = load_text(&text("1")).unwrap();
    let names: Vec<_> = loaded.rule_files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["additionalPrometheusRulesMap/asr", "additionalPrometheusRulesMap/b"]);
    assert_eq!(loaded.rule_files[0].groups.rule_count(), 1);
    let error = load_text(&text("'1 +'")).unwrap_err();
    let expected =
        "p.yml:3:10: additionalPrometheusRulesMap/asr: group \"g\", rule 1, \"a\": could not";
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn the_section_is_shown_and_compared_without_secrets() {
    let text = "kubernetes:\n  serviceMonitorSelector: {matchLabels: {job: y, v: 1.10}}\n  \
                ruleSelector: {matchExpressions: [{key: k, operator: Exists}]}\n  \
                additionalScrapeConfigs:\n  - job_name: b\n    basic_auth: {username: u, password: p}\n";
    let loaded = load_text(text).unwrap();
    let shown = to_yaml(&loaded, &[]);
    for part in ["job: \"y\"", "v: \"1.10\"", "key: k\n", "password: <secret>", "job_name: b"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("password: p\n"), "{shown}");
    let again = load_text(&shown).unwrap_or_else(|error| panic!("{error}: {shown}"));
    assert_eq!(to_yaml(&again, &[]), shown);
    let other = load_text(&text.replace("1.10", "1.1").replace("password: p", "password: q"));
    let diff = Diff::new(&loaded, &other.unwrap());
    assert_eq!(
        diff.settings,
        ["kubernetes.additionalScrapeConfigs", "kubernetes.serviceMonitorSelector.matchLabels.v"]
    );
    assert_eq!(diff.changed, [("b".to_owned(), vec!["basic_auth".to_owned()])]);
}

#[test]
fn values_load_to_what_their_configuration_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/kubernetes/values");
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some("yaml".as_ref()) {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let options = Options { release: Some("kps".into()), namespace: Some("m".into()) };
        let how = Reading { rules: Some(promql::Features::default()), ..Reading::default() };
        match load_values(&path, &options, &how).and_then(Loaded::refuse_unbuilt) {
            Ok(loaded) => {
                let written = import(&text, &options).unwrap().config;
                let own = parse(&written, "own.yml", Path::new(""), &how, |_| None).unwrap();
                assert_eq!(to_yaml(&own, &[]), to_yaml(&loaded, &[]), "{name}");
                assert!(Diff::new(&own, &loaded).is_empty(), "{name}");
                taken.push(name);
            }
            Err(error) => {
                assert!(error.at.is_some(), "{error}");
                refused.push(name);
            }
        }
    }
    refused.sort();
    assert_eq!(refused, ["bad-types", "foreign", "refused"]);
    assert!(taken.len() >= 12, "{taken:?}");
}

#[test]
fn errors_in_values_tell_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let check = |spec: &str, expected: &str| {
        let path = folder.path().join("v.yml");
        std::fs::write(&path, format!("prometheus:\n  prometheusSpec:\n{spec}")).unwrap();
        let how = Reading { rules: Some(promql::Features::default()), ..Reading::default() };
        let loaded = load_values(&path, &Options::default(), &how).and_then(Loaded::refuse_unbuilt);
        let error = loaded.expect_err(spec).to_string();
        assert!(error.starts_with(&format!("{}:{expected}", path.display())), "{error}");
    };
    check(
        "    additionalScrapeConfigs:\n    - job_name: a\n      static_config: []\n",
        "5:7: field static_config not found in type (the nearest is static_configs)",
    );
    check(
        "    additionalPrometheusRulesMap:\n      r: {groups: [{name: g, rules: [{record: a}]}]}\n",
        "4:",
    );
    check(
        "    tsdb: {outOfOrderTimeWindow: 1h}\n",
        "3:34: prometheus.prometheusSpec.tsdb.outOfOrderTimeWindow: samples that come late",
    );
    check("    shards: -1\n", "3:13: prometheus.prometheusSpec.shards: expected a whole number");
}
