//! How much is told at a time, and how long to wait after a failure.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The pause after the first failure; each further one doubles it.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause of our own: so soon an Alertmanager that is back hears of us.
const LONGEST: Duration = Duration::from_secs(15);
/// The longest pause that an Alertmanager may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);

/// How one Alertmanager is told.
#[derive(Debug)]
pub(crate) struct Pace {
    batch: usize,
    max_batch: usize,
    failures: u32,
    random: RandomState,
}

impl Pace {
    pub(crate) fn new(max_batch: usize) -> Self {
        let max_batch = max_batch.max(1);
        Self { batch: max_batch, max_batch, failures: 0, random: RandomState::new() }
    }

    /// How many to tell next, at most.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// They were taken.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
        self.batch = self.batch.saturating_mul(2).min(self.max_batch);
    }

    /// So many were refused together, and one of them may be to blame: fewer next time.
    pub(crate) fn refused(&mut self, count: usize) {
        self.failures = 0;
        self.batch = (count / 2).max(1);
    }

    /// Pauses are short again.
    pub(crate) fn begin_anew(&mut self) {
        self.failures = 0;
    }

    /// They may be told again, after a while; the other side may have said when.
    pub(crate) fn failed(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        // Spread over half of it, so that those who failed together do not come back together.
        let part = u32::try_from(self.random.hash_one(self.failures) % 1024).expect("below 1024");
        self.failures = self.failures.saturating_add(1);
        let pause = doubled - doubled / 2048 * part;
        asked.map_or(pause, |asked| pause.max(asked.min(LONGEST_ASKED)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut pace = Pace::new(8);
        for seconds in [1, 2, 4, 8, 15, 15, 15] {
            let (pause, longest) = (pace.failed(None), Duration::from_secs(seconds));
            assert!(pause <= longest && pause >= longest / 2, "{pause:?} of {longest:?}");
        }
        for _ in 0..100 {
            assert!(pace.failed(None) <= LONGEST);
        }
        assert_eq!(pace.failed(Some(Duration::from_secs(40))), Duration::from_secs(40));
        assert_eq!(pace.failed(Some(Duration::from_secs(4000))), LONGEST_ASKED);
        pace.succeeded();
        assert!(pace.failed(None) <= FIRST);
    }

    #[test]
    fn what_is_refused_is_told_in_halves() {
        let mut pace = Pace::new(8);
        pace.refused(8);
        assert_eq!(pace.batch(), 4);
        pace.refused(3);
        assert_eq!(pace.batch(), 1);
        pace.refused(1);
        assert_eq!(pace.batch(), 1);
        for batch in [2, 4, 8, 8] {
            pace.succeeded();
            assert_eq!(pace.batch(), batch);
        }
    }
}
