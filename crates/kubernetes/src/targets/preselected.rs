//! Preselections: which objects pass one, and by which label to find those that may.

use crate::names::sanitized;
use discovery::kubernetes::{Condition, Preselect};
use std::collections::BTreeMap;

/// The labels of an object by the names they have in meta labels.
pub(super) type Labels<'a> = BTreeMap<String, &'a str>;

/// Names as meta labels have them; of two that become the same the later one counts, as it does there.
pub(super) fn labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> Labels<'a> {
    labels.map(|(name, value)| (sanitized(name), value)).collect()
}

/// A preselection, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Preselected {
    requirements: Vec<(String, Condition)>,
}

impl Preselected {
    pub(super) fn new(preselect: &Preselect) -> Self {
        let requirements = preselect.requirements.iter().map(|requirement| {
            let condition = match &requirement.condition {
                // What a regular expression makes of such a value is for the rules to say.
                Condition::In(values) if !values.iter().all(|value| is_plain(value)) => {
                    Condition::Exists
                }
                other => other.clone(),
            };
            (sanitized(&requirement.key), condition)
        });
        Self { requirements: requirements.collect() }
    }

    pub(super) fn accepts(&self, labels: &Labels<'_>) -> bool {
        self.requirements.iter().all(|(name, condition)| {
            let value = labels.get(name);
            match condition {
                Condition::In(values) => value.is_some_and(|value| is_among(value, values)),
                Condition::NotIn(values) => !value.is_some_and(|value| is_among(value, values)),
                Condition::Exists => value.is_some(),
                Condition::Absent => value.is_none(),
            }
        })
    }

    /// A label and its values, one of which every object has that passes.
    pub(super) fn handle(&self) -> Option<(&str, &[String])> {
        self.requirements.iter().find_map(|(name, condition)| match condition {
            Condition::In(values) => Some((name.as_str(), values.as_slice())),
            _ => None,
        })
    }
}

fn is_among(value: &str, values: &[String]) -> bool {
    values.iter().any(|one| one == value)
}

/// Whether a value means only itself as a regular expression.
fn is_plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::kubernetes::Requirement;

    #[track_caller]
    fn check(requirements: &[(&str, Condition)], object: &[(&str, &str)], expected: bool) {
        let requirements = requirements.iter().map(|(key, condition)| Requirement {
            key: (*key).to_owned(),
            condition: condition.clone(),
        });
        let preselected = Preselected::new(&Preselect { requirements: requirements.collect() });
        assert_eq!(preselected.accepts(&labels(object.iter().copied())), expected);
    }

    #[test]
    fn what_the_rules_would_keep_passes() {
        let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        let one_of = |values: &[&str]| Condition::In(list(values));
        let none_of = |values: &[&str]| Condition::NotIn(list(values));
        let object = &[("app.kubernetes.io/name", "asr"), ("tier", "v1.2"), ("bare", "")];
        check(&[], object, true);
        check(&[], &[], true);
        check(&[("tier", one_of(&["v1.2"]))], object, true);
        check(&[("app.kubernetes.io/name", one_of(&["asr"]))], object, true);
        check(&[("app.kubernetes.io/name", one_of(&["tts"]))], object, false);
        // The names are the same in meta labels.
        check(&[("app_kubernetes_io/name", one_of(&["asr"]))], object, true);
        // A dot stands for any letter in the rule.
        check(&[("tier", one_of(&["v1.3"]))], object, true);
        check(&[("other", one_of(&["v1.3"]))], object, false);
        check(&[("bare", one_of(&["", "x"]))], object, true);
        check(&[("bare", none_of(&["x"])), ("none", none_of(&["x"]))], object, true);
        check(&[("tier", none_of(&["x", "v1.2"]))], object, false);
        check(&[("tier", Condition::Exists), ("none", Condition::Absent)], object, true);
        check(&[("none", Condition::Exists)], object, false);
        check(&[("tier", Condition::Absent)], object, false);
    }
}
