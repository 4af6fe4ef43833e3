//! What makes a histogram valid.

use super::{COARSEST, CUSTOM_BUCKETS, FINEST, FloatHistogram, Span};
use crate::float::write_g;

/// What is wrong with a histogram.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum HistogramError {
    /// Fewer observations than the buckets hold.
    #[error(
        "{found} observations found in buckets, but the Count field is {count}: histogram's \
         observation count should be at least the number of observations found in the buckets"
    )]
    CountNotBigEnough {
        /// Observations in all buckets.
        found: f64,
        /// The count.
        count: f64,
    },
    /// Not as many observations as the buckets hold, without a NaN to explain it.
    #[error(
        "{found} observations found in buckets, but the Count field is {count}: histogram's \
         observation count should equal the number of observations found in the buckets (in \
         absence of NaN)"
    )]
    CountMismatch {
        /// Observations in all buckets.
        found: f64,
        /// The count.
        count: f64,
    },
    /// A negative count.
    #[error("observation count is  {}: histogram's observation count is negative", go(*.0))]
    NegativeCount(f64),
    /// A negative zero bucket.
    #[error(
        "zero bucket has observation count of {}: histogram has a bucket whose observation count \
         is negative",
        go(*.0)
    )]
    NegativeZeroCount(f64),
    /// A negative bucket.
    #[error(
        "{side}bucket number {number} has observation count of {}: histogram has a bucket whose \
         observation count is negative",
        go(*.count)
    )]
    NegativeBucketCount {
        /// `positive side: ` or `negative side: `.
        side: &'static str,
        /// Which one, from 1.
        number: usize,
        /// What it holds.
        count: f64,
    },
    /// A span that goes backwards.
    #[error(
        "{side}span number {number} with offset {offset}: histogram has a span whose offset is negative"
    )]
    SpanNegativeOffset {
        /// `positive side: `, `negative side: ` or `custom buckets: `.
        side: &'static str,
        /// Which one, from 1.
        number: usize,
        /// Its offset.
        offset: i32,
    },
    /// Spans and counts do not belong together.
    #[error(
        "{side}spans need {needed} buckets, have {have} buckets: histogram spans specify different \
         number of buckets than provided"
    )]
    SpansBucketsMismatch {
        /// `positive side: `, `negative side: ` or `custom buckets: `.
        side: &'static str,
        /// Buckets of all spans.
        needed: u64,
        /// Counts.
        have: usize,
    },
    /// Buckets past the last bound.
    #[error(
        "custom buckets: only {bounds} custom bounds defined which is insufficient to cover total \
         span length of {length}: histogram custom bounds are too few"
    )]
    CustomBoundsTooFew {
        /// Bounds.
        bounds: usize,
        /// Buckets and gaps of all spans.
        length: u64,
    },
    /// Bounds out of order.
    #[error(
        "custom buckets: previous bound is {previous:.6} and current is {current:.6}: histogram \
         custom bounds must be in strictly increasing order"
    )]
    CustomBoundsOutOfOrder {
        /// A bound.
        previous: f64,
        /// The one after.
        current: f64,
    },
    /// +Inf among the bounds.
    #[error(
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds \
         must be finite"
    )]
    CustomBoundsInfinite,
    /// NaN among the bounds.
    #[error("custom buckets: histogram custom bounds must not be NaN")]
    CustomBoundsNan,
    /// A zero bucket beside custom ones.
    #[error("custom buckets: must have zero count of 0")]
    CustomZeroCount,
    /// A zero bucket beside custom ones.
    #[error("custom buckets: must have zero threshold of 0")]
    CustomZeroThreshold,
    /// Negative buckets beside custom ones.
    #[error("custom buckets: must not have negative spans")]
    CustomNegativeSpans,
    /// Negative buckets beside custom ones.
    #[error("custom buckets: must not have negative buckets")]
    CustomNegativeBuckets,
    /// Custom bounds beside an exponential schema.
    #[error("histogram with exponential schema must not have custom bounds")]
    ExponentialCustomBounds,
    /// No schema we know.
    #[error(
        "histogram has an invalid schema, which must be between {COARSEST} and {FINEST} for \
         exponential buckets, or {CUSTOM_BUCKETS} for custom buckets, got schema {0}"
    )]
    InvalidSchema(i32),
}

fn go(value: f64) -> String {
    let mut text = String::new();
    write_g(&mut text, value).expect("a string takes everything");
    text
}

