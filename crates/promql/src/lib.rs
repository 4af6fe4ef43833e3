//! PromQL: from the text of a query to its answer, and the script language that tests it.
//!
//! - [`parse`] reads a query into an [`Expr`]: a checked tree with positions.
//!
//! No I/O, no clock: the store, the evaluation time and the means to stop are given by the caller.
#![forbid(unsafe_code)]

pub mod syntax;

pub use syntax::{Expr, Features, ParseError, ParseErrors, parse};
