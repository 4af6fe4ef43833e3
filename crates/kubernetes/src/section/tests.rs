//! The section, good and bad.

use super::tree::Node;
use super::{Section, Surroundings, WriteBack, Written};
use crate::resources::settings::Additional;
use std::path::Path;

fn read(text: &str) -> Result<Section, String> {
    match Section::read(text) {
        Ok(section) => Ok(section.expect("there is a section")),
        Err(faults) => Err(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

#[test]
fn a_file_may_have_no_section() {
    for text in ["", "global: {}\n", "# kubernetes:\n"] {
        assert!(matches!(Section::read(text), Ok(None)), "{text:?}");
    }
}

#[test]
fn without_a_word_everything_is_selected_and_no_file_is_open() {
    let section = read("kubernetes:\n").unwrap();
    assert!(section.settings.service_monitor_selector.is_none());
    assert!(!section.settings.files.allows(Path::new("/etc/passwd")));
    assert_eq!(section.write_back, WriteBack::Auto);
    assert_eq!(section.flags(), []);
}

#[test]
fn faults_name_path_and_place() {
    let check = |keys: &str, expected: &[&str]| {
        let error = read(&format!("global: {{}}\nkubernetes:\n{keys}")).expect_err(keys);
        assert_eq!(error.lines().collect::<Vec<_>>(), expected, "{keys}");
    };
    check(
        "  serviceMonitorSelectr: {}\n",
        &["3:3: kubernetes.serviceMonitorSelectr: field serviceMonitorSelectr not found in type \
           (the nearest is serviceMonitorSelector)"],
    );
    check(
        "  scrapeInterval: 30x\n  shards: two\n  namespaces: a\n",
        &[
            "3:19: kubernetes.scrapeInterval: expected a duration such as 30s or 15d, not a text \
             (\"30x\")",
            "4:11: kubernetes.shards: expected a whole number of 0 or more, not a text (\"two\")",
            "5:15: kubernetes.namespaces: expected a list, not a text (\"a\")",
        ],
    );
    check(
        "  scrapeClasses:\n  - name: a\n    relabelings: [{targetLable: x}]\n",
        &["5:20: kubernetes.scrapeClasses[0].relabelings[0].targetLable: field targetLable not \
           found in type (the nearest is targetLabel)"],
    );
    check(
        "  scrapeClasses:\n  - name: a\n    relabelings: [{action: zap}]\n",
        &["5:19: kubernetes.scrapeClasses[0].relabelings[0]: unknown action \"zap\""],
    );
    check(
        "  remoteWrite: [{url: http://x}]\n",
        &["3:3: kubernetes.remoteWrite: sending samples on is not built in"],
    );
    check(
        "  replicas: 2\n",
        &["3:3: kubernetes.replicas: means nothing here: it says how the pod runs, which is the \
           business of its deployment"],
    );
    check(
        "  web: {tlsConfig: {cert: {}}}\n",
        &["3:9: kubernetes.web.tlsConfig: --web.config.file says how TLS is spoken"],
    );
    check(
        "  alerting: {alertmanagers: [{name: a, port: web, sigv4: {region: x}}]}\n",
        &[
            "3:51: kubernetes.alerting.alertmanagers[0].sigv4: signing requests in the way of Amazon \
           is not built in",
        ],
    );
    check(
        "  alerting: {alertmanagers: [{name: a}]}\n",
        &["3:30: kubernetes.alerting.alertmanagers[0]: port is missing"],
    );
    check(
        "  alerting:\n    alertmanagers:\n    - {name: a, port: b, basicAuth: {username: {name: s, key: u}}}\n",
        &["5:37: kubernetes.alerting.alertmanagers[0].basicAuth: credentials of Secrets are not \
           built in for Alertmanagers; additionalAlertManagerConfigs may name files"],
    );
    check(
        "  additionalScrapeConfigs: {secret: {name: a, key: b}, configMap: {name: a, key: b}}\n",
        &["3:28: kubernetes.additionalScrapeConfigs: secret and configMap exclude each other"],
    );
    check(
        "  additionalAlertRelabelConfigs: {name: a, key: b}\n",
        &[
            "3:34: kubernetes.additionalAlertRelabelConfigs: references to Secrets are not built in \
           here; write the list in place",
        ],
    );
    check(
        "  ruleSelector: {matchExpressions: [{key: a, operator: In}, {operator: Exists}]}\n",
        &[
            "3:37: kubernetes.ruleSelector.matchExpressions[0]: In and NotIn need values",
            "3:61: kubernetes.ruleSelector.matchExpressions[1]: key is missing",
        ],
    );
    check(
        "  namespaces: [a]\n  ruleNamespaceSelector: {matchLabels: {team: x}}\n",
        &["4:26: kubernetes.ruleNamespaceSelector: labels of namespaces are not read when \
           namespaces are listed"],
    );
    check(
        "  apiServer: https://a\n  kubeconfig: /b\n",
        &["3:14: kubernetes.apiServer: apiServer and kubeconfig exclude each other"],
    );
    check(
        "  fileAccess: [certs]\n",
        &["3:15: kubernetes.fileAccess: expected folders that begin with /"],
    );
    check(
        "  fileAccess: [/certs]\n  arbitraryFSAccessThroughSMs: {deny: false}\n",
        &["3:15: kubernetes.fileAccess: fileAccess and arbitraryFSAccessThroughSMs exclude each \
           other"],
    );
    check(
        "  scrapeInterval: 10s\n  scrapeTimeout: 20s\n",
        &["4:18: kubernetes.scrapeTimeout: 20s is longer than the interval of 10s"],
    );
    check(
        "  enforcedNamespaceLabel: a-b\n",
        &["3:27: kubernetes.enforcedNamespaceLabel: this is not the name of a label"],
    );
    check(
        "  status: {writeBack: maybe}\n",
        &["3:23: kubernetes.status.writeBack: expected one of auto, off, not a text (\"maybe\")"],
    );
    check(
        "  additionalArgs: [{name: config.file, value: x}]\n",
        &["3:20: kubernetes.additionalArgs[0]: the configuration does not say where it is"],
    );
    check(
        "  sampleLimit: \"5\"\n",
        &["3:16: kubernetes.sampleLimit: expected a whole number of 0 or more, not a text (\"5\")"],
    );
}

#[test]
fn what_says_nothing_is_not_refused() {
    read("kubernetes: {remoteWrite: [], enableOTLPReceiver: false, otlp: {}, web: {tlsConfig: }}")
        .unwrap();
}

#[test]
fn values_arrive() {
    let section = read(
        "kubernetes:\n  serviceMonitorSelector: {matchLabels: {release: 1.10}}\n  \
         namespaces: [a, b]\n  instance: {namespace: m, name: k}\n  status: {writeBack: off}\n  \
         rules: {partial: true, alert: {resendDelay: 2m}}\n  fileAccess: [/certs]\n  \
         prometheusRulesExcludedFromEnforce: [{ruleNamespace: a, ruleName: b}]\n  \
         additionalScrapeConfigs: {configMap: {name: c, key: k}}\n  \
         additionalPrometheusRulesMap: {asr: {groups: [{name: g, rules: []}]}}\n  \
         enableFeatures: [a, b]\n  externalUrl: http://x/y\n  query: {maxConcurrency: 5}\n  \
         additionalArgs: [{name: web.enable-lifecycle}, {name: --log.level, value: debug}]\n",
    )
    .unwrap();
    let selector = section.settings.service_monitor_selector.as_ref().unwrap();
    assert_eq!(selector.match_labels["release"], "1.10");
    assert_eq!(section.connection.namespaces, ["a", "b"]);
    assert_eq!((section.instance.namespace.as_str(), section.instance.name.as_str()), ("m", "k"));
    assert_eq!((section.write_back, section.partial_rules), (WriteBack::Off, true));
    assert!(section.settings.files.allows(Path::new("/certs/a.pem")));
    assert!(!section.settings.files.allows(Path::new("/certs/../a.pem")));
    assert_eq!(section.settings.excluded_from_enforcement[0].name, "b");
    assert!(matches!(section.settings.additional_scrape_configs, Some(Additional::ConfigMap(_))));
    assert_eq!(section.additional_rules[0].name, "asr");
    let flags: Vec<_> = section.flags().into_iter().map(|(f, v)| format!("{f}={v}")).collect();
    assert_eq!(
        flags,
        [
            "web.external-url=http://x/y",
            "web.route-prefix=/",
            "query.max-concurrency=5",
            "rules.alert.resend-delay=2m",
            "enable-feature=a,b",
            "web.enable-lifecycle=true",
            "log.level=debug",
        ]
    );
}

#[test]
fn files_are_open_when_somebody_says_so() {
    let check = |keys: &str, expected: bool| {
        let files = read(&format!("kubernetes: {{{keys}}}")).unwrap().settings.files;
        assert_eq!(files.allows(Path::new("/a/b")), expected, "{keys}");
    };
    check("", false);
    check("arbitraryFSAccessThroughSMs: {deny: true}", false);
    check("arbitraryFSAccessThroughSMs: {deny: false}", true);
    check("arbitraryFSAccessThroughSMs: {}", true);
    check("fileAccess: []", false);
    check("fileAccess: [/a]", true);
    check("fileAccess: [/b]", false);
}

#[test]
fn what_has_a_place_in_the_file_goes_there() {
    let section = read(
        "kubernetes:\n  externalLabels: {cluster: 010}\n  retention: 10d\n  retentionSize: 50GB\n  \
         enforcedSampleLimit: 100\n  sampleLimit: 500\n  nameEscapingScheme: AllowUTF8\n  \
         instance: {namespace: mon, name: k}\n  exemplars: {maxSize: 7}\n  \
         alerting: {alertmanagers: [{name: am, port: web, pathPrefix: /x, timeout: 3s}, \
         {namespace: other, name: am, port: 9093}]}\n",
    )
    .unwrap();
    let expected = "\
global:
  scrape_interval: 30s
  external_labels:
    cluster: \"010\"
    prometheus: mon/k
    prometheus_replica: pod-0
  sample_limit: 100
  evaluation_interval: 30s
  metric_name_escaping_scheme: allow-utf-8
storage:
  tsdb:
    retention:
      time: 10d
      size: 50GB
  exemplars:
    max_exemplars: 7
alerting:
  alert_relabel_configs:
  - action: labeldrop
    regex: prometheus_replica
  alertmanagers:
  - path_prefix: /x
    timeout: 3s
    api_version: v2
    kubernetes_sd_configs:
    - role: endpoints
      namespaces:
        names:
        - mon
    relabel_configs:
    - source_labels:
      - __meta_kubernetes_service_name
      action: keep
      regex: am
    - source_labels:
      - __meta_kubernetes_endpoint_port_name
      action: keep
      regex: web
  - api_version: v2
    kubernetes_sd_configs:
    - role: endpoints
      namespaces:
        names:
        - other
    relabel_configs:
    - source_labels:
      - __meta_kubernetes_service_name
      action: keep
      regex: am
    - source_labels:
      - __meta_kubernetes_pod_container_port_number
      action: keep
      regex: \"9093\"
";
    let around = Surroundings { replica: Some("pod-0"), namespace: Some("unused") };
    assert_eq!(section.to_file(around), expected);
}

#[test]
fn trees_are_written_as_they_were_read() {
    let check = |text: &str, expected: &str| {
        let tree = Node::read(text).unwrap();
        let written = Written::new(&tree);
        assert_eq!(written.text, expected, "{text}");
        let again = Node::read(&written.text).unwrap();
        assert_eq!(Written::new(&again).text, expected, "{text}");
        assert_eq!(again.to_value(), tree.to_value(), "{text}");
    };
    check("a: 010", "a: 010\n");
    check("a: '010'", "a: \"010\"\n");
    check(
        "{a: yes, b: \"yes\", c: null, d: [], e: {}}",
        "a: yes\nb: \"yes\"\nc: null\nd: []\ne: {}\n",
    );
    check("a: |\n  x\n  y: z\n", "a: \"x\\ny: z\\n\"\n");
    check("- [a, {b: c, d: [e]}]\n- 1", "- - a\n  - b: c\n    d:\n      - e\n- 1\n");
    check(
        "a: &x {b: 1.50}\nc: *x\n\"y\": 'it''s'",
        "a:\n  b: 1.50\nc:\n  b: 1.50\n\"y\": \"it's\"\n",
    );
    check("a: two\n  lines", "a: \"two lines\"\n");
    check("", "null\n");
    check("x", "x\n");
}

#[test]
fn lines_know_where_they_come_from() {
    let text = "top:\n    - {a: 1,   bcd: [x, y]}\n";
    let written = Written::new(&Node::read(text).unwrap());
    assert_eq!(written.text, "top:\n  - a: 1\n    bcd:\n      - x\n      - y\n");
    let check = |at, expected| assert_eq!(written.origin(at), expected, "{at:?}");
    check((1, 1), Some((1, 1)));
    check((2, 5), Some((2, 8)));
    check((2, 8), Some((2, 11)));
    check((3, 5), Some((2, 16)));
    check((5, 9), Some((2, 25)));
    check((9, 1), None);
}
