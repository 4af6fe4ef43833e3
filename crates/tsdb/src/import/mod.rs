//! Taking in samples of the past, as when a new rule is evaluated over history.
//!
//! What lies before the head's first block of time becomes blocks of its own beside those that are
//! there, and is merged with them later like any other. What lies within it becomes rows of a group of
//! its own in the head, and goes the way of all rows. So every time up to now can be reached, and the
//! head stays newer than all blocks, on which opening a folder relies.
//!
//! What is stored already stays: a sample that comes too near to one of its series is passed over
//! ([`Batch::apart_ms`]), so that an import may be done again, or go on where another one ended. A
//! block shows as a whole or not at all, also after a crash; so do the rows of one time.

mod blocks;
mod known;
mod rows;
#[cfg(test)]
mod tests;

use crate::Error;
use crate::codec::histogram;
use crate::db::{Db, Inner};
use model::{Labels, TimeRange};
use std::path::PathBuf;
use storage::{AppendError, Columns};

/// Series that are written together: many of them have samples at the same times.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Says of batches of several imports that they go on with one another.
    pub key: String,
    /// Samples that are not at least as far in time from each sample the series has already are
    /// passed over: 1 keeps all but those of the very same time.
    pub apart_ms: i64,
    /// Distinct series with their samples; where a series ends there may be a staleness marker.
    pub series: Vec<(Labels, Columns)>,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Samples stored, staleness markers among them.
    pub samples: u64,
    /// Samples passed over, since there is one already.
    pub known: u64,
    /// Blocks made.
    pub blocks: usize,
}

/// Why samples of the past were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A sample lies in the future; nothing was stored.
    #[error("a sample at {t_ms} ms is later than now, {now_ms} ms")]
    Future {
        /// Its time.
        t_ms: i64,
        /// The time of the import.
        now_ms: i64,
    },
    /// A sample would be dropped for its age at once; nothing was stored.
    #[error("a sample at {t_ms} ms is older than what is kept, from {oldest_ms} ms on")]
    TooOld {
        /// Its time.
        t_ms: i64,
        /// The oldest time that is kept.
        oldest_ms: i64,
    },
    /// Samples of a series do not ascend in time, or two have the same; nothing was stored.
    #[error("samples of {labels} are not in order of time")]
    Disorder {
        /// The series.
        labels: Labels,
    },
    /// A histogram contradicts itself, or is too large; nothing was stored.
    #[error("{labels}: {reason}")]
    Histogram {
        /// The series.
        labels: Labels,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// So little of the disk is free that the oldest blocks would have to go; nothing was stored.
    #[error("{}: {free_bytes} bytes are free, of which {min_bytes} must stay free", path.display())]
    DiskFull {
        /// The data folder.
        path: PathBuf,
        /// What is free.
        free_bytes: u64,
        /// What is to stay free.
        min_bytes: u64,
    },
    /// The head did not take the newest part; what is older is stored.
    #[error(transparent)]
    Refused(AppendError),
    /// The database failed; what is stored is whole.
    #[error(transparent)]
    Db(#[from] Error),
}

impl From<crate::DiskError> for ImportError {
    fn from(error: crate::DiskError) -> Self {
        Self::Db(error.into())
    }
}

/// A series to be written.
struct Planned {
    labels: Labels,
    /// Number of its batch.
    batch: usize,
    columns: Columns,
}

/// All that is to be written: series in label order, and the times of each batch.
struct Plan {
    series: Vec<Planned>,
    batches: Vec<PlannedBatch>,
}

struct PlannedBatch {
    key: String,
    /// All times at which a series has a sample, ascending.
    t_ms: Vec<i64>,
}

impl Db {
    /// Stores samples of the past beside what is there. Memory is that of the samples, twice: long
    /// times are to be imported in pieces.
    ///
    /// # Errors
    /// See [`ImportError`]; after an error of the disk some of the samples may be stored, and doing
    /// the same again goes on from there.
    pub fn import(&self, batches: Vec<Batch>, now_ms: i64) -> Result<Imported, ImportError> {
        let inner = &*self.0;
        let place = inner.place.as_ref().ok_or(Error::InMemory)?;
        let Some(range) = check(&batches)? else { return Ok(Imported::default()) };
        if range.max_ms > now_ms {
            return Err(ImportError::Future { t_ms: range.max_ms, now_ms });
        }
        // Blocks are only ever dropped whole, so what is a little too old is no waste yet.
        let grace_ms = inner.options.block_ms;
        if let Some(oldest_ms) = inner.oldest_kept_ms(now_ms)
            && range.min_ms < oldest_ms.saturating_sub(grace_ms)
        {
            return Err(ImportError::TooOld { t_ms: range.min_ms, oldest_ms });
        }
        if let Some(min_bytes) = inner.options.min_free_bytes {
            let free_bytes = place.disk.free_bytes(&place.dir)?;
            if free_bytes < min_bytes {
                let path = place.dir.clone();
                return Err(ImportError::DiskFull { path, free_bytes, min_bytes });
            }
        }
        // Nobody may cut the head meanwhile.
        let _only_one = inner.maintenance.lock();
        let (plan, known) = self.plan(batches, range)?;
        let mut report = Imported { known, ..Imported::default() };
        if plan.series.is_empty() {
            return Ok(report);
        }
        let start_ms = inner.start_of_head(&plan, now_ms);
        (report.blocks, report.samples) = inner.import_blocks(place, &plan, start_ms, now_ms)?;
        report.samples += inner.import_rows(&plan, start_ms, now_ms)?;
        inner.metrics.samples_imported.add(report.samples);
        Ok(report)
    }

    /// The oldest time that is kept, if there is a limit of age.
    #[must_use]
    pub fn oldest_kept_ms(&self, now_ms: i64) -> Option<i64> {
        self.0.oldest_kept_ms(now_ms)
    }

    /// The oldest time of which anything is stored.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<i64> {
        let in_blocks = self.0.blocks().first().map(|block| block.meta().range.min_ms);
        let in_head = self.0.head.range().map(|(first, _)| first);
        in_blocks.into_iter().chain(in_head).min()
    }

    /// Sorts what is to be written, without what is stored already; how much that was.
    fn plan(&self, batches: Vec<Batch>, range: TimeRange) -> Result<(Plan, u64), Error> {
        let mut plan = Plan { series: Vec::new(), batches: Vec::new() };
        let mut apart_ms = Vec::new();
        for (batch, Batch { key, apart_ms: apart, series }) in batches.into_iter().enumerate() {
            plan.batches.push(PlannedBatch { key, t_ms: Vec::new() });
            apart_ms.push(apart.max(1));
            let series = series.into_iter().filter(|(_, columns)| !columns.is_empty());
            plan.series.extend(series.map(|(labels, columns)| Planned { labels, batch, columns }));
        }
        plan.series.sort_by(|a, b| a.labels.cmp(&b.labels));
        let known = known::pass_over(self, &mut plan.series, &apart_ms, range)?;
        plan.series.retain(|series| !series.columns.is_empty());
        for series in &plan.series {
            let t_ms = &mut plan.batches[series.batch].t_ms;
            t_ms.extend_from_slice(&series.columns.t_ms);
            t_ms.extend(series.columns.histograms.iter().map(|(t_ms, _)| *t_ms));
            // The times of most series are the same ones.
            if t_ms.len() > MANY_TIMES {
                t_ms.sort_unstable();
                t_ms.dedup();
            }
        }
        for batch in &mut plan.batches {
            batch.t_ms.sort_unstable();
            batch.t_ms.dedup();
        }
        Ok((plan, known))
    }
}

