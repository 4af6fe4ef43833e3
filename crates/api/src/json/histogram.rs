//! A native histogram: count, sum and the buckets that are not empty, ascending.

use super::write_value;
use model::FloatHistogram;
use std::fmt::Write;

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
    let negative: Vec<(i32, f64)> = h.negative().collect();
    for (index, count) in negative.into_iter().rev() {
        let (lower, upper) = (-h.bound(index), -h.bound(index.saturating_sub(1)));
        // A bucket that reaches into the zero bucket shows only what lies outside of it.
        let upper = upper.min(-h.zero_threshold);
        write(Bucket { ends: Ends::Lower, lower, upper, count });
    }
    let zero = h.zero_threshold;
    write(Bucket { ends: Ends::Both, lower: -zero, upper: zero, count: h.zero_count });
    for (index, count) in h.positive() {
        let (lower, upper) = (h.bound(index.saturating_sub(1)), h.bound(index));
        let custom = h.is_custom();
        let lower = if custom { lower } else { lower.max(h.zero_threshold) };
        let ends = if custom && index == 0 { Ends::Both } else { Ends::Upper };
        write(Bucket { ends, lower, upper, count });
    }
    if !first {
        out.push(']');
    }
    out.push('}');
}
