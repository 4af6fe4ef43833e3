//! The message of a histogram: its classic buckets and its native ones.

use model::FloatHistogram;
use model::histogram::{CounterReset, FINEST, HistogramError, Span};

use super::series::timestamp;
use super::wire::{Fields, Wire};
use crate::nhcb::{Buckets, Classic, clear};

/// The finest schema that a message may have; it is made coarser.
const FINEST_EXPOSED: i32 = 52;

/// A histogram as its message has it. Reused.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    count: u64,
    count_float: f64,
    pub(super) sum: f64,
    schema: i32,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    positive: Side,
    negative: Side,
    /// Up to that of +Inf.
    pub(super) buckets: Vec<Bucket>,
    /// Start and end of the messages in this one.
    pub(super) exemplars: Vec<(usize, usize)>,
    pub(super) created_ms: Option<i64>,
}

/// A classic bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    pub(super) bound: f64,
    /// Cumulative.
    pub(super) count: f64,
    /// Start and end of its exemplar in the histogram's message.
    pub(super) exemplar: Option<(usize, usize)>,
}

#[derive(Debug, Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<i64>,
    counts: Vec<f64>,
}

impl Side {
    fn clear(&mut self) {
        self.spans.clear();
        self.deltas.clear();
        self.counts.clear();
    }

    /// Writes absolute counts.
    fn write(&self, is_float: bool, mut out: Buckets<'_>) -> i128 {
        let mut counts = self.counts.iter();
        let mut deltas = self.deltas.iter();
        let (mut index, mut count, mut sum) = (0i64, 0i64, 0i128);
        for span in &self.spans {
            index = index.saturating_add(i64::from(span.offset));
            for _ in 0..span.length {
                if is_float {
                    out.push(index, *counts.next().expect("as many as the spans say"));
                } else {
                    count = count.saturating_add(*deltas.next().expect("as many as the spans say"));
                    sum += i128::from(count);
                    out.push(index, count as f64);
                }
                index = index.saturating_add(1);
            }
        }
        sum
    }

    fn check(&self, is_float: bool, side: &'static str) -> Result<(), HistogramError> {
        let have = if is_float { self.counts.len() } else { self.deltas.len() };
        let needed = self.spans.iter().map(|span| u64::from(span.length)).sum();
        if needed == have as u64 {
            Ok(())
        } else {
            Err(HistogramError::SpansBucketsMismatch { side, needed, have })
        }
    }
}

impl Histogram {
    fn clear(&mut self) {
        (self.count, self.count_float, self.sum) = (0, 0.0, 0.0);
        (self.schema, self.zero_threshold) = (0, 0.0);
        (self.zero_count, self.zero_count_float) = (0, 0.0);
        self.positive.clear();
        self.negative.clear();
        self.buckets.clear();
        self.exemplars.clear();
        self.created_ms = None;
    }

