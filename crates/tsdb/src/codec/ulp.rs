//! Decimals that are off by a few units in the last place: products such as ticks times 0.001, sums
//! of decimals. The value's bits are those of the decimal next to it plus a small signed number.
//!
//! Layout: exponent u8 · mantissas as [`ints`] · distances in bits as [`ints`].

use super::bits::ByteReader;
use super::{DecodeError, decimal, ints};

const MAX_EXPONENT: u8 = 12;
/// Distances up to it in a few values make an exponent worth trying…
const NEAR: i64 = 1023;
/// …and up to it in all of them make it usable.
const MAX_DISTANCE: i64 = 1 << 20;

/// Finds an exponent, and the mantissas and distances it gives.
pub(super) fn split(
    values: &[f64],
    mantissas: &mut Vec<i64>,
    distances: &mut Vec<i64>,
) -> Option<u8> {
    let few = || values.iter().step_by((values.len() / 16).max(1));
    (1..=MAX_EXPONENT).find(|e| {
        mantissas.clear();
        distances.clear();
        few().all(|value| off_by(*value, *e, NEAR).is_some())
            && values.iter().all(|value| {
                let Some((mantissa, distance)) = off_by(*value, *e, MAX_DISTANCE) else {
                    return false;
                };
                mantissas.push(mantissa);
                distances.push(distance);
                true
            })
    })
}

fn off_by(value: f64, e: u8, limit: i64) -> Option<(i64, i64)> {
    let mantissa = decimal::nearest(value, e)?;
    let near = decimal::to_float(mantissa, e).to_bits().cast_signed();
    let distance = value.to_bits().cast_signed().wrapping_sub(near);
    (-limit..=limit).contains(&distance).then_some((mantissa, distance))
}

/// Appends what [`split`] gave.
pub(super) fn encode(
    e: u8,
    mantissas: &[i64],
    distances: &[i64],
    scratch: &mut ints::Scratch,
    out: &mut Vec<u8>,
) {
    out.push(e);
    ints::encode(mantissas, scratch, out);
    ints::encode(distances, scratch, out);
}

/// Appends `n` values, at least one; `numbers` is scratch.
pub(super) fn decode(
    from: &mut ByteReader<'_>,
    n: usize,
    scratch: &mut ints::Scratch,
    numbers: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    let e = decimal::read_exponent(from)?;
    numbers.clear();
    ints::decode(from, n, scratch, numbers)?;
    ints::decode(from, n, scratch, numbers)?;
    let (mantissas, distances) = numbers.split_at(numbers.len() / 2);
    out.extend(mantissas.iter().zip(distances).map(|(mantissa, distance)| {
        let near = decimal::to_float(*mantissa, e).to_bits();
        f64::from_bits(near.wrapping_add_signed(*distance))
    }));
    Ok(())
}
