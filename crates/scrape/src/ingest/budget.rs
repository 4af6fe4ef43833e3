//! The sample limit over one page.

use super::Tally;
use crate::config::{Job, SampleLimitMode};
use foldhash::HashSet;
use model::Labels;

/// How many samples a page may have, and which are beyond.
pub(super) struct Budget<'a> {
    /// 0 is no limit.
    limit: u64,
    /// Hashes of series that were taken: ever under a soft limit, of this page under a hard one.
    taken: &'a mut HashSet<u64>,
    /// New series that may still be taken, when the limit is soft.
    room: Option<u64>,
}

impl<'a> Budget<'a> {
    /// `live` are the series that are expected to be in the page.
    pub(super) fn new(job: &Job, live: impl FnOnce() -> u64, taken: &'a mut HashSet<u64>) -> Self {
        let limit = job.limits.samples;
        let soft = limit > 0 && job.sample_limit_mode == SampleLimitMode::Soft;
        // Of series that no longer come, some are remembered.
        if !soft || taken.len() as u64 > limit.saturating_mul(4) {
            taken.clear();
        }
        Self { limit, taken, room: soft.then(|| limit.saturating_sub(live())) }
    }

    /// Whether a sample that is counted already, of a series that was not known, is within the limit.
    pub(super) fn takes(&mut self, labels: &Labels, tally: &Tally) -> bool {
        if self.limit == 0 {
            return true;
        }
        let hash = labels.hash64();
        if self.taken.contains(&hash) {
            return true;
        }
        let takes = match &mut self.room {
            None => tally.counted() <= self.limit,
            Some(0) => false,
            Some(room) => {
                *room -= 1;
                true
            }
        };
        if takes {
            self.taken.insert(hash);
        }
        takes
    }

    /// Whether one that was beyond the limit before may be tried again.
    pub(super) fn has_room(&self, tally: &Tally) -> bool {
        match self.room {
            Some(room) => room > 0,
            None => self.limit == 0 || tally.counted() < self.limit,
        }
    }

    /// The limit, when it is a hard one and was passed.
    pub(super) fn passed(&self, tally: &Tally) -> Option<u64> {
        let passed = self.limit > 0 && self.room.is_none() && tally.counted() > self.limit;
        passed.then_some(self.limit)
    }
}
