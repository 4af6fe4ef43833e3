//! What is the same at every step: evaluated once, repeated.

use super::column::Sample;
use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use std::sync::Arc;

/// Repeats the one step of its input.
pub(crate) struct Repeat {
    pub(crate) inner: Node,
    /// Number of steps.
    pub(crate) n: usize,
    pub(crate) one: Column,
}

impl Operator for Repeat {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.inner.series(cx)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        self.inner.next(cx, &mut self.one)?;
        match self.one.sample(0) {
            Some(Sample::Float(value)) => {
                out.set_all_present(self.n);
                out.values.fill(value);
            }
            Some(Sample::Histogram(histogram)) => {
                out.reset(self.n);
                (0..self.n).for_each(|i| out.set_histogram(i, Arc::clone(histogram)));
            }
            None => out.reset(self.n),
        }
        Ok(())
    }
}
