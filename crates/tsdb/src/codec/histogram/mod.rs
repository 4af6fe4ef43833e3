//! Native histograms to bytes and back, bit for bit: one by one as difference to the one before
//! ([`delta`], for the log and open rows), and many as columns ([`chunk`]).
//!
//! A histogram is a *shape* and *numbers*. The shape is all that seldom changes: schema, width of the
//! zero bucket, spans, custom bounds, and two flags. The numbers are count, sum, count of the zero
//! bucket, positive and negative buckets. Whole numbers and fractions go the same way: the encodings of
//! values make small what is whole.
//!
//! The count is nearly always the sum of all buckets. Where both are whole, the number that stands for
//! it is what the count is above that sum, and flag 4 says so.
//!
//! Bytes of a shape: flags u8 (hint in bits 0-1: 1 gauge, 2 reset; 4 as above; 8 custom bounds follow) ·
//! schema, signed varint · zero threshold, 8 bytes little endian · positive and negative spans, each a
//! count and per span offset (signed varint) and length (varint) · count of custom bounds, varint, and
//! 8 bytes each, little endian, if flagged.

pub(crate) mod chunk;
pub(crate) mod delta;

#[cfg(test)]
mod tests;

use super::bits::{ByteReader, put_signed, put_varint};
use super::{DecodeError, Scratch};
use model::FloatHistogram;
use model::histogram::{CounterReset, Span};
use model::sample::NORMAL_NAN_BITS;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};
use storage::HISTOGRAM_BITS;

/// The most buckets and custom bounds of a histogram that is stored; more of them are damage.
pub(crate) const MAX_BUCKETS: usize = 1 << 16;

const GAUGE: u8 = 1;
const RESET: u8 = 2;
/// The first number is the count less the sum of the buckets.
const REST: u8 = 4;
const CUSTOM: u8 = 8;

/// Numbers before the buckets: count, sum, zero bucket.
const FIXED: usize = 3;
/// Above this not every whole number is a float.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// What of a histogram seldom changes.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shape {
    flags: u8,
    schema: i32,
    zero_threshold: u64,
    positive: Vec<Span>,
    negative: Vec<Span>,
    custom: Vec<u64>,
}

/// Why a histogram cannot be stored.
pub(crate) fn refusal(histogram: &FloatHistogram) -> Option<&'static str> {
    let buckets = |spans: &[Span]| spans.iter().map(|span| u64::from(span.length)).sum::<u64>();
    let (positive, negative) = (&histogram.positive_spans, &histogram.negative_spans);
    if buckets(positive) != histogram.positive_buckets.len() as u64
        || buckets(negative) != histogram.negative_buckets.len() as u64
    {
        return Some("spans of a histogram do not cover its buckets");
    }
    let lists = [positive.len(), negative.len(), histogram.custom_values.len()];
    let most = lists.into_iter().chain([histogram.bucket_count()]).max().unwrap_or(0);
    (most > MAX_BUCKETS).then_some("a histogram has more than 65536 buckets")
}

fn bucket_sum(histogram: &FloatHistogram) -> f64 {
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    buckets.fold(histogram.zero_count, |sum, bucket| sum + bucket)
}

fn is_whole(value: f64) -> bool {
    value.abs() < WHOLE && value.fract() == 0.0 && value.to_bits() != (-0.0_f64).to_bits()
}

/// The flags, and the first number.
fn flags_and_first(histogram: &FloatHistogram) -> (u8, f64) {
    let hint = match histogram.counter_reset {
        CounterReset::Gauge => GAUGE,
        CounterReset::Reset => RESET,
        CounterReset::Unknown | CounterReset::NotReset => 0,
    };
    let custom = if histogram.custom_values.is_empty() { 0 } else { CUSTOM };
    let sum = bucket_sum(histogram);
    if is_whole(sum) && is_whole(histogram.count) && is_whole(histogram.count - sum) {
        (hint | custom | REST, histogram.count - sum)
    } else {
        (hint | custom, histogram.count)
    }
}

