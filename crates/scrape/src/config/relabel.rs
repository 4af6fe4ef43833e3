//! Relabeling rules as they stand in the file.

use client::Scalar;
use model::names::NameScheme;
use model::relabel::{RawRule, Rule};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// One `relabel_config`; a key that is left out has its default. Any name is one in it: what jobs
/// may write, they know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelabelConfig(Rule);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    source_labels: Option<Vec<String>>,
    separator: Option<String>,
    /// Without a value it is the empty pattern, not the default.
    #[serde(default, deserialize_with = "written")]
    regex: Option<Option<String>>,
    modulus: Option<Scalar<u64>>,
    /// Without a value it is refused.
    #[serde(default, deserialize_with = "written")]
    action: Option<Option<String>>,
    target_label: Option<String>,
    replacement: Option<String>,
}

impl<'de> Deserialize<'de> for RelabelConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let raw = RawRule {
            source_labels: written.source_labels,
            separator: written.separator,
            regex: written.regex.map(Option::unwrap_or_default),
            modulus: Scalar::value(written.modulus),
            target_label: written.target_label,
            replacement: written.replacement,
            action: written.action.map(Option::unwrap_or_default),
        };
        // What no naming scheme can mend is told with its place.
        Rule::new(raw, NameScheme::Utf8).map(Self).map_err(D::Error::custom)
    }
}

impl RelabelConfig {
    /// The rule under a naming scheme.
    ///
    /// # Errors
    /// When a field is missing, not wanted by the action, or invalid.
    pub fn rule(&self, scheme: NameScheme) -> Result<Rule, String> {
        self.0.under(scheme).map_err(|error| error.to_string())
    }
}

/// Tells a key that was written without a value from one that is not there.
fn written<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}
