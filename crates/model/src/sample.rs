//! Samples and the staleness marker.

/// The bit pattern of the NaN that ends a series.
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;
/// The bit pattern in which every exposed NaN is stored.
pub const NORMAL_NAN_BITS: u64 = 0x7ff8_0000_0000_0001;

/// The value that ends a series.
#[must_use]
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value is the staleness marker; compares bits, since it is a NaN.
#[must_use]
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// One float sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds since the Unix epoch.
    pub t_ms: i64,
    /// The value; may be the staleness marker.
    pub value: f64,
}

/// A range of time in milliseconds; both ends are inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First millisecond of the range.
    pub min_ms: i64,
    /// Last millisecond of the range.
    pub max_ms: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { min_ms: i64::MIN, max_ms: i64::MAX };

    /// Whether the two ranges share a millisecond.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.min_ms <= other.max_ms && other.min_ms <= self.max_ms
    }

    /// Whether a time lies inside.
    #[must_use]
    pub fn contains(self, t_ms: i64) -> bool {
        self.min_ms <= t_ms && t_ms <= self.max_ms
    }
}
