//! Instant vector selectors: the newest sample of each series, not older than lookback.

use super::grid::Timing;
use super::{Column, Context, Operator, Series};
use crate::annotations::{Remark, Remarks};
use crate::engine::EvalError;
use crate::functions::mixed::MixedSamples;
use crate::functions::window::{Samples, Windows, seconds};
use crate::functions::{edges, native};
use crate::syntax::NodeId;
use model::histogram::CounterReset;
use model::{FloatHistogram, Matcher, TimeRange, is_stale};
use std::sync::Arc;
use storage::{Columns, SampleSink, SelectHints, SeriesSet};

/// What of a sample is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Its value.
    Value(Buckets),
    /// Its time in seconds.
    Time,
    /// Its time in seconds; it must be a float.
    TimeOfFloat,
    /// The value interpolated with the sample after it; the selector, for annotations.
    Smoothed(NodeId, Buckets),
}

/// Series from the store, one after the other.
pub(crate) struct Cursor {
    matchers: Vec<Matcher>,
    range: TimeRange,
    sorted: bool,
    set: Option<Box<dyn SeriesSet>>,
    at: usize,
}

impl Cursor {
    /// Samples in `range`, both ends inside, of the series that satisfy all matchers, in the order of
    /// their labels or in any.
    pub(crate) fn new(matchers: Vec<Matcher>, range: TimeRange, sorted: bool) -> Self {
        Self { matchers, range, sorted, set: None, at: 0 }
    }

    pub(crate) fn series(&mut self, cx: &Context<'_>) -> Result<Vec<Series>, EvalError> {
        cx.check()?;
        let hints = SelectHints { range: self.range, sorted: self.sorted, labels_only: false };
        let set = cx.querier.select(&self.matchers, &hints)?;
        let series = (0..set.len()).map(|i| Series::of(set.labels(i))).collect();
        self.set = Some(set);
        Ok(series)
    }

    /// Hands over the samples of the next series.
    pub(crate) fn read(
        &mut self,
        cx: &Context<'_>,
        sink: &mut dyn SampleSink,
    ) -> Result<(), EvalError> {
        cx.check()?;
        let set = self.set.as_ref().expect("series are asked for before samples");
        set.read(self.at, self.range, sink)?;
        self.at += 1;
        Ok(())
    }
}

/// Whether selectors read histograms for their counts and sums only. Resets are looked for while
/// there are buckets, so that hints tell of all of them but the first of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buckets {
    /// As they are.
    Read,
    /// Not needed.
    Skipped,
}

/// Takes the buckets away, histogram by histogram.
#[derive(Debug)]
pub(crate) struct Skipper {
    buckets: Buckets,
    last: Option<Arc<FloatHistogram>>,
}

impl Skipper {
    pub(crate) fn new(buckets: Buckets) -> Self {
        Self { buckets, last: None }
    }

    /// The next histogram of a series, as it is to be seen.
    pub(crate) fn pass(&mut self, histogram: Arc<FloatHistogram>) -> Arc<FloatHistogram> {
        if self.buckets == Buckets::Read || histogram.is_stale() {
            return histogram;
        }
        let counter_reset = match (&self.last, histogram.counter_reset) {
            (Some(last), CounterReset::Unknown) => {
                if histogram.detect_reset(last) {
                    CounterReset::Reset
                } else {
                    CounterReset::NotReset
                }
            }
            (_, hint) => hint,
        };
        let (schema, count, sum) = (histogram.schema, histogram.count, histogram.sum);
        self.last = Some(histogram);
        let rest = FloatHistogram::default();
        Arc::new(FloatHistogram { schema, count, sum, counter_reset, ..rest })
    }
}

/// An instant vector selector.
pub(crate) struct InstantSelector {
    cursor: Cursor,
    timing: Timing,
    lookback: i64,
    want: Want,
    columns: Columns,
    /// The series, for their names, when they are smoothed.
    names: std::vec::IntoIter<Series>,
}

impl InstantSelector {
    pub(crate) fn new(
        matchers: Vec<Matcher>,
        timing: Timing,
        lookback: i64,
        want: Want,
        sorted: bool,
    ) -> (Self, TimeRange) {
        let ahead = if matches!(want, Want::Smoothed(..)) { lookback } else { 0 };
        let range = TimeRange {
            min_ms: timing.first().saturating_sub(lookback).saturating_add(1),
            max_ms: timing.last().saturating_add(ahead),
        };
        let cursor = Cursor::new(matchers, range, sorted);
        let (columns, names) = (Columns::default(), Vec::new().into_iter());
        (Self { cursor, timing, lookback, want, columns, names }, range)
    }

    fn smoothed(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut Column,
        (node, buckets): (NodeId, Buckets),
    ) -> Result<(), EvalError> {
        let series = self.names.next().expect("as many as are read");
        self.columns.clear();
        self.cursor.read(cx, &mut Fresh::new(&mut self.columns, buckets))?;
        let floats = Samples { t: &self.columns.t_ms, v: &self.columns.values };
        let windows = self.timing.windows(self.lookback);
        if self.columns.histograms.is_empty() {
            edges::smoothed_value(floats, &windows, |i, v| out.set(i, v));
            return Ok(());
        }
        let samples = MixedSamples { floats, histograms: &self.columns.histograms };
        let mut remarks = Remarks::default();
        for step in 0..self.timing.grid.n {
            cx.check()?;
            let at = self.timing.reference(step);
            let (from, to) = (at.saturating_sub(self.lookback), at.saturating_add(self.lookback));
            let near = samples.between(from, to);
            if near.is_mixed() {
                remarks.add(Remark::MixedTypes);
            } else if near.histograms.is_empty() {
                let one = Windows { first_end: at, n: 1, ..windows };
                edges::smoothed_value(near.floats, &one, |_, v| out.set(step, v));
            } else if let Some(histogram) =
                native::edges::smoothed_value(near.histograms, at, &mut remarks)
            {
                out.set_histogram(step, histogram);
            }
        }
        let name = series.labels.metric_name();
        remarks.drain().for_each(|remark| cx.remark(node, remark, name));
        Ok(())
    }
}

