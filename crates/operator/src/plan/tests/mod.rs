//! The plan: of news that are told, and of a cluster on loopback.

mod book;
mod cluster;
mod goldens;

use super::book::{Book, News};
use super::references::{ConfigMapData, Holder, Reference, SecretData, Standing};
use super::resource::Resource;
use super::select::Namespaces;
use super::*;
use ::cluster::watch::{Held, ObjectVersion};
use client::files::Vault;
use kubernetes::resources::{Custom, Settings};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// Options of some settings, which may name no files.
fn options(settings: &str) -> Options {
    let mut section = Section::default();
    let written: Option<Settings> = serde_saphyr::from_str(settings).expect("are settings");
    section.settings = Settings { files: section.settings.files, ..written.unwrap_or_default() };
    Options {
        section: Arc::new(section),
        namespace: "monitoring".into(),
        global: scrape::Global::default(),
        rules: rules::file::Options::default(),
        shard: 0,
        taken: Arc::default(),
    }
}

/// A book whose kinds are all there, and what it is told by hand.
struct Bench {
    book: Book,
    metrics: Arc<Metrics>,
    vault: Vault,
    now: Instant,
    versions: u64,
}

impl Bench {
    fn new(settings: &str) -> Self {
        Self::of(options(settings))
    }

    fn of(options: Options) -> Self {
        let (metrics, vault) = (Arc::new(Metrics::default()), Vault::default());
        let mut book = Book::new(Arc::new(options), vault.clone(), metrics.clone());
        let now = Instant::now();
        let there = KindState { is_synced: true, ..KindState::default() };
        book.take(MonitorKind::ALL.map(|kind| News::Kind(kind, there.clone())).into(), now);
        Self { book, metrics, vault, now, versions: 0 }
    }

    fn tell(&mut self, news: Vec<News>) {
        self.book.take(news, self.now);
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.tell(Vec::new());
    }

    /// Objects of a text: monitors, rules, Secrets and ConfigMaps.
    fn apply(&mut self, text: &str) {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).expect("is YAML");
        let mut news = Vec::new();
        for object in objects.iter().filter(|object| !object.is_null()) {
            news.extend(self.news_of(object));
        }
        self.tell(news);
    }

    fn news_of(&mut self, object: &Value) -> Option<News> {
        let at = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let kind = at("/kind");
        let (namespace, name) = (at("/metadata/namespace"), at("/metadata/name"));
        let namespace = if namespace.is_empty() { "default" } else { namespace };
        let reference =
            |holder| Reference { holder, namespace: namespace.to_owned(), name: name.to_owned() };
        let text = object.to_string();
        let values = match kind {
            "Secret" => {
                let data: SecretData = serde_json::from_str(&text).expect("is a Secret");
                Some((Holder::Secret, (&data).into()))
            }
            "ConfigMap" => {
                let data: ConfigMapData = serde_json::from_str(&text).expect("is a ConfigMap");
                Some((Holder::ConfigMap, (&data).into()))
            }
            _ => None,
        };
        if let Some((holder, values)) = values {
            return Some(News::Reference(reference(holder), Standing::There(Arc::new(values))));
        }
        self.versions += 1;
        let resource = resource(object, self.versions)?;
        let kind = MonitorKind::parse(kind)?;
        let object = ObjectRef { kind, namespace: namespace.into(), name: name.into() };
        Some(News::Objects(vec![(object, Some(resource))]))
    }

    fn delete(&mut self, kind: MonitorKind, name: &str) {
        self.tell(vec![News::Objects(vec![(of(kind, name), None)])]);
    }

    /// A Secret or a ConfigMap is not there.
    fn lose(&mut self, holder: Holder, namespace: &str, name: &str) {
        let reference = Reference { holder, namespace: namespace.into(), name: name.into() };
        self.tell(vec![News::Reference(reference, Standing::Absent)]);
    }

    fn plan(&mut self) -> Plan {
        self.book.plan()
    }

    fn jobs(&mut self) -> Vec<String> {
        let plan = self.plan();
        plan.jobs.iter().map(|job| job.config.job_name().to_owned()).collect()
    }

    /// What became of an object, in words.
    fn told(&mut self, kind: MonitorKind, name: &str) -> String {
        told(&self.plan(), kind, name)
    }
}

