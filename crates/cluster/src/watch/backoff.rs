//! Waits between attempts.

use super::Pace;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio::time::Instant;

/// Longer and longer waits.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    longest: Duration,
    healthy: Duration,
    next: Duration,
    failed: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(pace: &Pace) -> Self {
        let Pace { first, longest, healthy, .. } = *pace;
        Self { first, longest, healthy, next: first, failed: None }
    }

    /// How long to wait after a failure now: up to half as long again as it is its turn, so that many
    /// who failed at once do not come back at once.
    pub(super) fn after_failure(&mut self) -> Duration {
        let now = Instant::now();
        // The wait itself is not a time of health.
        if self.failed.is_some_and(|until| now.duration_since(until) >= self.healthy) {
            self.next = self.first;
        }
        let wait = spread(self.next, 0.5);
        self.next = (self.next * 2).min(self.longest);
        self.failed = Some(now + wait);
        wait
    }
}

/// A duration that is longer by a random part of this share.
pub(super) fn spread(duration: Duration, share: f64) -> Duration {
    // Each state of this kind has keys of its own.
    let random = RandomState::new().hash_one(()) >> 32;
    let part = f64::from(u32::try_from(random).expect("32 bits")) / f64::from(u32::MAX);
    duration + duration.mul_f64(share * part)
}
