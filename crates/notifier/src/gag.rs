//! Lines of the log at a bounded rate.

use std::time::Duration;
use tokio::time::Instant;

/// The least time between two lines about the same.
const PAUSE: Duration = Duration::from_mins(1);

/// Lets a line through, then none for a while.
#[derive(Debug, Default)]
pub(crate) struct Gag {
    until: Option<Instant>,
    held_back: u64,
}

impl Gag {
    /// Whether a line about so many things may be written: the number of things since the last line,
    /// these ones included.
    pub(crate) fn pass(&mut self, things: usize) -> Option<u64> {
        self.held_back = self.held_back.saturating_add(things as u64);
        let now = Instant::now();
        if self.until.is_some_and(|until| now < until) {
            return None;
        }
        self.until = Some(now + PAUSE);
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_a_minute() {
        let mut gag = Gag::default();
        assert_eq!(gag.pass(2), Some(2));
        assert_eq!(gag.pass(3), None);
        tokio::time::advance(PAUSE / 2).await;
        assert_eq!(gag.pass(1), None);
        tokio::time::advance(PAUSE).await;
        assert_eq!(gag.pass(1), Some(5));
        assert_eq!(gag.pass(1), None);
    }
}
