//! When a target is scraped.
//!
//! Each target has its own place within the interval, found from what it is called and from a seed
//! of this server, and from nothing else: a restart keeps the place, and twins with other external
//! labels scrape at other times. A first scrape may come before it.

use std::time::Duration;
use tokio::time::Instant;

/// The times of one loop.
#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    /// The next tick.
    next: Instant,
    /// The time of day of the next tick, if all goes as planned.
    aligned_ns: i64,
    /// The tick after that, when it is not an interval later.
    then: Option<(Instant, i64)>,
}

impl Schedule {
    /// Begins at the target's next place after now.
    pub(crate) fn new(interval: Duration, hash: u64, now: Instant, now_ns: i64) -> Self {
        let interval_ns = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX).max(1);
        let offset = i64::try_from(hash % interval_ns.unsigned_abs()).expect("below the interval");
        let mut delay = interval_ns - now_ns.rem_euclid(interval_ns) + offset;
        if delay > interval_ns {
            delay -= interval_ns;
        }
        let next = now + Duration::from_nanos(delay.unsigned_abs());
        Self { interval, next, aligned_ns: now_ns + delay, then: None }
    }

    /// Puts a first tick before the target's place; one at the place or behind it changes nothing. If
    /// the place comes very soon after it, the next tick is an interval later.
    #[must_use]
    pub(crate) fn with_first(self, first: Instant) -> Self {
        let Some(earlier) = self.next.checked_duration_since(first).filter(|d| !d.is_zero()) else {
            return self;
        };
        let as_ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let mut then = (self.next, self.aligned_ns);
        if earlier < self.interval / 10 {
            then = (then.0 + self.interval, then.1.saturating_add(as_ns(self.interval)));
        }
        let aligned_ns = self.aligned_ns.saturating_sub(as_ns(earlier));
        Self { next: first, aligned_ns, then: Some(then), ..self }
    }

    /// When to wake up next.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// The time of day of the next tick.
    pub(crate) fn next_ns(&self) -> i64 {
        self.aligned_ns
    }

    /// Time from tick to tick.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// The time of a scrape that really begins at `now_ns`: the planned one, unless it is later than
    /// the tolerance or a hundredth of the interval.
    pub(crate) fn align(&self, now_ns: i64, tolerance: Option<Duration>) -> i64 {
        let Some(tolerance) = tolerance else { return now_ns };
        let interval_ns = i64::try_from(self.interval.as_nanos()).unwrap_or(i64::MAX).max(1);
        let tolerance = i64::try_from(tolerance.as_nanos()).unwrap_or(i64::MAX);
        let skipped = ((now_ns - self.aligned_ns) / interval_ns).max(0);
        let late = now_ns - self.aligned_ns - skipped * interval_ns;
        // Earlier than planned by much is a clock that was set back.
        if late <= tolerance.min(interval_ns / 100) && late > -interval_ns {
            now_ns - late
        } else {
            now_ns
        }
    }

    /// Moves on to the first tick after now; those that were missed are gone.
    pub(crate) fn advance(&mut self, now: Instant) {
        if let Some((next, aligned_ns)) = self.then.take() {
            (self.next, self.aligned_ns) = (next, aligned_ns);
            if next > now {
                return;
            }
        }
        let interval_ns = self.interval.as_nanos().max(1);
        let behind = now.saturating_duration_since(self.next).as_nanos();
        let ticks = behind / interval_ns + 1;
        let step = Duration::from_nanos(u64::try_from(ticks * interval_ns).unwrap_or(u64::MAX));
        self.next += step;
        self.aligned_ns += i64::try_from(step.as_nanos()).unwrap_or(i64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn the_place_depends_on_the_time_of_day_and_the_target_only() {
        let now = Instant::now();
        let interval = Duration::from_secs(10);
        for hash in [0, 1, 12_345_678_901, u64::MAX] {
            let place = i64::try_from(hash % 10_000_000_000).unwrap();
            for now_ns in [0, 1, 5 * SECOND, 10 * SECOND, 1_700_000_003 * SECOND + 17] {
                let schedule = Schedule::new(interval, hash, now, now_ns);
                assert_eq!(schedule.next_ns().rem_euclid(10 * SECOND), place);
                assert!(schedule.next_ns() > now_ns || place == 0, "in the future");
                assert!(schedule.next_ns() <= now_ns + 10 * SECOND, "within one interval");
            }
        }
    }

    #[test]
    fn times_are_aligned_within_the_tolerance() {
        let tolerance = Some(Duration::from_millis(2));
        let check = |interval_s: u64, late_ns: i64, expected_late_ns: i64| {
            let interval = Duration::from_secs(interval_s);
            let schedule = Schedule::new(interval, 0, Instant::now(), 0);
            let planned = schedule.next_ns();
            assert_eq!(schedule.align(planned + late_ns, tolerance) - planned, expected_late_ns);
        };
        check(10, 0, 0);
        check(10, 2_000_000, 0);
        check(10, 2_000_001, 2_000_001);
        check(10, -5_000_000, 0);
        check(1, 10 * SECOND, 10 * SECOND);
        check(1, 10 * SECOND + 1_999_999, 10 * SECOND);
    }

    #[test]
    fn missed_ticks_are_dropped() {
        let start = Instant::now();
        let mut schedule = Schedule::new(Duration::from_secs(10), 0, start, 0);
        assert_eq!(schedule.next() - start, Duration::from_secs(10));
        schedule.advance(start + Duration::from_secs(11));
        assert_eq!(schedule.next() - start, Duration::from_secs(20));
        schedule.advance(start + Duration::from_secs(47));
        assert_eq!(schedule.next() - start, Duration::from_secs(50));
        assert_eq!(schedule.next_ns(), 50 * SECOND);
    }

    #[test]
    fn a_first_tick_comes_before_the_place() {
        let start = Instant::now();
        // The place is 10 s after the start.
        let check = |first_ms: u64, ends_ms: u64, expected_ms: [u64; 2]| {
            let first = start + Duration::from_millis(first_ms);
            let mut schedule =
                Schedule::new(Duration::from_secs(10), 0, start, 0).with_first(first);
            let mut ticks = [0; 2];
            for tick in &mut ticks {
                let next = schedule.next() - start;
                assert_eq!(u128::from(schedule.next_ns().unsigned_abs()), next.as_nanos());
                *tick = u64::try_from(next.as_millis()).unwrap();
                schedule.advance(start + Duration::from_millis(ends_ms));
            }
            assert_eq!(ticks, expected_ms, "first at {first_ms}");
        };
        check(300, 320, [300, 10_000]);
        check(300, 9_999, [300, 10_000]);
        // A scrape that took long misses ticks.
        check(300, 10_000, [300, 20_000]);
        check(300, 47_000, [300, 50_000]);
        check(8_999, 9_000, [8_999, 10_000]);
        check(9_001, 9_100, [9_001, 20_000]);
        check(10_000, 10_000, [10_000, 20_000]);
        check(10_500, 10_000, [10_000, 20_000]);
    }
}
