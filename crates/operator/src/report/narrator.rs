//! The log of what becomes of objects, and their numbers. It needs nothing of the cluster, so people read
//! here what is wrong even when nothing may be written there.

use super::metrics::{Counts, Managed, Metrics};
use super::outcome::Outcome;
use crate::plan::{MonitorKind, ObjectRef, ObjectState, Plan, Selection, Verdict};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// What was said last about an object.
type Said = (Outcome, usize);

/// Follows plans until they end.
pub(super) async fn narrate(mut plans: watch::Receiver<Arc<Plan>>, metrics: Arc<Metrics>) {
    let mut said = BTreeMap::new();
    let mut before = Arc::new(Plan::default());
    loop {
        let plan = Arc::clone(&plans.borrow_and_update());
        metrics.set_managed(&counts(&plan));
        said.retain(|object, _| plan.objects.contains_key(object));
        for (object, state) in &plan.objects {
            if before.objects.get(object).is_some_and(|old| Arc::ptr_eq(old, state)) {
                continue;
            }
            let now = (Outcome::of(state), jobs(state));
            if matches!(now.0, Outcome::Open) {
                continue;
            }
            let mut now_said = now.clone();
            // Another edition of the same is nothing new.
            if let Outcome::Told(condition) = &mut now_said.0 {
                condition.generation = 0;
            }
            let old = said.insert(object.clone(), now_said.clone());
            if old.as_ref() != Some(&now_said) {
                say(object, state, &now.0, old.as_ref());
            }
        }
        before = plan;
        if plans.changed().await.is_err() {
            return;
        }
    }
}

fn say(object: &ObjectRef, state: &ObjectState, now: &Outcome, old: Option<&Said>) {
    let kind = object.kind.as_str();
    let Outcome::Told(condition) = now else {
        // Most objects of a large cluster are somebody else's.
        if matches!(old, Some((Outcome::Told(_), _))) {
            tracing::info!(component = "operator", kind, %object, "no longer selected");
        } else {
            tracing::debug!(component = "operator", kind, %object, "not selected");
        }
        return;
    };
    let (reason, error) = (condition.reason.as_str(), condition.message.as_str());
    match condition.status.as_str() {
        "False" => {
            tracing::warn!(component = "operator", kind, %object, reason, error, "object is left out");
        }
        "Degraded" => {
            tracing::warn!(component = "operator", kind, %object, reason, error, "a part of the object is left out");
        }
        _ => {
            let jobs = jobs(state);
            tracing::info!(component = "operator", kind, %object, jobs, "object is followed");
        }
    }
}

/// The jobs of an object, or the rules.
fn jobs(state: &ObjectState) -> usize {
    match &state.verdict {
        Some(Verdict::Accepted(accepted)) => accepted.jobs.len() + accepted.rules,
        _ => 0,
    }
}

fn counts(plan: &Plan) -> Counts {
    let mut counts = Counts::default();
    for (object, state) in &plan.objects {
        let managed = match (&state.selection, &state.verdict) {
            (Selection::Selected, Some(Verdict::Accepted(accepted))) if accepted.is_degraded() => {
                Managed::Degraded
            }
            (Selection::Selected, Some(Verdict::Accepted(_))) => Managed::Selected,
            (Selection::Selected, Some(Verdict::Rejected(_))) => Managed::Rejected,
            (Selection::Selected, Some(Verdict::Waiting(_)) | None) => Managed::Waiting,
            _ => Managed::Deselected,
        };
        let kind = MonitorKind::ALL.iter().position(|kind| *kind == object.kind);
        counts[kind.expect("all are there")][managed as usize] += 1;
    }
    counts
}