/// The numbers, of which the first is given.
fn numbers(histogram: &FloatHistogram, first: f64) -> impl Iterator<Item = f64> {
    let buckets = histogram.positive_buckets.iter().chain(&histogram.negative_buckets);
    [first, histogram.sum, histogram.zero_count].into_iter().chain(buckets.copied())
}

impl Shape {
    fn of(histogram: &FloatHistogram, flags: u8) -> Self {
        Self {
            flags,
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold.to_bits(),
            positive: histogram.positive_spans.clone(),
            negative: histogram.negative_spans.clone(),
            custom: histogram.custom_values.iter().map(|bound| bound.to_bits()).collect(),
        }
    }

    fn fits(&self, histogram: &FloatHistogram, flags: u8) -> bool {
        let custom = histogram.custom_values.iter().map(|bound| bound.to_bits());
        self.flags == flags
            && self.schema == histogram.schema
            && self.zero_threshold == histogram.zero_threshold.to_bits()
            && self.positive == histogram.positive_spans
            && self.negative == histogram.negative_spans
            && custom.eq(self.custom.iter().copied())
    }

    /// How many numbers a histogram of this shape has, and how many of them are positive buckets.
    fn counts(&self) -> (usize, usize) {
        let buckets = |spans: &[Span]| spans.iter().map(|span| span.length as usize).sum::<usize>();
        let positive = buckets(&self.positive);
        (FIXED + positive + buckets(&self.negative), positive)
    }

    /// The histogram of this shape with these numbers, as many as [`Shape::counts`] says.
    fn build(&self, mut numbers: impl Iterator<Item = f64>) -> FloatHistogram {
        let mut next = || numbers.next().unwrap_or(0.0);
        let (first, sum, zero_count) = (next(), next(), next());
        let (all, positive) = self.counts();
        let mut histogram = FloatHistogram {
            schema: self.schema,
            count: first,
            sum,
            zero_count,
            zero_threshold: f64::from_bits(self.zero_threshold),
            positive_spans: self.positive.clone(),
            negative_spans: self.negative.clone(),
            positive_buckets: numbers.by_ref().take(positive).collect(),
            negative_buckets: numbers.take(all - FIXED - positive).collect(),
            custom_values: self.custom.iter().map(|bits| f64::from_bits(*bits)).collect(),
            counter_reset: match self.flags & (GAUGE | RESET) {
                GAUGE => CounterReset::Gauge,
                RESET => CounterReset::Reset,
                _ => CounterReset::Unknown,
            },
        };
        if self.flags & REST != 0 {
            histogram.count += bucket_sum(&histogram);
        }
        histogram
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.flags);
        put_signed(out, i64::from(self.schema));
        out.extend_from_slice(&self.zero_threshold.to_le_bytes());
        for spans in [&self.positive, &self.negative] {
            put_varint(out, spans.len() as u64);
            for span in spans {
                put_signed(out, i64::from(span.offset));
                put_varint(out, u64::from(span.length));
            }
        }
        if self.flags & CUSTOM != 0 {
            put_varint(out, self.custom.len() as u64);
            for bound in &self.custom {
                out.extend_from_slice(&bound.to_le_bytes());
            }
        }
    }

    fn decode(from: &mut ByteReader<'_>) -> Result<Self, DecodeError> {
        let flags = from.u8()?;
        if flags & !(GAUGE | RESET | REST | CUSTOM) != 0 || flags & 3 == 3 {
            return Err(DecodeError::Invalid("flags of a histogram"));
        }
        let schema = from.signed()?;
        let schema = i32::try_from(schema).map_err(|_| DecodeError::Invalid("schema"))?;
        let zero_threshold = u64::from_le_bytes(from.array()?);
        let mut buckets = 0;
        let positive = read_spans(from, &mut buckets)?;
        let negative = read_spans(from, &mut buckets)?;
        let mut custom = Vec::new();
        if flags & CUSTOM != 0 {
            let bounds = from.index()?;
            let bytes = bounds.checked_mul(8).filter(|_| bounds > 0 && bounds <= MAX_BUCKETS);
            let bytes = from.take(bytes.ok_or(DecodeError::Invalid("number of bounds"))?)?;
            let (bounds, _) = bytes.as_chunks::<8>();
            custom.extend(bounds.iter().map(|bound| u64::from_le_bytes(*bound)));
        }
        Ok(Self { flags, schema, zero_threshold, positive, negative, custom })
    }
}

