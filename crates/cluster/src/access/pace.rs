//! The pace of requests: so many a second, and none while the server asks to be left alone.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Time between two requests in the long run: 20 a second.
const APART: Duration = Duration::from_millis(50);
/// Requests that may come at once after a while without any.
const BURST: u32 = 40;
/// A server that asks for longer than this is asked again all the same.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// Who may ask when.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the next request would come if all were evenly apart.
    next: Option<Instant>,
    /// The server asked to be left alone until then.
    paused_until: Option<Instant>,
}

impl Pace {
    /// Waits until a request may be sent.
    ///
    /// Cancel safe; a turn that was waited for counts all the same.
    pub(super) async fn turn(&self) {
        self.pause_is_over().await;
        let at = self.reserve(Instant::now());
        sleep_until(at).await;
        self.pause_is_over().await;
    }

    /// Nobody asks for so long.
    pub(super) fn pause(&self, time: Duration) {
        let until = Instant::now() + time.min(LONGEST_PAUSE);
        let mut state = self.0.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    async fn pause_is_over(&self) {
        loop {
            let until = self.0.lock().paused_until;
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut state = self.0.lock();
        let next = state.next.map_or(now, |next| next.max(now));
        state.next = Some(next + APART);
        next.checked_sub(APART * (BURST - 1)).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds after which each of so many requests had its turn.
    async fn turns(pace: &Pace, count: usize) -> Vec<u128> {
        let start = Instant::now();
        let mut at = Vec::new();
        for _ in 0..count {
            pace.turn().await;
            at.push(start.elapsed().as_millis());
        }
        at
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_so_many_a_second() {
        let pace = Pace::default();
        let at = turns(&pace, 100).await;
        assert_eq!(at[39], 0, "{at:?}");
        assert!(at[40] >= 50 && at[99] >= 3000 && at[99] <= 3100, "{at:?}");
        // After a while without any, there may be a burst again, but no larger one.
        tokio::time::advance(Duration::from_secs(60)).await;
        let at = turns(&pace, 60).await;
        assert_eq!(at[39], 0, "{at:?}");
        assert!(at[59] >= 1000, "{at:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_back_all() {
        let pace = Pace::default();
        pace.pause(Duration::from_secs(7));
        pace.pause(Duration::from_secs(3));
        assert_eq!(turns(&pace, 2).await, [7000, 7000]);
        pace.pause(Duration::from_secs(100_000));
        assert_eq!(turns(&pace, 1).await, [LONGEST_PAUSE.as_millis()]);
    }
}
