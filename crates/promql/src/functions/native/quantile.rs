//! Quantiles, fractions and variance of native histograms, interpolated within buckets.

use crate::annotations::{Remark, Remarks};
use crate::functions::kahan::Sum;
use model::FloatHistogram;
use model::histogram::Bucket;

/// The zero bucket reaches to one side only when no observations lie on the other one.
fn one_sided(mut bucket: Bucket, histogram: &FloatHistogram) -> Bucket {
    match (histogram.negative_buckets.is_empty(), histogram.positive_buckets.is_empty()) {
        (true, false) => bucket.lower = 0.0,
        (false, true) => bucket.upper = 0.0,
        _ => {}
    }
    bucket
}

/// The share of a bucket's observations that lie below a value inside of it.
pub(super) fn share_below(bucket: Bucket, value: f64, linear: bool) -> f64 {
    let Bucket { lower, upper, .. } = bucket;
    if linear {
        return (value - lower) / (upper - lower);
    }
    let [lower, upper, at] = [lower, upper, value].map(|v| v.abs().log2());
    if value > 0.0 { (at - lower) / (upper - lower) } else { 1.0 - (at - upper) / (lower - upper) }
}

/// The value below which a share of the observations lies.
pub(crate) fn quantile(q: f64, histogram: &FloatHistogram, remarks: &mut Remarks) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if histogram.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    let buckets = histogram.buckets();
    // NaN observations are in the count, but in no bucket: ranks are those from below.
    let with_nans = histogram.sum.is_nan();
    let from_below = with_nans || q < 0.5;
    let rank = if from_below { q } else { 1.0 - q } * histogram.count;
    let mut count = 0.0;
    let mut found = None;
    let mut reach = |bucket: &Bucket| {
        count += bucket.count;
        found = Some(*bucket);
        count >= rank
    };
    if from_below {
        buckets.iter().any(&mut reach);
    } else {
        buckets.iter().rev().any(&mut reach);
    }
    let Some(mut bucket) = found else {
        // All observations are NaN, or nothing tells where they are.
        if with_nans {
            let all = rank > 0.0;
            remarks.add(if all { Remark::QuantileIsNan } else { Remark::QuantileIsSkewed });
        }
        return if with_nans || rank <= 0.0 { f64::NAN } else { 0.0 };
    };
    if histogram.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return bucket.upper;
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return bucket.lower;
        }
    } else if bucket.spans_zero() {
        bucket = one_sided(bucket, histogram);
    }
    let count = count.min(histogram.count);
    if count < rank {
        if with_nans {
            remarks.add(Remark::QuantileIsNan);
            return f64::NAN;
        }
        return bucket.upper;
    }
    if with_nans && buckets.iter().map(|bucket| bucket.count).sum::<f64>() < histogram.count {
        remarks.add(Remark::QuantileIsSkewed);
    }
    let inside = if from_below { rank - (count - bucket.count) } else { count - rank };
    interpolated(bucket, inside / bucket.count, histogram.is_custom())
}

/// The value at a fraction of a bucket.
fn interpolated(bucket: Bucket, fraction: f64, custom: bool) -> f64 {
    let Bucket { lower, upper, .. } = bucket;
    if custom || (lower <= 0.0 && upper >= 0.0) {
        return lower + (upper - lower) * fraction;
    }
    let (low, high) = (lower.abs().log2(), upper.abs().log2());
    if lower > 0.0 {
        (low + (high - low) * fraction).exp2()
    } else {
        -(high + (low - high) * (1.0 - fraction)).exp2()
    }
}

/// The share of observations between two values.
pub(crate) fn fraction(
    lower: f64,
    upper: f64,
    histogram: &FloatHistogram,
    remarks: &mut Remarks,
) -> f64 {
    if histogram.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let buckets = histogram.buckets();
    let mut all = histogram.count;
    if histogram.sum.is_nan() {
        all = buckets.iter().map(|bucket| bucket.count).sum();
        if all < histogram.count {
            remarks.add(Remark::FractionHasNans);
        }
    }
    let rank = |value| rank_at(value, &buckets, histogram).unwrap_or(all).min(all);
    (rank(upper) - rank(lower)) / histogram.count
}

/// The number of observations below a value; `None` past the last bucket.
fn rank_at(value: f64, buckets: &[Bucket], histogram: &FloatHistogram) -> Option<f64> {
    let mut rank = 0.0;
    for bucket in buckets {
        let zero = bucket.lower <= 0.0 && bucket.upper >= 0.0;
        let bucket = if zero { one_sided(*bucket, histogram) } else { *bucket };
        if bucket.lower >= value {
            return Some(rank);
        }
        if bucket.upper > value {
            if bucket.lower == f64::NEG_INFINITY {
                // Nothing is known of where they lie, so all of them lie below.
                return Some(bucket.count);
            }
            let linear = zero || histogram.is_custom();
            return Some(rank + bucket.count * share_below(bucket, value, linear));
        }
        rank += bucket.count;
    }
    None
}

/// The variance, with all observations of a bucket in its middle.
pub(crate) fn variance(histogram: &FloatHistogram) -> f64 {
    let mean = histogram.sum / histogram.count;
    let mut squares = Sum::default();
    for Bucket { lower, upper, count } in histogram.buckets() {
        let middle = if histogram.is_custom() {
            (lower + upper) / 2.0
        } else if lower <= 0.0 && upper >= 0.0 {
            0.0
        } else {
            (lower * upper).sqrt().copysign(upper)
        };
        squares = squares.plus(count * (middle - mean) * (middle - mean));
    }
    squares.total() / histogram.count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::native::trim;
    use model::histogram::Layout;
    use proptest::prelude::*;

    fn histogram(counts: &[u32], zero_count: f64) -> FloatHistogram {
        let half = i32::try_from(counts.len() / 2).unwrap();
        let side = |counts: &[u32]| -> Layout {
            (-half / 2..).zip(counts).map(|(i, count)| (i, f64::from(*count))).collect()
        };
        let (negative, positive) = counts.split_at(counts.len() / 2);
        let (positive_spans, positive_buckets) = side(positive).into_parts();
        let (negative_spans, negative_buckets) = side(negative).into_parts();
        let count = counts.iter().map(|count| f64::from(*count)).sum::<f64>() + zero_count;
        FloatHistogram {
            count,
            zero_count,
            zero_threshold: 0.001,
            positive_spans,
            positive_buckets,
            negative_spans,
            negative_buckets,
            ..FloatHistogram::default()
        }
    }

    proptest! {
        #[test]
        fn a_fraction_is_the_inverse_of_a_quantile(
            counts in prop::collection::vec(1..9u32, 2..12),
            q in 0.01..0.99f64,
        ) {
            let histogram = histogram(&counts, 3.0);
            let mut remarks = Remarks::default();
            let value = quantile(q, &histogram, &mut remarks);
            let back = fraction(f64::NEG_INFINITY, value, &histogram, &mut remarks);
            prop_assert!((back - q).abs() < 1e-9, "{q} {value} {back}");
        }

        #[test]
        fn what_is_trimmed_on_both_sides_is_all(
            counts in prop::collection::vec(0..9u32, 2..12),
            value in -40.0..40.0f64,
        ) {
            let histogram = histogram(&counts, 3.0);
            let (below, above) = (trim::below(&histogram, value), trim::above(&histogram, value));
            prop_assert!((below.count + above.count - histogram.count).abs() < 1e-9);
            prop_assert!(below.validate().is_ok() && above.validate().is_ok());
        }
    }
}
