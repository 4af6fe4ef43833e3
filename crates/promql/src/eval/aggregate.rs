//! Aggregations that keep a few numbers per group and step.
//!
//! Memory is open groups times steps: a group opens with its first series and comes out with its
//! last one, and its memory serves the next.

use super::aggregate_mixed::Histograms;
use super::grouping::{Groups, Key};
use super::{Column, Context, Node, Operator, Series, column};
use crate::annotations::Remark;
use crate::engine::EvalError;
use crate::functions::kahan::{Mean, Sum};
use crate::syntax::NodeId;

/// What is computed of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summary {
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// The smallest value, NaN only if all are.
    Min,
    /// The largest value, NaN only if all are.
    Max,
    /// The number of series.
    Count,
    /// 1.
    Group,
    /// Population standard deviation.
    Stddev,
    /// Population variance.
    Stdvar,
}

impl Summary {
    /// Its name, when histograms are left out of it.
    fn of_floats(self) -> Option<&'static str> {
        match self {
            Self::Min => Some("min"),
            Self::Max => Some("max"),
            Self::Stddev => Some("stddev"),
            Self::Stdvar => Some("stdvar"),
            Self::Sum | Self::Avg | Self::Count | Self::Group => None,
        }
    }

    /// Whether histograms make a histogram.
    fn adds_histograms(self) -> bool {
        matches!(self, Self::Sum | Self::Avg)
    }
}

/// Accumulated values of one group; which vectors are used depends on the summary.
#[derive(Debug, Default)]
struct Totals {
    present: Vec<u64>,
    sums: Vec<Sum>,
    means: Vec<Mean>,
    values: Vec<f64>,
    spreads: Vec<Spread>,
    histograms: Option<Box<Histograms>>,
}

/// Welford's running variance.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            self.mean = value;
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return;
        }
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }
}

fn refill<T: Clone + Default>(values: &mut Vec<T>, n: usize) {
    values.clear();
    values.resize(n, T::default());
}

impl Totals {
    fn reset(&mut self, summary: Summary, n: usize) {
        refill(&mut self.present, column::words(n));
        self.histograms = None;
        match summary {
            Summary::Sum => refill(&mut self.sums, n),
            Summary::Avg => refill(&mut self.means, n),
            Summary::Stddev | Summary::Stdvar => refill(&mut self.spreads, n),
            Summary::Count => refill(&mut self.values, n),
            Summary::Min | Summary::Max => {
                self.values.clear();
                self.values.resize(n, f64::NAN);
            }
            Summary::Group => {}
        }
    }

    fn add(&mut self, summary: Summary, input: &Column) {
        column::unite(&mut self.present, &input.present);
        let values = &mut self.values;
        match summary {
            Summary::Sum => input.for_each(|i, v| self.sums[i] = self.sums[i].plus(v)),
            Summary::Avg => input.for_each(|i, v| self.means[i].add(v)),
            Summary::Stddev | Summary::Stdvar => input.for_each(|i, v| self.spreads[i].add(v)),
            Summary::Count => column::for_each(&input.present, |i| values[i] += 1.0),
            Summary::Min => input.for_each(|i, v| {
                if v < values[i] || values[i].is_nan() {
                    values[i] = v;
                }
            }),
            Summary::Max => input.for_each(|i, v| {
                if v > values[i] || values[i].is_nan() {
                    values[i] = v;
                }
            }),
            Summary::Group => {}
        }
    }

    fn write(&self, summary: Summary, n: usize, out: &mut Column) {
        out.reset(n);
        out.present.copy_from_slice(&self.present);
        match summary {
            Summary::Sum => out.map_steps(|i, _| self.sums[i].total()),
            Summary::Avg => out.map_steps(|i, _| self.means[i].get()),
            Summary::Stdvar => {
                out.map_steps(|i, _| self.spreads[i].squares / self.spreads[i].count)
            }
            Summary::Stddev => {
                out.map_steps(|i, _| (self.spreads[i].squares / self.spreads[i].count).sqrt());
            }
            Summary::Count | Summary::Min | Summary::Max => {
                out.values.copy_from_slice(&self.values)
            }
            Summary::Group => out.values.fill(1.0),
        }
    }
}

/// An aggregation by groups.
pub(crate) struct Aggregation {
    summary: Summary,
    inner: Node,
    /// What is aggregated, for annotations.
    node: NodeId,
    /// Its series, for their names.
    series: Vec<Series>,
    key: Key,
    n: usize,
    groups: Groups,
    open: Vec<Option<Totals>>,
    free: Vec<Totals>,
    input: Column,
    at: usize,
}

impl Aggregation {
    pub(crate) fn new(summary: Summary, inner: Node, node: NodeId, key: Key, n: usize) -> Self {
        Self {
            summary,
            inner,
            node,
            series: Vec::new(),
            key,
            n,
            groups: Groups::default(),
            open: Vec::new(),
            free: Vec::new(),
            input: Column::default(),
            at: 0,
        }
    }
}

impl Operator for Aggregation {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let input = self.inner.series(cx)?;
        let (groups, series) = Groups::by_key(self.key.clone(), &input);
        self.open.resize_with(groups.len(), || None);
        let series = groups.in_order(&series);
        self.groups = groups;
        self.series = input;
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        loop {
            cx.check()?;
            self.inner.next(cx, &mut self.input)?;
            let i = self.at;
            self.at += 1;
            if self.input.has_histograms()
                && let Some(name) = self.summary.of_floats()
            {
                self.input.drop_histograms();
                cx.remark(self.node, Remark::IgnoredIn(name), "");
            }
            let group = self.groups.of[i] as usize;
            if self.open[group].is_none() {
                cx.hold(self.n)?;
                let mut totals = self.free.pop().unwrap_or_default();
                totals.reset(self.summary, self.n);
                self.open[group] = Some(totals);
            }
            let totals = self.open[group].as_mut().expect("opened just now");
            if self.summary.adds_histograms()
                && (self.input.has_histograms() || totals.histograms.is_some())
            {
                let series = &self.series[i];
                let is_gone = series.drop_name && !cx.options.delayed_name_removal;
                let name = if is_gone { "" } else { series.labels.metric_name() };
                let histograms = totals
                    .histograms
                    .get_or_insert_with(|| Box::new(Histograms::after(&totals.present)));
                histograms.add(self.summary, &self.input, cx, (self.node, name))?;
            }
            totals.add(self.summary, &self.input);
            if self.groups.completes(i) {
                totals.write(self.summary, self.n, out);
                if let Some(histograms) = totals.histograms.take() {
                    histograms.write(out, cx, self.node);
                }
                cx.release(self.n);
                self.free.extend(self.open[group].take());
                return Ok(());
            }
        }
    }
}
