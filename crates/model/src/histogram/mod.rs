//! Native histograms: what they are, what makes one valid, and how they are computed with.
//!
//! A histogram has buckets of growing width. With an exponential schema `s`, positive bucket `i`
//! holds what is above `2^((i-1)/2^s)` and not above `2^(i/2^s)`; negative buckets mirror them, and
//! around zero lies one more. With schema -53 the upper bounds are listed.
//! Buckets stand in runs of neighbours ([`Span`]); what lies between runs is empty.
//!
//! Nothing here panics, whatever the fields hold; but only of a histogram that
//! [`FloatHistogram::validate`] accepts are the answers worth something.

mod arithmetic;
mod bounds;
mod layout;
mod reset;
mod resolution;
#[cfg(test)]
mod tests;
mod validate;

pub use arithmetic::{Added, HistogramSum, MixedSchemas};
pub use bounds::Bucket;
pub use layout::{Indexed, Layout};
pub use validate::HistogramError;

use crate::sample::{is_stale, stale_marker};

/// The schema whose bucket bounds are listed.
pub const CUSTOM_BUCKETS: i32 = -53;
/// The coarsest exponential schema.
pub const COARSEST: i32 = -4;
/// The finest exponential schema.
pub const FINEST: i32 = 8;

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Distance from the end of the previous span; the index of the first bucket for the first span.
    pub offset: i32,
    /// Number of buckets.
    pub length: u32,
}

/// What is known about a counter reset before this histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CounterReset {
    /// Nothing is known: compare buckets.
    #[default]
    Unknown,
    /// A reset happened.
    Reset,
    /// No reset happened.
    NotReset,
    /// The histogram is a gauge: resets have no meaning.
    Gauge,
}

/// A native histogram with float counts. Bucket counts are absolute, not deltas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatHistogram {
    /// Resolution: -4..=8 exponential, -53 custom bounds.
    pub schema: i32,
    /// Number of observations.
    pub count: f64,
    /// Sum of observations; the staleness marker makes the whole histogram stale.
    pub sum: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Layout of the positive buckets.
    pub positive_spans: Vec<Span>,
    /// Layout of the negative buckets.
    pub negative_spans: Vec<Span>,
    /// Counts of the positive buckets.
    pub positive_buckets: Vec<f64>,
    /// Counts of the negative buckets.
    pub negative_buckets: Vec<f64>,
    /// Ascending upper bounds for schema -53, without +Inf.
    pub custom_values: Vec<f64>,
    /// What is known about resets.
    pub counter_reset: CounterReset,
}

impl FloatHistogram {
    /// The histogram that ends a series.
    #[must_use]
    pub fn stale() -> Self {
        Self { sum: stale_marker(), ..Self::default() }
    }

    /// Whether it ends a series.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        is_stale(self.sum)
    }

    /// Whether its bucket bounds are listed.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_BUCKETS
    }

    /// The number of buckets that stand in it, empty ones too; the zero bucket is not among them.
    #[must_use]
    pub fn bucket_count(&self) -> usize {
        self.positive_buckets.len() + self.negative_buckets.len()
    }

    /// What the sample limit of queries counts a histogram as: 1 for each 16 bytes.
    #[must_use]
    pub fn size_in_samples(&self) -> usize {
        let bytes = size_of::<Self>()
            + size_of_val(&*self.positive_buckets)
            + size_of_val(&*self.negative_buckets)
            + size_of_val(&*self.positive_spans)
            + size_of_val(&*self.negative_spans)
            + size_of_val(&*self.custom_values);
        bytes.div_ceil(16)
    }

    /// Removes empty buckets and joins neighbouring spans.
    pub fn compact(&mut self) {
        let is_compact = |spans: &[Span], counts: &[f64]| {
            let joined = |(i, span): (usize, &Span)| span.length > 0 && (i == 0 || span.offset > 0);
            spans.iter().enumerate().all(joined) && !counts.contains(&0.0)
        };
        if !is_compact(&self.positive_spans, &self.positive_buckets) {
            let packed: Layout = self.positive().filter(|(_, count)| *count != 0.0).collect();
            (self.positive_spans, self.positive_buckets) = packed.into_parts();
        }
        if !is_compact(&self.negative_spans, &self.negative_buckets) {
            let packed: Layout = self.negative().filter(|(_, count)| *count != 0.0).collect();
            (self.negative_spans, self.negative_buckets) = packed.into_parts();
        }
    }
}
