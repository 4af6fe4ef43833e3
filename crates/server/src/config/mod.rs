//! The configuration file, as Prometheus writes it: strict, with the place of every fault.
//!
//! A file is judged twice. [`load`] reads every section and refuses what Prometheus refuses, in its
//! words. What asks for a part that is not built is valid all the same; [`Loaded::refuse_unbuilt`]
//! refuses it by name and place, so nothing is accepted and then ignored.

mod alerting;
mod cloud_auth;
#[cfg(test)]
mod conformance;
pub(crate) mod diff;
mod error;
mod file;
mod fingerprint;
mod global;
mod headers;
#[cfg(test)]
mod hostile;
mod kubernetes_section;
pub(crate) mod nearest;
#[cfg(test)]
mod numbers;
mod old_tls;
mod otlp;
pub(crate) mod paths;
mod print;
mod reading;
mod remote;
mod rule_files;
#[cfg(test)]
mod section_tests;
mod storage;
#[cfg(test)]
mod tests;
mod tracing;
mod tree;
mod values;

pub(crate) use alerting::Alerting;
pub(crate) use error::ConfigError;
pub(crate) use fingerprint::fingerprint;
pub(crate) use print::{PrintedJob, to_yaml};
pub(crate) use storage::Retention;
pub(crate) use values::{flags_of_file, flags_of_values, load_values, parse_values};

use file::{File, Jobs, ScrapeFile};
use global::GlobalSection;
use kubernetes_section::Brought;
use model::Labels;
use model::names::NameScheme;
use rules::LoadedFile;
use scrape::{Config, Global, Job};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What flags say about the `global` section.
    pub(crate) defaults: Global,
    /// The main file is read once, so it may be a pipe.
    pub(crate) once: bool,
    /// Refuse what an agent refuses.
    pub(crate) agent: bool,
    /// Leave the files of `scrape_config_files` alone.
    pub(crate) alone: bool,
    /// Read rule files too, in which these parts of the language are switched on.
    pub(crate) rules: Option<promql::Features>,
    /// Our name among those that run with the same configuration in a cluster.
    pub(crate) replica: Option<String>,
    /// The namespace we run in.
    pub(crate) own_namespace: Option<String>,
    /// Which part of the targets is ours, where they are divided; the first without it.
    pub(crate) shard: Option<u64>,
}

/// A loaded configuration.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    /// Time from evaluation to evaluation, also the step of subqueries that name none.
    pub(crate) evaluation_interval_ms: i64,
    /// How far in the past rules are evaluated.
    pub(crate) rule_query_offset_ms: i64,
    pub(crate) external_labels: Labels,
    pub(crate) global: Global,
    /// Where queries are written down.
    pub(crate) query_log_file: Option<PathBuf>,
    /// The jobs of the main file, then those of `scrape_config_files`.
    pub(crate) scrape_configs: Vec<Config>,
    /// The same with all defaults, in the same order.
    pub(crate) jobs: Vec<Job>,
    pub(crate) retention: Option<Retention>,
    /// How many exemplars are kept, when the file says so.
    pub(crate) max_exemplars: Option<u64>,
    /// Worth telling: variables that were empty, versions of TLS that are not spoken.
    pub(crate) warnings: Vec<String>,
    /// The main file, then those of `scrape_config_files`.
    pub(crate) files: Vec<ConfigText>,
    /// Patterns of rule files.
    pub(crate) rule_patterns: Vec<PathBuf>,
    /// The rule files that these mean, each once, if they were asked for.
    pub(crate) rule_files: Vec<LoadedFile>,
    pub(crate) alerting: Alerting,
    /// The cluster whose monitors and rules are followed.
    pub(crate) kubernetes: Option<Arc<kubernetes::Section>>,
    /// What this build cannot do, in the order of the files.
    unbuilt: Vec<ConfigError>,
}

/// One file of a configuration.
#[derive(Clone, Debug)]
pub(crate) struct ConfigText {
    pub(crate) text: String,
    /// How many jobs it holds.
    pub(crate) jobs: usize,
}

impl Loaded {
    /// # Errors
    /// When a section asks for a part that is not built.
    pub(crate) fn refuse_unbuilt(self) -> Result<Self, ConfigError> {
        match self.unbuilt.first() {
            Some(error) => Err(error.clone()),
            None => Ok(self),
        }
    }
}

/// What runs without a file: the server scrapes itself.
pub(crate) const SELF_SCRAPE: &str = "global:\n  scrape_interval: 15s\nscrape_configs:\n  \
    - job_name: prometheus\n    metrics_path: \"{prefix}/metrics\"\n    static_configs:\n      \
    - targets: [\"{address}\"]\n";

