//! The order of a page that is not the remembered one.

use std::ops::Range;

use super::Series;

/// Positions in the list of series, as the page has them.
pub(super) struct Order {
    /// [`SKIPPED`] is added to those that were expected and not there.
    found: Vec<u32>,
    /// One bit for each remembered series: stood in this page.
    seen: Vec<u64>,
    remembered: usize,
}

const SKIPPED: u32 = 1 << 31;

impl Order {
    /// The first `at` series came as expected, but for those skipped.
    pub(super) fn new(at: usize, skipped: &[u32], remembered: usize) -> Self {
        let found = Vec::with_capacity(remembered);
        let mut order = Self { found, seen: vec![0; remembered.div_ceil(64)], remembered };
        let mut start = 0;
        for skipped in skipped.iter().map(|at| *at as usize) {
            (start..skipped).for_each(|at| order.push(at));
            order.skip(skipped..skipped + 1);
            start = skipped + 1;
        }
        (start..at).for_each(|at| order.push(at));
        order
    }

    /// A remembered series stood there.
    #[inline]
    pub(super) fn push(&mut self, at: usize) {
        self.found.push(position(at));
        self.see(at);
    }

    /// A series learned from this page.
    pub(super) fn push_new(&mut self, at: usize) {
        self.found.push(position(at));
    }

    pub(super) fn skip(&mut self, range: Range<usize>) {
        self.found.extend(range.map(|at| position(at) | SKIPPED));
    }

    /// Whether the series was seen before.
    #[inline]
    fn see(&mut self, at: usize) -> bool {
        let (word, bit) = (&mut self.seen[at / 64], 1 << (at % 64));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// Whether a remembered series stood in this page.
    pub(super) fn has_seen(&self, at: usize) -> bool {
        self.seen.get(at / 64).is_some_and(|word| word & 1 << (at % 64) != 0)
    }

    /// The series in the order of the page; those missing where they were skipped, else at the end.
    pub(super) fn arrange(mut self, series: &[Series]) -> Vec<Series> {
        let mut arranged = Vec::with_capacity(self.found.len());
        for entry in std::mem::take(&mut self.found) {
            let at = (entry & !SKIPPED) as usize;
            if entry & SKIPPED == 0 {
                arranged.push(series[at].seen());
            } else if !self.see(at) {
                arranged.push(series[at].missed());
            }
        }
        for (at, one) in series.iter().enumerate().take(self.remembered) {
            if !self.see(at) {
                arranged.push(one.missed());
            }
        }
        arranged.retain(|one| !one.is_expired());
        arranged
    }
}

pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).expect("the list of series is shorter than 2^31")
}