impl Operator for InstantSelector {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let series = self.cursor.series(cx)?;
        if matches!(self.want, Want::Smoothed(..)) {
            self.names = series.clone().into_iter();
        }
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.reset(self.timing.grid.n);
        if let Want::Smoothed(node, buckets) = self.want {
            self.smoothed(cx, out, (node, buckets))?;
        } else {
            let buckets = match self.want {
                Want::Value(buckets) => buckets,
                _ => Buckets::Read,
            };
            let mut lookup = Lookup {
                timing: &self.timing,
                lookback: self.lookback,
                times: matches!(self.want, Want::Time | Want::TimeOfFloat),
                step: 0,
                until: self.timing.first(),
                increment: if self.timing.at.is_some() { 0 } else { self.timing.grid.step },
                newest: None,
                histogram: None,
                met_histogram: false,
                skipper: Skipper::new(buckets),
                out: &mut *out,
            };
            self.cursor.read(cx, &mut lookup)?;
            lookup.finish();
            if self.want == Want::TimeOfFloat && lookup.met_histogram {
                return Err(EvalError::Execution("info sample should be float".into()));
            }
        }
        cx.stats.total_queryable_samples += out.weight() as u64;
        Ok(())
    }
}

/// Puts runs of samples on a grid: walks over samples and steps at the same time.
struct Lookup<'a> {
    timing: &'a Timing,
    lookback: i64,
    times: bool,
    /// The first step that has no sample yet.
    step: usize,
    /// Where that step looks from, and how much later the next one.
    until: i64,
    increment: i64,
    /// The newest sample, while it is a float.
    newest: Option<(i64, f64)>,
    /// The newest sample, while it is a histogram.
    histogram: Option<(i64, Arc<FloatHistogram>)>,
    /// Whether some step sees a histogram.
    met_histogram: bool,
    skipper: Skipper,
    out: &'a mut Column,
}

impl Lookup<'_> {
    /// The newest sample is what the current step sees.
    fn emit(&mut self) {
        let oldest = self.until.saturating_sub(self.lookback);
        if let Some((t, value)) = self.newest
            && t > oldest
            && !is_stale(value)
        {
            self.out.set(self.step, if self.times { seconds(t) } else { value });
        } else if let Some((t, histogram)) = &self.histogram
            && *t > oldest
            && !histogram.is_stale()
        {
            self.met_histogram = true;
            if self.times {
                self.out.set(self.step, seconds(*t));
            } else {
                self.out.set_histogram(self.step, Arc::clone(histogram));
            }
        }
        self.step += 1;
        self.until = self.until.saturating_add(self.increment);
    }

    /// All steps before a sample see the one before it.
    fn emit_before(&mut self, t: i64) {
        while t > self.until && self.step < self.timing.grid.n {
            self.emit();
        }
    }

    fn finish(&mut self) {
        while self.step < self.timing.grid.n {
            self.emit();
        }
    }
}

impl SampleSink for Lookup<'_> {
    fn floats(&mut self, t_ms: &[i64], values: &[f64]) {
        if self.histogram.is_some()
            && let Some(first) = t_ms.first()
        {
            self.emit_before(*first);
            self.histogram = None;
        }
        if self.timing.grid.n == 1 {
            // Everything read lies before the only step.
            self.newest = t_ms.last().copied().zip(values.last().copied()).or(self.newest);
            return;
        }
        for (t, value) in t_ms.iter().zip(values) {
            while *t > self.until && self.step < self.timing.grid.n {
                self.emit();
            }
            self.newest = Some((*t, *value));
        }
    }

    fn histogram(&mut self, t_ms: i64, histogram: Arc<FloatHistogram>) {
        self.emit_before(t_ms);
        self.newest = None;
        self.histogram = Some((t_ms, self.skipper.pass(histogram)));
    }
}

/// Passes on all samples but staleness markers.
pub(crate) struct Fresh<'a> {
    columns: &'a mut Columns,
    skipper: Skipper,
}

impl<'a> Fresh<'a> {
    pub(crate) fn new(columns: &'a mut Columns, buckets: Buckets) -> Self {
        Self { columns, skipper: Skipper::new(buckets) }
    }
}

impl SampleSink for Fresh<'_> {
    fn floats(&mut self, t_ms: &[i64], values: &[f64]) {
        if !values.iter().any(|value| is_stale(*value)) {
            self.columns.floats(t_ms, values);
            return;
        }
        for (t, value) in t_ms.iter().zip(values).filter(|(_, value)| !is_stale(**value)) {
            self.columns.t_ms.push(*t);
            self.columns.values.push(*value);
        }
    }

    fn histogram(&mut self, t_ms: i64, histogram: Arc<FloatHistogram>) {
        if !histogram.is_stale() {
            self.columns.histogram(t_ms, self.skipper.pass(histogram));
        }
    }
}
