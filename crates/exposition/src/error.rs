//! Why a page was refused, and where.

use std::fmt;

/// A page that is not in its format. Positions are those of the first byte that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Line of the page, from 1.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
    /// Byte in the page, from 0.
    pub offset: usize,
    /// What was expected and what was found, in the words users of Prometheus search for.
    pub message: String,
}

/// Why [`parse`](crate::parse) stopped.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The page is not in its format.
    Syntax(SyntaxError),
    /// The sink refused a sample.
    Sink(E),
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => error.fmt(f),
            Self::Sink(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for Failure<E> {}
