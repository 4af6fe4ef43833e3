//! In which order rules are evaluated over a piece of time.
//!
//! A rule that reads what another one writes comes after it. Where the order of the files says
//! otherwise (a rule reads what a later rule of its group, or it itself, wrote the last time) the
//! groups concerned go through time step by step.

use super::overlay::Written;
use crate::file::{Group, Kind, Rule};
use promql::syntax::{At, Node};

/// Groups that are evaluated together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Their numbers.
    pub(super) groups: Vec<usize>,
    /// Whether all steps of a piece of time can be evaluated at once.
    pub(super) at_once: bool,
}

/// What a rule writes.
pub(super) fn written(group: &Group, rule: &Rule) -> Vec<Written> {
    let constant = |name: &str, value: &str| {
        (!value.contains("{{") || rule.kind == Kind::Record)
            .then(|| (name.to_owned(), value.to_owned()))
    };
    let mut labels: Vec<(String, String)> =
        rule.labels.iter().filter_map(|(name, value)| constant(name, value)).collect();
    let own = |name: &str| rule.labels.iter().any(|(known, _)| known == name);
    let of_group = group.labels.iter().filter(|(name, _)| !own(name));
    labels.extend(of_group.filter_map(|(name, value)| constant(name, value)));
    if rule.kind == Kind::Record {
        return vec![Written { name: rule.name.clone(), labels }];
    }
    labels.retain(|(name, _)| name != "alertname" && name != "alertstate");
    labels.push(("alertname".to_owned(), rule.name.clone()));
    let of = |name: &str| Written { name: name.to_owned(), labels: labels.clone() };
    vec![of("ALERTS"), of("ALERTS_FOR_STATE")]
}

/// Whether a rule reads what another one writes, or may do so.
fn reads(rule: &Rule, written: &[Written]) -> bool {
    asks(rule)
        || rule.expr.ids().any(|id| match rule.expr.node(id) {
            Node::VectorSelector(selector) => {
                written.iter().any(|written| written.meets(&selector.matchers))
            }
            // It looks for series of its own accord.
            Node::Call { func, .. } => func.name() == "info",
            _ => false,
        })
}

/// Whether templates of a rule ask for more than labels and value.
pub(super) fn asks(rule: &Rule) -> bool {
    let Kind::Alert { annotations, .. } = &rule.kind else { return false };
    let texts = rule.labels.iter().chain(annotations);
    texts.into_iter().any(|(_, text)| text.contains("{{") && text.contains("query"))
}

/// Whether the value at a step depends on which other steps are evaluated with it.
fn looks_at_the_range(rule: &Rule) -> bool {
    rule.expr.ids().any(|id| {
        let at = match rule.expr.node(id) {
            Node::VectorSelector(selector) => selector.at,
            Node::Subquery(subquery) => subquery.at,
            _ => None,
        };
        matches!(at, Some(At::Start | At::End))
    })
}

/// Brings groups in order; which rules write what others read is told as well, by group and rule.
/// `lags_ms` says how much older than its evaluation the samples of each group are.
pub(super) fn order(groups: &[&Group], lags_ms: &[i64]) -> (Vec<Unit>, Vec<Vec<bool>>) {
    let written: Vec<Vec<Vec<Written>>> = groups
        .iter()
        .map(|group| group.rules.iter().map(|rule| self::written(group, rule)).collect())
        .collect();
    let mut is_read: Vec<Vec<bool>> =
        groups.iter().map(|group| vec![false; group.rules.len()]).collect();
    let mut before = vec![vec![false; groups.len()]; groups.len()];
    let mut at_once = vec![true; groups.len()];
    for (g, reader) in groups.iter().enumerate() {
        for (r, rule) in reader.rules.iter().enumerate() {
            at_once[g] &= !looks_at_the_range(rule);
            for (h, writers) in written.iter().enumerate() {
                for (w, written) in writers.iter().enumerate() {
                    if !reads(rule, written) {
                        continue;
                    }
                    is_read[h][w] = true;
                    if g == h {
                        at_once[g] &= w < r;
                    } else {
                        before[h][g] = true;
                        // At some times the reader would see what is only written later.
                        before[g][h] |= lags_ms[h] > lags_ms[g];
                    }
                }
            }
        }
    }
    // Who comes before whom, by any number of groups between.
    for via in 0..groups.len() {
        for from in 0..groups.len() {
            if before[from][via] {
                let beyond = before[via].clone();
                before[from].iter_mut().zip(beyond).for_each(|(known, new)| *known |= new);
            }
        }
    }
    let mut units: Vec<Unit> = Vec::new();
    let mut left: Vec<usize> = (0..groups.len()).collect();
    while !left.is_empty() {
        let circle = |g: usize, h: usize| g == h || (before[g][h] && before[h][g]);
        let is_next = |g: &&usize| left.iter().all(|h| !before[*h][**g] || circle(**g, *h));
        let next = *left.iter().find(is_next).expect("circles are taken together");
        let together: Vec<usize> = left.iter().copied().filter(|g| circle(next, *g)).collect();
        left.retain(|g| !together.contains(g));
        let at_once = together.len() == 1 && at_once[next];
        units.push(Unit { groups: together, at_once });
    }
    (units, is_read)
}
