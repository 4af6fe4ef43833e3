//! When a group is evaluated.
//!
//! A group has its own place within the interval, found from its file and name and from nothing else:
//! a restart keeps the place, and so do twins of a server.

use model::Labels;
use std::time::Duration;

/// What the place of a group depends on.
pub(crate) fn hash(file: &str, name: &str) -> u64 {
    Labels::from_pairs([("file", file), ("name", name)]).hash64()
}

/// The place within an interval of at least a millisecond.
pub(crate) fn place_ms(hash: u64, interval_ms: i64) -> i64 {
    i64::try_from(hash % interval_ms.unsigned_abs()).expect("below the interval")
}

/// The times of one group, in milliseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Schedule {
    interval_ms: i64,
    place_ms: i64,
    next_ms: i64,
}

impl Schedule {
    /// Begins at the group's next place after now, and after an evaluation that was already.
    pub(super) fn new(interval_ms: i64, hash: u64, now_ms: i64, last_ms: Option<i64>) -> Self {
        let interval_ms = interval_ms.max(1);
        let place_ms = place_ms(hash, interval_ms);
        let mut schedule = Self { interval_ms, place_ms, next_ms: 0 };
        // One far in the future was before the clock was set back.
        let last_ms = last_ms.filter(|last_ms| last_ms - now_ms <= interval_ms);
        schedule.next_ms = schedule.after(last_ms.unwrap_or(now_ms).max(now_ms));
        schedule
    }

    fn after(&self, ms: i64) -> i64 {
        let since = (ms - self.place_ms).rem_euclid(self.interval_ms);
        ms - since + self.interval_ms
    }

    /// The time of the next evaluation.
    pub(super) fn next_ms(&self) -> i64 {
        self.next_ms
    }

    /// How long it is until then.
    pub(super) fn wait(&self, now_ns: i64) -> Duration {
        let wait_ns = self.next_ms.saturating_mul(1_000_000).saturating_sub(now_ns);
        Duration::from_nanos(u64::try_from(wait_ns).unwrap_or(0))
    }

    /// Moves on to the time after an evaluation: when that took too long, to the last one that has
    /// passed. How many were missed.
    pub(super) fn advance(&mut self, now_ms: i64) -> u64 {
        let late_ms = now_ms - self.next_ms;
        if late_ms < -self.interval_ms {
            // The clock was set back.
            self.next_ms = self.after(now_ms);
            return 0;
        }
        let ticks = (late_ms / self.interval_ms).max(1);
        self.next_ms += ticks * self.interval_ms;
        (ticks - 1).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_depends_on_the_time_of_day_and_the_group_only() {
        for hash in [0, 1, 7_777, 12_345_678_901, u64::MAX] {
            let place = i64::try_from(hash % 15_000).unwrap();
            for now_ms in [0, 1, 14_999, 15_000, 1_700_000_003_017] {
                let schedule = Schedule::new(15_000, hash, now_ms, None);
                assert_eq!(schedule.next_ms().rem_euclid(15_000), place);
                assert!((1..=15_000).contains(&(schedule.next_ms() - now_ms)));
            }
        }
        let again = Schedule::new(15_000, 0, 30_001, Some(45_000));
        assert_eq!(again.next_ms(), 60_000, "never twice");
        let set_back = Schedule::new(15_000, 0, 30_001, Some(90_000));
        assert_eq!(set_back.next_ms(), 45_000);
    }

    #[test]
    fn what_was_missed_is_skipped_and_counted() {
        // The end of the evaluation at 15 s, the next one, missed ones.
        let check = |end_ms: i64, next_ms: i64, missed: u64| {
            let mut schedule = Schedule::new(15_000, 0, 0, None);
            assert_eq!(schedule.next_ms(), 15_000);
            assert_eq!(schedule.advance(end_ms), missed, "{end_ms}");
            assert_eq!(schedule.next_ms(), next_ms, "{end_ms}");
        };
        check(15_000, 30_000, 0);
        check(29_999, 30_000, 0);
        check(30_000, 30_000, 0);
        check(44_999, 30_000, 0);
        check(45_000, 45_000, 1);
        check(61_000, 60_000, 2);
        check(-100_000, -90_000, 0);
    }
}
