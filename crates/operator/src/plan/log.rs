//! What is said of objects: people look for their monitor's name.

use super::{LabelMiss, ObjectRef, ObjectState, Selection, Verdict};

/// An object is new, or something else became of it.
pub(super) fn changed(object: &ObjectRef, before: Option<&ObjectState>, now: &ObjectState) {
    let (kind, name) = (object.kind.as_str(), object.to_string());
    let what = match before {
        None => "found",
        Some(before) if before.uid != now.uid => "replaced",
        Some(_) => "changed",
    };
    match (&now.selection, &now.verdict) {
        (Selection::NamespaceNotSelected { misses, unknown }, _) => {
            let why = unknown.clone().unwrap_or_else(|| list(misses));
            tracing::info!(
                component = "operator",
                kind,
                object = name,
                why,
                "{what}, not selected: its namespace is not"
            );
        }
        (Selection::LabelsDiffer { misses }, _) => {
            let why = list(misses);
            tracing::info!(
                component = "operator",
                kind,
                object = name,
                why,
                "{what}, not selected: its labels differ"
            );
        }
        (Selection::Selected, None) => {}
        (Selection::Selected, Some(Verdict::Accepted(accepted))) => {
            let (jobs, rules) = (accepted.jobs.len(), accepted.rules);
            tracing::info!(component = "operator", kind, object = name, jobs, rules, "{what}");
            for warning in &accepted.warnings {
                let warning = &warning.message;
                tracing::warn!(
                    component = "operator",
                    kind,
                    object = name,
                    warning,
                    "accepted with a warning"
                );
            }
        }
        (Selection::Selected, Some(Verdict::Rejected(rejected))) => {
            let (reason, error) = (rejected.reason.as_str(), &rejected.message);
            tracing::warn!(
                component = "operator",
                kind,
                object = name,
                reason,
                error,
                "{what}, rejected"
            );
        }
        (Selection::Selected, Some(Verdict::Waiting(waiting))) => {
            let missing: Vec<_> = waiting.missing.iter().map(ToString::to_string).collect();
            let (missing, kept) = (missing.join("; "), waiting.kept.len());
            if waiting.is_reading() {
                tracing::debug!(
                    component = "operator",
                    kind,
                    object = name,
                    missing,
                    kept,
                    "{what}, waits for what it refers to"
                );
            } else {
                tracing::warn!(
                    component = "operator",
                    kind,
                    object = name,
                    missing,
                    kept,
                    "{what}, waits for what it refers to"
                );
            }
        }
    }
}

/// An object is gone.
pub(super) fn gone(object: &ObjectRef, before: &ObjectState) {
    let (kind, name) = (object.kind.as_str(), object.to_string());
    let was = before.verdict.as_ref().map_or("not selected", Verdict::as_str);
    tracing::info!(component = "operator", kind, object = name, was, "removed");
}

fn list(misses: &[LabelMiss]) -> String {
    misses.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
