//! `rate_limit`: requests over all clients, as a bucket of tokens.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A bucket that gains a token each interval and holds at most `burst`.
pub(super) struct Rate {
    interval: Duration,
    burst: f64,
    /// Tokens, and when they were counted.
    state: Mutex<(f64, Instant)>,
}

impl Rate {
    /// `None` when the interval is zero: no limit.
    pub(super) fn new(interval_ms: u64, burst: u32) -> Option<Self> {
        let interval = Duration::from_millis(interval_ms);
        let burst = f64::from(burst);
        (interval_ms > 0).then(|| Self {
            interval,
            burst,
            state: Mutex::new((burst, Instant::now())),
        })
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now.saturating_duration_since(state.1).div_duration_f64(self.interval);
        let tokens = (state.0 + gained).min(self.burst);
        let taken = tokens >= 1.0;
        *state = (if taken { tokens - 1.0 } else { tokens }, now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_each_interval() {
        let rate = Rate::new(100, 2).unwrap();
        let begin = Instant::now();
        let check = |ms: u64, expected: bool| {
            assert_eq!(rate.take(begin + Duration::from_millis(ms)), expected, "at {ms} ms");
        };
        check(0, true);
        check(0, true);
        check(0, false);
        check(50, false);
        check(101, true);
        check(102, false);
        check(10_000, true);
        check(10_000, true);
        check(10_000, false);
        assert!(Rate::new(0, 5).is_none());
        assert!(
            !Rate::new(1, 0).unwrap().take(Instant::now()),
            "a burst of 0 lets nothing through"
        );
    }
}
