//! A configuration as YAML again: with defaults, expanded labels, and no secrets.
//!
//! What was written is read a second time as a plain tree, so that nothing is lost; what is left
//! out gets its default, and what jobs inherit stands in each of them.

mod defaults;
mod scalars;
mod secrets;
mod yaml;

use super::{ConfigText, Loaded};
use defaults::{fill, http_keys, relabel_rules};
use model::duration::Duration;
use model::names::NameScheme;
use scrape::config::Escaping;
use scrape::{Global, Job};
use serde_json::{Value, json};
use std::sync::Arc;

/// Keys and values in the order in which they are written.
pub(super) type Pairs = Vec<(String, Value)>;

/// A job that stands in no file.
pub(crate) struct PrintedJob {
    /// As a file would have it.
    pub(crate) text: Arc<str>,
    pub(crate) job: Arc<Job>,
}

/// The main file's configuration, as Prometheus prints it, with some more jobs.
pub(crate) fn to_yaml(loaded: &Loaded, more: &[PrintedJob]) -> String {
    let model = Model::new(loaded);
    let mut out = String::new();
    let mut section = |name: &str, mut pairs: Pairs| {
        secrets::mask_pairs(&mut pairs);
        if !pairs.is_empty() {
            out.push_str(name);
            out.push_str(":\n");
            yaml::write_pairs(&mut out, &pairs, 1);
        }
    };
    section("global", model.global);
    let mut jobs = String::new();
    let of_file = model.jobs.into_iter().take(loaded.files[0].jobs).map(|(_, pairs)| pairs);
    let more = more.iter().map(|more| job(&loaded.global, &more.job, &scalars::read(&more.text)));
    for mut pairs in of_file.chain(more) {
        secrets::mask_pairs(&mut pairs);
        let mut block = String::new();
        yaml::write_pairs(&mut block, &pairs, 1);
        // The first key stands behind the dash of the list.
        jobs.push_str("- ");
        jobs.push_str(block.trim_start());
    }
    let mut jobs = Some(jobs).filter(|jobs| !jobs.is_empty());
    for (name, mut value) in model.others {
        if name.as_str() > "scrape_configs" {
            write_jobs(&mut out, jobs.take());
        }
        secrets::mask(&mut value);
        yaml::write_pairs(&mut out, &vec![(name, value)], 0);
    }
    write_jobs(&mut out, jobs);
    out
}

fn write_jobs(out: &mut String, jobs: Option<String>) {
    if let Some(jobs) = jobs {
        out.push_str("scrape_configs:\n");
        out.push_str(&jobs);
    }
}

/// Everything that a configuration says, secrets included.
pub(super) struct Model {
    pub(super) global: Pairs,
    /// All jobs by their names, those of other files too.
    pub(super) jobs: Vec<(String, Pairs)>,
    /// All other sections, in the order of their names.
    pub(super) others: Vec<(String, Value)>,
}

impl Model {
    pub(super) fn new(loaded: &Loaded) -> Self {
        let mut main = scalars::read(&loaded.files[0].text);
        let global = global(loaded, &main["global"]);
        let mut jobs = Vec::with_capacity(loaded.jobs.len());
        add_jobs(&mut jobs, loaded, &loaded.files[0], &main["scrape_configs"]);
        for file in &loaded.files[1..] {
            add_jobs(&mut jobs, loaded, file, &scalars::read(&file.text)["scrape_configs"]);
        }
        let others = others(main.as_object_mut().map(std::mem::take).unwrap_or_default());
        Self { global, jobs, others }
    }
}

fn add_jobs(jobs: &mut Vec<(String, Pairs)>, loaded: &Loaded, file: &ConfigText, written: &Value) {
    for at in 0..file.jobs {
        let i = jobs.len();
        let job = &loaded.jobs[i];
        jobs.push((job.name.clone(), self::job(&loaded.global, job, &written[at])));
    }
}

