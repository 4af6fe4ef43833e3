//! Why a page was refused, and where.

use std::fmt;

/// A page that is not in its format. Positions are those of the first byte that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Line of the page, from 1; a page of messages is one line.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
    /// Byte in the page, from 0.
    pub offset: usize,
    /// What was expected and what was found, in the words users of Prometheus search for.
    pub message: String,
}

/// Why [`parse`](crate::parse) or a [`Parser`](crate::Parser) stopped.
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

/// An error in a piece of a page: its positions are those in the piece.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) error: SyntaxError,
    /// Behind the last byte that the verdict rests on. Beyond the end of the piece, more bytes may
    /// change it.
    pub(crate) reach: usize,
}

/// Why reading a piece stopped.
#[derive(Debug)]
pub(crate) enum Stop<E> {
    Broken(Broken),
    Sink(E),
}

impl<E> From<Broken> for Stop<E> {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// An error with the line and column of its offset.
pub(crate) fn error_at(body: &[u8], offset: usize, message: String) -> Broken {
    let offset = offset.min(body.len());
    let before = &body[..offset];
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = offset - memchr::memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    Broken { error: SyntaxError { line, column, offset, message }, reach: 0 }
}
