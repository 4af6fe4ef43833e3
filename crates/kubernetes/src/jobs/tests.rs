//! Objects and the jobs that the Operator made of them.

use super::{Rendered, Written, render};
use crate::resources::Resources;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn rendered(text: &str) -> Rendered {
    let mut resources = Resources::default();
    resources.add_text(text).expect("is YAML");
    assert_eq!(resources.unreadable, []);
    render(&resources, &Written::new(&resources)).expect("our own settings are valid")
}

/// The folder of collected pairs, if it is there.
fn pairs() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or(default, PathBuf::from);
    let cases = folder.join("prometheus-operator/cases");
    if !cases.is_dir() {
        println!("skipped: jobs of custom resources: no folder {}", cases.display());
        return None;
    }
    Some(cases)
}

/// One form for what is equal: empty lists and maps as if they were not there, numbers as text.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key, plain(value)))
            .filter(|(_, value)| match value {
                Value::Null => false,
                Value::Array(list) => !list.is_empty(),
                Value::Object(map) => !map.is_empty(),
                _ => true,
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(plain).collect(),
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    }
}

/// What of two configurations is to be the same.
fn compared(text: &str) -> Vec<(String, Value)> {
    let mut all: Value = serde_saphyr::from_str(text).expect("is YAML");
    let jobs = all["scrape_configs"].take();
    let mut parts: Vec<(String, Value)> = jobs
        .as_array()
        .into_iter()
        .flatten()
        .map(|job| (job["job_name"].to_string(), plain(job.clone())))
        .collect();
    parts.push(("global".into(), plain(all["global"].take())));
    parts
}