    /// Reads a message over what was here.
    pub(super) fn read(&mut self, message: &[u8]) -> Wire<()> {
        self.clear();
        let mut is_complete = false;
        let mut fields = Fields::of(message);
        while let Some((field, content)) = fields.next()? {
            match field {
                1 => self.count = content.u64()?,
                2 => self.sum = content.f64()?,
                3 if is_complete => {}
                3 => {
                    let bytes = content.bytes()?;
                    let bucket = read_bucket(bytes, fields.at() - bytes.len())?;
                    is_complete = bucket.bound == f64::INFINITY;
                    self.buckets.push(bucket);
                }
                4 => self.count_float = content.f64()?,
                5 => self.schema = content.zigzag32()?,
                6 => self.zero_threshold = content.f64()?,
                7 => self.zero_count = content.u64()?,
                8 => self.zero_count_float = content.f64()?,
                9 => self.negative.spans.push(read_span(content.bytes()?)?),
                10 => content.zigzags(&mut self.negative.deltas)?,
                11 => content.floats(&mut self.negative.counts)?,
                12 => self.positive.spans.push(read_span(content.bytes()?)?),
                13 => content.zigzags(&mut self.positive.deltas)?,
                14 => content.floats(&mut self.positive.counts)?,
                15 => self.created_ms = Some(timestamp(content.bytes()?)?),
                16 => {
                    let bytes = content.bytes()?;
                    self.exemplars.push((fields.at() - bytes.len(), fields.at()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the message has native buckets. A span of no buckets says so, too.
    pub(super) fn is_native(&self) -> bool {
        self.schema != 0
            || self.zero_threshold > 0.0
            || self.zero_count > 0
            || self.zero_count_float > 0.0
            || !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
    }

    /// The number of observations for the classic series.
    pub(super) fn classic_count(&self) -> f64 {
        if self.count_float == 0.0 { self.count as f64 } else { self.count_float }
    }

    /// Whether the bucket of +Inf is to be added.
    pub(super) fn lacks_infinite_bucket(&self) -> bool {
        self.buckets.last().is_none_or(|bucket| bucket.bound != f64::INFINITY)
    }

    /// Writes the native histogram.
    pub(super) fn write_native(
        &self,
        is_gauge: bool,
        out: &mut FloatHistogram,
    ) -> Result<(), HistogramError> {
        let is_float = self.count_float > 0.0 || self.zero_count_float > 0.0;
        self.positive.check(is_float, "positive side: ")?;
        self.negative.check(is_float, "negative side: ")?;
        clear(out);
        out.schema = self.schema;
        out.sum = self.sum;
        out.zero_threshold = self.zero_threshold;
        if is_gauge {
            out.counter_reset = CounterReset::Gauge;
        }
        if is_float {
            (out.count, out.zero_count) = (self.count_float, self.zero_count_float);
        } else {
            (out.count, out.zero_count) = (self.count as f64, self.zero_count as f64);
        }
        let positive = Buckets::new(&mut out.positive_spans, &mut out.positive_buckets);
        let positive = self.positive.write(is_float, positive);
        let negative = Buckets::new(&mut out.negative_spans, &mut out.negative_buckets);
        let negative = self.negative.write(is_float, negative);
        let is_too_fine = (FINEST + 1..=FINEST_EXPOSED).contains(&out.schema);
        if is_too_fine {
            // What the buckets hold is checked before they are joined.
            out.schema = FINEST;
        }
        out.validate()?;
        if is_too_fine {
            out.schema = self.schema;
            out.reduce_resolution(FINEST);
        }
        if !is_float {
            let found = positive + negative + i128::from(self.zero_count);
            let count = i128::from(self.count);
            if if self.sum.is_nan() { found > count } else { found != count } {
                let (found, count) = (found as f64, count as f64);
                return Err(if self.sum.is_nan() {
                    HistogramError::CountNotBigEnough { found, count }
                } else {
                    HistogramError::CountMismatch { found, count }
                });
            }
        }
        Ok(())
    }

    /// Takes the classic buckets together.
    pub(super) fn collect(&self, classic: &mut Classic) {
        classic.clear();
        for bucket in self.buckets.iter().filter(|bucket| !bucket.bound.is_nan()) {
            classic.bucket(bucket.bound, bucket.count);
        }
        classic.count(self.classic_count());
        classic.sum(self.sum);
    }
}

/// Reads a bucket, whose message begins at a place in the histogram's.
fn read_bucket(message: &[u8], start: usize) -> Wire<Bucket> {
    let (mut count, mut count_float) = (0, 0.0);
    let mut bucket = Bucket { bound: 0.0, count: 0.0, exemplar: None };
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => count = content.u64()?,
            2 => bucket.bound = content.f64()?,
            3 => {
                let len = content.bytes()?.len();
                bucket.exemplar = Some((start + fields.at() - len, start + fields.at()));
            }
            4 => count_float = content.f64()?,
            _ => {}
        }
    }
    bucket.count = if count_float == 0.0 { count as f64 } else { count_float };
    Ok(bucket)
}

fn read_span(message: &[u8]) -> Wire<Span> {
    let mut span = Span { offset: 0, length: 0 };
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => span.offset = content.zigzag32()?,
            2 => span.length = content.u32()?,
            _ => {}
        }
    }
    Ok(span)
}
