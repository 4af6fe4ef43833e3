//! Selectors of labels: as relabeling steps, or as a text for the API server.

use super::Reason;
use super::steps::{META, Steps, sanitized};
use crate::resources::meta::{LabelSelector, Requirement};
use discovery::kubernetes::{self as preselect, Condition, Preselect};

/// The steps that keep what a selector chooses; `what` is `service`, `pod` or `ingress`.
pub(super) fn steps(out: &mut Steps, selector: &LabelSelector, what: &str) -> Result<(), Reason> {
    let names = |key: &str| {
        let key = sanitized(key);
        (format!("{META}{what}_label_{key}"), format!("{META}{what}_labelpresent_{key}"))
    };
    for (key, value) in &selector.match_labels {
        let (label, present) = names(key);
        out.filter("keep", &[&label, &present], &format!("({value});true"));
    }
    for requirement in &selector.match_expressions {
        let (label, present) = names(&requirement.key);
        let listed = || format!("({});true", requirement.values.join("|"));
        match requirement.operator.as_str() {
            "In" => out.filter("keep", &[&label, &present], &listed()),
            "NotIn" => out.filter("drop", &[&label, &present], &listed()),
            "Exists" => out.filter("keep", &[&present], "true"),
            "DoesNotExist" => out.filter("drop", &[&present], "true"),
            _ => return Err(unknown(requirement)),
        }
    }
    Ok(())
}

/// What [`steps`] will drop anyway; nothing when a condition is not known.
pub(super) fn preselect(selector: &LabelSelector) -> Option<Preselect> {
    let mut requirements = Vec::new();
    let mut require = |key: &str, condition| {
        requirements.push(preselect::Requirement { key: key.to_owned(), condition });
    };
    for (key, value) in &selector.match_labels {
        require(key, Condition::In(vec![value.clone()]));
    }
    for Requirement { key, operator, values } in &selector.match_expressions {
        let condition = match operator.as_str() {
            "In" => Condition::In(values.clone()),
            "NotIn" => Condition::NotIn(values.clone()),
            "Exists" => Condition::Exists,
            "DoesNotExist" => Condition::Absent,
            _ => return None,
        };
        require(key, condition);
    }
    Some(Preselect { requirements })
}

/// The selector as the API server reads it; empty when all are chosen.
pub(super) fn text(selector: &LabelSelector) -> Result<String, Reason> {
    let mut parts = Vec::new();
    for (key, value) in &selector.match_labels {
        parts.push((key.clone(), format!("{key}={value}")));
    }
    for requirement in &selector.match_expressions {
        let Requirement { key, operator, values } = requirement;
        let mut values = values.clone();
        values.sort();
        let values = values.join(",");
        let part = match operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            _ => return Err(unknown(requirement)),
        };
        parts.push((key.clone(), part));
    }
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(","))
}

fn unknown(requirement: &Requirement) -> Reason {
    format!("selector: {:?} is not an operator", requirement.operator)
}