/// Times are brought together when there are as many.
const MANY_TIMES: usize = 1 << 20;

impl Inner {
    /// From when on samples go to the head. Rows of times before the last block to come are refused
    /// from now on, as they would be after the folder was opened again.
    fn start_of_head(&self, plan: &Plan, now_ms: i64) -> i64 {
        let start_ms = self.head_begins(now_ms);
        let before = |t_ms: &&i64| **t_ms < start_ms;
        let of_batch = |batch: &PlannedBatch| batch.t_ms.iter().rev().find(before).copied();
        let Some(last_ms) = plan.batches.iter().filter_map(of_batch).max() else { return start_ms };
        self.head.set_min_valid_ms(last_ms.saturating_add(1));
        // A row may have come in between: it is seen now, as later ones are refused.
        start_ms.min(self.head_begins(now_ms))
    }

    fn head_begins(&self, now_ms: i64) -> i64 {
        let block_ms = self.options.block_ms;
        let first = self.head.range().map_or(now_ms, |(first, _)| first.min(now_ms));
        let aligned = first.div_euclid(block_ms).saturating_mul(block_ms);
        let in_blocks = self.blocks().iter().map(|block| block.meta().range.max_ms).max();
        in_blocks.map_or(aligned, |end| aligned.max(end.saturating_add(1)))
    }
}

/// First and last time of all samples, if there are any and nothing is wrong with them.
fn check(batches: &[Batch]) -> Result<Option<TimeRange>, ImportError> {
    let mut all: Option<TimeRange> = None;
    for (labels, columns) in batches.iter().flat_map(|batch| &batch.series) {
        let (Some(min_ms), Some(max_ms)) = (columns.first_ms(), columns.last_ms()) else {
            continue;
        };
        let ascend = columns.t_ms.is_sorted_by(|a, b| a < b)
            && columns.histograms.is_sorted_by(|a, b| a.0 < b.0)
            && columns.t_ms.len() == columns.values.len();
        let twice = |(t_ms, _): &(i64, _)| columns.t_ms.binary_search(t_ms).is_ok();
        if !ascend || columns.histograms.iter().any(twice) {
            return Err(ImportError::Disorder { labels: labels.clone() });
        }
        let mut refusals = columns.histograms.iter().filter_map(|(_, h)| histogram::refusal(h));
        if let Some(reason) = refusals.next() {
            return Err(ImportError::Histogram { labels: labels.clone(), reason });
        }
        let range = all.get_or_insert(TimeRange { min_ms, max_ms });
        range.min_ms = range.min_ms.min(min_ms);
        range.max_ms = range.max_ms.max(max_ms);
    }
    Ok(all)
}
