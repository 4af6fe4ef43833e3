//! Settings: one `scrape_config` of the config file, and the job it means.
//!
//! [`Config`] is what stands in the file. Reading it refuses unknown keys, options that exclude each
//! other, and options whose work this build cannot do; nothing is accepted and then ignored.
//! [`Job`] is the same with every default in place, some of them from the `global` section
//! ([`Global`]): what the loops work by.

mod http;
mod job;
mod protocol;
mod relabel;
#[cfg(test)]
mod tests;
mod written;
mod yaml;

pub use http::{Authorization, BasicAuth, HeaderValues};
pub(crate) use http::{Credentials, SecretSource};
pub use job::{Global, HistogramFlags, Job, Limits};
pub use protocol::{DEFAULT_PROTOCOLS, Escaping, accept_header};
pub use relabel::RelabelConfig;
pub(crate) use written::Written;
pub use yaml::{DurationText, Secret, SizeText};

use discovery::{FileConfig, StaticConfig};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
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
    /// An option that this build knows but cannot do.
    #[error("{option} is not built in yet (scrape config with job name {job:?})")]
    NotBuiltIn {
        /// The option, with its value where only some values are meant.
        option: String,
        /// The job.
        job: String,
    },
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        written.check_built_in().map_err(D::Error::custom)?;
        written.check().map_err(D::Error::custom)?;
        Ok(Self(written))
    }
}

impl Config {
    /// The job's name.
    #[must_use]
    pub fn job_name(&self) -> &str {
        self.0.job_name()
    }

    /// Targets that are written in the section itself.
    #[must_use]
    pub fn static_configs(&self) -> &[StaticConfig] {
        &self.0.static_configs
    }

    /// Files with targets.
    #[must_use]
    pub fn file_sd_configs(&self) -> &[FileConfig] {
        &self.0.file_sd_configs
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
        self.credentials()?;
        http::headers(self.http_headers.as_ref().unwrap_or(&BTreeMap::new()))?;
        let rules = self.relabel_configs.as_deref().unwrap_or_default();
        if rules.is_empty() {
            for address in self.static_configs.iter().flat_map(|config| &config.targets) {
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

    fn check_built_in(&self) -> Result<(), ConfigError> {
        let https = (self.scheme.as_deref() == Some("https")).then(|| "scheme https".to_owned());
        match https.or_else(|| self.not_built_in()) {
            Some(option) => {
                Err(ConfigError::NotBuiltIn { option, job: self.job_name().to_owned() })
            }
            None => Ok(()),
        }
    }

    pub(crate) fn credentials(&self) -> Result<Credentials, String> {
        let written = http::Written {
            basic_auth: self.basic_auth.as_ref(),
            authorization: self.authorization.as_ref(),
            bearer_token: self.bearer_token.as_ref(),
            bearer_token_file: self.bearer_token_file.as_deref(),
        };
        written.credentials()
    }

    fn set_directory(&mut self, directory: &Path) {
        for config in &mut self.file_sd_configs {
            config.resolve(directory);
        }
        http::resolve(&mut self.bearer_token_file, directory);
        if let Some(basic) = &mut self.basic_auth {
            http::resolve(&mut basic.username_file, directory);
            http::resolve(&mut basic.password_file, directory);
        }
        if let Some(authorization) = &mut self.authorization {
            http::resolve(&mut authorization.credentials_file, directory);
        }
        for values in self.http_headers.iter_mut().flat_map(BTreeMap::values_mut) {
            for file in values.files.iter_mut().flatten() {
                *file = directory.join(&*file);
            }
        }
    }
}
