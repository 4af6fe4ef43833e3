//! Which objects a selector chooses, and which it nearly does.

use super::cluster::LabelMap;
use super::near;
use super::text::list;
use crate::plan::LabelMiss;
use kubernetes::resources::meta::LabelSelector;
use model::regex::Regex;
use std::collections::BTreeMap;

/// Near misses that are told of.
const MAX_NEAR: usize = 5;

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// As the API server does it.
    Equality,
    /// As relabeling does it: values are patterns for the whole value.
    Pattern,
}

/// The conditions of a selector that labels do not meet.
pub(super) fn misses(selector: &LabelSelector, labels: &LabelMap, by: By) -> Vec<LabelMiss> {
    let exact = selector
        .match_labels
        .iter()
        .map(|(key, value)| ("In".to_owned(), key.clone(), vec![value.clone()]));
    let others = selector.match_expressions.iter();
    let others = others.map(|r| (r.operator.clone(), r.key.clone(), r.values.clone()));
    let all = exact.chain(others).filter_map(|(operator, key, values)| {
        let found = labels.get(&key);
        let is_listed = || found.is_some_and(|has| values.iter().any(|v| is_value(v, has, by)));
        let holds = match operator.as_str() {
            "In" => is_listed(),
            "NotIn" => !is_listed(),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        };
        let found = found.cloned();
        (!holds).then_some(LabelMiss { key, operator, values, found })
    });
    all.collect()
}

fn is_value(wanted: &str, has: &str, by: By) -> bool {
    wanted == has || by == By::Pattern && is_pattern_of(wanted, has)
}

/// Whether a pattern fits the whole of a text; one that is none fits nothing.
pub(super) fn is_pattern_of(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// `app=web, tier in (a, b)`
pub(super) fn text(selector: &LabelSelector) -> String {
    let mut parts = equals(&selector.match_labels);
    for requirement in &selector.match_expressions {
        let (key, values) = (&requirement.key, requirement.values.join(", "));
        parts.push(match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} not in ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            other => format!("{key} {other} ({values})"),
        });
    }
    parts.join(", ")
}

/// `app=web`, `tier=a`
pub(super) fn equals(labels: &LabelMap) -> Vec<String> {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// An object that a selector may choose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) labels: &'a LabelMap,
    /// The labels of the Pods it stands for, which are easily taken for its own.
    pub(super) of_pods: Option<&'a LabelMap>,
}

/// Objects that a selector nearly chooses, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    /// One of them.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Why not, behind its name: `has app=foo, not app=web`.
    pub(super) why: String,
    /// The labels it would need.
    pub(super) lacks: Vec<String>,
    /// The selector it would need, `key: value`.
    pub(super) instead: Option<String>,
    /// How many more there are like it.
    more: usize,
}

impl Near {
    /// A line of details.
    pub(super) fn line(&self, what: &str) -> String {
        let Self { namespace, name, why, more, .. } = self;
        let more = match more {
            0 => String::new(),
            more => format!(", and {more} more like it"),
        };
        format!("{what} {namespace}/{name} {why}{more}")
    }
}

/// What comes near to being chosen, the nearest first.
pub(super) fn near_misses<'a>(
    selector: &LabelSelector,
    candidates: impl Iterator<Item = Candidate<'a>>,
    by: By,
) -> Vec<Near> {
    let conditions = selector.match_labels.len() + selector.match_expressions.len();
    let mut found: BTreeMap<(usize, String), Near> = BTreeMap::new();
    for candidate in candidates {
        let missed = misses(selector, candidate.labels, by);
        let Some((rank, mut near)) = judge(selector, &candidate, &missed, conditions, by) else {
            continue;
        };
        let key = (rank, near.why.clone());
        near.lacks = missed.iter().filter_map(wanted).collect();
        found.entry(key).and_modify(|known| known.more += 1).or_insert(near);
    }
    found.into_values().take(MAX_NEAR).collect()
}

/// `app=web` of a condition that asks for one value.
pub(super) fn wanted(miss: &LabelMiss) -> Option<String> {
    match (miss.operator.as_str(), miss.values.first()) {
        ("In", Some(value)) => Some(format!("{}={value}", miss.key)),
        _ => None,
    }
}

/// How near an object comes, 0 for the nearest, and why it is not chosen.
fn judge(
    selector: &LabelSelector,
    candidate: &Candidate<'_>,
    missed: &[LabelMiss],
    conditions: usize,
    by: By,
) -> Option<(usize, Near)> {
    let Candidate { namespace, name, labels, of_pods } = *candidate;
    let near = |why: String, instead: Option<String>| Near {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        why,
        lacks: Vec::new(),
        instead,
        more: 0,
    };
    let lacks_all = missed.iter().all(|miss| wanted(miss).is_some() && miss.found.is_none());
    if let Some(pods) = of_pods.filter(|pods| !pods.is_empty() && lacks_all)
        && misses(selector, pods, by).is_empty()
    {
        let text = text(selector);
        return Some((
            0,
            near(format!("selects Pods by {text} but has no such label itself"), None),
        ));
    }
    let [miss] = missed else { return None };
    let LabelMiss { key, values, found, .. } = miss;
    if let Some(has) = found {
        let is_alike = values.iter().any(|value| near::distance(value, has).is_some());
        let why = match miss.operator.as_str() {
            "In" => format!("has {key}={has}, not {}", one_of(values)),
            _ => format!("has {key}={has}, which is not wanted"),
        };
        // With a single condition every other value of that label would be a near miss.
        let is_near = is_alike || conditions > 1;
        let instead = (miss.operator == "In").then(|| format!("{key}: {has}"));
        return is_near.then(|| (if is_alike { 1 } else { 3 }, near(why, instead)));
    }
    let by_other_key = labels.iter().find(|(_, has)| values.iter().any(|v| v == *has));
    if let Some((other, has)) = by_other_key {
        let why = format!("has {other}={has} instead of a label {key}");
        return Some((2, near(why, Some(format!("{other}: {has}")))));
    }
    let similar = values.iter().any(|value| near::distance(value, name).is_some());
    if conditions > 1 || similar {
        return Some((4, near(format!("has no label {key}"), None)));
    }
    None
}

fn one_of(values: &[String]) -> String {
    match values {
        [value] => value.clone(),
        values => format!("one of {}", list(values)),
    }
}
