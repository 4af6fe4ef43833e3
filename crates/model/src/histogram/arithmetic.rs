//! Sums, differences and multiples of histograms.
//!
//! Histograms of different layouts are brought to one that both can have: the coarser schema, the
//! wider zero bucket (or a still wider one, when that would cut a bucket with observations), the
//! custom bounds that both have.

use super::resolution::{coarser, steps};
use super::{CounterReset, FloatHistogram, Indexed, Layout};
use crate::kahan::Sum;

/// Exponential and custom buckets have no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exponential and custom buckets cannot be added")]
pub struct MixedSchemas;

/// What is worth a word after an addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// One histogram came after a reset, the other one did not.
    pub resets_conflict: bool,
    /// Custom bounds differed, and those that both had are left.
    pub bounds_reconciled: bool,
}

impl std::ops::BitOrAssign for Added {
    fn bitor_assign(&mut self, other: Self) {
        self.resets_conflict |= other.resets_conflict;
        self.bounds_reconciled |= other.bounds_reconciled;
    }
}

/// Buckets by index, ascending.
type Buckets = Vec<(i32, Sum)>;

/// A histogram that others are added to; keeps what rounding takes from its sums.
#[derive(Clone, Debug)]
pub struct HistogramSum {
    schema: i32,
    zero_threshold: f64,
    custom_values: Vec<f64>,
    /// What the sum says of resets.
    pub counter_reset: CounterReset,
    count: Sum,
    sum: Sum,
    zero: Sum,
    positive: Buckets,
    negative: Buckets,
}

impl From<&FloatHistogram> for HistogramSum {
    fn from(h: &FloatHistogram) -> Self {
        let buckets = |side: Indexed<'_>| side.map(|(i, count)| (i, Sum::of(count))).collect();
        Self {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            custom_values: h.custom_values.clone(),
            counter_reset: h.counter_reset,
            count: Sum::of(h.count),
            sum: Sum::of(h.sum),
            zero: Sum::of(h.zero_count),
            positive: buckets(h.positive()),
            negative: buckets(h.negative()),
        }
    }
}

impl HistogramSum {
    /// Adds a histogram.
    ///
    /// # Errors
    /// When one has exponential and the other one custom buckets; the sum stays as it was.
    pub fn add(&mut self, other: &FloatHistogram) -> Result<Added, MixedSchemas> {
        self.add_times(other, 1.0)
    }

    /// Subtracts a histogram.
    ///
    /// # Errors
    /// As [`HistogramSum::add`].
    pub fn subtract(&mut self, other: &FloatHistogram) -> Result<Added, MixedSchemas> {
        self.add_times(other, -1.0)
    }

    /// Adds a multiple of a histogram.
    ///
    /// # Errors
    /// As [`HistogramSum::add`].
    pub fn add_times(
        &mut self,
        other: &FloatHistogram,
        factor: f64,
    ) -> Result<Added, MixedSchemas> {
        if (self.schema == super::CUSTOM_BUCKETS) != other.is_custom() {
            return Err(MixedSchemas);
        }
        let resets_conflict = self.join_hints(other.counter_reset);
        let bounds_reconciled = self.custom_values != other.custom_values;
        let like_mine = !bounds_reconciled
            && self.schema == other.schema
            && self.zero_threshold == other.zero_threshold;
        self.count = self.count.plus(other.count * factor);
        self.sum = self.sum.plus(other.sum * factor);
        let times = |(i, count): (i32, f64)| (i, Sum::of(count * factor));
        if like_mine {
            self.zero = self.zero.plus(other.zero_count * factor);
            merge(&mut self.positive, other.positive().map(times));
            merge(&mut self.negative, other.negative().map(times));
        } else {
            let mut other = Self::from(other);
            self.share_layout(&mut other);
            other.scale(factor);
            self.zero = self.zero.plus(other.zero.sum).plus(other.zero.lost);
            merge(&mut self.positive, other.positive.into_iter());
            merge(&mut self.negative, other.negative.into_iter());
        }
        Ok(Added { resets_conflict, bounds_reconciled })
    }