#[test]
fn the_operators_pairs() {
    let Some(cases) = pairs() else { return };
    let mut folders: Vec<_> = std::fs::read_dir(cases)
        .expect("can be read")
        .map(|entry| entry.expect("can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let (mut passed, mut failed) = (0, Vec::new());
    for folder in folders {
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("can be read");
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let out = rendered(&read("input.yaml"));
        let (got, expected) = (compared(&out.to_yaml()), compared(&read("expected.yaml")));
        if got == expected && out.rejected.is_empty() {
            passed += 1;
            continue;
        }
        let mut text = format!("{name}: {:?}\n", out.rejected);
        for (got, expected) in got.iter().zip(&expected).filter(|(got, expected)| got != expected) {
            text += &format!("  got      {}\n  expected {}\n", got.1, expected.1);
        }
        failed.push(text);
    }
    println!("jobs of custom resources: {passed} passed, {} failed", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// An object with a spec.
fn object(kind: &str, spec: &str) -> String {
    let spec: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    format!("kind: {kind}\nmetadata: {{name: one, namespace: here}}\nspec:\n{spec}")
}

#[test]
fn what_is_not_valid_is_rejected_and_hurts_no_other() {
    let check = |kind: &str, spec: &str, expected: &str| {
        let text = format!("{}---\n{}", object(kind, spec), good());
        let out = rendered(&text);
        let reasons: Vec<_> = out.rejected.iter().map(ToString::to_string).collect();
        assert_eq!(reasons, [format!("{kind} here/one: {expected}")], "{spec}");
        assert_eq!(out.jobs.len(), 1, "{spec}");
    };
    let endpoint = |keys: &str, expected: &str| {
        let spec = format!("endpoints:\n- port: web\n- {keys}");
        check("ServiceMonitor", &spec, &format!("endpoints[1]: {expected}"));
        let spec = format!("podMetricsEndpoints:\n- port: web\n- {keys}");
        check("PodMonitor", &spec, &format!("podMetricsEndpoints[1]: {expected}"));
    };
    endpoint("scheme: ftp", "scheme: \"ftp\" is neither http nor https");
    endpoint(
        "{interval: 10s, scrapeTimeout: 11s}",
        "scrapeTimeout: 11s is longer than the interval of 10s",
    );
    endpoint("scrapeTimeout: 31s", "scrapeTimeout: 31s is longer than the interval of 30s");
    endpoint("interval: soon", "interval: not a valid duration string: \"soon\"");
    endpoint(
        "relabelings: [{action: replace}]",
        "relabelings[0]: action replace needs a targetLabel",
    );
    endpoint("metricRelabelings: [{action: zap}]", "metricRelabelings[0]: unknown action \"zap\"");
    endpoint(
        "relabelings: [{action: labeldrop, sourceLabels: [a]}]",
        "relabelings[0]: action labeldrop takes regex only",
    );
    endpoint("noProxy: localhost", "noProxy: needs proxyUrl");
    endpoint(
        "basicAuth: {username: {name: none, key: user}}",
        "basicAuth.username: Secret here/none does not exist",
    );
    endpoint(
        "authorization: {credentials: {name: token, key: none}}",
        "authorization.credentials: Secret here/token has no key \"none\"",
    );
    endpoint(
        "authorization: {type: basic, credentials: {name: token, key: text}}",
        "authorization.type: Basic is asked for by basicAuth",
    );
    endpoint(
        "{authorization: {credentials: {name: token, key: text}}, \
         bearerTokenSecret: {name: token, key: text}}",
        "at most one of authorization, basicAuth, bearerTokenSecret and oauth2 may be set",
    );
    endpoint(
        "tlsConfig: {keySecret: {name: token, key: text}}",
        "tlsConfig: certificate and key go together",
    );
    endpoint("tlsConfig: {minVersion: TLS9}", "tlsConfig: \"TLS9\" is not a version of TLS");
    check(
        "ServiceMonitor",
        "scrapeClass: none\nendpoints: [{}]",
        "scrapeClass: there is no class \"none\"",
    );
    check(
        "ServiceMonitor",
        "selector: {matchExpressions: [{key: a, operator: Like}]}\nendpoints: [{}]",
        "endpoints[0]: selector: \"Like\" is not an operator",
    );
    check(
        "Probe",
        "prober: {url: \"http://prober\"}",
        "prober.url: \"http://prober\" is not host or host:port",
    );
    check(
        "ScrapeConfig",
        "scrapeProtocols: [Carrier]",
        "scrapeProtocols: \"Carrier\" is none of PrometheusProto, OpenMetricsText0.0.1, \
         OpenMetricsText1.0.0, PrometheusText0.0.4, PrometheusText1.0.0",
    );
    check(
        "ScrapeConfig",
        "kubernetesSDConfigs: [{role: Pod}, {apiServer: a, namespaces: {ownNamespace: true}}]",
        "kubernetesSDConfigs[1].apiServer: excludes namespaces.ownNamespace",
    );
}

/// A monitor that is valid, and a Secret.
fn good() -> String {
    let secret = "kind: Secret\nmetadata: {name: token, namespace: here}\ndata: {text: c2VjcmV0}\n";
    let monitor = object("PodMonitor", "podMetricsEndpoints: [{port: web}]");
    format!("{}---\n{secret}", monitor.replace("name: one", "name: good"))
}

#[test]
fn objects_come_in_many_ways() {
    let mut resources = Resources::default();
    let list = r#"{"kind":"List","items":[
        {"kind":"ServiceMonitor","metadata":{"name":"a"},"spec":{"endpoints":[{"port":null}]}},
        {"kind":"ServiceMonitor","metadata":{"name":"b"},"spec":{"endpoints":[{"port":{}}]}},
        {"kind":"ConfigMap","metadata":{"name":"c"},"data":{"k":"v"},"binaryData":{"b":"AAE="}},
        {"kind":"Service","metadata":{"name":"d"}},
        {"kind":"ScrapeConfig","metadata":{"name":"e"},"apiVersion":"configs.example.com/v1"},
        {"kind":"Secret","metadata":{"name":"f"},"apiVersion":"v1"}, "text"]}"#;
    resources.add_text(list).expect("is YAML");
    resources
        .add_text("---\n---\nkind: Secret\nmetadata: {name: s}\ndata: {k: '%'}\n")
        .expect("is YAML");
    assert_eq!(resources.service_monitors.len(), 1);
    assert_eq!(resources.service_monitors[0].metadata.to_string(), "default/a");
    let values = &resources.config_maps[&("default".into(), "c".into())];
    assert_eq!((values["k"].as_slice(), values["b"].as_slice()), (&b"v"[..], &[0, 1][..]));
    let others: Vec<_> = resources.others.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    // Another group's kind of that name is none of ours.
    assert_eq!(others, ["1 (no object)", "1 ScrapeConfig.configs.example.com", "1 Service"]);
    let unreadable: Vec<_> = resources.unreadable.iter().map(ToString::to_string).collect();
    assert_eq!(unreadable.len(), 2);
    assert!(unreadable[0].starts_with("ServiceMonitor default/b: "), "{}", unreadable[0]);
    assert_eq!(unreadable[1], "Secret default/s: data.k is not base64");
    assert!(resources.add_text("a: [").is_err());
}

#[test]
fn discovery_that_is_not_built_in_is_told() {
    let out =
        rendered(&object("ScrapeConfig", "ec2SDConfigs: [{}]\nstaticConfigs: [{targets: [a]}]"));
    assert_eq!(out.jobs.len(), 1);
    assert_eq!(out.warnings, ["ScrapeConfig here/one: ec2SDConfigs is not built in, and left out"]);
}

#[test]
fn files_may_be_named_where_that_is_allowed() {
    use crate::resources::settings::FileAccess;
    use crate::resources::{Object, ServiceMonitor, Settings};
    let mapped = |files: &FileAccess, endpoint: &str| {
        let settings = Settings { files: files.clone(), ..Settings::default() };
        let resources = Resources::default();
        let assets = Written::new(&resources);
        let mapper = super::Mapper::new(&settings, &assets).expect("is valid");
        let text = object("ServiceMonitor", &format!("endpoints: [{endpoint}]"));
        let monitor: Object<ServiceMonitor> = serde_saphyr::from_str(&text).expect("is one");
        mapper.service_monitor(&monitor).map(|mapped| mapped.jobs.len())
    };
    let check = |files: &FileAccess, endpoint: &str, expected: Result<usize, &str>| {
        let mapped = mapped(files, endpoint);
        let outcome = mapped.as_ref().map(|jobs| *jobs).map_err(|invalid| invalid.message.as_str());
        assert_eq!(outcome, expected, "{endpoint}");
        assert!(!mapped.is_err_and(|invalid| !invalid.is_file_denied), "{endpoint}");
    };
    let any = FileAccess::default();
    let none = FileAccess { deny: true, ..FileAccess::default() };
    let some = FileAccess { deny: false, below: vec!["/certs".into()] };
    let ca = "tlsConfig: {caFile: /certs/ca}";
    check(&any, ca, Ok(1));
    check(&some, ca, Ok(1));
    let denied = "endpoints[0]: tlsConfig.caFile: files of this machine may not be named";
    check(&none, ca, Err(denied));
    let pair = "tlsConfig: {certFile: /certs/a, keyFile: /etc/b}";
    check(&some, pair, Err("endpoints[0]: tlsConfig.keyFile: /etc/b is not in /certs"));
    let token = "bearerTokenFile: /certs/../etc/token";
    let outside = "endpoints[0]: bearerTokenFile: /certs/../etc/token is not in /certs";
    check(&some, token, Err(outside));
    // What others keep secret in the cluster.
    let secret = "bearerTokenFile: /kubernetes/secret/other/token/text";
    let denied = "endpoints[0]: bearerTokenFile: files of this machine may not be named";
    check(&any, secret, Err(denied));
}

#[test]
fn what_is_looked_at_all_follows_the_selector() {
    use crate::resources::{Object, PodMonitor, Settings};
    let check = |selector: &str, expected: Option<&str>| {
        let settings = Settings::default();
        let resources = Resources::default();
        let assets = Written::new(&resources);
        let mapper = super::Mapper::new(&settings, &assets).expect("is valid");
        let text = object("PodMonitor", &format!("{selector}\npodMetricsEndpoints: [{{}}]"));
        let monitor: Object<PodMonitor> = serde_saphyr::from_str(&text).expect("is one");
        let preselect = mapper.pod_monitor(&monitor).expect("is valid").preselect;
        let texts = preselect.map(|preselect| {
            let texts =
                preselect.requirements.iter().map(|r| format!("{} {:?}", r.key, r.condition));
            texts.collect::<Vec<_>>().join(", ")
        });
        assert_eq!(texts.as_deref(), expected, "{selector}");
    };
    check("selector: {}", Some(""));
    check("selector: {matchLabels: {a: b}}", Some(r#"a In(["b"])"#));
    check(
        "selector: {matchExpressions: [{key: a, operator: NotIn, values: [b, c]}, \
         {key: d, operator: Exists}, {key: e, operator: DoesNotExist}]}",
        Some(r#"a NotIn(["b", "c"]), d Exists, e Absent"#),
    );
    check("selectorMechanism: RoleSelector\nselector: {matchLabels: {a: b}}", None);
}
