//! Functions over range vectors.

use super::{Column, Context, Grid, Numbers, Operator, RangeSource, Scalar, Series, is_reserved};
use crate::engine::EvalError;
use crate::functions::over_time::Summary;
use crate::functions::rate::{Change, Event};
use crate::functions::window::{Samples, Windows, slide};
use crate::functions::{edges, over_time, rate, regression};
use crate::syntax::{Edges, NodeId};
use model::METRIC_NAME;
use std::collections::VecDeque;

/// So many samples are summed up in some hundredths of a second.
const SAMPLES_A_PIECE: usize = 1 << 24;

/// A function of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// rate, increase, delta
    Change(Change),
    /// irate, idelta
    LastTwo {
        /// Whether resets count and the result is per second.
        counter: bool,
    },
    /// changes, resets
    Events(Event),
    /// Most of the `_over_time` functions.
    Summary(Summary),
    /// `min_over_time`, `max_over_time`
    Extreme {
        /// Whether the largest is wanted.
        max: bool,
    },
    /// `quantile_over_time`
    Quantile,
    /// deriv
    Deriv,
    /// `predict_linear`
    PredictLinear,
    /// `double_exponential_smoothing`
    Smoothing,
}

impl Function {
    fn keeps_name(self) -> bool {
        matches!(self, Self::Summary(Summary::First | Summary::Last))
    }
}

/// Memory that kernels use, kept from series to series.
#[derive(Default)]
pub(super) struct Scratch {
    places: Vec<u32>,
    values: Vec<f64>,
    queue: VecDeque<usize>,
}

/// A function over a range vector.
pub(crate) struct OverRange {
    pub(super) function: Function,
    pub(super) source: RangeSource,
    pub(super) grid: Grid,
    pub(super) scalars: Vec<(Scalar, NodeId)>,
    pub(super) numbers: Vec<Numbers>,
    /// Steps at which a quantile is none.
    bad_steps: Vec<usize>,
    /// Whether names may stay when all series have the same one, for nobody looks at them.
    pub(super) is_name_ignored: bool,
    /// The input series, for their names.
    pub(super) input: Vec<Series>,
    pub(super) at: usize,
    pub(super) scratch: Scratch,
}

impl OverRange {
    /// `scalars` are the function's other arguments.
    pub(crate) fn new(
        function: Function,
        source: RangeSource,
        grid: Grid,
        scalars: Vec<(Scalar, NodeId)>,
    ) -> Self {
        Self {
            function,
            source,
            grid,
            scalars,
            numbers: Vec::new(),
            bad_steps: Vec::new(),
            is_name_ignored: false,
            input: Vec::new(),
            at: 0,
            scratch: Scratch::default(),
        }
    }

