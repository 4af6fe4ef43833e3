//! Rules over history: when alerts would have fired, and what recording rules would have recorded.
//!
//! Time is cut into pieces. Within a piece a rule's query is asked for all of its steps at once
//! (`known`), and the answers are taken one by one through the same code that evaluates rules live; a
//! rule that reads what another one writes comes after it and finds that in an overlay over the store
//! (`overlay`). Where rules read each other in a circle, or what they wrote themselves, they go step by
//! step (`order`). So the outcome is that of evaluating them live, at the same times of day.
//!
//! Nothing here knows the time of day or writes to a store.

mod backfill;
mod backtest;
mod known;
mod order;
mod overlay;
mod pieces;
mod sink;
#[cfg(test)]
mod tests;
mod walk;

pub use backfill::{BackfillError, Backfilled, Recorded, backfill};
pub use backtest::{Episode, Raised, Tested, backtest};

use crate::manager::LoadedFile;
use crate::settings::Settings;
use crate::view::RuleInfo;
use promql::{Control, Engine};
use std::sync::Arc;
use storage::Queryable;

/// What is to be evaluated, over what, and when.
#[derive(Clone)]
pub struct Past<'a> {
    /// The rules.
    pub files: &'a [LoadedFile],
    /// As for live rules.
    pub settings: &'a Settings,
    /// Evaluates the queries.
    pub engine: &'a Engine,
    /// What was stored.
    pub store: Arc<dyn Queryable>,
    /// First time in milliseconds.
    pub from_ms: i64,
    /// Last time in milliseconds.
    pub to_ms: i64,
    /// Stops the running query.
    pub control: &'a Control,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// From 0 to 1.
    pub done: f64,
    /// Of the group that is being evaluated.
    pub group: &'a str,
    /// The rule.
    pub rule: &'a str,
    /// Which time is being evaluated, in milliseconds.
    pub at_ms: i64,
}

/// Hears how far it is, and says whether to go on.
pub type Watch<'a> = &'a mut dyn FnMut(Progress<'_>) -> bool;

/// Why there is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Somebody wanted it to end.
    #[error("stopped")]
    Canceled,
    /// The rules record more samples that other rules read than may be kept in memory.
    #[error(
        "the rules read more than {0} samples of each other; take a shorter time or fewer rules"
    )]
    TooMuch(usize),
}

/// How the evaluations of a rule went.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The file.
    pub file: Arc<str>,
    /// The group.
    pub group: Arc<str>,
    /// What the file says about the rule.
    pub rule: Arc<RuleInfo>,
    /// How often it was evaluated.
    pub evaluations: u64,
    /// How many of those failed.
    pub failures: u64,
    /// When the first of them did, and why.
    pub first_failure: Option<(i64, Arc<str>)>,
    /// Samples of its series.
    pub samples: u64,
}
