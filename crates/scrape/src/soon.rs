//! When targets that are wanted soon are scraped for the first time: one after the other, so that many
//! who are found at once are no storm.

use std::time::Duration;
use tokio::time::Instant;

/// Time between two first scrapes, while that is short enough for all of a batch to be in time.
const GENTLE: Duration = Duration::from_millis(1);
/// Time between two first scrapes at least, in the long run: beyond, they come later than wanted.
const SHORTEST: Duration = Duration::from_micros(200);

/// The first scrapes of all pools.
#[derive(Debug, Default)]
pub(crate) struct FirstScrapes {
    /// When the next one would be due if all came after the shortest time; long ago is now.
    free: Option<Instant>,
}

/// The first scrapes of targets that were found together.
pub(crate) struct Batch<'a> {
    all: &'a mut FirstScrapes,
    now: Instant,
    count: u32,
    taken: u32,
}

impl FirstScrapes {
    /// About so many targets are found now.
    pub(crate) fn batch(&mut self, count: usize, now: Instant) -> Batch<'_> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        Batch { all: self, now, count, taken: 0 }
    }
}

impl Batch<'_> {
    /// The time of the next first scrape: not later than wanted, unless there are too many.
    pub(crate) fn next(&mut self, within: Duration) -> Instant {
        let apart = (within / self.count).clamp(SHORTEST, GENTLE);
        let planned = self.now + apart * self.taken;
        self.taken = self.taken.saturating_add(1);
        let free = self.all.free.map_or(self.now, |free| free.max(self.now));
        self.all.free = Some(free + SHORTEST);
        planned.max(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_batch_is_spread_over_the_time_it_needs() {
        #[track_caller]
        fn check(count: usize, last_ms: u64) {
            let (mut all, now) = (FirstScrapes::default(), Instant::now());
            let mut batch = all.batch(count, now);
            let times: Vec<_> = (0..count).map(|_| batch.next(SECOND) - now).collect();
            assert_eq!(times[0], Duration::ZERO);
            assert!(times.is_sorted());
            assert_eq!(times[count - 1].as_millis(), u128::from(last_ms), "of {count}");
        }
        check(1, 0);
        check(100, 99);
        check(1000, 999);
        check(4000, 999);
        check(5000, 999);
        check(20_000, 3999);
    }

    #[test]
    fn batches_that_follow_each_other_are_no_storm_together() {
        let (mut all, begin) = (FirstScrapes::default(), Instant::now());
        let mut last = begin;
        for ms in (0..1000).step_by(10) {
            let now = begin + Duration::from_millis(ms);
            let mut batch = all.batch(200, now);
            for _ in 0..200 {
                last = last.max(batch.next(SECOND));
            }
        }
        // 20,000 in all, of which 5,000 a second.
        let took = (last - begin).as_secs_f64();
        assert!((3.9..4.3).contains(&took), "{took}");
        // When all of them are over, it begins anew.
        let later = last + SECOND;
        assert_eq!(all.batch(1, later).next(SECOND), later);
    }
}