    /// Multiplies all counts and the sum.
    pub fn scale(&mut self, factor: f64) {
        for sum in [&mut self.count, &mut self.sum, &mut self.zero] {
            *sum = sum.times(factor);
        }
        for (_, count) in self.positive.iter_mut().chain(&mut self.negative) {
            *count = count.times(factor);
        }
    }

    /// Divides all counts and the sum.
    pub fn divide(&mut self, divisor: f64) {
        let quotient = |s: Sum| Sum { sum: s.sum / divisor, lost: s.lost / divisor };
        for sum in [&mut self.count, &mut self.sum, &mut self.zero] {
            *sum = quotient(*sum);
        }
        for (_, count) in self.positive.iter_mut().chain(&mut self.negative) {
            *count = quotient(*count);
        }
    }

    /// Whether anything became infinite.
    #[must_use]
    pub fn overflows(&self) -> bool {
        [self.count, self.sum, self.zero].iter().any(|sum| sum.sum.is_infinite())
            || self.positive.iter().chain(&self.negative).any(|(_, sum)| sum.sum.is_infinite())
    }

    /// The sum, without empty buckets.
    #[must_use]
    pub fn total(&self) -> FloatHistogram {
        let totals = |buckets: &Buckets| -> Layout {
            let totals = buckets.iter().map(|(i, sum)| (*i, sum.total()));
            totals.filter(|(_, total)| *total != 0.0).collect()
        };
        let (positive_spans, positive_buckets) = totals(&self.positive).into_parts();
        let (negative_spans, negative_buckets) = totals(&self.negative).into_parts();
        FloatHistogram {
            schema: self.schema,
            count: self.count.total(),
            sum: self.sum.total(),
            zero_count: self.zero.total(),
            zero_threshold: self.zero_threshold,
            positive_spans,
            negative_spans,
            positive_buckets,
            negative_buckets,
            custom_values: self.custom_values.clone(),
            counter_reset: self.counter_reset,
        }
    }

    /// A gauge added to anything makes a gauge; else an unknown makes it unknown. True when one
    /// tells of a reset and the other one denies it.
    fn join_hints(&mut self, other: CounterReset) -> bool {
        use CounterReset::{Gauge, Unknown};
        let mine = self.counter_reset;
        if mine == other {
            return false;
        }
        self.counter_reset = if mine == Gauge || other == Gauge { Gauge } else { Unknown };
        ![mine, other].iter().any(|hint| matches!(hint, Gauge | Unknown))
    }

    /// Brings both to a layout that both can have.
    fn share_layout(&mut self, other: &mut Self) {
        if self.schema == super::CUSTOM_BUCKETS {
            let common: Vec<f64> =
                intersection(&self.custom_values, &other.custom_values).collect();
            for side in [self, other] {
                side.keep_bounds(&common);
            }
            return;
        }
        while self.zero_threshold != other.zero_threshold {
            let (narrow, wide) = if self.zero_threshold < other.zero_threshold {
                (&mut *self, other.zero_threshold)
            } else if self.zero_threshold > other.zero_threshold {
                (&mut *other, self.zero_threshold)
            } else {
                // A threshold that is no number.
                break;
            };
            narrow.widen_zero(wide);
        }
        let schema = self.schema.min(other.schema);
        for side in [self, other] {
            let steps = steps(side.schema, schema);
            if steps > 0 {
                for buckets in [&mut side.positive, &mut side.negative] {
                    join(buckets, |index| coarser(index, steps));
                }
                side.schema = schema;
            }
        }
    }

