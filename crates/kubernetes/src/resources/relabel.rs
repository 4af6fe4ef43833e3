//! A relabeling rule as objects have it.

use serde::Deserialize;

/// A relabeling rule.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Relabel {
    /// Labels whose values are joined.
    pub source_labels: Vec<String>,
    /// By this.
    pub separator: Option<String>,
    /// The label that is written.
    pub target_label: String,
    /// What the joined values must look like.
    pub regex: String,
    /// For `hashmod`.
    pub modulus: u64,
    /// What is written.
    pub replacement: Option<String>,
    /// What is done, in any case of letters; `replace` when it is empty.
    pub action: String,
}