    fn check_numbers(&mut self, any_series: bool) -> Result<(), EvalError> {
        let steps = 0..self.grid.n;
        match (self.function, &*self.numbers) {
            (Function::Quantile, [q]) => {
                self.bad_steps = steps.filter(|i| !(0.0..=1.0).contains(&q.at(*i))).collect();
            }
            (Function::Smoothing, [value, trend]) if any_series => {
                for (what, short, numbers) in [("smoothing", "sf", value), ("trend", "tf", trend)] {
                    let outside = |v: &f64| *v <= 0.0 || *v >= 1.0;
                    if let Some(v) = steps.clone().map(|i| numbers.at(i)).find(outside) {
                        return Err(EvalError::Execution(format!(
                            "invalid {what} factor. Expected: 0 < {short} < 1, got: {v:.6}"
                        )));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn annotate(&mut self, cx: &mut Context<'_>, out: &Column) {
        if matches!(self.function, Function::Change(Change::Rate | Change::Increase))
            && out.count() > out.histograms().count()
        {
            let name = self.input[self.at].labels.metric_name();
            let counts = ["_total", "_sum", "_count", "_bucket"];
            if !name.is_empty() && !counts.iter().any(|end| name.ends_with(end)) {
                let text = format!(
                    "metric might not be a counter, name does not end in \
                     _total/_sum/_count/_bucket: \"{name}\""
                );
                cx.inform(self.source.node, text);
            }
        }
        if let Some(step) = self.bad_steps.iter().find(|step| out.has(**step)) {
            bad_quantile(cx, self.numbers[0].at(*step), self.scalars[0].1);
        }
    }
}

/// Whether series have one name in common and nothing else that says what a metric is: then they
/// differ without it.
fn have_one_name(series: &[Series]) -> bool {
    let Some(first) = series.first() else { return true };
    let name = first.labels.metric_name();
    !name.is_empty()
        && series.iter().all(|series| {
            let mut reserved = series.labels.iter().filter(|(name, _)| is_reserved(name));
            reserved.next() == Some((METRIC_NAME, name)) && reserved.next().is_none()
        })
}

/// Warns of a quantile outside of 0 to 1.
pub(crate) fn bad_quantile(cx: &mut Context<'_>, q: f64, node: NodeId) {
    let mut text = String::from("quantile value should be between 0 and 1, got ");
    model::float::write_g(&mut text, q).expect("a string takes everything");
    cx.warn(node, text);
}

impl Operator for OverRange {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        for (scalar, _) in &mut self.scalars {
            self.numbers.push(scalar.eval(cx)?);
        }
        let series = self.source.series(cx)?;
        self.check_numbers(!series.is_empty())?;
        self.input.clone_from(&series);
        if self.function.keeps_name() {
            return Ok(series);
        }
        if self.is_name_ignored && have_one_name(&series) {
            let marked = |series: Series| Series { drop_name: true, ..series };
            return Ok(series.into_iter().map(marked).collect());
        }
        Ok(series.into_iter().map(|series| series.without_name(cx)).collect())
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.reset(self.grid.n);
        self.source.read(cx)?;
        let (samples, windows) = (self.source.samples(), &self.source.windows);
        match self.source.edges {
            _ if !self.source.mixed().histograms.is_empty() => self.next_mixed(cx, out)?,
            Some((edges, lookback)) => {
                cx.stats.total_queryable_samples += slide(samples, windows, |_| {});
                self.with_edges(edges, lookback, |step, value| out.set(step, value));
            }
            None => self.without_edges(cx, |step, value| out.set(step, value))?,
        }
        self.annotate(cx, out);
        self.at += 1;
        Ok(())
    }
}

impl OverRange {
    /// Runs the kernel over all windows, in pieces when they may hold very many samples together,
    /// to look at the wish to stop in between.
    fn without_edges(
        &mut self,
        cx: &mut Context<'_>,
        mut emit: impl FnMut(usize, f64),
    ) -> Result<(), EvalError> {
        let (all, windows) = (self.source.samples(), self.source.windows);
        let pieces = all.len().saturating_mul(windows.n) / SAMPLES_A_PIECE + 1;
        let steps = windows.n.div_ceil(pieces);
        for first in (0..windows.n).step_by(steps) {
            cx.check()?;
            let (piece, samples) = windows.piece(first, steps, all);
            let kernel = Kernel { function: self.function, grid: self.grid, first };
            let numbers = &self.numbers;
            let seen = kernel.run(samples, &piece, numbers, &mut self.scratch, |step, value| {
                emit(first + step, value);
            });
            cx.stats.total_queryable_samples += seen;
        }
        Ok(())
    }

    fn with_edges(&self, edges: Edges, lookback: i64, emit: impl FnMut(usize, f64)) {
        let (samples, windows) = (self.source.samples(), &self.source.windows);
        match (edges, self.function) {
            (Edges::Anchored, Function::Change(change)) => {
                edges::anchored(change, samples, windows, lookback, emit);
            }
            (Edges::Anchored, Function::Events(event)) => {
                edges::anchored_events(event, samples, windows, lookback, emit);
            }
            (Edges::Smoothed, Function::Change(change)) => {
                edges::smoothed(change, samples, windows, lookback, emit);
            }
            _ => unreachable!("the plan refuses edges with other functions"),
        }
    }
}

/// A function, and the step at which its first window ends.
pub(super) struct Kernel {
    pub(super) function: Function,
    pub(super) grid: Grid,
    pub(super) first: usize,
}

impl Kernel {
    /// Returns how many samples the windows see together.
    pub(super) fn run(
        &self,
        samples: Samples<'_>,
        windows: &Windows,
        numbers: &[Numbers],
        scratch: &mut Scratch,
        emit: impl FnMut(usize, f64),
    ) -> u64 {
        let number = |i: usize, step: usize| numbers[i].at(self.first + step);
        match self.function {
            Function::Change(change) => {
                rate::extrapolated(change, samples, windows, &mut scratch.places, emit)
            }
            Function::LastTwo { counter } => rate::last_two(counter, samples, windows, emit),
            Function::Events(event) => {
                rate::count_events(event, samples, windows, &mut scratch.places, emit)
            }
            Function::Summary(summary) => {
                over_time::summarize(summary, samples, windows, &mut scratch.values, emit)
            }
            Function::Extreme { max } => {
                over_time::extreme(max, samples, windows, &mut scratch.queue, emit)
            }
            Function::Quantile => {
                let q = |step| number(0, step);
                over_time::quantile(q, samples, windows, &mut scratch.values, emit)
            }
            Function::Deriv => regression::deriv(samples, windows, emit),
            Function::PredictLinear => {
                let ahead = |step| number(0, step);
                let time = |step| self.grid.time(self.first + step);
                regression::predict_linear(samples, windows, ahead, time, emit)
            }
            Function::Smoothing => {
                let factors = |step| (number(0, step), number(1, step));
                regression::double_exponential_smoothing(samples, windows, factors, emit)
            }
        }
    }
}
