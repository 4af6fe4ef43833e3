//! What all operators of one query share.

use crate::annotations::{Annotations, Remark, Severity};
use crate::engine::{Control, EngineOptions, EvalError, Stats};
use crate::syntax::{Expr, NodeId};
use std::sync::Arc;
use storage::Querier;

/// One running query.
pub(crate) struct Context<'q> {
    pub(crate) expr: &'q Expr,
    pub(crate) options: &'q EngineOptions,
    pub(crate) control: &'q Control,
    pub(crate) querier: Arc<dyn Querier>,
    pub(crate) annotations: Annotations,
    pub(crate) stats: Stats,
    held: usize,
}

impl<'q> Context<'q> {
    pub(crate) fn new(
        expr: &'q Expr,
        options: &'q EngineOptions,
        control: &'q Control,
        querier: Arc<dyn Querier>,
    ) -> Self {
        let (annotations, stats) = (Annotations::default(), Stats::default());
        Self { expr, options, control, querier, annotations, stats, held: 0 }
    }

    /// Looks at the caller's wish to stop; once per series.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        self.control.check()
    }

    /// Counts samples that stay in memory until released.
    pub(crate) fn hold(&mut self, samples: usize) -> Result<(), EvalError> {
        self.held += samples;
        self.stats.peak_samples = self.stats.peak_samples.max(self.held as u64);
        if self.held > self.options.max_samples {
            return Err(EvalError::TooManySamples(self.options.max_samples));
        }
        Ok(())
    }

    /// Samples counted by [`Context::hold`] are gone.
    pub(crate) fn release(&mut self, samples: usize) {
        self.held = self.held.saturating_sub(samples);
    }

    /// Remembers a remark about a metric.
    pub(crate) fn remark(&mut self, node: NodeId, remark: Remark, metric: &str) {
        let position = self.expr.position(node);
        self.annotations.add(remark.severity(), remark.text(metric), position);
    }

    pub(crate) fn warn(&mut self, node: NodeId, text: String) {
        self.annotations.add(Severity::Warning, text, self.expr.position(node));
    }

    pub(crate) fn inform(&mut self, node: NodeId, text: String) {
        self.annotations.add(Severity::Info, text, self.expr.position(node));
    }
}
