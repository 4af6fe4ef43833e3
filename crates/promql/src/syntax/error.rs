//! What is wrong with a query, and where.

use super::ast::{Position, Span};
use std::fmt;

/// One fault of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The faulty part of the text.
    pub span: Span,
    /// Where it starts; nowhere in an empty text.
    pub position: Option<Position>,
    /// What is wrong, without position.
    pub message: String,
}

/// `1:5: parse error: ...`
impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{position}: parse error: {}", self.message),
            None => write!(f, "unknown position: parse error: {}", self.message),
        }
    }
}

/// All faults found in a query, in the order they were found; never empty. Prints the first one, as
/// Prometheus does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseErrors(pub Vec<ParseError>);

impl fmt::Display for ParseErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.first().map_or(Ok(()), |first| first.fmt(f))
    }
}

impl std::error::Error for ParseErrors {}
