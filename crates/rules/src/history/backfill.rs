//! What recording rules would have recorded.

use super::walk::{Aim, Walk};
use super::{Past, Stopped, Tally, Watch};
use model::Labels;
use storage::Columns;

/// What the rules of a group recorded in a piece of time.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Names the group.
    pub key: String,
    /// Time from sample to sample: those that come nearer to a sample that is stored are not wanted.
    pub apart_ms: i64,
    /// In label order, with staleness markers where series end.
    pub series: Vec<(Labels, Columns)>,
}

/// What a rule recorded.
#[derive(Clone, Debug)]
pub struct Backfilled {
    /// How its evaluations went, and how many samples they gave.
    pub tally: Tally,
}

/// Why it did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError<E> {
    /// It was stopped, or it was too much.
    #[error(transparent)]
    Stopped(Stopped),
    /// What was recorded could not be stored.
    #[error(transparent)]
    Store(E),
}

/// Evaluates all recording rules from a time to another. What they recorded is handed over piece by
/// piece, in order of time, and is to be found in the store afterwards; within a piece rules find what
/// others recorded where nothing is stored.
///
/// # Errors
/// When it was stopped, rules record more than can be kept, or what they recorded is not taken.
pub fn backfill<E>(
    past: &Past<'_>,
    watch: Watch<'_>,
    mut take: impl FnMut(Vec<Recorded>) -> Result<(), E>,
) -> Result<Vec<Backfilled>, BackfillError<E>> {
    let mut walk = Walk::new(past, Aim::Record);
    let mut observe = |_: (usize, usize), _: i64, _: bool, _: &[_]| {};
    while walk.step(watch, &mut observe).map_err(BackfillError::Stopped)? {
        let recorded = walk.groups.iter().map(|group| Recorded {
            key: format!("rules;{};{}", group.file, group.name),
            apart_ms: group.interval_ms,
            series: group.sink.take(),
        });
        let recorded: Vec<Recorded> =
            recorded.filter(|recorded| !recorded.series.is_empty()).collect();
        if !recorded.is_empty() {
            take(recorded).map_err(BackfillError::Store)?;
        }
    }
    let rules = walk.groups.into_iter().flat_map(|group| group.rules);
    Ok(rules.map(|rule| Backfilled { tally: rule.tally }).collect())
}
