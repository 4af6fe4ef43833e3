//! The configuration file, as Prometheus writes it: strict, with the place of every fault.
//!
//! The sections of parts that are not built yet are refused by name and line when they hold
//! anything; nothing is accepted and then ignored.

#[cfg(test)]
mod conformance;
mod global;
pub(crate) mod nearest;
mod print;
mod sections;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use print::to_yaml;

use global::GlobalSection;
use model::Labels;
use nearest::nearest;
use scrape::{Config, Global, Job};
use sections::{Later, Runtime, StorageSection, first_filled};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// A file may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Why a configuration was refused; tells the file and, where there is one, the place.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{}{message}", place(*.at))]
pub(crate) struct ConfigError {
    pub(crate) file: String,
    /// Line and column, from 1.
    pub(crate) at: Option<(u64, u64)>,
    pub(crate) message: String,
}

fn place(at: Option<(u64, u64)>) -> String {
    at.map_or_else(|| " ".to_owned(), |(line, column)| format!("{line}:{column}: "))
}

/// A loaded configuration.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Time from evaluation to evaluation, also the step of subqueries that name none.
    pub(crate) evaluation_interval_ms: i64,
    pub(crate) external_labels: Labels,
    pub(crate) global: Global,
    pub(crate) scrape_configs: Vec<Config>,
    /// The same with all defaults, in the order of `scrape_configs`.
    pub(crate) jobs: Vec<Job>,
    pub(crate) retention: Option<Retention>,
    /// Worth telling: variables that were empty.
    pub(crate) warnings: Vec<String>,
    /// The file's text, for `/status/config`.
    pub(crate) text: String,
}

/// `storage.tsdb.retention`: replaces the flags when it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) time_ms: Option<i64>,
    pub(crate) bytes: Option<u64>,
}

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    global: Option<Spanned<GlobalSection>>,
    #[serde(rename = "runtime")]
    _runtime: Option<Runtime>,
    scrape_configs: Option<Vec<Spanned<Option<Config>>>>,
    storage: Option<StorageSection>,
    rule_files: Later,
    scrape_config_files: Later,
    alerting: Later,
    remote_write: Later,
    remote_read: Later,
    otlp: Later,
    tracing: Later,
}

impl File {
    /// The sections of parts that are not built yet.
    fn later(&self) -> impl Iterator<Item = (&'static str, &Later)> {
        let top = [
            ("rule_files", &self.rule_files),
            ("scrape_config_files", &self.scrape_config_files),
            ("alerting", &self.alerting),
            ("remote_write", &self.remote_write),
            ("remote_read", &self.remote_read),
            ("otlp", &self.otlp),
            ("tracing", &self.tracing),
        ];
        top.into_iter().chain(self.storage.iter().flat_map(StorageSection::later))
    }
}

/// What runs without a file: the server scrapes itself.
pub(crate) const SELF_SCRAPE: &str = "global:\n  scrape_interval: 15s\nscrape_configs:\n  \
    - job_name: prometheus\n    metrics_path: \"{prefix}/metrics\"\n    static_configs:\n      \
    - targets: [\"{address}\"]\n";

/// Reads a file.
pub(crate) fn load(path: &Path, defaults: &Global) -> Result<Loaded, ConfigError> {
    let file = path.display().to_string();
    let error = |message: String| ConfigError { file: file.clone(), at: None, message };
    let opened = std::fs::File::open(path).map_err(|e| error(e.to_string()))?;
    let mut text = String::new();
    // Its size is no bound: a pipe and a device have none.
    opened.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(|e| error(e.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(error(format!("larger than {MAX_BYTES} bytes")));
    }
    let directory = path.parent().unwrap_or(Path::new(""));
    parse(&text, &file, directory, defaults, |name| std::env::var(name).ok())
}

/// Reads a file's text; `defaults` are what flags say about the `global` section.
pub(crate) fn parse(
    text: &str,
    file: &str,
    directory: &Path,
    defaults: &Global,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Loaded, ConfigError> {
    let error = |at, message| ConfigError { file: file.to_owned(), at, message };
    let written: Option<File> = serde_saphyr::from_str(text).map_err(|cause| {
        let at = cause.location().map(|location| (location.line(), location.column()));
        error(at, bare(&cause))
    })?;
    let written = written.unwrap_or_default();
    if let Some((name, at)) = first_filled(written.later()) {
        return Err(error(Some(at), format!("{name} is not supported yet")));
    }
    let place = |location: Location| Some((location.line(), location.column()));
    let (section, at) = written
        .global
        .map_or_else(Default::default, |section| (section.value, place(section.referenced)));
    let global = section.resolve(defaults).map_err(|message| error(at, message))?;
    let (external_labels, warnings) =
        section.external_labels(&variable).map_err(|message| error(at, message))?;

    let mut scrape_configs = Vec::new();
    let mut jobs = Vec::new();
    let mut names = BTreeSet::new();
    for config in written.scrape_configs.unwrap_or_default() {
        let at = place(config.referenced);
        let Some(mut config) = config.value else {
            return Err(error(at, "empty or null scrape config section".to_owned()));
        };
        if !names.insert(config.job_name().to_owned()) {
            let name = config.job_name();
            let message = format!("found multiple scrape configs with job name {name:?}");
            return Err(error(at, message));
        }
        config.set_directory(directory);
        jobs.push(config.resolve(&global).map_err(|cause| error(at, cause.to_string()))?);
        scrape_configs.push(config);
    }
    Ok(Loaded {
        evaluation_interval_ms: section.evaluation_interval_ms(),
        external_labels,
        global,
        scrape_configs,
        jobs,
        retention: written.storage.and_then(StorageSection::retention),
        warnings,
        text: text.to_owned(),
    })
}

/// The message of an error without its place, which we write in front.
fn bare(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    // What follows speaks of places, or of settings of the library.
    let ends = [" (defined at ", " at line ", ", set DuplicateKeyPolicy", "; use from_"];
    let end = ends.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    let line = &line[..end];
    unknown_field(line).unwrap_or_else(|| line.to_owned())
}

/// An unknown field as Prometheus says it, with the nearest known one instead of all of them.
fn unknown_field(message: &str) -> Option<String> {
    let (field, known) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let known = known.split_once("expected").map_or("", |(_, known)| known);
    let words = known.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let nearest = nearest(field, words.filter(|word| word.len() > 3));
    let hint = nearest.map_or_else(String::new, |near| format!(" (the nearest is {near})"));
    Some(format!("field {field} not found in type{hint}"))
}
