//! PromQL: from the text of a query to its answer, and the script language that tests it.
//!
//! - [`parse`] reads a query into an [`Expr`]: a checked tree with positions.
//! - [`Engine`] evaluates an [`Expr`] over a store, at one time or at many.
//! - [`script`] runs Prometheus' test scripts over any store.
//!
//! No I/O, no clock: the store, the evaluation time and the means to stop are given by the caller.
#![forbid(unsafe_code)]

mod annotations;
mod engine;
mod eval;
mod functions;
pub mod script;
pub mod syntax;
mod value;

pub use annotations::{Annotation, Annotations, Severity};
pub use engine::{Answer, Control, Engine, EngineOptions, EvalError, Stats};

pub use syntax::{Expr, Features, ParseError, ParseErrors, parse};
pub use value::{InstantSeries, RangeSeries, Value};