const POSITIVE: &str = "positive side: ";
const NEGATIVE: &str = "negative side: ";
const CUSTOM: &str = "custom buckets: ";

impl FloatHistogram {
    /// Checks that all fields fit together. The count need not be that of the buckets, since counts
    /// that were computed are rounded: [`FloatHistogram::validate_counts`] looks at that.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), HistogramError> {
        if self.is_custom() {
            self.validate_custom()?;
        } else if (COARSEST..=FINEST).contains(&self.schema) {
            check_spans(POSITIVE, &self.positive_spans, self.positive_buckets.len())?;
            check_spans(NEGATIVE, &self.negative_spans, self.negative_buckets.len())?;
            check_counts(NEGATIVE, &self.negative_buckets)?;
            if self.zero_count < 0.0 {
                return Err(HistogramError::NegativeZeroCount(self.zero_count));
            }
            if !self.custom_values.is_empty() {
                return Err(HistogramError::ExponentialCustomBounds);
            }
        } else {
            return Err(HistogramError::InvalidSchema(self.schema));
        }
        if self.count < 0.0 {
            return Err(HistogramError::NegativeCount(self.count));
        }
        check_counts(POSITIVE, &self.positive_buckets)
    }

    /// Checks that the count of a histogram of whole numbers is what its buckets hold together;
    /// when the sum is NaN it may be more.
    ///
    /// # Errors
    /// When it is not.
    pub fn validate_counts(&self) -> Result<(), HistogramError> {
        let buckets = self.negative_buckets.iter().chain(&self.positive_buckets);
        let (found, count) = (buckets.sum::<f64>() + self.zero_count, self.count);
        if self.sum.is_nan() {
            if found > count {
                return Err(HistogramError::CountNotBigEnough { found, count });
            }
        } else if found != count {
            return Err(HistogramError::CountMismatch { found, count });
        }
        Ok(())
    }

    fn validate_custom(&self) -> Result<(), HistogramError> {
        let bounds = &self.custom_values;
        if bounds.iter().any(|bound| bound.is_nan()) {
            return Err(HistogramError::CustomBoundsNan);
        }
        if let Some(pair) = bounds.windows(2).find(|pair| pair[1] <= pair[0]) {
            let (previous, current) = (pair[0], pair[1]);
            return Err(HistogramError::CustomBoundsOutOfOrder { previous, current });
        }
        if bounds.last() == Some(&f64::INFINITY) {
            return Err(HistogramError::CustomBoundsInfinite);
        }
        if let Some(span) = self.positive_spans.first().filter(|span| span.offset < 0) {
            let (side, offset) = (CUSTOM, span.offset);
            return Err(HistogramError::SpanNegativeOffset { side, number: 1, offset });
        }
        check_spans(CUSTOM, &self.positive_spans, self.positive_buckets.len())?;
        let reach = |span: &Span| u64::from(span.length) + u64::from(span.offset.unsigned_abs());
        let length = self.positive_spans.iter().map(reach).sum();
        if (bounds.len() as u64) + 1 < length {
            return Err(HistogramError::CustomBoundsTooFew { bounds: bounds.len(), length });
        }
        if self.zero_count != 0.0 {
            return Err(HistogramError::CustomZeroCount);
        }
        if self.zero_threshold != 0.0 {
            return Err(HistogramError::CustomZeroThreshold);
        }
        if !self.negative_spans.is_empty() {
            return Err(HistogramError::CustomNegativeSpans);
        }
        if !self.negative_buckets.is_empty() {
            return Err(HistogramError::CustomNegativeBuckets);
        }
        Ok(())
    }
}

fn check_spans(side: &'static str, spans: &[Span], have: usize) -> Result<(), HistogramError> {
    let backwards = |(i, span): &(usize, &Span)| *i > 0 && span.offset < 0;
    if let Some((i, span)) = spans.iter().enumerate().find(backwards) {
        let (number, offset) = (i + 1, span.offset);
        return Err(HistogramError::SpanNegativeOffset { side, number, offset });
    }
    let needed = spans.iter().map(|span| u64::from(span.length)).sum();
    if needed != have as u64 {
        return Err(HistogramError::SpansBucketsMismatch { side, needed, have });
    }
    Ok(())
}

fn check_counts(side: &'static str, counts: &[f64]) -> Result<(), HistogramError> {
    match counts.iter().position(|count| *count < 0.0) {
        Some(i) => {
            Err(HistogramError::NegativeBucketCount { side, number: i + 1, count: counts[i] })
        }
        None => Ok(()),
    }
}
