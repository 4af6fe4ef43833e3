//! Observations above or below a value taken away.
//!
//! Buckets are kept or dropped as a whole; the one that holds the value is cut as a quantile would
//! be interpolated in it. The sum of what is left is guessed from the middles of buckets.

use model::FloatHistogram;
use model::histogram::{Bucket, Layout};

/// Which observations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Below,
    Above,
}

/// How observations are spread within a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// Evenly.
    Linear,
    /// Evenly on a logarithmic scale.
    Exponential,
}

/// What is left of a bucket: the count, and where its middle is.
#[derive(Clone, Copy, Debug)]
struct Left {
    count: f64,
    middle: f64,
}

/// The observations below a value.
pub(crate) fn below(histogram: &FloatHistogram, value: f64) -> FloatHistogram {
    trim(histogram, value, Keep::Below)
}

/// The observations above a value.
pub(crate) fn above(histogram: &FloatHistogram, value: f64) -> FloatHistogram {
    trim(histogram, value, Keep::Above)
}

fn trim(histogram: &FloatHistogram, value: f64, keep: Keep) -> FloatHistogram {
    let spread = if histogram.is_custom() { Spread::Linear } else { Spread::Exponential };
    let (mut count, mut sum, mut changed) = (0.0, 0.0, false);
    let mut take = |before: f64, left: Left| {
        count += left.count;
        sum += left.middle * left.count;
        changed |= left.count != before;
        left.count
    };
    let bound = |index: i32| histogram.bound(index);
    let mut positive = Layout::default();
    for (index, count) in histogram.positive().filter(|(_, count)| *count != 0.0) {
        let (lower, upper) = (bound(index.saturating_sub(1)), bound(index));
        let left = cut(Bucket { lower, upper, count }, value, keep, spread);
        positive.push(index, take(count, left));
    }
    let mut negative = Layout::default();
    for (index, count) in histogram.negative().filter(|(_, count)| *count != 0.0) {
        let (lower, upper) = (-bound(index), -bound(index.saturating_sub(1)));
        let left = cut(Bucket { lower, upper, count }, value, keep, spread);
        negative.push(index, take(count, left));
    }
    let mut zero_count = histogram.zero_count;
    if zero_count > 0.0 {
        let any = |mut side: model::histogram::Indexed<'_>| side.any(|(_, count)| count != 0.0);
        let mut bucket = histogram.zero_bucket();
        match (any(histogram.negative()), any(histogram.positive())) {
            (true, false) => bucket.upper = 0.0,
            (false, true) => bucket.lower = 0.0,
            _ => {}
        }
        zero_count = take(zero_count, cut_zero(bucket, value, keep));
    }
    if !changed {
        return histogram.clone();
    }
    let mut trimmed = FloatHistogram { count, sum, zero_count, ..histogram.clone() };
    (trimmed.positive_spans, trimmed.positive_buckets) = positive.into_parts();
    (trimmed.negative_spans, trimmed.negative_buckets) = negative.into_parts();
    trimmed.compact();
    trimmed
}

const NOTHING: Left = Left { count: 0.0, middle: 0.0 };

fn cut(bucket: Bucket, value: f64, keep: Keep, spread: Spread) -> Left {
    let Bucket { lower, upper, count } = bucket;
    let (whole, part) = match keep {
        Keep::Below => (upper <= value, lower < value),
        Keep::Above => (lower >= value, upper > value),
    };
    if whole {
        return Left { count, middle: middle(lower, upper, spread) };
    }
    if !part {
        return NOTHING;
    }
    if lower.is_infinite() || upper.is_infinite() {
        return cut_endless(bucket, value, keep);
    }
    let below = count * share_below(bucket, value, spread);
    match keep {
        Keep::Below => Left { count: below, middle: middle(lower, value, spread) },
        Keep::Above => Left { count: count - below, middle: middle(value, upper, spread) },
    }
}

/// A bucket without end that holds the value. Nothing is known of where in it observations lie, but
/// those of the first bucket are positive when its bound is.
fn cut_endless(bucket: Bucket, value: f64, keep: Keep) -> Left {
    let Bucket { lower, upper, count } = bucket;
    if lower == f64::NEG_INFINITY {
        let from_zero = upper > 0.0 && upper.is_finite();
        return match keep {
            Keep::Below if value > 0.0 && from_zero => {
                Left { count: count * value / upper, middle: value / 2.0 }
            }
            Keep::Below if upper <= 0.0 => Left { count, middle: value },
            Keep::Above if value >= 0.0 && from_zero => {
                Left { count: count * (1.0 - value / upper), middle: f64::midpoint(value, upper) }
            }
            _ => NOTHING,
        };
    }
    match keep {
        Keep::Below => NOTHING,
        Keep::Above => Left { count, middle: value },
    }
}

fn cut_zero(bucket: Bucket, value: f64, keep: Keep) -> Left {
    let Bucket { lower, upper, count } = bucket;
    let half = |a: f64, b: f64| (a + b) / 2.0;
    let all = Left { count, middle: half(lower, upper) };
    match keep {
        Keep::Below if value <= lower => NOTHING,
        Keep::Below if value >= upper => all,
        Keep::Below => {
            let share = (value - lower) / (upper - lower);
            Left { count: count * share, middle: half(lower, value) }
        }
        Keep::Above if value <= lower => all,
        Keep::Above if value >= upper => NOTHING,
        Keep::Above => {
            let share = (upper - value) / (upper - lower);
            Left { count: count * share, middle: half(value, upper) }
        }
    }
}

/// The share of a bucket's observations that lie below a value inside of it.
fn share_below(bucket: Bucket, value: f64, spread: Spread) -> f64 {
    super::quantile::share_below(bucket, value, spread == Spread::Linear)
}

/// The middle of what is left of a bucket.
fn middle(lower: f64, upper: f64, spread: Spread) -> f64 {
    match (lower.is_infinite(), upper.is_infinite()) {
        (true, true) => 0.0,
        (true, false) if upper > 0.0 => upper / 2.0,
        (true, false) => upper,
        (false, true) => lower,
        (false, false) if spread == Spread::Linear => (lower + upper) / 2.0,
        (false, false) => (lower * upper).abs().sqrt().copysign(lower + upper),
    }
}
