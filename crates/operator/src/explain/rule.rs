//! PrometheusRule: its groups, and how their rules go.

use super::facts::Facts;
use super::gate::VALID;
use super::text::{count, list};
use super::{Check, first_failure};
use rules::{GroupView, Health, RuleView};

/// Are its groups evaluated, and do their rules go well?
pub(super) const GROUPS: &str = "groups";

/// Lines about single rules.
const MAX_DETAILS: usize = 10;

pub(super) fn checks(checks: &mut Vec<Check>, facts: &Facts) {
    // Good groups may count beside bad ones.
    let check = match (first_failure(&*checks), facts.groups.is_empty()) {
        (Some(because), true) => Check::skipped(GROUPS, because),
        (Some(because), false) if because != VALID => Check::skipped(GROUPS, because),
        (None, true) => Check::unknown(GROUPS, "no group of it is evaluated yet"),
        (_, false) => groups(facts),
    };
    checks.push(check);
}

fn groups(facts: &Facts) -> Check {
    let all = || facts.groups.iter().flat_map(|group| group.rules.iter().map(move |r| (group, r)));
    let rules = all().count();
    let bad: Vec<_> = all().filter(|(_, rule)| rule.health == Health::Bad).collect();
    if let Some((group, rule)) = bad.first() {
        let message =
            format!("{} of {} fail; {}", bad.len(), count(rules, "rule"), line(group, rule));
        let fix = format!("kubectl edit {}: {}", facts.for_kubectl(), remedy(rule));
        let rest = bad.iter().skip(1).take(MAX_DETAILS);
        return Check::fail(GROUPS, message, fix).with(rest.map(|(group, rule)| line(group, rule)));
    }
    let waiting: Vec<&str> = facts
        .groups
        .iter()
        .filter(|group| group.last_evaluation_ns.is_none())
        .map(|group| &*group.name)
        .collect();
    if !waiting.is_empty() {
        return Check::unknown(GROUPS, format!("not evaluated yet: {}", list(waiting)));
    }
    let groups = count(facts.groups.len(), "group");
    Check::pass(
        GROUPS,
        format!("{groups} with {} evaluated without an error", count(rules, "rule")),
    )
}

fn line(group: &GroupView, rule: &RuleView) -> String {
    let error = rule.last_error.as_deref().unwrap_or("no error is told");
    format!("group {}, rule {}: {error}", group.name, rule.info.name)
}

fn remedy(rule: &RuleView) -> String {
    let error = rule.last_error.as_deref().unwrap_or("");
    let name = &rule.info.name;
    let what = if error.contains("duplicate") || error.contains("many-to-many") {
        "aggregate, or match on more labels, so that series stay distinct"
    } else if error.contains("limit") {
        "aggregate to fewer series, or raise the limit of the group"
    } else if error.contains("timed out") || error.contains("too many samples") {
        "make the query cheaper, or record a part of it first"
    } else {
        "correct the expression"
    };
    format!("rule {name}: {what}")
}
