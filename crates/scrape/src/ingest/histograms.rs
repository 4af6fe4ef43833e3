//! Native histograms on their way into a row.
//!
//! A row holds shared histograms. A target tells most of its histograms unchanged from scrape to
//! scrape, so each series keeps its last one, and telling the same again costs a comparison.

use super::PageError;
use super::sink::EXPLICIT;
use crate::config::{Job, SCHEMAS};
use foldhash::HashMap;
use model::FloatHistogram;
use std::sync::Arc;

/// The last histogram of each series, by its slot.
#[derive(Debug, Default)]
pub(super) struct Histograms {
    last: HashMap<u32, Arc<FloatHistogram>>,
}

/// A histogram with more buckets than allowed, at the coarsest that it can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyBuckets(pub(super) u64);

/// What of a histogram's form the job bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    max_schema: i32,
    /// 0 is no limit.
    max_buckets: u64,
}

impl Form {
    pub(super) fn of(job: &Job) -> Self {
        Self { max_schema: job.max_schema, max_buckets: job.limits.buckets }
    }

    fn fits(self, histogram: &FloatHistogram) -> bool {
        let few = self.max_buckets == 0 || histogram.bucket_count() as u64 <= self.max_buckets;
        few && (histogram.is_custom() || histogram.schema <= self.max_schema)
    }

    /// Makes a histogram coarser until it fits.
    fn reduce(self, histogram: &mut FloatHistogram) -> Result<(), TooManyBuckets> {
        if !histogram.is_custom() {
            histogram.reduce_resolution(self.max_schema);
        }
        while !self.fits(histogram) {
            if histogram.is_custom() || histogram.schema <= *SCHEMAS.start() {
                return Err(TooManyBuckets(histogram.bucket_count() as u64));
            }
            histogram.reduce_resolution(histogram.schema - 1);
        }
        Ok(())
    }
}

impl Histograms {
    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.last.clear();
    }

    /// The histogram to store for a told one; `slot` is that of its series, if it has one by now.
    ///
    /// # Errors
    /// When the histogram contradicts itself. The inner error is that of the limit of buckets.
    pub(super) fn stored(
        &mut self,
        slot: Option<u32>,
        told: &FloatHistogram,
        form: Form,
    ) -> Result<Result<Arc<FloatHistogram>, TooManyBuckets>, PageError> {
        let last = slot.and_then(|slot| self.last.get(&slot));
        if let Some(last) = last
            && form.fits(told)
            && last.counter_reset == told.counter_reset
            && last.equals(told)
        {
            return Ok(Ok(Arc::clone(last)));
        }
        told.validate().map_err(|error| PageError::Series(error.to_string()))?;
        let mut histogram = told.clone();
        // Whatever NaN the page has, only ours may end a series.
        histogram.sum = super::sink::normal(histogram.sum);
        if let Err(error) = form.reduce(&mut histogram) {
            return Ok(Err(error));
        }
        let histogram = Arc::new(histogram);
        if let Some(slot) = slot {
            self.keep(slot, &histogram);
        }
        Ok(Ok(histogram))
    }

    /// Remembers the histogram of a series whose slot is known only now.
    pub(super) fn keep(&mut self, slot: u32, histogram: &Arc<FloatHistogram>) {
        self.last.insert(slot, Arc::clone(histogram));
    }

    /// Follows columns that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        let moved = std::mem::take(&mut self.last).into_iter().filter_map(|(slot, histogram)| {
            if slot >= EXPLICIT {
                return Some((slot, histogram));
            }
            let slot = map.get(slot as usize).copied().filter(|slot| *slot != u32::MAX)?;
            Some((slot, histogram))
        });
        self.last = moved.collect();
    }
}

/// What a histogram of the same form begins with.
pub(super) fn zero(histogram: &FloatHistogram) -> FloatHistogram {
    FloatHistogram {
        schema: histogram.schema,
        zero_threshold: histogram.zero_threshold,
        custom_values: histogram.custom_values.clone(),
        counter_reset: histogram.counter_reset,
        ..FloatHistogram::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::histogram::Span;

    fn histogram(schema: i32, buckets: u32) -> FloatHistogram {
        let bounds = if schema == -53 { (1..buckets).map(f64::from).collect() } else { Vec::new() };
        FloatHistogram {
            schema,
            count: f64::from(buckets),
            sum: 1.0,
            positive_spans: vec![Span { offset: 0, length: buckets }],
            positive_buckets: vec![1.0; buckets as usize],
            custom_values: bounds,
            ..FloatHistogram::default()
        }
    }

    #[track_caller]
    fn check(schema: i32, buckets: u32, form: Form, expected: Result<(i32, usize), u64>) {
        let told = histogram(schema, buckets);
        let stored = Histograms::default().stored(None, &told, form).unwrap();
        let got = stored.map(|h| (h.schema, h.positive_buckets.len())).map_err(|e| e.0);
        assert_eq!(got, expected);
    }

    #[test]
    fn made_coarser_until_they_fit() {
        let form = |max_schema, max_buckets| Form { max_schema, max_buckets };
        check(3, 16, form(8, 0), Ok((3, 16)));
        check(3, 16, form(8, 16), Ok((3, 16)));
        check(3, 16, form(8, 15), Ok((2, 9)));
        check(3, 16, form(1, 0), Ok((1, 5)));
        check(3, 16, form(1, 3), Ok((0, 3)));
        check(-4, 16, form(8, 15), Err(16));
        check(-53, 16, form(8, 15), Err(16));
        check(-53, 16, form(0, 16), Ok((-53, 16)));
    }

    #[test]
    fn the_same_again_is_shared() {
        let form = Form { max_schema: 8, max_buckets: 0 };
        let mut histograms = Histograms::default();
        let mut told = histogram(3, 4);
        let mut take =
            |told: &FloatHistogram| histograms.stored(Some(7), told, form).unwrap().unwrap();
        let first = take(&told);
        assert!(Arc::ptr_eq(&first, &take(&told)));
        told.sum = 2.0;
        assert_eq!(take(&told).sum, 2.0);
        told.count = -1.0;
        assert!(histograms.stored(Some(7), &told, form).is_err());
    }
}
