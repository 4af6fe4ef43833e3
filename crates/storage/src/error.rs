//! What can go wrong at the waist.

/// Why a read or an administrative call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine failed; the text names file and place.
    #[error(transparent)]
    Engine(Box<dyn std::error::Error + Send + Sync>),
    /// The caller's cancel flag was seen.
    #[error("query was canceled")]
    Canceled,
    /// The store is closing or not open yet.
    #[error("TSDB not ready")]
    NotReady,
}

impl Error {
    /// Wraps an engine's own error.
    pub fn engine(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Engine(Box::new(error))
    }
}

/// Why a row or a series was refused. The row is refused whole; what was stored before stays.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The row is not newer than the last row of its group.
    #[error("out of order sample: {t_ms} ms is not after {last_ms} ms")]
    OutOfOrder {
        /// Time of the refused row.
        t_ms: i64,
        /// Time of the group's last row.
        last_ms: i64,
    },
    /// The row lies outside the range the store accepts.
    #[error("out of bounds: {t_ms} ms")]
    OutOfBounds {
        /// Time of the refused row.
        t_ms: i64,
    },
    /// The series limit or the memory budget is reached; known series go on.
    #[error("series refused: {reason}")]
    SeriesLimit {
        /// Which limit, with its value.
        reason: String,
    },
    /// The engine failed; the text names file and place.
    #[error(transparent)]
    Engine(Box<dyn std::error::Error + Send + Sync>),
}
