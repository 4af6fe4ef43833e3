//! The `otlp` section: how a receiver of OTLP would translate. There is no receiver, and the flag
//! that would open one is refused; without it the section does nothing in Prometheus either.

use client::Scalar;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeSet;

/// The section as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    promote_all_resource_attributes: Option<Scalar<bool>>,
    promote_resource_attributes: Option<Vec<String>>,
    ignore_resource_attributes: Option<Vec<String>>,
    translation_strategy: Option<String>,
    #[serde(rename = "keep_identifying_resource_attributes")]
    _keep_identifying: Option<Scalar<bool>>,
    #[serde(rename = "convert_histograms_to_nhcb")]
    _convert_histograms: Option<Scalar<bool>>,
    #[serde(rename = "promote_scope_metadata")]
    _promote_scope: Option<Scalar<bool>>,
    #[serde(rename = "label_name_underscore_sanitization")]
    _underscore_sanitization: Option<Scalar<bool>>,
    #[serde(rename = "label_name_preserve_multiple_underscores")]
    _preserve_underscores: Option<Scalar<bool>>,
}

/// The section, checked.
#[derive(Debug, Default)]
pub(super) struct OtlpSection {
    /// The strategy when it keeps names that only UTF-8 naming allows.
    needs_utf8: Option<String>,
}

impl OtlpSection {
    /// Under the naming scheme of classic names a strategy that keeps others cannot work.
    pub(super) fn check(&self, utf8: bool) -> Result<(), String> {
        match &self.needs_utf8 {
            Some(strategy) if !utf8 => Err(format!(
                "OTLP translation strategy {strategy:?} is not allowed when UTF8 is disabled"
            )),
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for OtlpSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.check().map_err(de::Error::custom)
    }
}

impl Written {
    fn check(self) -> Result<OtlpSection, String> {
        let promoted = self.promote_resource_attributes.unwrap_or_default();
        let ignored = self.ignore_resource_attributes.unwrap_or_default();
        if Scalar::value(self.promote_all_resource_attributes).unwrap_or(false) {
            if !promoted.is_empty() {
                return Err("'promote_all_resource_attributes' and 'promote_resource_attributes' \
                            cannot be configured simultaneously"
                    .into());
            }
            check_attributes(&ignored, "ignored")
                .map_err(|e| format!("invalid 'ignore_resource_attributes': {e}"))?;
        } else {
            if !ignored.is_empty() {
                return Err("'ignore_resource_attributes' cannot be configured unless \
                            'promote_all_resource_attributes' is true"
                    .into());
            }
            check_attributes(&promoted, "promoted")
                .map_err(|e| format!("invalid 'promote_resource_attributes': {e}"))?;
        }
        let strategy = self.translation_strategy.unwrap_or_default();
        match strategy.as_str() {
            "" | "UnderscoreEscapingWithSuffixes" | "UnderscoreEscapingWithoutSuffixes" => {
                Ok(OtlpSection { needs_utf8: None })
            }
            "NoTranslation" | "NoUTF8EscapingWithSuffixes" => {
                Ok(OtlpSection { needs_utf8: Some(strategy) })
            }
            other => Err(format!("unsupported OTLP translation strategy {other:?}")),
        }
    }
}

fn check_attributes(attributes: &[String], adjective: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for attribute in attributes.iter().map(|attribute| attribute.trim()) {
        if attribute.is_empty() {
            faults.push(format!("empty {adjective} OTel resource attribute"));
        } else if !seen.insert(attribute) {
            faults.push(format!("duplicated {adjective} OTel resource attribute {attribute:?}"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join(", ")) }
}
