//! PrometheusRule: groups of rules.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The spec of a PrometheusRule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PrometheusRule {
    /// The groups.
    pub groups: Vec<GroupText>,
}

/// A group of rules as text: it is read like that of a rule file.
#[derive(Clone, Debug)]
pub struct GroupText(
    /// JSON.
    pub Box<str>,
);

impl<'de> Deserialize<'de> for GroupText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|text| Self(text.get().into()))
    }
}
