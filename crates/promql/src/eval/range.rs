//! Range vectors: the samples of a selector, or the steps of a subquery, one series at a time.

use super::grid::Timing;
use super::selector::{Buckets, Cursor, Fresh};
use super::{Column, Context, Grid, Node, Series};
use crate::engine::EvalError;
use crate::functions::mixed::MixedSamples;
use crate::functions::window::{Samples, Windows};
use crate::syntax::{Edges, NodeId};
use model::histogram::CounterReset;
use model::{FloatHistogram, Matcher, TimeRange};
use std::sync::Arc;
use storage::Columns;

enum Source {
    Selector(Cursor, Buckets),
    Subquery {
        node: Node,
        grid: Grid,
        column: Column,
    },
    /// A subquery without steps.
    Nothing,
}

/// A range vector and the windows that functions see of it.
pub(crate) struct RangeSource {
    source: Source,
    /// The windows, one a step.
    pub(crate) windows: Windows,
    /// How edges are treated, and how far they look.
    pub(crate) edges: Option<(Edges, i64)>,
    /// The expression, for annotations.
    pub(crate) node: NodeId,
    columns: Columns,
}

impl RangeSource {
    pub(crate) fn selector(
        node: NodeId,
        matchers: Vec<Matcher>,
        timing: Timing,
        range: i64,
        edges: Option<(Edges, i64)>,
        buckets: Buckets,
        sorted: bool,
    ) -> (Self, TimeRange) {
        let windows = timing.windows(range);
        let back = edges.map_or(0, |(_, lookback)| lookback);
        let ahead = if matches!(edges, Some((Edges::Smoothed, _))) { back } else { 0 };
        // Without buckets resets are found by reading on, so from the sample before the window.
        let inside = i64::from(buckets == Buckets::Read);
        let times = TimeRange {
            min_ms: windows.start(0).saturating_sub(back).saturating_add(inside),
            max_ms: timing.last().saturating_add(ahead),
        };
        let source = Source::Selector(Cursor::new(matchers, times, sorted), buckets);
        (Self { source, windows, edges, node, columns: Columns::default() }, times)
    }

    /// `inner` is what is evaluated and its steps; `None` without steps.
    pub(crate) fn subquery(
        node: NodeId,
        inner: Option<(Node, Grid)>,
        timing: Timing,
        range: i64,
    ) -> Self {
        let source = match inner {
            Some((node, grid)) => Source::Subquery { node, grid, column: Column::default() },
            None => Source::Nothing,
        };
        let windows = timing.windows(range);
        Self { source, windows, edges: None, node, columns: Columns::default() }
    }

    /// The series, in the order in which they are read.
    pub(crate) fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        match &mut self.source {
            Source::Selector(cursor, _) => cursor.series(cx),
            Source::Subquery { node, .. } => node.series(cx),
            Source::Nothing => Ok(Vec::new()),
        }
    }

    /// All samples of the next series that some window may see, without staleness markers.
    pub(crate) fn read(&mut self, cx: &mut Context<'_>) -> Result<Samples<'_>, EvalError> {
        self.columns.clear();
        match &mut self.source {
            Source::Selector(cursor, buckets) => {
                cursor.read(cx, &mut Fresh::new(&mut self.columns, *buckets))?;
            }
            Source::Subquery { node, grid, column } => {
                cx.check()?;
                node.next(cx, column)?;
                let columns = &mut self.columns;
                column.for_each(|i, value| {
                    columns.t_ms.push(grid.time(i));
                    columns.values.push(value);
                });
                for (i, histogram) in column.histograms() {
                    columns.histograms.push((grid.time(i), of_subquery(histogram)));
                }
            }
            Source::Nothing => {}
        }
        let histograms = self.columns.histograms.iter().map(|(_, h)| h.size_in_samples());
        let n = self.columns.t_ms.len() + histograms.sum::<usize>();
        cx.hold(n)?;
        cx.release(n);
        Ok(self.samples())
    }

    /// The samples of the next series inside of the first window.
    pub(crate) fn read_window(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<MixedSamples<'_>, EvalError> {
        self.read(cx)?;
        let (start, end) = (self.windows.start(0), self.windows.end(0));
        let inside = self.mixed().between(start, end);
        cx.stats.total_queryable_samples += inside.weight() as u64;
        Ok(inside)
    }

    /// The floats read last.
    pub(crate) fn samples(&self) -> Samples<'_> {
        Samples { t: &self.columns.t_ms, v: &self.columns.values }
    }

    /// All samples read last.
    pub(crate) fn mixed(&self) -> MixedSamples<'_> {
        MixedSamples { floats: self.samples(), histograms: &self.columns.histograms }
    }
}

/// A histogram that a subquery hands out says nothing of resets: samples before it may be missing, or
/// be there twice.
fn of_subquery(histogram: &Arc<FloatHistogram>) -> Arc<FloatHistogram> {
    match histogram.counter_reset {
        CounterReset::Unknown | CounterReset::Gauge => Arc::clone(histogram),
        CounterReset::Reset | CounterReset::NotReset => Arc::new(FloatHistogram {
            counter_reset: CounterReset::Unknown,
            ..FloatHistogram::clone(histogram)
        }),
    }
}