/// What runs without a file in a cluster: as often as the Operator has it.
pub(crate) const IN_CLUSTER: &str = "global:\n  scrape_interval: 30s\n  evaluation_interval: 30s\n\
    scrape_configs:\n  - job_name: prometheus\n    metrics_path: \"{prefix}/metrics\"\n    \
    static_configs:\n      - targets: [\"{address}\"]\nkubernetes: {}\n";

/// Reads a file.
pub(crate) fn load(path: &Path, reading: &Reading) -> Result<Loaded, ConfigError> {
    let text = if reading.once { reading::text_once(path) } else { reading::file_text(path) }?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let file = path.display().to_string();
    parse(&text, &file, directory, reading, |name| std::env::var(name).ok())
}

/// Reads a file's text; files that it names begin at `directory`.
pub(crate) fn parse(
    text: &str,
    file: &str,
    directory: &Path,
    reading: &Reading,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Loaded, ConfigError> {
    let mut written: File = reading::sections(text, file)?;
    let mut brought = Brought::new(&mut written, text, file, reading)?;
    let (section, at) = written.global.take().map_or_else(
        || (GlobalSection::default(), serde_saphyr::Location::UNKNOWN),
        |section| (section.value, section.referenced),
    );
    let in_global = |message: String| ConfigError::at(file, at, message);
    let scheme = section.name_scheme().map_err(in_global)?;
    let mut global = section.resolve(&reading.defaults, directory).map_err(in_global)?;
    brought.enforce(&mut global);
    let (external_labels, mut warnings) = section.external_labels(&variable).map_err(in_global)?;

    written.check_patterns(file)?;
    let mut jobs = Jobs::default();
    jobs.add(written.scrape_configs.take(), file, directory, &global)?;
    let own_jobs = jobs.jobs.len();
    let more_jobs = brought.add_jobs(&mut jobs, file, directory, &global, reading.shard)?;
    let mut alerting = written.alerting(file, directory, scheme)?;
    brought.add_alerting(&mut alerting, file, directory, scheme)?;
    written.check_others(file, scheme)?;
    if reading.agent {
        written.check_agent(file)?;
    }
    warnings.append(&mut brought.warnings);
    warnings.append(&mut old_tls::warnings(file, text));
    let mut files = vec![ConfigText { text: text.to_owned(), jobs: own_jobs }];
    files.extend(more_jobs);
    let patterns = written.scrape_config_files.iter().flatten();
    for pattern in patterns.filter(|_| !reading.alone) {
        for path in paths::matching(&paths::join(directory, &pattern.value)) {
            let found = scrape_file(&path, &mut jobs, &global)?;
            warnings.append(&mut old_tls::warnings(&path.display().to_string(), &found.text));
            files.push(found);
        }
    }

    let rule_patterns = written.rule_patterns(directory);
    let legacy_names = scheme == NameScheme::Legacy;
    let features = reading.rules.unwrap_or_default();
    let options = rules::file::Options { features, legacy_names, ..Default::default() };
    let in_place = brought.rule_files(file, &options)?;
    let mut rule_files = match reading.rules {
        Some(_) => rule_files::load(&rule_patterns, &options)?,
        None => Vec::new(),
    };
    rule_files.extend(in_place.into_iter().filter(|_| reading.rules.is_some()));

    let mut unbuilt = written.unbuilt(file, &brought);
    unbuilt.append(&mut jobs.unbuilt);
    unbuilt.sort_by(|a, b| match (a.file == file, b.file == file) {
        (true, true) => a.at.cmp(&b.at),
        // The main file comes first; others are in order.
        (a, b) => b.cmp(&a),
    });
    Ok(Loaded {
        evaluation_interval_ms: section.evaluation_interval_ms(),
        rule_query_offset_ms: section.rule_query_offset_ms(),
        external_labels,
        query_log_file: section.query_log_file(directory),
        retention: written.storage.as_ref().and_then(|storage| storage.retention()),
        max_exemplars: written.storage.as_ref().and_then(|storage| storage.max_exemplars()),
        warnings,
        rule_patterns,
        rule_files,
        alerting,
        kubernetes: brought.section,
        unbuilt,
        files,
        global,
        scrape_configs: jobs.configs,
        jobs: jobs.jobs,
    })
}

/// Reads one of `scrape_config_files`; files that it names begin at its own folder.
fn scrape_file(path: &Path, jobs: &mut Jobs, global: &Global) -> Result<ConfigText, ConfigError> {
    let text = reading::file_text(path)?;
    let file = path.display().to_string();
    let written: ScrapeFile = reading::sections(&text, &file)?;
    let before = jobs.jobs.len();
    jobs.add(written.scrape_configs, &file, path.parent().unwrap_or(Path::new("")), global)?;
    Ok(ConfigText { text, jobs: jobs.jobs.len() - before })
}
