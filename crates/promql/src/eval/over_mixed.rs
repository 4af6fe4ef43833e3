//! Functions over range vectors with histograms: window by window, apart from the way of floats.

use super::over::{Function, Kernel, OverRange};
use super::{Column, Context};
use crate::annotations::{Remark, Remarks};
use crate::engine::EvalError;
use crate::functions::mixed::{self, Edge, MixedSamples, Value};
use crate::functions::window::Windows;
use crate::functions::{edges, native};
use crate::syntax::Edges;

impl OverRange {
    /// The column of a series that has histograms.
    pub(super) fn next_mixed(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Column,
    ) -> Result<(), EvalError> {
        let mut remarks = Remarks::default();
        for step in 0..self.source.windows.n {
            cx.check()?;
            let windows = self.source.windows;
            let edge = Edge { start: windows.start(step), end: windows.end(step) };
            let inside = self.source.mixed().between(edge.start, edge.end);
            cx.stats.total_queryable_samples += inside.weight() as u64;
            let value = match self.source.edges {
                None => self.window(step, edge, &mut remarks),
                Some((edges, lookback)) => {
                    self.window_with_edges(step, edge, edges, lookback, &mut remarks)
                }
            };
            match value {
                Some(Value::Float(value)) => out.set(step, value),
                Some(Value::Histogram(histogram)) => out.set_histogram(step, histogram),
                None => {}
            }
        }
        // Of this function the first argument is the quantile.
        let first = self.scalars.first().filter(|_| self.function == Function::Quantile);
        let node = first.map_or(self.source.node, |(_, node)| *node);
        for remark in remarks.drain() {
            cx.remark(node, remark, self.input[self.at].labels.metric_name());
        }
        Ok(())
    }

    fn window(&mut self, step: usize, edge: Edge, remarks: &mut Remarks) -> Option<Value> {
        let samples = self.source.mixed().between(edge.start, edge.end);
        if samples.is_empty() {
            return None;
        }
        if samples.histograms.is_empty() {
            return self.floats(step, edge);
        }
        match self.function {
            Function::Change(change) => mixed::change(change, samples, edge, remarks),
            Function::LastTwo { counter } => mixed::last_two(counter, samples, remarks),
            Function::Events(event) => mixed::events(event, samples, None),
            Function::Summary(summary) => match mixed::summarize(summary, samples, remarks) {
                Some(value) => value,
                None => self.floats_among(step, edge, remarks),
            },
            _ => self.floats_among(step, edge, remarks),
        }
    }

    /// A function of floats only, of a window that has histograms.
    fn floats_among(&mut self, step: usize, edge: Edge, remarks: &mut Remarks) -> Option<Value> {
        if self.source.mixed().between(edge.start, edge.end).floats.len() > 0 {
            remarks.add(Remark::IgnoredInRange);
        }
        self.floats(step, edge)
    }

    /// The function of the floats in a window.
    fn floats(&mut self, step: usize, edge: Edge) -> Option<Value> {
        let samples = self.source.mixed().between(edge.start, edge.end).floats;
        let window = Windows { first_end: edge.end, n: 1, ..self.source.windows };
        let kernel = Kernel { function: self.function, grid: self.grid, first: step };
        let mut value = None;
        kernel.run(samples, &window, &self.numbers, &mut self.scratch, |_, v| value = Some(v));
        value.map(Value::Float)
    }

    fn window_with_edges(
        &self,
        step: usize,
        edge: Edge,
        edges: Edges,
        lookback: i64,
        remarks: &mut Remarks,
    ) -> Option<Value> {
        let ahead = if edges == Edges::Smoothed { lookback } else { 0 };
        let (from, to) = (edge.start.saturating_sub(lookback), edge.end.saturating_add(ahead));
        let samples = self.source.mixed().between(from, to);
        match self.function {
            Function::Change(_) if samples.is_mixed() => {
                remarks.add(Remark::MixedTypes);
                None
            }
            Function::Change(_) if samples.histograms.is_empty() => {
                self.floats_with_edges(step, edges, lookback, samples)
            }
            Function::Change(change) => {
                native::edges::change(change, edges, samples.histograms, edge, remarks)
                    .map(Value::from)
            }
            Function::Events(event) => mixed::events(event, samples, Some(edge.start)),
            _ => unreachable!("the plan refuses edges with other functions"),
        }
    }

    fn floats_with_edges(
        &self,
        step: usize,
        edges: Edges,
        lookback: i64,
        samples: MixedSamples<'_>,
    ) -> Option<Value> {
        let Function::Change(change) = self.function else { return None };
        let all = self.source.windows;
        let window = Windows { first_end: all.end(step), n: 1, ..all };
        let mut value = None;
        let emit = |_, v| value = Some(v);
        match edges {
            Edges::Anchored => {
                edges::anchored(change, samples.floats, &window, lookback, emit);
            }
            Edges::Smoothed => {
                edges::smoothed(change, samples.floats, &window, lookback, emit);
            }
        }
        value.map(Value::Float)
    }
}
