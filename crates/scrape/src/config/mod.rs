//! Settings: one `scrape_config` of the config file, and the job it means.
//!
//! [`Config`] is what stands in the file. Reading it refuses unknown keys and options that exclude each
//! other; mechanisms of discovery that are not built in are told, to be refused by whoever reads the
//! file.
//! [`Job`] is the same with every default in place, some of them from the `global` section
//! ([`Global`]): what the loops work by.

mod job;
mod protocol;
mod relabel;
#[cfg(test)]
mod tests;
mod written;

pub use client::{DurationText, Secret, SizeText};
pub(crate) use job::SCHEMAS;
pub use job::{Features, Global, HistogramFlags, Job, Limits, SampleLimitMode};
pub use protocol::{DEFAULT_PROTOCOLS, Escaping, accept_header};
pub use relabel::RelabelConfig;
pub(crate) use written::Written;

use discovery::SdConfigs;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::path::Path;

/// One `scrape_config`, as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Config(pub(crate) Written);

/// Why a job was refused although its section could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The timeout does not fit into the interval.
    #[error("scrape timeout greater than scrape interval for scrape config with job name {0:?}")]
    TimeoutAboveInterval(String),
    /// The `global` section contradicts itself.
    #[error("{0}")]
    Global(String),
    /// The list of formats is empty, has duplicates or names unknown to us.
    #[error("{text} for scrape config with job name {job:?}")]
    Protocols {
        /// What is wrong.
        text: String,
        /// The job.
        job: String,
    },
    /// The fallback is no format we know.
    #[error("invalid fallback_scrape_protocol for scrape config with job name {job:?}: {text}")]
    Fallback {
        /// What is wrong.
        text: String,
        /// The job.
        job: String,
    },
    /// Something else in the job's section.
    #[error("{text} in scrape config with job name {job:?}")]
    Other {
        /// What is wrong.
        text: String,
        /// The job.
        job: String,
    },
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        written.check().map_err(|fault| D::Error::custom(written.with_unbuilt(fault)))?;
        Ok(Self(written))
    }
}

impl Config {
    /// The job's name.
    #[must_use]
    pub fn job_name(&self) -> &str {
        self.0.job_name()
    }

    /// Where its targets come from.
    #[must_use]
    pub fn sd(&self) -> &SdConfigs {
        &self.0.sd
    }

    /// Where its targets come from, for what no file says.
    pub fn sd_mut(&mut self) -> &mut SdConfigs {
        &mut self.0.sd
    }

    /// Joins the files that are named relative to the config file with its directory.
    pub fn set_directory(&mut self, directory: &Path) {
        self.0.set_directory(directory);
    }
}

impl Written {
    pub(crate) fn job_name(&self) -> &str {
        self.job_name.as_deref().unwrap_or("")
    }

    /// What Prometheus checks while it reads the section.
    fn check(&self) -> Result<(), String> {
        if self.job_name().is_empty() {
            return Err("job_name is empty".into());
        }
        self.http.config()?;
        let rules = self.relabel_configs.as_deref().unwrap_or_default();
        if rules.is_empty() {
            for address in self.sd.written.iter().flat_map(|config| &config.targets) {
                discovery::check_address(address).map_err(|error| error.to_string())?;
            }
        }
        if rules.iter().any(Option::is_none) {
            return Err("empty or null target relabeling rule in scrape config".into());
        }
        let rules = self.metric_relabel_configs.as_deref().unwrap_or_default();
        if rules.iter().any(Option::is_none) {
            return Err("empty or null metric relabeling rule in scrape config".into());
        }
        match self.scheme.as_deref().unwrap_or("http") {
            "http" | "https" | "" => Ok(()),
            other => Err(format!("scheme must be 'http' or 'https', got {other:?}")),
        }
    }

    /// A fault of a job whose discovery is not built in: nobody knows what else is wrong there.
    fn with_unbuilt(&self, fault: String) -> String {
        match self.sd.refused().first() {
            Some(refused) => {
                let (line, column) = (refused.line, refused.column);
                format!("{refused} (line {line}, column {column}); and {fault}")
            }
            None => fault,
        }
    }

    fn set_directory(&mut self, directory: &Path) {
        self.sd.set_directory(directory);
        self.http.set_directory(directory);
        if let Some(path) =
            self.scrape_failure_log_file.as_mut().filter(|p| !p.as_os_str().is_empty())
        {
            *path = directory.join(&*path);
        }
    }
}
