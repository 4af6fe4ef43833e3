//! A classic histogram as it is put together, and what it becomes.

use model::FloatHistogram;
use model::histogram::{CUSTOM_BUCKETS, CounterReset, Span};

/// What the series of one classic histogram said. Reused from one histogram to the next.
#[derive(Debug, Default)]
pub(crate) struct Classic {
    /// Upper bound and cumulative count, by rising bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
    /// It can be no histogram.
    is_broken: bool,
}

impl Classic {
    pub(crate) fn clear(&mut self) {
        self.buckets.clear();
        self.count = None;
        self.sum = 0.0;
        self.is_broken = false;
    }

    /// Takes a bucket; of two with the same bound the first counts.
    pub(crate) fn bucket(&mut self, bound: f64, count: f64) {
        self.is_broken |= bound.is_nan() || count.is_nan() || count < 0.0;
        if self.is_broken {
            return;
        }
        match self.buckets.last() {
            Some((last, _)) if *last >= bound => self.insert(bound, count),
            Some((_, last_count)) if *last_count > count => self.is_broken = true,
            _ => self.buckets.push((bound, count)),
        }
    }

    #[cold]
    fn insert(&mut self, bound: f64, count: f64) {
        let at = self.buckets.partition_point(|(other, _)| *other < bound);
        if self.buckets.get(at).is_some_and(|(other, _)| *other == bound) {
            return;
        }
        let less_before = at.checked_sub(1).is_none_or(|before| self.buckets[before].1 <= count);
        let more_behind = self.buckets.get(at).is_none_or(|(_, behind)| *behind >= count);
        self.is_broken |= !(less_before && more_behind);
        self.buckets.insert(at, (bound, count));
    }

    pub(crate) fn count(&mut self, count: f64) {
        self.is_broken |= count.is_nan() || count < 0.0;
        self.count = Some(count);
    }

    pub(crate) fn sum(&mut self, sum: f64) {
        self.sum = sum;
    }

    /// The histogram with custom bounds, written over the one given; false when what was said does
    /// not make one.
    pub(crate) fn write(&self, out: &mut FloatHistogram) -> bool {
        let last_count = self.buckets.last().map(|(_, count)| *count);
        let count = self.count.or(last_count).unwrap_or(0.0);
        let has_infinite =
            matches!(self.buckets.last(), Some((bound, _)) if *bound == f64::INFINITY);
        // Without a last bucket the count is all that is known of it.
        let total = last_count.filter(|_| has_infinite).unwrap_or(count);
        if self.is_broken || total != count {
            return false;
        }
        clear(out);
        out.schema = CUSTOM_BUCKETS;
        out.count = count;
        out.sum = self.sum;
        let mut buckets = Buckets::new(&mut out.positive_spans, &mut out.positive_buckets);
        let finite = &self.buckets[..self.buckets.len() - usize::from(has_infinite)];
        let mut before = 0.0;
        for (index, (bound, cumulative)) in (0..).zip(finite) {
            out.custom_values.push(*bound);
            buckets.push(index, cumulative - before);
            before = *cumulative;
        }
        buckets.push(i64::try_from(finite.len()).unwrap_or(i64::MAX), total - before);
        out.validate().is_ok()
    }
}

/// Empties a histogram, keeping its memory.
pub(crate) fn clear(histogram: &mut FloatHistogram) {
    histogram.zero_count = 0.0;
    histogram.zero_threshold = 0.0;
    histogram.positive_spans.clear();
    histogram.negative_spans.clear();
    histogram.positive_buckets.clear();
    histogram.negative_buckets.clear();
    histogram.custom_values.clear();
    histogram.counter_reset = CounterReset::Unknown;
}

/// Writes buckets one by one, leaving out the empty ones.
pub(crate) struct Buckets<'a> {
    spans: &'a mut Vec<Span>,
    counts: &'a mut Vec<f64>,
    /// The index behind the last bucket.
    next: i64,
}

