//! What came out, for people.

use api::history::{Backfill, Backtest, Evaluated, TestedAlert, TestedAlerts, TestedRule, rfc3339};
use model::Labels;
use model::duration::Duration;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What alerts would have done: each of them, then a line for every rule.
pub(super) fn backtest(found: &Backtest) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    for rule in &found.rules {
        let TestedRule::Alerting(alerting) = rule else { continue };
        for alert in &alerting.alerts {
            line(&format!("{} {}", alerting.rule.name, labels(&alert.labels)));
            line(&format!("  {}", life(alert, found.to)));
            for (name, text) in &alert.annotations {
                line(&format!("  {name}: {}", text.replace('\n', "\n    ")));
            }
            line("");
        }
    }
    line(&format!("From {} to {}:", rfc3339::text(found.from), rfc3339::text(found.to)));
    if let Some(stored) = found.stored_from {
        line(&format!("Nothing is stored of the time before {}.", rfc3339::text(stored)));
    }
    let mut heading = None;
    for rule in &found.rules {
        let (rule, summary) = match rule {
            TestedRule::Alerting(alerting) => (&alerting.rule, fired(alerting, found.to)),
            TestedRule::Recording(record) => {
                (&record.rule, format!("would record {}", count(record.samples, "sample")))
            }
        };
        let place = (&rule.file, &rule.group);
        if heading != Some(place) {
            heading = Some(place);
            line(&format!("{}, group {}", rule.file, rule.group));
        }
        line(&format!("  {}: {summary}{}", rule.name, failures(rule)));
    }
    out
}

/// What was stored: a line for every rule, and the sum.
pub(super) fn backfill(done: &Backfill) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let mut heading = None;
    for recorded in &done.rules {
        let rule = &recorded.rule;
        let place = (&rule.file, &rule.group);
        if heading != Some(place) {
            heading = Some(place);
            line(&format!("{}, group {}", rule.file, rule.group));
        }
        let samples = count(recorded.samples, "sample");
        let evaluations = count(rule.evaluations, "evaluation");
        line(&format!("  {}: {samples} of {evaluations}{}", rule.name, failures(rule)));
    }
    if done.alerting_rules > 0 {
        let rules = count(done.alerting_rules, "alerting rule");
        line(&format!("{rules} passed over: alerts are not raised for the past"));
    }
    let (from, to) = (rfc3339::text(done.from), rfc3339::text(done.to));
    line(&format!(
        "From {from} to {to}: {} stored, {} known already, {}",
        count(done.samples, "sample"),
        done.known,
        count(done.blocks, "block"),
    ));
    out
}

/// When it began, fired and ended.
fn life(alert: &TestedAlert, end_ms: i64) -> String {
    let mut text = String::new();
    let since = if alert.at_start { " or earlier" } else { "" };
    write!(text, "pending {}{since}", rfc3339::text(alert.pending_from)).expect("text");
    if let Some(firing) = alert.firing_from {
        write!(text, ", firing {}", rfc3339::text(firing)).expect("a string takes text");
    }
    match alert.resolved_at {
        Some(resolved) => write!(text, ", resolved {}", rfc3339::text(resolved)),
        None => write!(text, ", not resolved"),
    }
    .expect("a string takes text");
    match firing_ms(alert, end_ms) {
        Some(ms) => write!(text, ": fired for {}", Duration::from_ms(ms)),
        None => write!(text, ": never fired"),
    }
    .expect("a string takes text");
    write!(text, ", value {}", alert.value).expect("a string takes text");
    text
}

fn firing_ms(alert: &TestedAlert, end_ms: i64) -> Option<i64> {
    alert.firing_from.map(|firing| alert.resolved_at.unwrap_or(end_ms) - firing)
}

