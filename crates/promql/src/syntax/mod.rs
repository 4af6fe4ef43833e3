//! From the text of a query to a checked tree, and back.
//!
//! Text goes through a lexer that is asked for one token at a time and a parser that climbs
//! operator precedence; types are checked where nodes are made. [`Expr`] owns the tree and prints
//! as Prometheus prints it.

mod ast;
mod error;
mod expr;
mod functions;
mod lexer;
mod parser;
mod printer;
mod restrict;
mod string;
mod token;

pub use ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Cardinality, Dur, DurationExpr, DurationOp,
    Edges, Node, NodeId, Position, Span, Subquery, ValueType, VectorMatching, VectorSelector,
};
pub use error::{ParseError, ParseErrors};
pub use expr::{Children, Expr};
pub use functions::{Function, Signature};
pub use parser::parse;
pub(crate) use parser::{parse_label_set, parse_number};
pub use printer::Printed;

/// Parts of the language that Prometheus keeps behind switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `promql-experimental-functions`: experimental functions and aggregations.
    pub experimental_functions: bool,
    /// `promql-extended-range-selectors`: `anchored` and `smoothed`.
    pub extended_selectors: bool,
    /// `promql-binop-fill-modifiers`: `fill`, `fill_left` and `fill_right`.
    pub fill: bool,
}

impl Features {
    /// Everything switched on.
    pub const ALL: Self =
        Self { experimental_functions: true, extended_selectors: true, fill: true };
}

#[cfg(test)]
mod tests;
