//! Which rules of a group may be evaluated at the same time.
//!
//! What one rule reads and another writes keeps the two in the order of the file, whichever comes
//! first: a rule sees what those before it have written and not yet what those after it will.

use super::alert::{ALERTS, FOR_STATE};
use model::{METRIC_NAME, Matcher};
use promql::Expr;
use promql::syntax::Node;

/// What a rule reads and writes.
struct Traffic<'a> {
    /// Its selectors; `None` when it may read anything.
    reads: Option<Vec<&'a [Matcher]>>,
    /// Names of the series it writes.
    names: Vec<&'a str>,
    /// Labels that all of them have.
    labels: &'a [(String, String)],
}

impl Traffic<'_> {
    fn reads_any(&self, of: &Self) -> bool {
        let Some(selectors) = &self.reads else { return true };
        selectors.iter().any(|matchers| of.names.iter().any(|name| of.may_match(name, matchers)))
    }

    fn may_match(&self, name: &str, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| {
            if matcher.name() == METRIC_NAME {
                return matcher.matches(name);
            }
            let known = self.labels.iter().find(|(label, _)| label == matcher.name());
            known.is_none_or(|(_, value)| matcher.matches(value))
        })
    }
}

/// What is known of a rule.
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    pub(super) is_alert: bool,
    pub(super) expr: &'a Expr,
    /// Labels that all of its series have; an empty value is none.
    pub(super) labels: &'a [(String, String)],
    /// Whether it may read more than its query says.
    pub(super) reads_anything: bool,
}

/// Numbers of rules, step by step: those of one step do not read what another of them writes.
pub(super) fn steps(rules: &[Member<'_>]) -> Vec<Vec<usize>> {
    let traffic = rules.iter().map(|rule| Traffic {
        reads: if rule.reads_anything { None } else { selectors(rule.expr) },
        names: if rule.is_alert { vec![ALERTS, FOR_STATE] } else { vec![rule.name] },
        labels: rule.labels,
    });
    let traffic: Vec<_> = traffic.collect();
    let mut steps: Vec<Vec<usize>> = Vec::new();
    let mut step_of: Vec<usize> = Vec::with_capacity(traffic.len());
    for (i, rule) in traffic.iter().enumerate() {
        let before = traffic.iter().zip(&step_of);
        let waits_for = before
            .filter(|(other, _)| rule.reads_any(other) || other.reads_any(rule))
            .map(|(_, step)| step + 1);
        let step = waits_for.max().unwrap_or(0);
        if step == steps.len() {
            steps.push(Vec::new());
        }
        steps[step].push(i);
        step_of.push(step);
    }
    steps
}

/// The selectors of a query; `None` when it reads more than they say.
fn selectors(expr: &Expr) -> Option<Vec<&[Matcher]>> {
    let mut found = Vec::new();
    for id in expr.ids() {
        match expr.node(id) {
            Node::VectorSelector(selector) => found.push(selector.matchers.as_slice()),
            // It looks for series of its own accord.
            Node::Call { func, .. } if func.name() == "info" => return None,
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Kind, Options, RuleFile};

    #[track_caller]
    fn check(rules: &[(&str, &str)], expected: &[&[usize]]) {
        let rules = rules.iter().map(|(name, expr)| {
            let (kind, name) = name.split_once(' ').unwrap_or(("record", name));
            let (name, label) = name.split_once('/').unwrap_or((name, ""));
            let labels = if label.is_empty() { "" } else { "\n    labels: {a: '" };
            let end = if label.is_empty() { "" } else { "'}" };
            format!("  - {kind}: {name}\n    expr: '{expr}'{labels}{label}{end}\n")
        });
        let text = format!("groups:\n- name: g\n  rules:\n{}", rules.collect::<String>());
        let file = RuleFile::parse(&text, &Options::default()).unwrap();
        let members = file.groups[0].rules.iter().map(|rule| Member {
            name: &rule.name,
            is_alert: rule.kind != Kind::Record,
            expr: &rule.expr,
            labels: &rule.labels,
            reads_anything: rule.name == "any",
        });
        let found = steps(&members.collect::<Vec<_>>());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn readers_wait_for_writers_and_writers_for_readers() {
        check(&[("a", "x"), ("b", "y"), ("c", "z")], &[&[0, 1, 2]]);
        check(&[("a", "x"), ("b", "a"), ("c", "y")], &[&[0, 2], &[1]]);
        check(&[("b", "a"), ("a", "x"), ("c", "b")], &[&[0], &[1, 2]]);
        check(&[("a", "x"), ("b", "{job=\"j\"}"), ("c", "y")], &[&[0], &[1], &[2]]);
        check(&[("a/1", "x"), ("b", "a{a=\"2\"}"), ("c", "a{a=\"1\"}")], &[&[0, 1], &[2]]);
        check(&[("alert a", "x"), ("alert b", "y"), ("c", "ALERTS")], &[&[0, 1], &[2]]);
        check(&[("a", "a")], &[&[0]]);
        check(&[("a", "x"), ("any", "y"), ("c", "z")], &[&[0], &[1], &[2]]);
    }
}
