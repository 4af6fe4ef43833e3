//! What an object is told.

use crate::plan::{
    Missing, MissingReason, ObjectState, Rejected, Selection, Verdict, Waiting, WarningKind,
};

/// Bytes of a message; longer ones are cut.
const MAX_MESSAGE: usize = 1024;
/// The reason of what is not as it should be, unless there is a better one.
pub(super) const INVALID: &str = "InvalidConfiguration";

/// What is said about an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This.
    Told(Condition),
    /// Nothing: it is not selected.
    Untold,
    /// It is not known yet, so what was said before stays.
    Open,
}

/// A condition of type `Accepted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// `True`, `Degraded` or `False`.
    pub(super) status: String,
    /// Empty for `True`.
    pub(super) reason: String,
    /// Empty for `True`.
    pub(super) message: String,
    /// The change of the object's spec that it is about.
    pub(super) generation: i64,
}

impl Outcome {
    pub(super) fn of(state: &ObjectState) -> Self {
        match &state.selection {
            Selection::NamespaceNotSelected { unknown: Some(_), .. } => return Self::Open,
            Selection::NamespaceNotSelected { .. } | Selection::LabelsDiffer { .. } => {
                return Self::Untold;
            }
            Selection::Selected => {}
        }
        let told = |status: &str, reason: &str, message: String| {
            Self::Told(Condition {
                status: status.to_owned(),
                reason: reason.to_owned(),
                message: cut(message, MAX_MESSAGE),
                generation: state.generation,
            })
        };
        match &state.verdict {
            None => Self::Open,
            Some(Verdict::Accepted(accepted)) => {
                let bad = || accepted.warnings.iter().filter(|w| w.kind != WarningKind::Note);
                match bad().next() {
                    None => told("True", "", String::new()),
                    Some(first) => {
                        let messages: Vec<_> = bad().map(|w| w.message.as_str()).collect();
                        told("Degraded", first.kind.as_str(), messages.join("; "))
                    }
                }
            }
            Some(Verdict::Rejected(Rejected { reason, message, .. })) => {
                told("False", reason.as_str(), message.clone())
            }
            Some(Verdict::Waiting(Waiting { missing, kept, .. })) => {
                // An answer will come; errors of the way to it differ each time.
                let is_open = |missing: &Missing| matches!(missing.why, MissingReason::NotRead(_));
                if missing.iter().all(is_open) {
                    return Self::Open;
                }
                let messages: Vec<_> = missing.iter().map(ToString::to_string).collect();
                let status = if kept.is_empty() { "False" } else { "Degraded" };
                told(status, INVALID, messages.join("; "))
            }
        }
    }

    /// What is wrong with an object that has no jobs or rules.
    pub(super) fn fault(&self) -> Option<&Condition> {
        match self {
            Self::Told(condition) if condition.status == "False" => Some(condition),
            _ => None,
        }
    }
}

/// A text of so many bytes at most.
pub(super) fn cut(mut text: String, max_bytes: usize) -> String {
    const MORE: &str = "...";
    if text.len() > max_bytes {
        let mut end = max_bytes - MORE.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(MORE);
    }
    text
}
