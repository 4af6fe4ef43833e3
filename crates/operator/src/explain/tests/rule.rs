//! PrometheusRules: groups and rules.

use super::super::Outcome::{Fail, Pass, Skipped};
use super::super::facts::Facts;
use super::world::{World, with_state, world};
use crate::plan::{Accepted, Reason, Rejected, Verdict, Warning, WarningKind};
use rules::{GroupView, Health, RuleInfo, RuleKind, RuleView};
use std::sync::Arc;

/// A PrometheusRule `voice/alerts` with one group of rules that are so.
fn rules(rules: &'static [(&str, Health, Option<&str>)]) -> World {
    world("").given(move |facts: &mut Facts| {
        let rules = rules.iter().map(|(name, health, error)| RuleView {
            info: Arc::new(RuleInfo {
                name: (*name).to_owned(),
                query: "up".into(),
                labels: Vec::new(),
                kind: RuleKind::Recording,
                place: (1, 1),
            }),
            health: *health,
            last_error: error.map(Into::into),
            evaluation_seconds: 0.0,
            last_evaluation_ns: None,
            alerts: [].into(),
        });
        let rules: Vec<_> = rules.collect();
        let evaluated = rules.iter().all(|rule| rule.health != Health::Unknown);
        facts.groups = vec![Arc::new(GroupView {
            file: "voice-alerts-u.yaml".into(),
            name: "voice".into(),
            interval_ms: 30_000,
            query_offset_ms: 0,
            limit: 0,
            rules,
            evaluation_seconds: 0.0,
            last_evaluation_ns: evaluated.then_some(1),
        })];
    })
}

fn rejected(message: &str) -> World {
    let message = message.to_owned();
    let rejected = Rejected { reason: Reason::InvalidConfiguration, message };
    world("").given(with_state(|state| state.verdict = Some(Verdict::Rejected(rejected))))
}

#[test]
fn all_is_well() {
    let explanation = rules(&[("a", Health::Good, None), ("b", Health::Good, None)]).passes();
    assert_eq!(
        explanation.verdict,
        "PrometheusRule voice/alerts is well: 1 group with 2 rules evaluated without an error"
    );
    assert_eq!(explanation.outcomes()[2..], [("labels", Pass), ("valid", Pass), ("groups", Pass)]);
}

#[test]
fn expressions_that_cannot_be_read() {
    let error = "groups[0].rules[1]: group \"voice\", rule 2, \"HighLatency\": could not parse \
                 expression: 1:7: parse error: unclosed left parenthesis";
    let explanation = rejected(error).fails(
        "valid",
        error,
        "kubectl edit prometheusrule -n voice alerts, field spec.groups[0].rules[1]",
    );
    assert_eq!(explanation.outcomes()[3..], [("valid", Fail), ("groups", Skipped)]);
    assert_eq!(explanation.verdict, format!("PrometheusRule voice/alerts: {error}"));
}

#[test]
fn groups_that_are_left_out() {
    let warning = |group: &str| Warning {
        kind: WarningKind::InvalidGroups,
        message: format!("group \"{group}\", rule 1: no expression"),
    };
    let accepted = Accepted { warnings: vec![warning("a"), warning("b")], ..Accepted::default() };
    let explanation = rules(&[("a", Health::Good, None)])
        .given(with_state(|state| state.verdict = Some(Verdict::Accepted(accepted))))
        .fails(
            "valid",
            "group \"a\", rule 1: no expression",
            "kubectl edit prometheusrule -n voice alerts",
        );
    assert_eq!(explanation.details("valid"), ["group \"b\", rule 1: no expression"]);
    assert_eq!(explanation.outcomes()[4], ("groups", Pass));
}

#[test]
fn rules_that_fail() {
    let explanation = rules(&[
        ("a", Health::Bad, Some("vector contains metrics with the same labelset: many-to-many")),
        ("b", Health::Good, None),
        ("c", Health::Bad, Some("query timed out in expression evaluation")),
    ])
    .fails(
        "groups",
        "2 of 3 rules fail; group voice, rule a: vector contains metrics with the same labelset: \
         many-to-many",
        "kubectl edit prometheusrule -n voice alerts: rule a: aggregate, or match on more labels, so \
         that series stay distinct",
    );
    assert_eq!(
        explanation.details("groups"),
        ["group voice, rule c: query timed out in expression evaluation"]
    );
    let fix = |world: World, fix: &str| {
        let explanation = world.explained();
        let found = explanation.checks.last().unwrap().fix.clone().unwrap();
        assert_eq!(found, format!("kubectl edit prometheusrule -n voice alerts: rule a: {fix}"));
    };
    fix(
        rules(&[("a", Health::Bad, Some("exceeded limit of 3 with 5 series"))]),
        "aggregate to fewer series, or raise the limit of the group",
    );
    fix(
        rules(&[("a", Health::Bad, Some("query timed out"))]),
        "make the query cheaper, or record a part of it first",
    );
    fix(rules(&[("a", Health::Bad, Some("what"))]), "correct the expression");
}

#[test]
fn groups_that_wait() {
    rules(&[("a", Health::Unknown, None)]).waits("groups", "not evaluated yet: voice");
    world("").waits("groups", "no group of it is evaluated yet");
}
