//! Between spans with counts and buckets with indexes.

use super::{FloatHistogram, Span};

/// The buckets of one side with their indexes, ascending, empty ones too.
#[derive(Clone, Debug)]
pub struct Indexed<'a> {
    spans: std::slice::Iter<'a, Span>,
    counts: std::slice::Iter<'a, f64>,
    /// The index of the next bucket.
    index: i32,
    /// Buckets left in the span at hand.
    left: u32,
}

impl<'a> Indexed<'a> {
    /// Buckets of spans and counts that belong together; ends where either ends.
    #[must_use]
    pub fn new(spans: &'a [Span], counts: &'a [f64]) -> Self {
        Self { spans: spans.iter(), counts: counts.iter(), index: 0, left: 0 }
    }
}

impl Iterator for Indexed<'_> {
    type Item = (i32, f64);

    fn next(&mut self) -> Option<(i32, f64)> {
        while self.left == 0 {
            let span = self.spans.next()?;
            self.index = self.index.saturating_add(span.offset);
            self.left = span.length;
        }
        let bucket = (self.index, *self.counts.next()?);
        self.left -= 1;
        self.index = self.index.saturating_add(1);
        Some(bucket)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.counts.len()))
    }
}

/// Spans and counts, built from buckets in the order of their indexes.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    spans: Vec<Span>,
    counts: Vec<f64>,
    /// One more than the last index.
    end: i64,
}

impl Layout {
    /// Appends a bucket. One that does not come after the last one is added to the last one.
    pub fn push(&mut self, index: i32, count: f64) {
        let gap = i64::from(index) - self.end;
        match self.spans.last_mut() {
            Some(_) if gap < 0 => {
                *self.counts.last_mut().expect("a span has buckets") += count;
                return;
            }
            Some(last) if gap == 0 => last.length += 1,
            _ => {
                let offset = i32::try_from(gap).unwrap_or(i32::MAX);
                self.spans.push(Span { offset, length: 1 });
            }
        }
        self.counts.push(count);
        self.end = i64::from(index) + 1;
    }

    /// The spans and the counts.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Span>, Vec<f64>) {
        (self.spans, self.counts)
    }
}

impl FromIterator<(i32, f64)> for Layout {
    fn from_iter<I: IntoIterator<Item = (i32, f64)>>(buckets: I) -> Self {
        let mut layout = Self::default();
        for (index, count) in buckets {
            layout.push(index, count);
        }
        layout
    }
}

impl FloatHistogram {
    /// The positive buckets with their indexes, ascending.
    #[must_use]
    pub fn positive(&self) -> Indexed<'_> {
        Indexed::new(&self.positive_spans, &self.positive_buckets)
    }

    /// The negative buckets with their indexes, ascending: from zero downwards.
    #[must_use]
    pub fn negative(&self) -> Indexed<'_> {
        Indexed::new(&self.negative_spans, &self.negative_buckets)
    }
}
