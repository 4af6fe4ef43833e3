//! Floats that are decimals: an integer mantissa over a power of ten.
//!
//! A float is the decimal `m / 10^e` when that division, correctly rounded, gives it bit for bit.
//! Every decimal of at most 15 digits is found so, hence no search over factors is needed.

use super::DecodeError;
use super::bits::ByteReader;

/// The largest exponent of a decimal.
pub(super) const MAX_EXPONENT: u8 = 17;

/// Above it a product with a power of ten is no longer an exact integer.
const MAX_MANTISSA: f64 = 9.0e15;
/// Below it such a product, rounded, is the decimal's mantissa if there is one.
const SAFE_MANTISSA: f64 = 1.0e15;
/// Below it floats without a fraction fit in an `i64`, and so does the difference of two.
const MAX_WHOLE: f64 = 4.6e18;

const POWERS: [f64; MAX_EXPONENT as usize + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

/// `10^e`; `e` is at most [`MAX_EXPONENT`].
#[inline]
pub(super) fn power(e: u8) -> f64 {
    POWERS[usize::from(e)]
}

/// The float of a mantissa.
#[inline]
pub(super) fn to_float(mantissa: i64, e: u8) -> f64 {
    if e == 0 { mantissa as f64 } else { mantissa as f64 / power(e) }
}

/// The integer next to a float; saturates, and NaN is 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the callers compare what comes back")]
fn to_int(value: f64) -> i64 {
    value as i64
}

/// The mantissa of a float that is a decimal of exponent `e`.
#[inline]
pub(super) fn mantissa(value: f64, e: u8) -> Option<i64> {
    let m = nearest(value, e)?;
    (to_float(m, e).to_bits() == value.to_bits()).then_some(m)
}

/// The mantissa of the decimal next to a float, unless the float is too large or none.
#[inline]
pub(super) fn nearest(value: f64, e: u8) -> Option<i64> {
    if e == 0 {
        return (value.abs() < MAX_WHOLE).then(|| to_int(value));
    }
    let scaled = value * power(e);
    (scaled.abs() < MAX_MANTISSA).then(|| to_int(scaled.round_ties_even()))
}

/// The smallest exponent from `from` to `to` with which a float is a decimal, and its mantissa.
///
/// A decimal is one of every larger exponent too while the product with the power of ten is off by
/// less than a half; so the largest such exponent answers at once for floats that are no decimals.
pub(super) fn search(value: f64, from: u8, to: u8) -> Option<(u8, i64)> {
    let mut largest = to;
    while largest > from && (value * power(largest)).abs() >= SAFE_MANTISSA {
        largest -= 1;
    }
    if largest > 0 && mantissa(value, largest).is_none() {
        let e = (largest + 1).min(to);
        return Some((e, mantissa(value, e)?));
    }
    (from..=largest).find_map(|e| Some((e, mantissa(value, e)?)))
}

/// Finds the smallest exponent for which all values but a few are decimals. Appends the mantissas to
/// `out`, with the previous one standing in for an exception; exceptions are index and bits.
pub(super) fn common_exponent(
    values: &[f64],
    out: &mut Vec<i64>,
    exceptions: &mut Vec<(usize, u64)>,
) -> Option<u8> {
    let max_exceptions = values.len() / 32 + 1;
    let mut e = 0;
    'larger: loop {
        out.clear();
        exceptions.clear();
        let mut previous = 0;
        for (i, &value) in values.iter().enumerate() {
            if let Some(m) = mantissa(value, e) {
                previous = m;
            } else {
                // The earlier values must fit the larger exponent too.
                if value != 0.0
                    && e < MAX_EXPONENT
                    && let Some((larger, _)) = search(value, e + 1, MAX_EXPONENT)
                {
                    e = larger;
                    continue 'larger;
                }
                exceptions.push((i, value.to_bits()));
                if exceptions.len() > max_exceptions {
                    return None;
                }
            }
            out.push(previous);
        }
        return Some(e);
    }
}

/// Reads an exponent byte.
pub(super) fn read_exponent(from: &mut ByteReader<'_>) -> Result<u8, DecodeError> {
    let e = from.u8()?;
    if e <= MAX_EXPONENT { Ok(e) } else { Err(DecodeError::Invalid("decimal exponent")) }
}