    /// Moves buckets into a zero bucket that reaches to a wider threshold, and further when it would
    /// cut a bucket with observations.
    fn widen_zero(&mut self, threshold: f64) {
        let bound = |index: i32| super::bounds::exponential_bound(self.schema, index);
        let mut wide = threshold;
        loop {
            let cut = self.positive.iter().chain(&self.negative).find(|(index, count)| {
                let (lower, upper) = (bound(index.saturating_sub(1)), bound(*index));
                lower < wide && wide < upper && count.sum != 0.0
            });
            match cut {
                Some((index, _)) => wide = bound(*index),
                None => break,
            }
        }
        let mut zero = self.zero;
        for buckets in [&mut self.positive, &mut self.negative] {
            let schema = self.schema;
            buckets.retain(|(index, count)| {
                let lower = super::bounds::exponential_bound(schema, index.saturating_sub(1));
                let inside = lower < wide;
                if inside {
                    zero = zero.plus(count.sum).plus(count.lost);
                }
                !inside
            });
        }
        (self.zero, self.zero_threshold) = (zero, wide);
    }

    /// Joins custom buckets to those of fewer bounds.
    fn keep_bounds(&mut self, bounds: &[f64]) {
        let old = std::mem::replace(&mut self.custom_values, bounds.to_vec());
        join(&mut self.positive, |index| {
            let upper = usize::try_from(index).ok().and_then(|i| old.get(i));
            let new = upper.map_or(bounds.len(), |upper| bounds.partition_point(|b| b < upper));
            i32::try_from(new).unwrap_or(i32::MAX)
        });
    }
}

/// Gives buckets new indexes, in the same order; adds up those that become the same.
fn join(buckets: &mut Buckets, new_index: impl Fn(i32) -> i32) {
    for (index, _) in &mut *buckets {
        *index = new_index(*index);
    }
    buckets.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 = kept.1.plus(later.1.sum).plus(later.1.lost);
        }
        same
    });
}

/// Adds buckets to others.
fn merge(mine: &mut Buckets, theirs: impl Iterator<Item = (i32, Sum)>) {
    let mut new = Vec::new();
    let mut at = 0;
    for (index, count) in theirs {
        while at < mine.len() && mine[at].0 < index {
            at += 1;
        }
        match mine.get_mut(at) {
            Some((i, sum)) if *i == index => *sum = sum.plus(count.sum).plus(count.lost),
            _ => new.push((index, count)),
        }
    }
    if !new.is_empty() {
        mine.append(&mut new);
        // Two sorted runs: as fast as merging them.
        mine.sort_by_key(|(index, _)| *index);
    }
}

/// The bounds that both have, ascending.
fn intersection<'a>(a: &'a [f64], b: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let mut rest = b;
    a.iter().copied().filter(move |bound| {
        rest = &rest[rest.partition_point(|other| other < bound)..];
        rest.first() == Some(bound)
    })
}

impl FloatHistogram {
    /// Multiplies all counts and the sum. A negative factor makes a gauge.
    pub fn multiply(&mut self, factor: f64) {
        self.each_number(|number| number * factor);
        if factor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    /// Divides all counts and the sum. A negative divisor makes a gauge; zero leaves no buckets.
    pub fn divide(&mut self, divisor: f64) {
        self.each_number(|number| number / divisor);
        if divisor == 0.0 {
            self.positive_spans.clear();
            self.positive_buckets.clear();
            self.negative_spans.clear();
            self.negative_buckets.clear();
        } else if divisor < 0.0 {
            self.counter_reset = CounterReset::Gauge;
        }
    }

    fn each_number(&mut self, f: impl Fn(f64) -> f64) {
        for number in [&mut self.count, &mut self.sum, &mut self.zero_count] {
            *number = f(*number);
        }
        for count in self.positive_buckets.iter_mut().chain(&mut self.negative_buckets) {
            *count = f(*count);
        }
    }

    /// Whether two histograms hold the same, bit by bit, whatever they say of resets.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits();
        let buckets = |a: Indexed<'_>, b: Indexed<'_>| {
            a.map(|(i, count)| (i, count.to_bits())).eq(b.map(|(i, count)| (i, count.to_bits())))
        };
        self.schema == other.schema
            && same(self.count, other.count)
            && same(self.sum, other.sum)
            && same(self.zero_count, other.zero_count)
            && self.zero_threshold == other.zero_threshold
            && self.custom_values == other.custom_values
            && buckets(self.positive(), other.positive())
            && buckets(self.negative(), other.negative())
    }
}
