//! What the Operator made of objects, through all that is done with objects of a cluster.

use super::*;
use kubernetes::Resources;
use kubernetes::jobs::{Written, render};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of collected pairs, if it is there.
fn pairs() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or(default, PathBuf::from);
    let cases = folder.join("prometheus-operator/cases");
    if !cases.is_dir() {
        println!("skipped: plans of custom resources: no folder {}", cases.display());
        return None;
    }
    Some(cases)
}

/// Takes away what the Operator forgets: the enforced label of targets of a ScrapeConfig without rules.
fn forgetful(mut job: Value, as_rendered: &Value, label: &str) -> Value {
    let steps = |job: &Value| job["relabel_configs"].as_array().map_or(0, Vec::len);
    let is_longer = steps(&job) > steps(as_rendered);
    let is_of_config =
        job["job_name"].as_str().is_some_and(|name| name.starts_with("scrapeConfig/"));
    if let Some(steps) = job.get_mut("relabel_configs").and_then(Value::as_array_mut)
        && is_longer
        && is_of_config
        && !label.is_empty()
    {
        steps.retain(|step| step["target_label"] != label);
    }
    job
}

/// What the text of a job keeps to itself, as it is rendered.
fn completed(planned: Value, rendered: &Value) -> Value {
    match planned {
        Value::String(text) if text == "<secret>" => rendered.clone(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let value = completed(value, &rendered[&key]);
                (key, value)
            })
            .collect(),
        Value::Array(list) => {
            list.into_iter().enumerate().map(|(i, value)| completed(value, &rendered[i])).collect()
        }
        other => other,
    }
}

type Values = BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>;

/// The job with its secrets in place, as the Operator writes it.
fn revealed(job: &str, secrets: &Values) -> Value {
    fn reveal(value: Value, secrets: &Values) -> Value {
        let Value::Object(map) = value else {
            return match value {
                Value::Array(list) => {
                    list.into_iter().map(|value| reveal(value, secrets)).collect()
                }
                other => other,
            };
        };
        let shown = map.into_iter().map(|(key, value)| {
            let path = value.as_str().and_then(|path| path.strip_prefix("/kubernetes/"));
            let Some(path) = path else { return (key, reveal(value, secrets)) };
            let parts: Vec<&str> = path.split('/').collect();
            let [folder, namespace, name, item] = parts[..] else { panic!("odd path {path}") };
            if ["ca_file", "cert_file", "key_file"].contains(&key.as_str()) {
                let kind = u8::from(folder == "configmap");
                let path = format!("/etc/prometheus/certs/{kind}_{namespace}_{name}_{item}");
                return (key, path.into());
            }
            assert_eq!(folder, "secret");
            let value = &secrets[&(namespace.to_owned(), name.to_owned())][item];
            let key = key.strip_suffix("_file").expect("is a file").to_owned();
            (key, String::from_utf8(value.clone()).expect("is text").into())
        });
        shown.collect()
    }
    reveal(serde_json::from_str(job).expect("is JSON"), secrets)
}

/// What all documents of a text together say of each Secret and ConfigMap.
fn held_by(holder: Holder, all: &Values) -> Vec<News> {
    use base64::Engine as _;
    let news = all.iter().map(|((namespace, name), values)| {
        let encode = |value: &Vec<u8>| base64::prelude::BASE64_STANDARD.encode(value);
        let data: BTreeMap<_, _> = values.iter().map(|(key, v)| (key, encode(v))).collect();
        let values = if holder == Holder::Secret {
            let text = serde_json::json!({ "data": data }).to_string();
            let secret: SecretData = serde_json::from_str(&text).expect("is a Secret");
            (&secret).into()
        } else {
            let text = serde_json::json!({ "binaryData": data }).to_string();
            let map: ConfigMapData = serde_json::from_str(&text).expect("is a ConfigMap");
            (&map).into()
        };
        let (namespace, name) = (namespace.clone(), name.clone());
        let reference = Reference { holder, namespace, name };
        News::Reference(reference, Standing::There(Arc::new(values)))
    });
    news.collect()
}

#[test]
fn the_operators_pairs_are_planned() {
    let Some(cases) = pairs() else { return };
    let mut folders: Vec<_> = std::fs::read_dir(cases)
        .expect("can be read")
        .map(|entry| entry.expect("can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let (mut same, mut incomplete, mut failed) = (0, Vec::new(), Vec::new());
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(folder.join("input.yaml")).expect("can be read");
        let mut resources = Resources::default();
        resources.add_text(&text).expect("is YAML");
        let written = Written::new(&resources);
        let rendered = render(&resources, &written).expect("settings are valid");
        let settings = resources.settings.clone().unwrap_or_default();
        // Every object counts when jobs are rendered.
        let written_settings = settings.spec;
        let settings_of_all = Settings {
            service_monitor_selector: None,
            pod_monitor_selector: None,
            probe_selector: None,
            scrape_config_selector: None,
            service_monitor_namespace_selector: None,
            pod_monitor_namespace_selector: None,
            probe_namespace_selector: None,
            scrape_config_namespace_selector: None,
            ..written_settings
        };
        let label = settings_of_all.enforced_namespace_label.clone();
        let section = Section { settings: settings_of_all, ..Section::default() };
        let namespace = settings.metadata.namespace;
        let mut bench = Bench::of(Options { section: Arc::new(section), namespace, ..options("") });
        bench.apply(&text);
        bench.tell(held_by(Holder::Secret, &resources.secrets));
        bench.tell(held_by(Holder::ConfigMap, &resources.config_maps));
        let plan = bench.plan();
        if !written.missing().is_empty() {
            incomplete.push(name);
            continue;
        }
        let rendered: Vec<Value> = rendered
            .jobs
            .iter()
            .map(|job| {
                let text = serde_json::to_string(job).expect("is a tree");
                let text = text.replace("$(SHARD)", "0");
                serde_json::from_str(&text).expect("is JSON")
            })
            .collect();
        let planned: Vec<Value> = plan
            .jobs
            .iter()
            .enumerate()
            .map(|(i, job)| {
                let rendered = rendered.get(i).unwrap_or(&Value::Null);
                let job = revealed(&job.text, &resources.secrets);
                completed(forgetful(job, rendered, &label), rendered)
            })
            .collect();
        if planned == rendered && plan.troubles.is_empty() {
            same += 1;
            continue;
        }
        let verdicts: Vec<_> = plan
            .objects
            .iter()
            .filter(|(_, state)| !matches!(state.verdict, Some(Verdict::Accepted(_))))
            .map(|(object, state)| format!("{object} {:?}", state.verdict))
            .collect();
        let jobs = planned.iter().zip(&rendered).find(|(planned, rendered)| planned != rendered);
        failed.push(format!("{name}: {verdicts:?} {:?}\n  {jobs:?}", plan.troubles));
    }
    println!("plans: {same} as rendered, {} that lack something", incomplete.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(same > 100, "{incomplete:?}");
}
