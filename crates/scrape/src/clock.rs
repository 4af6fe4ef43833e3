//! The time of day.

use tokio::time::Instant;

/// Where the time of day comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The system.
    System,
    /// The runtime's clock, which tests pause: what it showed when, in nanoseconds.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests pause the runtime's clock"))]
    Runtime(Instant, i64),
}

impl Clock {
    /// Nanoseconds since the Unix epoch.
    pub(crate) fn now_ns(self) -> i64 {
        let since = match self {
            Self::System => {
                #[expect(clippy::disallowed_methods, reason = "loops have a clock of their own")]
                let now = std::time::SystemTime::now();
                now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
            }
            Self::Runtime(at, ns) => {
                let since = u64::try_from(ns)
                    .map_or_else(|_| Default::default(), std::time::Duration::from_nanos);
                since + at.elapsed()
            }
        };
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}
