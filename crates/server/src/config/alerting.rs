//! The `alerting` section: whom to tell of alerts, and how.

use super::ConfigError;
use super::cloud_auth::SigV4;
use client::{DurationText, HttpKeys};
use discovery::SdConfigs;
use model::names::NameScheme;
use scrape::config::RelabelConfig;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

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
    struct Alertmanager {
        keys {
            scheme: Option<String>,
            path_prefix: Option<String>,
            timeout: Option<DurationText>,
            api_version: Option<ApiVersion>,
            relabel_configs: Vec<Option<RelabelConfig>>,
            alert_relabel_configs: Vec<Option<RelabelConfig>>,
            sigv4: Option<SigV4>,
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

    pub(super) fn check(&self, file: &str, scheme: NameScheme) -> Result<(), ConfigError> {
        let relabel = self.alert_relabel_configs.as_deref().unwrap_or_default();
        check_rules(relabel, "empty or null alert relabeling rule", scheme)
            .map_err(|message| ConfigError::of_file(file, message))?;
        for alertmanager in self.alertmanagers.iter().flatten() {
            let check = |written: &Alertmanager| written.check(scheme);
            alertmanager
                .value
                .as_ref()
                .map_or_else(|| Err("empty or null Alertmanager section".into()), check)
                .map_err(|message| ConfigError::at(file, alertmanager.referenced, message))?;
        }
        Ok(())
    }

    /// What is asked for of discovery that is not built in.
    pub(super) fn refused(&self) -> impl Iterator<Item = &discovery::Refused> {
        let written = self.alertmanagers.iter().flatten().filter_map(|one| one.value.as_ref());
        written.flat_map(|alertmanager| alertmanager.sd.refused())
    }
}

impl Alertmanager {
    fn check(&self, scheme: NameScheme) -> Result<(), String> {
        self.http.config()?;
        if let Some(sigv4) = &self.sigv4 {
            sigv4.check()?;
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
            for address in self.sd.written.iter().flat_map(|config| &config.targets) {
                discovery::check_address(address).map_err(|error| error.to_string())?;
            }
        }
        let (targets, alerts) = (&self.relabel_configs, &self.alert_relabel_configs);
        check_rules(targets, "empty or null Alertmanager target relabeling rule", scheme)?;
        check_rules(alerts, "empty or null Alertmanager alert relabeling rule", scheme)
    }
}

fn check_rules(
    rules: &[Option<RelabelConfig>],
    null: &str,
    scheme: NameScheme,
) -> Result<(), String> {
    for rule in rules {
        rule.as_ref().ok_or(null)?.rule(scheme)?;
    }
    Ok(())
}
