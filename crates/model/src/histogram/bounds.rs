//! Where buckets begin and end.

use super::FloatHistogram;
use std::sync::LazyLock;

/// A bucket with its bounds. Which of them belong to it: of positive buckets the upper one, of
/// negative ones the lower one, of the zero bucket both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The smaller bound.
    pub lower: f64,
    /// The larger bound.
    pub upper: f64,
    /// Observations between them.
    pub count: f64,
}

impl Bucket {
    /// Whether zero lies strictly between the bounds.
    #[must_use]
    pub fn spans_zero(&self) -> bool {
        self.lower < 0.0 && self.upper > 0.0
    }
}

impl FloatHistogram {
    /// The upper bound of a positive bucket; the lower bound is that of the index before.
    #[must_use]
    pub fn bound(&self, index: i32) -> f64 {
        if self.is_custom() {
            return match usize::try_from(index) {
                Err(_) => f64::NEG_INFINITY,
                Ok(i) => self.custom_values.get(i).copied().unwrap_or(f64::INFINITY),
            };
        }
        exponential_bound(self.schema, index)
    }

    /// The zero bucket.
    #[must_use]
    pub fn zero_bucket(&self) -> Bucket {
        let zero = self.zero_threshold;
        Bucket { lower: -zero, upper: zero, count: self.zero_count }
    }

    /// All buckets that are not empty, ascending; those that reach into the zero bucket, with what
    /// lies outside of it. A negative zero bucket is left out.
    #[must_use]
    pub fn buckets(&self) -> Vec<Bucket> {
        let mut buckets = Vec::with_capacity(self.bucket_count() + 1);
        let zero = self.zero_threshold;
        for (index, count) in self.negative().filter(|(_, count)| *count != 0.0) {
            let lower = -self.bound(index);
            let upper = (-self.bound(index.saturating_sub(1))).min(-zero);
            buckets.push(Bucket { lower, upper, count });
        }
        buckets.reverse();
        if self.zero_count > 0.0 {
            buckets.push(self.zero_bucket());
        }
        for (index, count) in self.positive().filter(|(_, count)| *count != 0.0) {
            let mut lower = self.bound(index.saturating_sub(1));
            if !self.is_custom() {
                lower = lower.max(zero);
            }
            buckets.push(Bucket { lower, upper: self.bound(index), count });
        }
        buckets
    }
}

/// `2^(index / 2^schema)`, with the digits Prometheus shows: of its steps below one octave it keeps
/// a table, built up from octave to finer steps, whose last digits are not those of a direct power.
/// The bound at `2^1024` is the largest number, those above are infinite.
pub(super) fn exponential_bound(schema: i32, index: i32) -> f64 {
    if !(0..=8).contains(&schema) {
        let exponent = i64::from(index) << schema.unsigned_abs().min(16);
        return if exponent == 1024 { f64::MAX } else { ldexp(1.0, exponent) };
    }
    let step = index & ((1 << schema) - 1);
    let step = usize::try_from(step << (8 - schema)).expect("masked to be below 256");
    let exponent = (i64::from(index) >> schema) + 1;
    if step == 0 && exponent == 1025 { f64::MAX } else { ldexp(FRACTIONS[step], exponent) }
}

/// `fraction * 2^exponent` for a fraction from one half to one.
fn ldexp(fraction: f64, exponent: i64) -> f64 {
    let exponent = i32::try_from(exponent.clamp(-1100, 1100)).expect("within -1100 and 1100");
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
