//! A native histogram: count, sum and the buckets that are not empty, ascending.

use super::write_value;
use model::FloatHistogram;
use model::histogram::Span;
use std::fmt::Write;

/// Custom bounds instead of exponential ones.
const CUSTOM_BUCKETS: i32 = -53;

/// Which ends belong to a bucket, as the API numbers them.
#[derive(Clone, Copy)]
enum Ends {
    /// `(lower, upper]`
    Upper = 0,
    /// `[lower, upper)`
    Lower = 1,
    /// `[lower, upper]`
    Both = 3,
}

struct Bucket {
    ends: Ends,
    lower: f64,
    upper: f64,
    count: f64,
}

/// `{"count":"c","sum":"s","buckets":[[ends,"lower","upper","n"],..]}`, without `buckets` when all
/// are empty.
pub(super) fn write_histogram(out: &mut String, h: &FloatHistogram) {
    out.push_str(r#"{"count":"#);
    write_value(out, h.count);
    out.push_str(r#","sum":"#);
    write_value(out, h.sum);
    let mut first = true;
    let mut write = |bucket: Bucket| {
        if bucket.count == 0.0 {
            return;
        }
        out.push_str(if first { r#","buckets":["# } else { "," });
        first = false;
        write!(out, "[{},", bucket.ends as u8).expect("a string takes text");
        write_value(out, bucket.lower);
        out.push(',');
        write_value(out, bucket.upper);
        out.push(',');
        write_value(out, bucket.count);
        out.push(']');
    };
    for (index, count) in indexed(&h.negative_spans, &h.negative_buckets).into_iter().rev() {
        let (lower, upper) = (-bound(h, index), -bound(h, index - 1));
        // A bucket that reaches into the zero bucket shows only what lies outside of it.
        let upper = upper.min(-h.zero_threshold);
        write(Bucket { ends: Ends::Lower, lower, upper, count });
    }
    let zero = h.zero_threshold;
    write(Bucket { ends: Ends::Both, lower: -zero, upper: zero, count: h.zero_count });
    for (index, count) in indexed(&h.positive_spans, &h.positive_buckets) {
        let (lower, upper) = (bound(h, index - 1), bound(h, index));
        let custom = h.schema == CUSTOM_BUCKETS;
        let lower = if custom { lower } else { lower.max(h.zero_threshold) };
        let ends = if custom && index == 0 { Ends::Both } else { Ends::Upper };
        write(Bucket { ends, lower, upper, count });
    }
    if !first {
        out.push(']');
    }
    out.push('}');
}

/// Bucket indexes with their counts, ascending.
fn indexed(spans: &[Span], counts: &[f64]) -> Vec<(i32, f64)> {
    let mut next = 0_i32;
    let mut indexes = Vec::with_capacity(counts.len());
    for span in spans {
        next = next.saturating_add(span.offset);
        for _ in 0..span.length {
            if indexes.len() == counts.len() {
                return indexes;
            }
            indexes.push((next, counts[indexes.len()]));
            next = next.saturating_add(1);
        }
    }
    indexes
}

/// The upper bound of a bucket.
fn bound(h: &FloatHistogram, index: i32) -> f64 {
    if h.schema == CUSTOM_BUCKETS {
        return match usize::try_from(index) {
            Err(_) => f64::NEG_INFINITY,
            Ok(i) => h.custom_values.get(i).copied().unwrap_or(f64::INFINITY),
        };
    }
    (f64::from(index) * (-f64::from(h.schema)).exp2()).exp2()
}