impl<'a> Buckets<'a> {
    pub(crate) fn new(spans: &'a mut Vec<Span>, counts: &'a mut Vec<f64>) -> Self {
        Self { spans, counts, next: 0 }
    }

    /// Indices may go backwards, which is left for the histogram's validation to refuse; one that no
    /// histogram has becomes the nearest there is.
    pub(crate) fn push(&mut self, index: i64, count: f64) {
        if count == 0.0 {
            return;
        }
        match self.spans.last_mut() {
            Some(span) if index == self.next && span.length < u32::MAX => span.length += 1,
            _ => {
                let offset = index.saturating_sub(self.next);
                let nearest = if offset < 0 { i32::MIN } else { i32::MAX };
                let offset = i32::try_from(offset).unwrap_or(nearest);
                self.spans.push(Span { offset, length: 1 });
            }
        }
        self.counts.push(count);
        self.next = index.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(parts: &[(f64, f64)], count: Option<f64>, expected: Option<(&[f64], &[f64], f64)>) {
        let mut classic = Classic::default();
        parts.iter().for_each(|(bound, cumulative)| classic.bucket(*bound, *cumulative));
        if let Some(count) = count {
            classic.count(count);
        }
        classic.sum(1.5);
        let mut out = FloatHistogram { zero_count: 3.0, ..FloatHistogram::default() };
        let written = classic.write(&mut out).then(|| {
            let mut dense = vec![0.0; out.custom_values.len() + 1];
            let mut index = 0;
            let mut counts = out.positive_buckets.iter();
            for span in &out.positive_spans {
                index += usize::try_from(span.offset).unwrap();
                for _ in 0..span.length {
                    dense[index] = *counts.next().unwrap();
                    index += 1;
                }
            }
            assert_eq!((out.schema, out.sum, out.zero_count), (-53, 1.5, 0.0));
            (out.custom_values.clone(), dense, out.count)
        });
        let expected = expected.map(|(b, d, c)| (b.to_vec(), d.to_vec(), c));
        assert_eq!(written, expected, "{parts:?} {count:?}");
    }

    #[test]
    fn classic_buckets_become_custom_ones() {
        const INF: f64 = f64::INFINITY;
        check(
            &[(1.0, 2.0), (2.0, 2.0), (INF, 5.0)],
            Some(5.0),
            Some((&[1.0, 2.0], &[2.0, 0.0, 3.0], 5.0)),
        );
        // In any order, twice, without the last, without a count.
        check(
            &[(INF, 5.0), (2.0, 3.0), (1.0, 1.0)],
            None,
            Some((&[1.0, 2.0], &[1.0, 2.0, 2.0], 5.0)),
        );
        check(
            &[(1.0, 2.0), (1.0, 7.0), (2.0, 4.0)],
            Some(9.0),
            Some((&[1.0, 2.0], &[2.0, 2.0, 5.0], 9.0)),
        );
        check(&[(1.0, 2.0)], None, Some((&[1.0], &[2.0, 0.0], 2.0)));
        check(&[], Some(4.0), Some((&[], &[4.0], 4.0)));
        check(&[(1.0, 0.5), (INF, 1.5)], Some(1.5), Some((&[1.0], &[0.5, 1.0], 1.5)));
        // What is no histogram.
        check(&[(1.0, 2.0), (INF, 1.0)], None, None);
        check(&[(INF, 1.0), (1.0, 2.0)], None, None);
        check(&[(1.0, 2.0), (INF, 3.0)], Some(4.0), None);
        check(&[(1.0, 2.0)], Some(1.0), None);
        check(&[(1.0, -2.0)], None, None);
        check(&[(1.0, f64::NAN)], None, None);
        check(&[(f64::NAN, 1.0)], None, None);
        check(&[(1.0, 1.0)], Some(f64::NAN), None);
        check(
            &[(f64::NEG_INFINITY, 1.0), (INF, 3.0)],
            None,
            Some((&[f64::NEG_INFINITY], &[1.0, 2.0], 3.0)),
        );
    }
}
