//! A native histogram: count, sum and the buckets that are not empty, ascending.

use super::write_value;
use model::FloatHistogram;
use model::histogram::Span;
use std::fmt::Write;
use std::sync::LazyLock;

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
    exponential_bound(h.schema, index)
}

/// `2^(index / 2^schema)`, with the digits Prometheus shows: of its steps below one octave it keeps
/// a table, built up from octave to finer steps, whose last digits are not those of a direct power.
fn exponential_bound(schema: i32, index: i32) -> f64 {
    if !(0..=8).contains(&schema) {
        return ldexp(1.0, i64::from(index) << schema.unsigned_abs().min(16));
    }
    let step = index & ((1 << schema) - 1);
    let step = usize::try_from(step << (8 - schema)).expect("masked to be below 256");
    ldexp(FRACTIONS[step], (i64::from(index) >> schema) + 1)
}

/// `fraction * 2^exponent`; the bound above the largest number is that number.
fn ldexp(fraction: f64, exponent: i64) -> f64 {
    if exponent > 1024 || (fraction >= 1.0 && exponent >= 1024) {
        return f64::MAX;
    }
    let exponent = i32::try_from(exponent.max(-1100)).expect("within -1100 and 1024");
    // In two steps, since 2^1024 alone is no number.
    fraction * 2.0_f64.powi(exponent / 2) * 2.0_f64.powi(exponent - exponent / 2)
}

/// The 256 bounds of schema 8 from one half to below one; coarser schemas use every 2nd, 4th, ...
static FRACTIONS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    // Half of the step of each schema: 2^(2^-schema) / 2.
    const HALF_STEPS: [f64; 8] = [
        0.707_106_781_186_547_5,
        0.594_603_557_501_360_5,
        0.545_253_866_332_628_8,
        0.522_136_891_213_706_9,
        0.510_948_574_327_058_3,
        0.505_444_643_025_850_2,
        0.502_714_950_556_401_4,
        0.501_355_637_525_101_3,
    ];
    let mut bounds = vec![0.5];
    for half_step in HALF_STEPS {
        // Between two bounds of the coarser schema lies one more.
        bounds = bounds.iter().flat_map(|bound| [*bound, *bound * (2.0 * half_step)]).collect();
    }
    bounds
});
