//! The sample limit over one page.

use super::Tally;
use crate::config::{Job, SampleLimitMode};
use foldhash::{HashSet, HashSetExt as _};
use model::Labels;

/// How many samples a page may have, and which are beyond.
pub(super) struct Budget<'a> {
    /// 0 is no limit.
    limit: u64,
    /// New series that may still be taken and the series taken so far, when the limit is soft.
    soft: Option<(u64, &'a mut HashSet<u64>)>,
}

impl<'a> Budget<'a> {
    /// `live` are the series that are expected to be in the page; `taken` are all that ever were.
    pub(super) fn new(job: &Job, live: impl FnOnce() -> u64, taken: &'a mut HashSet<u64>) -> Self {
        let limit = job.limits.samples;
        if limit == 0 || job.sample_limit_mode == SampleLimitMode::Hard {
            if taken.capacity() > 0 {
                *taken = HashSet::new();
            }
            return Self { limit, soft: None };
        }
        // Of series that no longer come, some are remembered.
        if taken.len() as u64 > limit.saturating_mul(4) {
            taken.clear();
        }
        Self { limit, soft: Some((limit.saturating_sub(live()), taken)) }
    }

    /// Whether a sample that is counted already, of a series that was not known, is within the limit.
    pub(super) fn takes(&mut self, labels: &Labels, tally: &Tally) -> bool {
        let Some((room, taken)) = &mut self.soft else {
            return self.limit == 0 || tally.counted() <= self.limit;
        };
        let hash = labels.hash64();
        if taken.contains(&hash) {
            return true;
        }
        if *room == 0 {
            return false;
        }
        *room -= 1;
        taken.insert(hash);
        true
    }

    /// Whether one that was beyond the limit before may be tried again.
    pub(super) fn has_room(&self, tally: &Tally) -> bool {
        match &self.soft {
            Some((room, _)) => *room > 0,
            None => self.limit == 0 || tally.counted() < self.limit,
        }
    }

    /// The limit, when it is a hard one and was passed.
    pub(super) fn passed(&self, tally: &Tally) -> Option<u64> {
        let passed = self.limit > 0 && self.soft.is_none() && tally.counted() > self.limit;
        passed.then_some(self.limit)
    }
}