fn others(written: serde_json::Map<String, Value>) -> Vec<(String, Value)> {
    let mut sections = written;
    for key in ["global", "scrape_configs"] {
        sections.remove(key);
    }
    for (key, default) in [("runtime", defaults::runtime()), ("otlp", defaults::otlp())] {
        let section = sections.entry(key).or_insert(Value::Null);
        if section.is_null() {
            *section = json!({});
        }
        fill(section, &default);
    }
    if let Some(alerting) = sections.get_mut("alerting") {
        relabel_rules(alerting);
        for alertmanager in alerting["alertmanagers"].as_array_mut().into_iter().flatten() {
            http_keys(alertmanager);
            relabel_rules(alertmanager);
            defaults::discovery(alertmanager);
            fill(alertmanager, &json!({"scheme": "http", "timeout": "10s", "api_version": "v2"}));
        }
    }
    sections.into_iter().filter(|(_, value)| !is_empty(value)).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn duration(ms: i64) -> Value {
    Duration::from_ms(ms).to_string().into()
}

/// What was written besides the pairs that are there already, in the order of keys.
fn with_rest(mut pairs: Pairs, written: &Value) -> Pairs {
    pairs.retain(|(_, value)| !value.is_null());
    for (key, value) in written.as_object().into_iter().flatten() {
        if !value.is_null() && pairs.iter().all(|(known, _)| known != key) {
            pairs.push((key.clone(), value.clone()));
        }
    }
    pairs
}

/// A limit, when there is one.
fn limit(limit: u64) -> Value {
    if limit == 0 { Value::Null } else { limit.into() }
}

fn size(bytes: u64) -> Value {
    if bytes == 0 { Value::Null } else { model::size::format_bytes(bytes).into() }
}

fn scheme(scheme: NameScheme) -> Value {
    match scheme {
        NameScheme::Utf8 => "utf8".into(),
        NameScheme::Legacy => "legacy".into(),
    }
}

fn global(loaded: &Loaded, written: &Value) -> Pairs {
    let global = &loaded.global;
    let labels = loaded.external_labels.iter();
    let labels: serde_json::Map<_, _> =
        labels.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
    let labels = if labels.is_empty() { Value::Null } else { Value::Object(labels) };
    let named = global.metric_name_validation_scheme.as_deref().unwrap_or("utf8");
    let protocols = global.scrape_protocols.clone().map_or(Value::Null, Value::from);
    let pairs = [
        ("scrape_interval", duration(global.scrape_interval.ms)),
        ("scrape_timeout", duration(global.scrape_timeout.ms)),
        ("scrape_protocols", protocols),
        ("evaluation_interval", duration(loaded.evaluation_interval_ms)),
        ("external_labels", labels),
        ("body_size_limit", size(global.body_size_limit)),
        ("metric_name_validation_scheme", named.into()),
        ("scrape_native_histograms", global.histograms.scrape_native.into()),
        ("extra_scrape_metrics", global.extra_scrape_metrics.into()),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    with_rest(Vec::from(pairs), written)
}

fn job(global: &Global, job: &Job, written: &Value) -> Pairs {
    let mut written = written.clone();
    http_keys(&mut written);
    relabel_rules(&mut written);
    defaults::discovery(&mut written);
    let protocols: Value = job.protocols.iter().map(|protocol| protocol.name()).collect();
    let honor_labels = if job.honor_labels { true.into() } else { Value::Null };
    let own_scheme = &written["metric_name_validation_scheme"];
    let escaping = match (&written["metric_name_escaping_scheme"], own_scheme) {
        (Value::String(own), _) if !own.is_empty() => own.clone(),
        (_, Value::Null) => global.metric_name_escaping_scheme.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let by_scheme = || Escaping::of_scheme(job.name_scheme).to_string();
    let escaping = if escaping.is_empty() { by_scheme() } else { escaping };
    let (limits, histograms) = (&job.limits, &job.histograms);
    let pairs = [
        ("job_name", Value::from(job.name.as_str())),
        ("honor_labels", honor_labels),
        ("honor_timestamps", job.honor_timestamps.into()),
        ("track_timestamps_staleness", job.track_timestamps_staleness.into()),
        ("params", written["params"].clone()),
        ("scrape_interval", duration(job.interval.ms)),
        ("scrape_timeout", duration(job.timeout.ms)),
        ("scrape_protocols", protocols),
        ("scrape_native_histograms", histograms.scrape_native.into()),
        ("always_scrape_classic_histograms", histograms.always_classic.into()),
        ("convert_classic_histograms_to_nhcb", histograms.convert_classic.into()),
        ("metrics_path", job.metrics_path.as_str().into()),
        ("scheme", job.scheme.as_str().into()),
        ("enable_compression", job.enable_compression.into()),
        ("body_size_limit", size(limits.body_bytes)),
        ("sample_limit", limit(limits.samples)),
        ("target_limit", limit(job.target_limit)),
        ("label_limit", limit(limits.labels)),
        ("label_name_length_limit", limit(limits.label_name_bytes)),
        ("label_value_length_limit", limit(limits.label_value_bytes)),
        ("keep_dropped_targets", limit(job.keep_dropped_targets)),
        ("metric_name_validation_scheme", scheme(job.name_scheme)),
        ("metric_name_escaping_scheme", escaping.into()),
        ("extra_scrape_metrics", job.extra_scrape_metrics.into()),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value));
    with_rest(Vec::from(pairs), &written)
}