fn fired(alerting: &TestedAlerts, end_ms: i64) -> String {
    let fired = alerting.alerts.iter().filter_map(|alert| firing_ms(alert, end_ms));
    let (times, all_ms) = fired.fold((0, 0), |(times, all), ms| (times + 1, all + ms));
    let pending = alerting.alerts.len() as u64 - times;
    let mut text = match times {
        0 if alerting.rule.evaluations == 0 => "not evaluated within this time".to_owned(),
        0 => "never fired".to_owned(),
        times => format!("fired {}, {} in all", count(times, "time"), Duration::from_ms(all_ms)),
    };
    if pending > 0 {
        text += &format!(", pending without firing {}", count(pending, "time"));
    }
    if alerting.omitted > 0 {
        text += &format!(" ({} more are not listed)", alerting.omitted);
    }
    text
}

fn failures(rule: &Evaluated) -> String {
    let Some(first) = &rule.first_failure else { return String::new() };
    let (at, error) = (rfc3339::text(first.at), &first.error);
    let of = count(rule.evaluations, "evaluation");
    format!("; {} of {of} failed, first at {at}: {error}", rule.failures)
}

fn count(number: u64, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    let rest = labels.iter().filter(|(name, _)| *name != "alertname");
    Labels::from_pairs(rest).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::history::{BackfilledRule, Failure, TestedRecord};

    const HOUR: i64 = 3_600_000;

    fn rule(name: &str) -> Evaluated {
        let [file, group, name] = ["r.yml", "g", name].map(str::to_owned);
        Evaluated { file, group, name, evaluations: 7, ..Evaluated::default() }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn alerts_are_told_and_rules_summed_up() {
        let fired = TestedAlert {
            labels: map(&[("alertname", "Down"), ("job", "a")]),
            annotations: map(&[("summary", "a is\ndown")]),
            value: "0".to_owned(),
            pending_from: HOUR,
            firing_from: Some(2 * HOUR),
            resolved_at: Some(4 * HOUR + 60_000),
            at_start: false,
        };
        let waits = TestedAlert {
            labels: map(&[("alertname", "Down")]),
            value: "1.5".to_owned(),
            at_start: true,
            ..TestedAlert::default()
        };
        let down = TestedAlerts {
            rule: rule("Down"),
            alerts: vec![fired, waits],
            omitted: 3,
            ..TestedAlerts::default()
        };
        let never = TestedAlerts { rule: rule("Never"), ..TestedAlerts::default() };
        let error = Failure { at: HOUR, error: "no".to_owned() };
        let failed = Evaluated { failures: 2, first_failure: Some(error), ..rule("a:b") };
        let record = TestedRecord { rule: failed, samples: 1 };
        let rules = vec![
            TestedRule::Alerting(down),
            TestedRule::Alerting(never),
            TestedRule::Recording(record),
        ];
        let stored_from = Some(60_000);
        let text = backtest(&Backtest { from: 0, to: 6 * HOUR, stored_from, rules });
        let expected = r#"Down {job="a"}
  pending 1970-01-01T01:00:00Z, firing 1970-01-01T02:00:00Z, resolved 1970-01-01T04:01:00Z: fired for 2h1m, value 0
  summary: a is
    down

Down {}
  pending 1970-01-01T00:00:00Z or earlier, not resolved: never fired, value 1.5

From 1970-01-01T00:00:00Z to 1970-01-01T06:00:00Z:
Nothing is stored of the time before 1970-01-01T00:01:00Z.
r.yml, group g
  Down: fired 1 time, 2h1m in all, pending without firing 1 time (3 more are not listed)
  Never: never fired
  a:b: would record 1 sample; 2 of 7 evaluations failed, first at 1970-01-01T01:00:00Z: no
"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn what_was_stored_is_summed_up() {
        let rules = vec![BackfilledRule { rule: rule("a:b"), samples: 6 }];
        let (samples, known) = (5, 1);
        let done =
            Backfill { from: 0, to: HOUR, rules, alerting_rules: 1, samples, known, blocks: 2 };
        let expected = "r.yml, group g\n  a:b: 6 samples of 7 evaluations\n\
                        1 alerting rule passed over: alerts are not raised for the past\n\
                        From 1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z: 5 samples stored, \
                        1 known already, 2 blocks\n";
        assert_eq!(backfill(&done), expected);
    }
}
