//! Why a rule was not evaluated.

use promql::EvalError;
use storage::AppendError;

/// Why a rule was not evaluated, or not as a whole; the texts are Prometheus' where it has them.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] EvalError),
    /// The query gave a text or a range.
    #[error("rule result is not a vector or scalar")]
    NotAVector,
    /// Recorded series cannot be told apart.
    #[error("vector contains metrics with the same labelset after applying rule labels")]
    SameLabels,
    /// Alerts cannot be told apart.
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    SameAlerts,
    /// More series than the group allows.
    #[error("exceeded limit of {limit} with {count} series")]
    SeriesLimit {
        /// The limit.
        limit: u64,
        /// How many there are.
        count: usize,
    },
    /// More alerts than the group allows.
    #[error("exceeded limit of {limit} with {count} alerts")]
    AlertLimit {
        /// The limit.
        limit: u64,
        /// How many there are.
        count: usize,
    },
    /// The store refuses.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A bug.
    #[error("panic: {0}")]
    Panic(String),
}

impl RuleError {
    /// Whether somebody wanted it to end.
    pub(super) fn is_canceled(&self) -> bool {
        matches!(self, Self::Query(EvalError::Canceled))
    }
}

/// What a panic says.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without words".to_owned())
}
