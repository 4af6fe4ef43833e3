//! Windows over series that have histograms, alone or among floats: the functions that see both.

use super::native::{HistogramSample, mean, rate};
use super::over_time::Summary;
use super::rate::{Change, Event};
use super::window::{Samples, count, seconds};
use crate::annotations::{Remark, Remarks};
use model::FloatHistogram;
use model::histogram::CounterReset;
use std::sync::Arc;

/// Samples of both types of one series, each type in ascending order of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixedSamples<'a> {
    pub(crate) floats: Samples<'a>,
    pub(crate) histograms: &'a [HistogramSample],
}

/// A float or a histogram.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl From<FloatHistogram> for Value {
    fn from(histogram: FloatHistogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }
}

/// A sample in the order of both types.
#[derive(Clone, Copy, Debug)]
enum Any<'a> {
    Float(f64),
    Histogram(&'a Arc<FloatHistogram>),
}

impl Any<'_> {
    fn value(self) -> Value {
        match self {
            Self::Float(value) => Value::Float(value),
            Self::Histogram(histogram) => Value::Histogram(Arc::clone(histogram)),
        }
    }
}

impl<'a> MixedSamples<'a> {
    /// The samples after a time and not after another one.
    pub(crate) fn between(self, start: i64, end: i64) -> Self {
        let t = self.floats.t;
        let from = t.partition_point(|t| *t <= start);
        let to = t.partition_point(|t| *t <= end).max(from);
        let first = self.histograms.partition_point(|(t, _)| *t <= start);
        let last = self.histograms.partition_point(|(t, _)| *t <= end).max(first);
        Self { floats: self.floats.slice(from, to), histograms: &self.histograms[first..last] }
    }

    /// From the newest sample at or before a time on; nothing when no sample lies after it.
    fn anchored(self, start: i64) -> Option<Self> {
        let float = self.floats.t.partition_point(|t| *t <= start);
        let histogram = self.histograms.partition_point(|(t, _)| *t <= start);
        if float == self.floats.len() && histogram == self.histograms.len() {
            return None;
        }
        let float_t = float.checked_sub(1).map(|i| self.floats.t[i]);
        let histogram_t = histogram.checked_sub(1).map(|i| self.histograms[i].0);
        let (from, first) = if float_t.is_some() && float_t >= histogram_t {
            (float - 1, histogram)
        } else {
            (float, histogram.saturating_sub(usize::from(histogram_t.is_some())))
        };
        let floats = self.floats.slice(from, self.floats.len());
        Some(Self { floats, histograms: &self.histograms[first..] })
    }

    pub(crate) fn is_empty(self) -> bool {
        self.floats.len() == 0 && self.histograms.is_empty()
    }

    pub(crate) fn is_mixed(self) -> bool {
        self.floats.len() > 0 && !self.histograms.is_empty()
    }

    /// The number of samples, histograms counted as the sample limit does.
    pub(crate) fn weight(self) -> usize {
        let histograms = self.histograms.iter().map(|(_, h)| h.size_in_samples());
        self.floats.len() + histograms.sum::<usize>()
    }

    /// All samples in order of time.
    fn merged(self) -> impl Iterator<Item = (i64, Any<'a>)> {
        let mut floats = self.floats.t.iter().zip(self.floats.v).peekable();
        let mut histograms = self.histograms.iter().peekable();
        std::iter::from_fn(move || match (floats.peek(), histograms.peek()) {
            (Some((t, _)), Some((other, _))) if *t >= other => {
                histograms.next().map(|(t, h)| (*t, Any::Histogram(h)))
            }
            (None, _) => histograms.next().map(|(t, h)| (*t, Any::Histogram(h))),
            _ => floats.next().map(|(t, v)| (*t, Any::Float(*v))),
        })
    }
}

/// Where a window begins, itself outside, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Rate, increase or delta of a window with histograms.
pub(crate) fn change(
    change: Change,
    samples: MixedSamples<'_>,
    edge: Edge,
    remarks: &mut Remarks,
) -> Option<Value> {
    if samples.is_mixed() {
        remarks.add(Remark::MixedTypes);
        return None;
    }
    rate::extrapolated(change, samples.histograms, edge, remarks).map(Value::from)
}

