//! The read side: select series, then read runs of samples as columns.

use crate::{Error, Exemplar};
use model::{FloatHistogram, Labels, Matcher, TimeRange};
use std::sync::Arc;

/// A store that can be asked.
pub trait Queryable: Send + Sync {
    /// A consistent view for the samples of a time range: rows committed later do not show.
    ///
    /// # Errors
    /// When the store is not ready.
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error>;
}

/// What the reader is going to do with a selection.
#[derive(Clone, Copy, Debug)]
pub struct SelectHints {
    /// Samples outside of it will not be read; narrower than the querier's range or equal.
    pub range: TimeRange,
    /// Series must come in label order. If not set, any order will do.
    pub sorted: bool,
    /// Only labels are wanted.
    pub labels_only: bool,
}

/// Which label names or values are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LabelQuery<'a> {
    /// Only of series that satisfy all of these.
    pub matchers: &'a [Matcher],
    /// At most so many (the first in byte order); 0 is no limit.
    pub limit: usize,
}

/// A view of the store over a time range.
pub trait Querier: Send + Sync {
    /// Series that satisfy all matchers and have, as far as the index knows, samples in range.
    ///
    /// # Errors
    /// When the engine fails.
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, Error>;

    /// Distinct label names in byte order.
    ///
    /// # Errors
    /// When the engine fails.
    fn label_names(&self, query: LabelQuery<'_>) -> Result<Vec<String>, Error>;

    /// Distinct values of a label in byte order.
    ///
    /// # Errors
    /// When the engine fails.
    fn label_values(&self, name: &str, query: LabelQuery<'_>) -> Result<Vec<String>, Error>;
}

/// Series with distinct label sets; may be read in any order and from several threads.
pub trait SeriesSet: Send + Sync {
    /// The number of series.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of a series.
    fn labels(&self, series: usize) -> Labels;

    /// Hands the samples of a series within the range (both ends inside) to the sink, in strictly
    /// ascending order of time, staleness markers among them.
    ///
    /// # Errors
    /// When the engine fails.
    fn read(&self, series: usize, range: TimeRange, sink: &mut dyn SampleSink)
    -> Result<(), Error>;
}

/// Takes runs of samples; times ascend strictly within a run and from run to run.
pub trait SampleSink {
    /// A run of float samples: times in milliseconds and values, equally many.
    fn floats(&mut self, t_ms: &[i64], values: &[f64]);

    /// A native histogram sample.
    fn histogram(&mut self, t_ms: i64, histogram: Arc<FloatHistogram>);
}

/// The samples of one series as columns; reused from series to series.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Times of the float samples, ascending.
    pub t_ms: Vec<i64>,
    /// Their values.
    pub values: Vec<f64>,
    /// Native histogram samples, ascending by time.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}

impl Columns {
    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.t_ms.is_empty() && self.histograms.is_empty()
    }

    /// Time of the first sample.
    #[must_use]
    pub fn first_ms(&self) -> Option<i64> {
        let histogram = self.histograms.first().map(|(t_ms, _)| *t_ms);
        self.t_ms.first().copied().into_iter().chain(histogram).min()
    }

    /// Time of the last sample.
    #[must_use]
    pub fn last_ms(&self) -> Option<i64> {
        let histogram = self.histograms.last().map(|(t_ms, _)| *t_ms);
        self.t_ms.last().copied().into_iter().chain(histogram).max()
    }

    /// Removes all samples, keeping the memory.
    pub fn clear(&mut self) {
        self.t_ms.clear();
        self.values.clear();
        self.histograms.clear();
    }
}

impl SampleSink for Columns {
    fn floats(&mut self, t_ms: &[i64], values: &[f64]) {
        debug_assert_eq!(t_ms.len(), values.len());
        self.t_ms.extend_from_slice(t_ms);
        self.values.extend_from_slice(values);
    }

    fn histogram(&mut self, t_ms: i64, histogram: Arc<FloatHistogram>) {
        self.histograms.push((t_ms, histogram));
    }
}

/// A store that keeps exemplars.
pub trait ExemplarQueryable: Send + Sync {
    /// The exemplars within a range of all series that satisfy all matchers of any selector, in label
    /// order, those of a series in order of time. Series without any do not show.
    ///
    /// # Errors
    /// When the store is not ready.
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, Error>;
}

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// The labels of the series.
    pub labels: Labels,
    /// Oldest first.
    pub exemplars: Vec<Exemplar>,
}

/// Hands all samples to a sink, floats and histograms in order of time.
pub fn hand_over(columns: &Columns, sink: &mut dyn SampleSink) {
    let mut from = 0;
    for (t_ms, histogram) in &columns.histograms {
        let to = from + columns.t_ms[from..].partition_point(|float| float < t_ms);
        if to > from {
            sink.floats(&columns.t_ms[from..to], &columns.values[from..to]);
        }
        sink.histogram(*t_ms, Arc::clone(histogram));
        from = to;
    }
    if from < columns.t_ms.len() {
        sink.floats(&columns.t_ms[from..], &columns.values[from..]);
    }
}

/// A set without series.
#[must_use]
pub fn empty_series_set() -> Box<dyn SeriesSet> {
    struct Empty;
    impl SeriesSet for Empty {
        fn len(&self) -> usize {
            0
        }
        fn labels(&self, _series: usize) -> Labels {
            unreachable!("no series")
        }
        fn read(
            &self,
            _series: usize,
            _range: TimeRange,
            _sink: &mut dyn SampleSink,
        ) -> Result<(), Error> {
            unreachable!("no series")
        }
    }
    Box::new(Empty)
}
