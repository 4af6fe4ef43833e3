//! What a rule file may say and hardly means.

use super::{Group, Kind, Place};
use model::{MatchOp, Matcher};
use promql::syntax::Node;
use std::collections::BTreeMap;

/// Rules that record or alert under one name with the same labels: which of them wins is chance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// Name of the series or the alert.
    pub name: String,
    /// The labels they set, the group's among them.
    pub labels: Vec<(String, String)>,
}

/// A condition on a bound in a form in which none is stored: no series meets it, or none is kept out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("group {group:?}, {rule:?}: {matcher} never {verb}: {why}")]
pub struct NeverMatches {
    /// Name of the group.
    pub group: String,
    /// Name of the rule.
    pub rule: String,
    /// Where the rule stands.
    pub place: Place,
    /// The condition, as in `le="120"`.
    pub matcher: String,
    /// `matches` or `excludes`; with the value when it is one of several.
    pub verb: String,
    /// What is stored instead.
    pub why: String,
}

/// The duplicate rules of these groups, each named once, in the order in which the second comes.
pub fn duplicates<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Vec<Duplicate> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for group in groups {
        for rule in &group.rules {
            let mut labels: BTreeMap<_, _> =
                group.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            labels.extend(rule.labels.iter().cloned());
            let labels: Vec<_> = labels.into_iter().collect();
            let is_alert = rule.kind != Kind::Record;
            let times = seen.entry((is_alert, rule.name.clone(), labels.clone())).or_insert(0);
            *times += 1;
            if *times == 2 {
                found.push(Duplicate { name: rule.name.clone(), labels });
            }
        }
    }
    found
}

/// Conditions on `le` and `quantile` that ask for a number in a form that is never stored: bounds
/// are rewritten when they are scraped, so that `le="120"` finds nothing and `le="120.0"` does. Of
/// several values, as in `le=~"0.5|1"`, each is looked at.
pub fn never_matching<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Vec<NeverMatches> {
    let mut found = Vec::new();
    for group in groups {
        for rule in &group.rules {
            for id in rule.expr.ids() {
                let Node::VectorSelector(selector) = rule.expr.node(id) else { continue };
                let bounds =
                    selector.matchers.iter().filter(|m| matches!(m.name(), "le" | "quantile"));
                for (matcher, value, stored) in bounds.flat_map(unstored) {
                    let verb = match matcher.op() {
                        MatchOp::Equal | MatchOp::Regex => "matches",
                        MatchOp::NotEqual | MatchOp::NotRegex => "excludes",
                    };
                    let one = if matcher.value() == value {
                        String::new()
                    } else {
                        format!(" {value:?}")
                    };
                    found.push(NeverMatches {
                        group: group.name.clone(),
                        rule: rule.name.clone(),
                        place: rule.place,
                        matcher: matcher.to_string(),
                        verb: format!("{verb}{one}"),
                        why: format!("bounds are stored as {}={stored:?}", matcher.name()),
                    });
                }
            }
        }
    }
    found
}

/// The values that a condition asks for and that are stored in another form, with that form.
fn unstored(matcher: &Matcher) -> Vec<(&Matcher, String, String)> {
    let pattern = matcher.value();
    let values: Vec<_> = match matcher.regex() {
        None => vec![pattern.to_owned()],
        // People hardly mean any character by a point between digits.
        Some(_) => {
            let list = pattern.strip_prefix('(').and_then(|list| list.strip_suffix(')'));
            list.unwrap_or(pattern).split('|').map(|value| value.replace('\\', "")).collect()
        }
    };
    if values.iter().any(|value| model::float::parse(value).is_none()) {
        return Vec::new();
    }
    let other = |value: String| stored_bound(&value).map(|stored| (matcher, value, stored));
    values.into_iter().filter_map(other).collect()
}

/// The form in which a bound is stored, if it is another one.
fn stored_bound(text: &str) -> Option<String> {
    let bound = model::float::parse(text)?;
    let mut stored = String::new();
    model::float::write_openmetrics(&mut stored, bound).ok()?;
    (stored != text).then_some(stored)
}