/// Reads spans; `buckets` counts those of all spans.
fn read_spans(from: &mut ByteReader<'_>, buckets: &mut usize) -> Result<Vec<Span>, DecodeError> {
    const TOO_MANY: DecodeError = DecodeError::Invalid("number of buckets");
    let count = from.index()?;
    // A span takes two bytes at least.
    if count > MAX_BUCKETS || count > from.rest().len() / 2 {
        return Err(TOO_MANY);
    }
    let mut spans = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = from.signed()?;
        let offset = i32::try_from(offset).map_err(|_| DecodeError::Invalid("span"))?;
        let length = from.u32()?;
        *buckets = buckets.saturating_add(length as usize);
        if *buckets > MAX_BUCKETS {
            return Err(TOO_MANY);
        }
        spans.push(Span { offset, length });
    }
    Ok(spans)
}

/// Whether a value stands for a histogram.
#[inline]
pub(crate) fn is_mark(value: f64) -> bool {
    value.to_bits() == HISTOGRAM_BITS
}

/// How many values stand for a histogram.
pub(crate) fn marks(values: &[f64]) -> usize {
    values.iter().filter(|value| is_mark(**value)).count()
}

/// Appends a chunk of values, and after it the histograms that some of them stand for.
pub(crate) fn encode_samples(
    values: &[f64],
    histograms: &[Arc<FloatHistogram>],
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    if histograms.is_empty() {
        return super::encode(values, scratch, out);
    }
    let mut values = Cow::Borrowed(values);
    let marks = marks(&values);
    if marks > histograms.len() {
        // Only a damaged log has fewer histograms than rows with one.
        let surplus = values.to_mut().iter_mut().filter(|v| is_mark(**v)).skip(histograms.len());
        surplus.for_each(|value| *value = f64::from_bits(NORMAL_NAN_BITS));
    }
    super::encode(&values, scratch, out);
    chunk::encode(&histograms[..marks.min(histograms.len())], scratch, out);
}

/// Stands where a histogram is that nobody wants.
pub(crate) fn unwanted() -> Arc<FloatHistogram> {
    static EMPTY: LazyLock<Arc<FloatHistogram>> = LazyLock::new(Arc::default);
    Arc::clone(&EMPTY)
}

/// Reads what [`encode_samples`] wrote: exactly these bytes.
pub(crate) fn decode_samples(
    bytes: &[u8],
    n: usize,
    scratch: &mut Scratch,
    values: &mut Vec<f64>,
    histograms: &mut Vec<Arc<FloatHistogram>>,
) -> Result<(), DecodeError> {
    let first = values.len();
    let used = super::decode(bytes, n, scratch, values)?;
    if used == bytes.len() {
        return Ok(());
    }
    decode_rest(&bytes[used..], &values[first..], 0..n, scratch, histograms)
}

/// Reads the histograms that stand after the chunk of these values: exactly these bytes. Instead of
/// those that are not wanted there are empty ones.
pub(crate) fn decode_rest(
    bytes: &[u8],
    values: &[f64],
    wanted: Range<usize>,
    scratch: &mut Scratch,
    histograms: &mut Vec<Arc<FloatHistogram>>,
) -> Result<(), DecodeError> {
    let n = marks(values);
    let used = chunk::decode(bytes, n, wanted, scratch, histograms)?;
    if used == bytes.len() { Ok(()) } else { Err(DecodeError::Invalid("length of a chunk")) }
}
