//! Windows with `anchored` and `smoothed` edges, of histograms.

use super::HistogramSample;
use super::rate::noted;
use crate::annotations::{Remark, Remarks, Work};
use crate::functions::mixed::{Edge, is_gauge};
use crate::functions::rate::Change;
use crate::functions::window::seconds;
use crate::syntax::Edges;
use model::FloatHistogram;
use model::histogram::{CounterReset, HistogramSum};
use std::sync::Arc;

/// The change over a window. `samples` are all that it may see: before its start as far as lookback
/// goes, and after its end when edges are smoothed.
pub(crate) fn change(
    change: Change,
    edges: Edges,
    samples: &[HistogramSample],
    edge: Edge,
    remarks: &mut Remarks,
) -> Option<FloatHistogram> {
    let (smoothed, counter) = (edges == Edges::Smoothed, change.is_counter());
    let t = |i: usize| samples[i].0;
    let mut last = samples.len().checked_sub(1)?;
    let first = samples.partition_point(|(t, _)| *t <= edge.start).min(last).saturating_sub(1);
    if smoothed {
        last = samples.partition_point(|(t, _)| *t < edge.end).min(last);
    }
    if t(last) <= edge.start || (smoothed && t(first) > edge.end) {
        return None;
    }
    let inside = &samples[first..=last];
    let custom = inside[0].1.is_custom();
    if inside.iter().any(|(_, h)| h.is_custom() != custom) {
        remarks.add(Remark::MixedSchemas);
        return None;
    }
    if counter && inside.iter().any(|(_, h)| is_gauge(h)) {
        remarks.add(Remark::NotCounter);
    }
    let left = if smoothed && t(first) < edge.start {
        interpolated(&samples[first], &samples[first + 1], edge.start, counter, remarks)?
    } else {
        Arc::clone(&samples[first].1)
    };
    let right = if smoothed && last > 0 && t(last) > edge.end {
        interpolated(&samples[last - 1], &samples[last], edge.end, counter, remarks)?
    } else {
        Arc::clone(&samples[last].1)
    };
    if !counter && [&left, &right].iter().any(|h| !is_gauge(h)) {
        remarks.add(Remark::NotGauge);
    }
    let mut sum = HistogramSum::from(&*right);
    noted(sum.subtract(&left), Work::Subtraction, remarks)?;
    if counter {
        let crosses = smoothed && t(first) < edge.start;
        for lost in lost(inside, crosses, &left, &right) {
            noted(sum.add(lost), Work::Addition, remarks)?;
        }
    }
    if change == Change::Rate {
        sum.divide(seconds(edge.end - edge.start));
    }
    sum.counter_reset = CounterReset::Gauge;
    Some(sum.total())
}

/// The histogram at a time: interpolated between those before and after, or the last one when
/// nothing follows. `near` are those within lookback on both sides.
pub(crate) fn smoothed_value(
    near: &[HistogramSample],
    at: i64,
    remarks: &mut Remarks,
) -> Option<Arc<FloatHistogram>> {
    let next = near.partition_point(|(t, _)| *t < at);
    let after = near.get(next);
    if let Some((t, histogram)) = after
        && *t == at
    {
        return Some(Arc::clone(histogram));
    }
    let before = &near[next.checked_sub(1)?];
    let Some(after) = after else {
        let mut last = FloatHistogram::clone(&before.1);
        // A hint is about the sample before, which is not what is before this step.
        last.counter_reset = CounterReset::Unknown;
        return Some(Arc::new(last));
    };
    let counter = !(is_gauge(&before.1) && is_gauge(&after.1));
    interpolated(before, after, at, counter, remarks)
}

/// What a counter lost in resets between the values at both edges. `crosses` tells that the left one
/// lies between the first two samples.
fn lost<'a>(
    inside: &'a [HistogramSample],
    crosses: bool,
    left: &'a FloatHistogram,
    right: &FloatHistogram,
) -> Vec<&'a FloatHistogram> {
    let mut lost = Vec::new();
    let (mut previous, mut next) = (left, 1);
    if crosses && inside.len() > 1 && inside[1].1.detect_reset(&inside[0].1) {
        // That reset is in the left value already.
        (previous, next) = (&*inside[1].1, 2);
    }
    // The last sample is the right value, or right before it.
    let last = inside.len() - 1;
    if next > last {
        return lost;
    }
    for (_, histogram) in &inside[next..last] {
        if histogram.detect_reset(previous) {
            lost.push(previous);
        }
        previous = histogram;
    }
    if right.detect_reset(previous) {
        lost.push(previous);
    }
    lost
}

/// The histogram at a time between two samples. A counter that was reset between them starts from
/// zero.
fn interpolated(
    a: &HistogramSample,
    b: &HistogramSample,
    at: i64,
    counter: bool,
    remarks: &mut Remarks,
) -> Option<Arc<FloatHistogram>> {
    if at == a.0 {
        return Some(Arc::clone(&a.1));
    }
    if at == b.0 {
        return Some(Arc::clone(&b.1));
    }
    if a.1.is_custom() != b.1.is_custom() {
        remarks.add(Remark::MixedSchemas);
        return None;
    }
    let fraction = seconds(at - a.0) / seconds(b.0 - a.0);
    let mut sum = HistogramSum::from(&*b.1);
    if counter && b.1.detect_reset(&a.1) {
        sum.scale(fraction);
    } else {
        noted(sum.subtract(&a.1), Work::Subtraction, remarks)?;
        sum.scale(fraction);
        noted(sum.add(&a.1), Work::Addition, remarks)?;
    }
    Some(Arc::new(sum.total()))
}
