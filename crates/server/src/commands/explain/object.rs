//! An object's explanation as text: the verdict, a line a check, and what to do.

use super::text::{Text, count};
use api::explain::{Check, CheckOutcome, ObjectExplanation, ObjectTarget};

/// The column behind a check's outcome and name.
const COLUMN: usize = 20;

/// What people read.
pub(super) fn show(explanation: &ObjectExplanation) -> String {
    let ObjectExplanation { verdict, checks, jobs, targets, .. } = explanation;
    let mut out = Text::default();
    out.line(0, verdict);
    out.line(0, "");
    for check in checks {
        self::check(&mut out, check);
    }
    if !jobs.is_empty() {
        out.line(0, "");
        out.line(
            0,
            &format!("{}: {}", if jobs.len() == 1 { "job" } else { "jobs" }, jobs.join(", ")),
        );
    }
    if targets.discovered > 0 {
        let states = targets.states.iter().map(|(state, n)| format!("{n} {state}"));
        let states: Vec<_> = states.collect();
        let discovered = count(targets.discovered, "target");
        out.line(0, &format!("{discovered} discovered: {}", states.join(", ")));
    }
    for target in &targets.examples {
        self::target(&mut out, target);
    }
    if targets.discovered > targets.examples.len() && !targets.examples.is_empty() {
        out.line(2, "...; `rushlight explain target JOB` tells of all");
    }
    out.0
}

fn check(out: &mut Text, check: &Check) {
    let outcome = match check.outcome {
        CheckOutcome::Pass => "ok",
        CheckOutcome::Fail => "FAIL",
        CheckOutcome::Unknown => "?",
        CheckOutcome::Skipped => "-",
    };
    out.line(2, &format!("{outcome:<4}  {:<11} {}", check.check, check.message));
    for detail in &check.details {
        out.line(COLUMN, detail);
    }
    if let Some(fix) = &check.fix {
        out.line(COLUMN, &format!("fix: {fix}"));
    }
}

fn target(out: &mut Text, target: &ObjectTarget) {
    let ObjectTarget { target, state, reason, .. } = target;
    let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    out.line(2, &format!("{} {target}{reason}", state.to_uppercase()));
}