/// The difference of the last two samples, which must be of one type.
pub(crate) fn last_two(
    counter: bool,
    samples: MixedSamples<'_>,
    remarks: &mut Remarks,
) -> Option<Value> {
    let skip = samples.floats.len().saturating_sub(2);
    let floats = samples.floats.slice(skip, samples.floats.len());
    let skip = samples.histograms.len().saturating_sub(2);
    let tail = MixedSamples { floats, histograms: &samples.histograms[skip..] };
    let all: Vec<(i64, Any<'_>)> = tail.merged().collect();
    let [.., (t0, previous), (t1, last)] = &*all else { return None };
    if t0 == t1 {
        return None;
    }
    let interval = seconds(t1 - t0);
    match (previous, last) {
        (Any::Float(previous), Any::Float(last)) => {
            let difference = if counter && last < previous { *last } else { last - previous };
            Some(Value::Float(if counter { difference / interval } else { difference }))
        }
        (Any::Histogram(previous), Any::Histogram(last)) => {
            let mut difference = rate::difference(counter, previous, last, remarks)?;
            if counter {
                difference.divide(interval);
            }
            Some(difference.into())
        }
        _ => {
            remarks.add(Remark::MixedTypes);
            None
        }
    }
}

/// Counts changes or resets in a window; with a start, from the newest sample at or before it on. A
/// change of type is either.
pub(crate) fn events(
    event: Event,
    samples: MixedSamples<'_>,
    anchor: Option<i64>,
) -> Option<Value> {
    let samples = match anchor {
        Some(start) => samples.anchored(start)?,
        None => samples,
    };
    let mut events = 0;
    let mut previous: Option<Any<'_>> = None;
    for (_, sample) in samples.merged() {
        events += usize::from(match (previous, sample) {
            (None, _) => false,
            (Some(Any::Float(previous)), Any::Float(value)) => event.happens(previous, value),
            (Some(Any::Histogram(previous)), Any::Histogram(histogram)) => match event {
                Event::Change => !histogram.equals(previous),
                Event::Reset => histogram.detect_reset(previous),
            },
            _ => true,
        });
        previous = Some(sample);
    }
    previous.map(|_| Value::Float(count(events)))
}

/// A summary of a window that takes histograms too; `None` when it takes floats only.
pub(crate) fn summarize(
    summary: Summary,
    samples: MixedSamples<'_>,
    remarks: &mut Remarks,
) -> Option<Option<Value>> {
    let first = || samples.merged().next();
    let last = || {
        let float = samples.floats.t.last().copied().zip(samples.floats.v.last().copied());
        let histogram = samples.histograms.last();
        match (float, histogram) {
            (Some((t, value)), Some((other, _))) if *other < t => Some((t, Any::Float(value))),
            (_, Some((t, histogram))) => Some((*t, Any::Histogram(histogram))),
            (Some((t, value)), None) => Some((t, Any::Float(value))),
            (None, None) => None,
        }
    };
    Some(match summary {
        Summary::Count => {
            Some(Value::Float(count(samples.floats.len() + samples.histograms.len())))
        }
        Summary::Present => Some(Value::Float(1.0)),
        Summary::First => first().map(|(_, sample)| sample.value()),
        Summary::Last => last().map(|(_, sample)| sample.value()),
        Summary::TsOfFirst => first().map(|(t, _)| Value::Float(seconds(t))),
        Summary::TsOfLast => last().map(|(t, _)| Value::Float(seconds(t))),
        Summary::Sum | Summary::Avg if samples.is_mixed() => {
            remarks.add(Remark::MixedTypes);
            None
        }
        Summary::Sum | Summary::Avg if samples.floats.len() == 0 => {
            let mut total = mean::Total::new(summary == Summary::Avg);
            for (_, histogram) in samples.histograms {
                if total.add(histogram, remarks).is_err() {
                    remarks.add(Remark::MixedSchemas);
                    return Some(None);
                }
            }
            total.finish(remarks).map(Value::from)
        }
        _ => return None,
    })
}

/// Whether a histogram says that it is a gauge.
pub(crate) fn is_gauge(histogram: &FloatHistogram) -> bool {
    histogram.counter_reset == CounterReset::Gauge
}
