//! The `alerting` section: whom to tell of alerts, and how.

use super::ConfigError;
use super::cloud_auth::SigV4;
use client::{DurationText, HttpKeys};
use discovery::SdConfigs;
use model::names::NameScheme;
use model::relabel::Rule;
use notifier::AlertmanagerSet;
use scrape::config::RelabelConfig;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};
use std::path::Path;
use std::time::Duration;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom to tell of alerts, with all defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerting {
    /// What becomes of each alert before it is sent to anybody.
    pub(crate) alert_relabel: Vec<Rule>,
    /// In the order of the file, each with what finds its members.
    pub(crate) sets: Vec<(AlertmanagerSet, SdConfigs)>,
}

/// The section as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AlertingSection {
    alert_relabel_configs: Option<Vec<Option<RelabelConfig>>>,
    alertmanagers: Option<Vec<Spanned<Option<Alertmanager>>>>,
}

client::section! {
    /// One of `alertmanagers`.
    #[derive(Debug)]
    pub(super) struct Alertmanager {
        keys {
            scheme: Option<String>,
            path_prefix: Option<String>,
            timeout: Option<DurationText>,
            api_version: Option<ApiVersion>,
            relabel_configs: Vec<Option<RelabelConfig>>,
            alert_relabel_configs: Vec<Option<RelabelConfig>>,
            sigv4: Option<Spanned<SigV4>>,
        }
        parts {
            http: HttpKeys,
            sd: SdConfigs,
        }
    }
}

#[derive(Debug)]
struct ApiVersion;

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "v2" => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "expected Alertmanager api version to be one of [v2] but got {other}"
            ))),
        }
    }
}

impl AlertingSection {
    /// Whether it asks for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.alert_relabel_configs.iter().flatten().next().is_none()
            && self.alertmanagers.iter().flatten().next().is_none()
    }

    /// The section with all defaults; files that are named begin at `directory`, and the numbers of
    /// the sets at `first`.
    pub(super) fn resolve(
        &self,
        file: &str,
        directory: &Path,
        scheme: NameScheme,
        first: usize,
    ) -> Result<Alerting, ConfigError> {
        let relabel = self.alert_relabel_configs.as_deref().unwrap_or_default();
        let alert_relabel = rules(relabel, "empty or null alert relabeling rule", scheme)
            .map_err(|message| ConfigError::of_file(file, message))?;
        let written = self.alertmanagers.iter().flatten().enumerate();
        let sets = written.map(|(i, written)| set(written, first + i, file, directory, scheme));
        Ok(Alerting { alert_relabel, sets: sets.collect::<Result<_, _>>()? })
    }

    /// Those that are written.
    pub(super) fn alertmanagers(&self) -> impl Iterator<Item = &Alertmanager> {
        self.alertmanagers.iter().flatten().filter_map(|one| one.value.as_ref())
    }
}

/// One of `alertmanagers` with all defaults.
pub(super) fn set(
    written: &Spanned<Option<Alertmanager>>,
    number: usize,
    file: &str,
    directory: &Path,
    scheme: NameScheme,
) -> Result<(AlertmanagerSet, SdConfigs), ConfigError> {
    let resolve = |written: &Alertmanager| written.resolve(number, directory, scheme);
    let value = written.value.as_ref();
    value
        .map_or_else(|| Err("empty or null Alertmanager section".into()), resolve)
        .map_err(|message| ConfigError::at(file, written.referenced, message))
}

impl Alertmanager {
    /// Where requests are to be signed in the way of Amazon.
    pub(super) fn signed(&self) -> Option<Location> {
        Some(self.sigv4.as_ref()?.referenced)
    }

    /// What is asked for of discovery that is not built in.
    pub(super) fn refused(&self) -> &[discovery::Refused] {
        self.sd.refused()
    }

    fn resolve(
        &self,
        number: usize,
        directory: &Path,
        scheme: NameScheme,
    ) -> Result<(AlertmanagerSet, SdConfigs), String> {
        let (mut http, mut sd) = (self.http.clone(), self.sd.clone());
        http.set_directory(directory);
        sd.set_directory(directory);
        let http = http.config()?;
        if let Some(sigv4) = &self.sigv4 {
            sigv4.value.check()?;
            let others = self.http.basic_auth.is_some()
                || self.http.authorization.is_some()
                || self.http.oauth2.is_some();
            if others {
                return Err("at most one of basic_auth, authorization, oauth2, & sigv4 must be \
                            configured"
                    .into());
            }
        }
        if self.relabel_configs.is_empty() {
            for address in sd.written.iter().flat_map(|config| &config.targets) {
                discovery::check_address(address).map_err(|error| error.to_string())?;
            }
        }
        let (targets, alerts) = (&self.relabel_configs, &self.alert_relabel_configs);
        let relabel = rules(targets, "empty or null Alertmanager target relabeling rule", scheme)?;
        let alert_relabel =
            rules(alerts, "empty or null Alertmanager alert relabeling rule", scheme)?;
        let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let timeout = self.timeout.map_or(DEFAULT_TIMEOUT, |timeout| {
            Duration::from_millis(u64::try_from(timeout.0.ms).unwrap_or(0))
        });
        let set = AlertmanagerSet {
            name: format!("config-{number}"),
            http,
            timeout,
            scheme: text(&self.scheme).unwrap_or_else(|| "http".to_owned()),
            path_prefix: text(&self.path_prefix).unwrap_or_default(),
            relabel,
            alert_relabel,
        };
        Ok((set, sd))
    }
}

fn rules(
    written: &[Option<RelabelConfig>],
    null: &str,
    scheme: NameScheme,
) -> Result<Vec<Rule>, String> {
    written.iter().map(|rule| rule.as_ref().ok_or(null)?.rule(scheme)).collect()
}
