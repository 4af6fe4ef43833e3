//! Change of histograms over a window.

use super::HistogramSample;
use crate::annotations::{Remark, Remarks, Work};
use crate::functions::mixed::{Edge, is_gauge};
use crate::functions::rate::{Change, Sampled, extrapolation};
use crate::functions::window::seconds;
use model::FloatHistogram;
use model::histogram::{Added, CounterReset, HistogramSum, MixedSchemas};

/// Remembers what happened in an addition or subtraction; nothing when it was not possible.
pub(super) fn noted(
    outcome: Result<Added, MixedSchemas>,
    work: Work,
    remarks: &mut Remarks,
) -> Option<()> {
    match outcome {
        Ok(added) => {
            if added.bounds_reconciled {
                remarks.add(Remark::BoundsReconciled(work));
            }
            Some(())
        }
        Err(MixedSchemas) => {
            remarks.add(Remark::MixedSchemas);
            None
        }
    }
}

/// The change over a window of two histograms or more, extrapolated to its edges: a gauge.
pub(super) fn unextrapolated(
    counter: bool,
    samples: &[HistogramSample],
    remarks: &mut Remarks,
) -> Option<FloatHistogram> {
    let [(_, first), between @ .., (_, last)] = samples else { return None };
    if counter && samples.iter().any(|(_, h)| is_gauge(h)) {
        remarks.add(Remark::NotCounter);
    }
    if !counter && [first, last].iter().any(|h| !is_gauge(h)) {
        remarks.add(Remark::NotGauge);
    }
    let second = &samples[1].1;
    // What was before a reset counts for nothing, its layout neither.
    let forgotten = counter && second.detect_reset(first);
    let custom = if forgotten { second.is_custom() } else { first.is_custom() };
    let mut schema = if forgotten { second.schema } else { first.schema }.min(last.schema);
    if last.is_custom() != custom {
        remarks.add(Remark::MixedSchemas);
        return None;
    }
    if counter {
        for (_, histogram) in between {
            if histogram.is_custom() != custom {
                remarks.add(Remark::MixedSchemas);
                return None;
            }
            schema = schema.min(histogram.schema);
        }
    }
    let mut end = FloatHistogram::clone(last);
    end.reduce_resolution(schema);
    let mut sum = HistogramSum::from(&end);
    if forgotten {
        let nothing = FloatHistogram {
            schema: second.schema,
            custom_values: second.custom_values.clone(),
            ..FloatHistogram::default()
        };
        noted(sum.subtract(&nothing), Work::Subtraction, remarks)?;
    } else {
        noted(sum.subtract(first), Work::Subtraction, remarks)?;
    }
    if counter {
        for pair in samples.windows(2).skip(usize::from(forgotten)) {
            if pair[1].1.detect_reset(&pair[0].1) {
                noted(sum.add(&pair[0].1), Work::Addition, remarks)?;
            }
        }
    }
    sum.counter_reset = CounterReset::Gauge;
    Some(sum.total())
}

/// The change over a window, extrapolated to its edges.
pub(crate) fn extrapolated(
    change: Change,
    samples: &[HistogramSample],
    edge: Edge,
    remarks: &mut Remarks,
) -> Option<FloatHistogram> {
    let mut difference = unextrapolated(change.is_counter(), samples, remarks)?;
    let n = samples.len();
    let sampled = Sampled {
        start: edge.start,
        end: edge.end,
        first: samples[0].0,
        last: samples[n - 1].0,
        n,
    };
    let growth = change.is_counter().then_some((samples[0].1.count, difference.count));
    let mut factor = extrapolation(sampled, growth);
    if change == Change::Rate {
        factor /= seconds(edge.end - edge.start);
    }
    difference.multiply(factor);
    Some(difference)
}

/// The difference of two neighbours; of a counter after a reset, the later one.
pub(crate) fn difference(
    counter: bool,
    previous: &FloatHistogram,
    last: &FloatHistogram,
    remarks: &mut Remarks,
) -> Option<FloatHistogram> {
    let gauges = [is_gauge(previous), is_gauge(last)];
    if counter && gauges.contains(&true) {
        remarks.add(Remark::NotCounter);
    }
    if !counter && gauges.contains(&false) {
        remarks.add(Remark::NotGauge);
    }
    let mut sum = HistogramSum::from(last);
    if !counter || !last.detect_reset(previous) {
        noted(sum.subtract(previous), Work::Subtraction, remarks)?;
    }
    sum.counter_reset = CounterReset::Gauge;
    Some(sum.total())
}
