//! A relabeling rule as it could stand in the file.

use model::relabel::{Action, Rule};
use std::fmt::Write as _;

/// The rule in one line, without what is default.
pub(super) fn text(rule: &Rule) -> String {
    let mut text = format!("action: {}", rule.action);
    let mut add = |key: &str, value: &str| {
        write!(text, ", {key}: {value}").expect("a string takes text");
    };
    if !rule.source_labels.is_empty() {
        add("source_labels", &format!("[{}]", rule.source_labels.join(", ")));
    }
    if rule.separator != ";" {
        add("separator", &format!("{:?}", rule.separator));
    }
    if rule.regex.as_str() != "(.*)" {
        add("regex", rule.regex.as_str());
    }
    if rule.modulus > 0 {
        add("modulus", &rule.modulus.to_string());
    }
    if !rule.target_label.is_empty() {
        add("target_label", &rule.target_label);
    }
    if matches!(rule.action, Action::Replace | Action::LabelMap) && rule.replacement != "$1" {
        add("replacement", &format!("{:?}", rule.replacement));
    }
    text
}

#[cfg(test)]
mod tests {
    use model::names::NameScheme;
    use model::relabel::{RawRule, Rule};

    #[track_caller]
    fn check(raw: RawRule, expected: &str) {
        assert_eq!(super::text(&Rule::new(raw, NameScheme::Utf8).unwrap()), expected);
    }

    #[test]
    fn only_what_is_not_default() {
        let labels = |labels: &[&str]| Some(labels.iter().map(|l| (*l).to_owned()).collect());
        let some = |text: &str| Some(text.to_owned());
        check(
            RawRule {
                source_labels: labels(&["a"]),
                target_label: some("b"),
                ..RawRule::default()
            },
            "action: replace, source_labels: [a], target_label: b",
        );
        check(
            RawRule {
                source_labels: labels(&["a", "b"]),
                separator: some("@"),
                regex: some("x;.+"),
                target_label: some("b"),
                replacement: some(""),
                ..RawRule::default()
            },
            "action: replace, source_labels: [a, b], separator: \"@\", regex: x;.+, \
             target_label: b, replacement: \"\"",
        );
        check(
            RawRule { action: some("labeldrop"), regex: some("x"), ..RawRule::default() },
            "action: labeldrop, regex: x",
        );
        check(
            RawRule {
                action: some("hashmod"),
                source_labels: labels(&["a"]),
                modulus: Some(4),
                target_label: some("b"),
                ..RawRule::default()
            },
            "action: hashmod, source_labels: [a], modulus: 4, target_label: b",
        );
    }
}
