//! Relabeling: rules that rewrite, keep or drop label sets.

use crate::labels::LabelsBuilder;
use crate::names::NameScheme;
use crate::regex::Regex;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// Sets the target label from the expanded replacement.
    #[default]
    Replace,
    /// Drops what does not match.
    Keep,
    /// Drops what matches.
    Drop,
    /// Drops what differs from the target label.
    KeepEqual,
    /// Drops what equals the target label.
    DropEqual,
    /// Sets the target label to a hash of the source, modulo the modulus.
    HashMod,
    /// Copies labels whose name matches to the expanded replacement.
    LabelMap,
    /// Removes labels whose name matches.
    LabelDrop,
    /// Removes labels whose name does not match.
    LabelKeep,
    /// Sets the target label to the source in lower case.
    Lowercase,
    /// Sets the target label to the source in upper case.
    Uppercase,
}

/// One rule, validated.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Labels whose values are joined to the source text.
    pub source_labels: Vec<String>,
    /// Between the source values.
    pub separator: String,
    /// Matched against the source text or the label names.
    pub regex: Regex,
    /// For `hashmod`.
    pub modulus: u64,
    /// The label that is written or compared.
    pub target_label: String,
    /// The template of the new value or name.
    pub replacement: String,
    /// What to do.
    pub action: Action,
    /// Which names may be written.
    pub scheme: NameScheme,
}

/// Applies rules in order; false when the set was dropped (the builder is then unspecified).
#[must_use]
pub fn apply(rules: &[Rule], labels: &mut LabelsBuilder) -> bool {
    let _ = (rules, labels);
    todo!()
}
