//! The two grammars of pages of lines.

/// A grammar of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Prometheus text, 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics text, 1.0.0 and 0.0.1.
    OpenMetrics,
}
