//! The file as written, and the rules that hold between its sections.

use super::alerting::{Alerting, AlertingSection, Alertmanager};
use super::error::{ConfigError, place_of};
use super::global::GlobalSection;
use super::kubernetes_section::{Brought, Key};
use super::otlp::OtlpSection;
use super::paths::{is_valid_pattern, join};
use super::remote::{RemoteRead, RemoteWrite};
use super::storage::StorageSection;
use super::tracing::TracingSection;
use client::Scalar;
use model::names::NameScheme;
use model::relabel::Patterns;
use scrape::{Config, Global, Job};
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// All sections; those without a value are empty.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) global: Option<Spanned<GlobalSection>>,
    #[serde(rename = "runtime")]
    _runtime: Option<Runtime>,
    pub(super) rule_files: Option<Vec<Spanned<String>>>,
    pub(super) scrape_config_files: Option<Vec<Spanned<String>>>,
    pub(super) scrape_configs: Option<Vec<Spanned<Option<Config>>>>,
    alerting: Option<Spanned<AlertingSection>>,
    remote_write: Option<Vec<Spanned<Option<RemoteWrite>>>>,
    remote_read: Option<Vec<Spanned<Option<RemoteRead>>>>,
    otlp: Option<Spanned<OtlpSection>>,
    pub(super) storage: Option<StorageSection>,
    tracing: Option<Spanned<TracingSection>>,
    /// Our own.
    pub(super) kubernetes: Key,
}

/// `runtime`: settings of Go's runtime, which is not here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Runtime {
    #[serde(rename = "gogc")]
    _gogc: Option<Scalar<i64>>,
}

/// A file of `scrape_config_files`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScrapeFile {
    pub(super) scrape_configs: Option<Vec<Spanned<Option<Config>>>>,
}

impl File {
    /// Takes from another file what this one does not say of `global` and `storage`; that is then
    /// said to stand at a place of this one.
    pub(super) fn fill(&mut self, other: &mut Self, at: Location) {
        match (&mut self.global, other.global.take()) {
            (Some(own), Some(other)) => own.value.fill(other.value),
            (None, Some(other)) => self.global = Some(Spanned::new(other.value, at, at)),
            (_, None) => {}
        }
        match (&mut self.storage, other.storage.take()) {
            (Some(own), Some(other)) => own.fill(other),
            (own, other) => *own = own.take().or(other),
        }
    }

    pub(super) fn take_alerting(&mut self) -> Option<AlertingSection> {
        self.alerting.take().map(|section| section.value)
    }

    /// What Prometheus checks of patterns, before it looks at jobs.
    pub(super) fn check_patterns(&self, file: &str) -> Result<(), ConfigError> {
        let kinds = [("rule", &self.rule_files), ("scrape config", &self.scrape_config_files)];
        for (kind, patterns) in kinds {
            let bad = patterns.iter().flatten().find(|pattern| !is_valid_pattern(&pattern.value));
            if let Some(bad) = bad {
                let message = format!("invalid {kind} file path {:?}", bad.value);
                return Err(ConfigError::at(file, bad.referenced, message));
            }
        }
        Ok(())
    }

    /// Whom to tell of alerts; files that are named begin at `directory`.
    pub(super) fn alerting(
        &self,
        file: &str,
        directory: &Path,
        scheme: NameScheme,
    ) -> Result<Alerting, ConfigError> {
        let Some(section) = &self.alerting else { return Ok(Alerting::default()) };
        section
            .value
            .resolve(file, directory, scheme, 0)
            .map_err(|error| ConfigError { at: error.at.or(place_of(section.referenced)), ..error })
    }

    /// Checks what is neither `global`, nor a job, nor `alerting`.
    pub(super) fn check_others(&self, file: &str, scheme: NameScheme) -> Result<(), ConfigError> {
        check_endpoints(&self.remote_write, file, "remote write", |endpoint| {
            (&endpoint.name, endpoint.check(scheme))
        })?;
        check_endpoints(&self.remote_read, file, "remote read", |endpoint| {
            (&endpoint.name, endpoint.check())
        })?;
        let at = |location, outcome: Result<(), String>| {
            outcome.map_err(|message| ConfigError::at(file, location, message))
        };
        if let Some(otlp) = &self.otlp {
            at(otlp.referenced, otlp.value.check(scheme == NameScheme::Utf8))?;
        }
        if let Some(tracing) = &self.tracing {
            at(tracing.referenced, tracing.value.check())?;
        }
        Ok(())
    }

