//! Prometheus durations: `1h30m`, units y w d h m s ms in descending order, each at most once.

use std::fmt;

/// Why a duration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty.
    #[error("empty duration string")]
    Empty,
    /// The text does not follow the grammar.
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    /// The value does not fit.
    #[error("duration out of range")]
    OutOfRange,
}

/// A span of time in milliseconds, zero or positive, written as Prometheus writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    /// The number of milliseconds.
    pub ms: i64,
}

impl Duration {
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self { ms }
    }

    /// Reads `1h30m`, `15s`, `250ms`, `0`.
    ///
    /// # Errors
    /// When the text is not a duration.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}