fn of(kind: MonitorKind, name: &str) -> ObjectRef {
    let (namespace, name) = name.split_once('/').expect("names both");
    ObjectRef { kind, namespace: namespace.into(), name: name.into() }
}

fn told(plan: &Plan, kind: MonitorKind, name: &str) -> String {
    let Some(state) = plan.objects.get(&of(kind, name)) else { return "unknown".into() };
    let list = |misses: &[LabelMiss]| {
        misses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    match (&state.selection, &state.verdict) {
        (Selection::NamespaceNotSelected { misses, unknown }, None) => {
            format!("namespace: {}{}", list(misses), unknown.as_deref().unwrap_or_default())
        }
        (Selection::LabelsDiffer { misses }, None) => format!("labels: {}", list(misses)),
        (Selection::Selected, Some(Verdict::Accepted(accepted))) => {
            let warnings: Vec<_> = accepted
                .warnings
                .iter()
                .map(|warning| format!(" ({}: {})", warning.kind.as_str(), warning.message))
                .collect();
            let file = accepted.file.as_ref().map(|file| format!(" {file} {}", accepted.rules));
            let jobs = accepted.jobs.join(" ");
            format!("accepted {jobs}{}{}", file.unwrap_or_default(), warnings.concat())
        }
        (Selection::Selected, Some(Verdict::Rejected(rejected))) => {
            format!("{}: {}", rejected.reason.as_str(), rejected.message)
        }
        (Selection::Selected, Some(Verdict::Waiting(waiting))) => {
            let missing: Vec<_> = waiting.missing.iter().map(ToString::to_string).collect();
            format!("waiting, {} kept: {}", waiting.kept.len(), missing.join("; "))
        }
        (selection, verdict) => panic!("{selection:?} and {verdict:?}"),
    }
}

fn held<S: DeserializeOwned + Default>(object: &Value, version: u64) -> Arc<Held<Custom<S>>> {
    let at = |path: &str| object.pointer(path).and_then(Value::as_str);
    let uid = at("/metadata/uid").unwrap_or("uid");
    let meta = ObjectVersion {
        uid: uid.into(),
        generation: object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(1),
        resource_version: version.to_string().into(),
    };
    let custom = serde_json::from_str(&object.to_string()).map_err(|error| error.to_string());
    Arc::new(Held { meta, object: custom })
}

fn resource(object: &Value, version: u64) -> Option<Resource> {
    Some(match object["kind"].as_str()? {
        "ServiceMonitor" => Resource::ServiceMonitor(held(object, version)),
        "PodMonitor" => Resource::PodMonitor(held(object, version)),
        "Probe" => Resource::Probe(held(object, version)),
        "ScrapeConfig" => Resource::ScrapeConfig(held(object, version)),
        "PrometheusRule" => Resource::PrometheusRule(held(object, version)),
        _ => return None,
    })
}

/// A monitor of one endpoint, with keys of that endpoint.
fn monitor(name: &str, keys: &str) -> String {
    let (namespace, name) = name.split_once('/').expect("names both");
    format!(
        "---\nkind: ServiceMonitor\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec: {{selector: {{}}, endpoints: [{{port: web{keys}}}]}}\n"
    )
}

fn secret(name: &str, data: &[(&str, &str)]) -> String {
    use base64::Engine as _;
    let (namespace, name) = name.split_once('/').expect("names both");
    let encode = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    let data: Vec<_> = data.iter().map(|(key, text)| format!("{key}: {}", encode(text))).collect();
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         data: {{{}}}\n",
        data.join(", ")
    )
}