    /// What an agent, which only scrapes and sends, refuses.
    pub(super) fn check_agent(&self, file: &str) -> Result<(), ConfigError> {
        let alerting = self.alerting.as_ref().filter(|section| !section.value.is_empty());
        let fields = [
            ("alerting", alerting.map(|section| section.referenced)),
            ("rule_files", first(&self.rule_files)),
            ("remote_read", first(&self.remote_read)),
        ];
        for (field, found) in fields {
            if let Some(location) = found {
                let message = format!("field {field} is not allowed in agent mode");
                return Err(ConfigError::at(file, location, message));
            }
        }
        Ok(())
    }

    /// Patterns of rule files, from a folder.
    pub(super) fn rule_patterns(&self, directory: &Path) -> Vec<PathBuf> {
        let patterns = self.rule_files.iter().flatten();
        patterns.map(|pattern| join(directory, &pattern.value)).collect()
    }

    /// What this build cannot do of all that is not a job.
    pub(super) fn unbuilt(&self, file: &str, brought: &Brought) -> Vec<ConfigError> {
        let sections = [
            (first(&self.remote_write), "remote_write"),
            (first(&self.remote_read), "remote_read"),
            (self.tracing.as_ref().map(|section| section.referenced), "tracing"),
        ];
        let sections = sections.into_iter().filter_map(|(at, name)| Some((at?, name)));
        let sections = sections.chain(self.storage.iter().flat_map(StorageSection::unbuilt));
        let of_file = || self.alerting.iter().flat_map(|section| section.value.alertmanagers());
        let alertmanagers = || of_file().chain(brought.alertmanagers());
        let signed = alertmanagers().filter_map(Alertmanager::signed);
        let sections = sections.chain(signed.map(|at| (at, "sigv4 (alerting)")));
        let sections =
            sections.map(|(at, what)| ConfigError::at(file, at, format!("{what} is not built in")));
        let discovery = alertmanagers().flat_map(Alertmanager::refused);
        sections.chain(discovery.map(|refused| of_discovery(file, refused, "alerting"))).collect()
    }
}

fn of_discovery(file: &str, refused: &discovery::Refused, section: &str) -> ConfigError {
    let at = Some((refused.line, refused.column));
    ConfigError { at, ..ConfigError::of_file(file, format!("{refused} ({section})")) }
}

fn first<T>(items: &Option<Vec<Spanned<T>>>) -> Option<Location> {
    items.as_ref()?.first().map(|item| item.referenced)
}

/// Checks each endpoint; only names that are written have to differ.
fn check_endpoints<T>(
    endpoints: &Option<Vec<Spanned<Option<T>>>>,
    file: &str,
    kind: &str,
    check: impl Fn(&T) -> (&str, Result<(), String>),
) -> Result<(), ConfigError> {
    let mut names = Vec::new();
    for endpoint in endpoints.iter().flatten() {
        let error = |message| ConfigError::at(file, endpoint.referenced, message);
        let Some(written) = &endpoint.value else {
            return Err(error(format!("empty or null {kind} config section")));
        };
        let (name, outcome) = check(written);
        outcome.map_err(error)?;
        if !name.is_empty() && names.contains(&name) {
            let message = format!("found multiple {kind} configs with job name {name:?}");
            return Err(error(message));
        }
        names.push(name);
    }
    Ok(())
}

/// Jobs of one or more files: their names differ.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    pub(super) configs: Vec<Config>,
    /// The same with all defaults, in the same order.
    pub(super) jobs: Vec<Job>,
    /// What this build cannot do.
    pub(super) unbuilt: Vec<ConfigError>,
    /// The file of each name.
    names: BTreeMap<String, String>,
    /// Patterns of rules.
    patterns: Patterns,
}

impl Jobs {
    /// Adds the jobs of one file.
    pub(super) fn add(
        &mut self,
        configs: Option<Vec<Spanned<Option<Config>>>>,
        file: &str,
        directory: &Path,
        global: &Global,
    ) -> Result<(), ConfigError> {
        for config in configs.into_iter().flatten() {
            let error = |message: String| ConfigError::at(file, config.referenced, message);
            let Some(mut config) = config.value else {
                return Err(error("empty or null scrape config section".to_owned()));
            };
            config.set_directory(directory);
            let mut job = config.resolve(global).map_err(|cause| error(cause.to_string()))?;
            job.share_patterns(&mut self.patterns);
            let name = config.job_name();
            if let Some(first) = self.names.insert(name.to_owned(), file.to_owned()) {
                let first =
                    if first == file { String::new() } else { format!(", first found in {first}") };
                return Err(error(format!(
                    "found multiple scrape configs with job name {name:?}{first}"
                )));
            }
            let section = format!("scrape config with job name {name:?}");
            let refused = config.sd().refused().iter();
            self.unbuilt.extend(refused.map(|refused| of_discovery(file, refused, &section)));
            self.jobs.push(job);
            self.configs.push(config);
        }
        Ok(())
    }
}
