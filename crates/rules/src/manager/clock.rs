//! The time of day.

/// Where the time of day comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Clock {
    /// The system.
    System,
    /// The runtime's clock, which tests pause: what it showed when, in nanoseconds.
    #[cfg(test)]
    Runtime(tokio::time::Instant, i64),
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
            #[cfg(test)]
            Self::Runtime(at, ns) => {
                std::time::Duration::from_nanos(ns.unsigned_abs()) + at.elapsed()
            }
        };
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}
