//! Zero samples where series say that they began.
//!
//! With `created-timestamp-zero-ingestion` a sample may bring the time at which its series began. If
//! that lies after the last sample of the series and before the new one, the series was zero then. Such
//! a sample is older than the row it comes with, so it goes to a group beside the target's, in which a
//! missing value means nothing. It is tried and never insisted on: what does not fit is left out.

use super::explicit::{Ground, MAX_BEHIND_MS, Value};
use super::sink::EXPLICIT;
use foldhash::HashMap;
use model::Labels;
use storage::{AppendError, Column, Group, Row};

/// What is known of the beginnings of a target's series.
#[derive(Default)]
pub(super) struct Created {
    /// Labels of series with beginnings, by slot.
    labels: HashMap<u32, Labels>,
    group: Option<Box<dyn Group>>,
    columns: HashMap<Labels, Column>,
    last_ms: i64,
    row: Row,
    pending: Vec<Zero>,
    /// The time of the last row of the target's group; `None` when it is not known.
    pub(super) last_row_ms: Option<i64>,
}

struct Zero {
    t_ms: i64,
    slot: u32,
    value: Value,
}

impl Created {
    pub(super) fn begin(&mut self) {
        self.pending.clear();
    }

    /// Forgets series by their slots, since slots no longer mean what they did.
    pub(super) fn forget(&mut self) {
        self.labels.clear();
    }

    /// A series that has a beginning; told when it gets its slot.
    pub(super) fn learn(&mut self, slot: u32, labels: &Labels) {
        self.labels.insert(slot, labels.clone());
    }

    /// Takes the beginning of a series of the row at `t_ms`. A series that was made just now has no
    /// earlier samples; for all others the last row must be before it.
    pub(super) fn note(&mut self, slot: u32, is_new: bool, start_ms: i64, t_ms: i64, zero: Value) {
        let after_last = is_new || self.last_row_ms.is_some_and(|last_ms| last_ms < start_ms);
        let in_time = start_ms < t_ms && start_ms >= t_ms.saturating_sub(MAX_BEHIND_MS);
        if after_last && in_time {
            self.pending.push(Zero { t_ms: start_ms, slot, value: zero });
        }
    }

    /// Whether beginnings could be of use at all, for series that were not made just now.
    #[inline]
    pub(super) fn may_fit(&self, start_ms: i64) -> bool {
        self.last_row_ms.is_some_and(|last_ms| last_ms < start_ms)
    }

    /// Stores what fits.
    pub(super) fn commit(&mut self, ground: &Ground<'_>) {
        if self.pending.is_empty() {
            return;
        }
        if let Err(error) = self.append(ground) {
            tracing::debug!(%error, "zero samples lost");
        }
        self.pending.clear();
    }

    fn append(&mut self, ground: &Ground<'_>) -> Result<(), AppendError> {
        let Self { labels, group, columns, last_ms, row, pending, .. } = self;
        let group = match group {
            Some(group) => group,
            None => {
                *last_ms = i64::MIN;
                group.insert(ground.open("created")?)
            }
        };
        pending.sort_by_key(|zero| zero.t_ms);
        for zeros in pending.chunk_by(|a, b| a.t_ms == b.t_ms) {
            let t_ms = zeros[0].t_ms;
            if t_ms <= *last_ms {
                continue;
            }
            row.begin(t_ms);
            for zero in zeros {
                let Some(labels) = labels.get(&zero.slot) else { continue };
                let column = match columns.get(labels) {
                    Some(column) => *column,
                    None => match group.column(labels) {
                        Ok((column, _)) => *columns.entry(labels.clone()).or_insert(column),
                        Err(AppendError::SeriesLimit { .. }) => continue,
                        Err(error) => return Err(error),
                    },
                };
                zero.value.set(row, column);
            }
            match group.append(row) {
                Ok(appended) => {
                    *last_ms = t_ms;
                    if appended.remap.is_some() {
                        columns.clear();
                    }
                }
                Err(AppendError::OutOfOrder { last_ms: stored, .. }) => *last_ms = stored,
                Err(AppendError::OutOfBounds { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Follows columns that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        let moved = std::mem::take(&mut self.labels).into_iter().filter_map(|(slot, labels)| {
            if slot >= EXPLICIT {
                return Some((slot, labels));
            }
            let slot = map.get(slot as usize).copied().filter(|slot| *slot != u32::MAX)?;
            Some((slot, labels))
        });
        self.labels = moved.collect();
    }
}
