//! A configuration as YAML again: with defaults, expanded labels, and no secrets.
//!
//! What was written is read a second time as a plain tree, so that nothing is lost; what every job
//! works by is put in front.

use super::{Loaded, tree};
use model::duration::Duration;
use serde_json::Value;
use std::fmt::Write;

/// Keys whose text is a secret.
const SECRETS: &[&str] =
    &["bearer_token", "client_secret", "credentials", "key", "password", "secrets"];
const SECRET: &str = "<secret>";

type Pairs = Vec<(String, Value)>;

/// The whole configuration.
pub(crate) fn to_yaml(loaded: &Loaded) -> String {
    let mut written = tree::read(&loaded.text);
    mask(&mut written, false);
    let mut out = String::new();
    out.push_str("global:\n");
    write_pairs(&mut out, &global(loaded, &written["global"]), 1);
    if !loaded.jobs.is_empty() {
        out.push_str("scrape_configs:\n");
        for i in 0..loaded.jobs.len() {
            let pairs = job(loaded, i, &written["scrape_configs"][i]);
            let mut block = String::new();
            write_pairs(&mut block, &pairs, 1);
            // The first key stands behind the dash of the list.
            out.push_str("- ");
            out.push_str(block.trim_start());
        }
    }
    if !written["storage"].is_null() {
        write_pairs(&mut out, &[("storage".to_owned(), written["storage"].take())], 0);
    }
    out
}

fn duration(ms: i64) -> Value {
    Duration::from_ms(ms).to_string().into()
}

/// What was written besides the pairs that are there already, in the order of keys.
fn with_rest(mut pairs: Pairs, written: &Value) -> Pairs {
    for (key, value) in written.as_object().into_iter().flatten() {
        if !value.is_null() && pairs.iter().all(|(known, _)| known != key) {
            pairs.push((key.clone(), value.clone()));
        }
    }
    pairs
}

fn global(loaded: &Loaded, written: &Value) -> Pairs {
    let global = &loaded.global;
    let mut pairs: Pairs = vec![
        ("scrape_interval".into(), duration(global.scrape_interval.ms)),
        ("scrape_timeout".into(), duration(global.scrape_timeout.ms)),
        ("scrape_protocols".into(), protocols(global.scrape_protocols.as_deref())),
        ("evaluation_interval".into(), duration(loaded.evaluation_interval_ms)),
    ];
    if !loaded.external_labels.is_empty() {
        let labels = loaded.external_labels.iter();
        let labels = labels.map(|(name, value)| (name.to_owned(), Value::from(value)));
        pairs.push(("external_labels".into(), Value::Object(labels.collect())));
    }
    pairs.retain(|(_, value)| !value.is_null());
    with_rest(pairs, written)
}

fn protocols(names: Option<&[String]>) -> Value {
    match names {
        Some(names) => names.into(),
        None => scrape::config::DEFAULT_PROTOCOLS.iter().map(|protocol| protocol.name()).collect(),
    }
}

fn job(loaded: &Loaded, i: usize, written: &Value) -> Pairs {
    let job = &loaded.jobs[i];
    let mut pairs: Pairs = vec![
        ("job_name".into(), job.name.as_str().into()),
        ("honor_timestamps".into(), job.honor_timestamps.into()),
        ("track_timestamps_staleness".into(), job.track_timestamps_staleness.into()),
        ("scrape_interval".into(), duration(job.interval.ms)),
        ("scrape_timeout".into(), duration(job.timeout.ms)),
    ];
    if written["scrape_protocols"].is_null() {
        let inherited = protocols(loaded.global.scrape_protocols.as_deref());
        pairs.push(("scrape_protocols".into(), inherited));
    } else {
        pairs.push(("scrape_protocols".into(), written["scrape_protocols"].clone()));
    }
    pairs.extend([
        ("metrics_path".to_owned(), Value::from(job.metrics_path.as_str())),
        ("scheme".to_owned(), job.scheme.as_str().into()),
        ("enable_compression".to_owned(), job.enable_compression.into()),
        ("follow_redirects".to_owned(), job.follow_redirects.into()),
    ]);
    if job.honor_labels {
        pairs.insert(1, ("honor_labels".into(), true.into()));
    }
    with_rest(pairs, written)
}

/// Replaces what must not be shown.
fn mask(value: &mut Value, secret: bool) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                mask(value, SECRETS.contains(&key.as_str()));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| mask(value, secret)),
        Value::String(text) if secret && !text.is_empty() => *value = SECRET.into(),
        Value::Number(_) | Value::Bool(_) if secret => *value = SECRET.into(),
        _ => {}
    }
}

fn write_pairs(out: &mut String, pairs: &[(String, Value)], depth: usize) {
    for (key, value) in pairs {
        indent(out, depth);
        write_key(out, key);
        write_below(out, value, depth);
    }
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn write_key(out: &mut String, key: &str) {
    write_text(out, key);
    out.push(':');
}

/// A value behind its key: on the same line, or as a block below.
fn write_below(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            for (key, value) in map {
                indent(out, depth + 1);
                write_key(out, key);
                write_below(out, value, depth + 1);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            for value in list {
                indent(out, depth);
                out.push_str("- ");
                write_item(out, value, depth + 1);
            }
        }
        value => {
            out.push(' ');
            write_scalar(out, value);
            out.push('\n');
        }
    }
}

/// A value behind the dash of a list.
fn write_item(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    indent(out, depth);
                }
                write_key(out, key);
                write_below(out, value, depth);
            }
        }
        value => {
            write_scalar(out, value);
            out.push('\n');
        }
    }
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        // Empty ones and lists of lists have the same form in YAML and JSON.
        other => write!(out, "{other}").expect("a string takes text"),
    }
}

/// A text, quoted unless it can only be read as a text.
fn write_text(out: &mut String, text: &str) {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '<' | '>');
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '<'))
        && text.chars().all(plain)
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf"
        );
    let is_duration = Duration::parse(text).is_ok() && text.parse::<f64>().is_err();
    if safe || is_duration {
        out.push_str(text);
    } else {
        // A JSON string is a YAML string.
        write!(out, "{}", Value::from(text)).expect("a string takes text");
    }
}
