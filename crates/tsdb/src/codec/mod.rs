//! Values to bytes and back, bit for bit, one encoding a file and here the chooser among them.
//!
//! A chunk is a head byte and what its encoding wrote. How many values it holds is known from
//! outside. The head's low three bits name the encoding:
//!
//! | | encoding | rest of the head byte | then |
//! |---|---|---|---|
//! | 0 | one value throughout | 0 | its 8 bytes, little endian |
//! | 1 | one decimal throughout | exponent << 3 | mantissa, signed varint |
//! | 2 | decimals | 8: exceptions, 16: exponent | exponent u8, `ints`, then count and (index varint, 8 bytes) |
//! | 3 | decimals off by a few ULPs | 0 | `ulp` |
//! | 4 | XOR | 0 | `xor` |
//!
//! Most scraped values are decimals that stay the same or change by a small integer, which is why the
//! integer encodings come first and XOR last. What stands for a histogram among the values is a NaN,
//! and the histograms follow the chunk (`histogram`).

pub(crate) mod bits;
mod decimal;
pub(crate) mod histogram;
mod ints;
mod pfor;
mod rice;
pub(crate) mod row;
pub(crate) mod times;
mod ulp;
mod xor;

#[cfg(test)]
pub(crate) mod recordings;
#[cfg(test)]
mod tests;

use bits::{ByteReader, put_signed, put_varint};

/// The most values of a chunk; a larger count is damage.
pub const MAX_VALUES: usize = 1 << 16;

const CONSTANT: u8 = 0;
const CONSTANT_DECIMAL: u8 = 1;
const DECIMALS: u8 = 2;
const NEAR_DECIMALS: u8 = 3;
const XOR: u8 = 4;

const HAS_EXCEPTIONS: u8 = 1 << 3;
const HAS_EXPONENT: u8 = 1 << 4;

/// XOR is tried too when a chunk takes more bytes than this per value.
const GOOD_BYTES_PER_VALUE: usize = 3;

/// Why bytes are no chunk, row or times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end too early.
    #[error("bytes end too early")]
    Truncated,
    /// Something has a value that is never written.
    #[error("impossible {0}")]
    Invalid(&'static str),
}

/// Buffers of the encodings; reused from chunk to chunk, one per thread.
#[derive(Debug, Default)]
pub struct Scratch {
    ints: ints::Scratch,
    numbers: Vec<i64>,
    distances: Vec<i64>,
    exceptions: Vec<(usize, u64)>,
    other: Vec<u8>,
}

/// Appends a chunk of at most [`MAX_VALUES`] values; nothing for none.
///
/// # Panics
/// When there are more values: a bug in the caller.
pub fn encode(values: &[f64], scratch: &mut Scratch, out: &mut Vec<u8>) {
    assert!(values.len() <= MAX_VALUES, "a chunk of {} values", values.len());
    let Some(first) = values.first() else { return };
    let first = first.to_bits();
    if values.iter().all(|value| value.to_bits() == first) {
        encode_constant(values[0], out);
        return;
    }
    let start = out.len();
    if encode_as_decimals(values, scratch, out)
        && out.len() - start <= values.len() * GOOD_BYTES_PER_VALUE
    {
        return;
    }
    let Scratch { other, .. } = scratch;
    other.clear();
    other.push(XOR);
    xor::encode(values, other);
    if out.len() == start || other.len() < out.len() - start {
        out.truncate(start);
        out.extend_from_slice(other);
    }
}

fn encode_constant(value: f64, out: &mut Vec<u8>) {
    if let Some((e, mantissa)) = decimal::search(value, 0, decimal::MAX_EXPONENT) {
        out.push(CONSTANT_DECIMAL | e << 3);
        put_signed(out, mantissa);
    } else {
        out.push(CONSTANT);
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

fn encode_as_decimals(values: &[f64], scratch: &mut Scratch, out: &mut Vec<u8>) -> bool {
    let Scratch { ints, numbers, distances, exceptions, .. } = scratch;
    if let Some(e) = decimal::common_exponent(values, numbers, exceptions) {
        let flags = if exceptions.is_empty() { 0 } else { HAS_EXCEPTIONS }
            | if e == 0 { 0 } else { HAS_EXPONENT };
        out.push(DECIMALS | flags);
        if e > 0 {
            out.push(e);
        }
        ints::encode(numbers, ints, out);
        if !exceptions.is_empty() {
            put_varint(out, exceptions.len() as u64);
            for (i, bits) in exceptions {
                put_varint(out, *i as u64);
                out.extend_from_slice(&bits.to_le_bytes());
            }
        }
        return true;
    }
    if let Some(e) = ulp::split(values, numbers, distances) {
        out.push(NEAR_DECIMALS);
        ulp::encode(e, numbers, distances, ints, out);
        return true;
    }
    false
}

/// Appends the `n` values of a chunk at the start of `bytes`; gives the number of bytes it took.
///
/// # Errors
/// When the bytes are no such chunk. Nothing is appended then.
pub fn decode(
    bytes: &[u8],
    n: usize,
    scratch: &mut Scratch,
    out: &mut Vec<f64>,
) -> Result<usize, DecodeError> {
    if n == 0 {
        return Ok(0);
    }
    if n > MAX_VALUES {
        return Err(DecodeError::Invalid("count"));
    }
    let first = out.len();
    let mut from = ByteReader::new(bytes);
    let decoded = decode_chunk(&mut from, n, scratch, out).and_then(|()| {
        let whole = out.len() == first + n;
        if whole { Ok(from.pos()) } else { Err(DecodeError::Invalid("order")) }
    });
    if decoded.is_err() {
        out.truncate(first);
    }
    decoded
}

fn decode_chunk(
    from: &mut ByteReader<'_>,
    n: usize,
    scratch: &mut Scratch,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    let Scratch { ints, numbers, .. } = scratch;
    let head = from.u8()?;
    match head & 7 {
        CONSTANT => {
            let value = f64::from_bits(u64::from_le_bytes(from.array()?));
            out.resize(out.len() + n, value);
        }
        CONSTANT_DECIMAL => {
            let e = head >> 3;
            if e > decimal::MAX_EXPONENT {
                return Err(DecodeError::Invalid("decimal exponent"));
            }
            let value = decimal::to_float(from.signed()?, e);
            out.resize(out.len() + n, value);
        }
        DECIMALS => {
            let e = if head & HAS_EXPONENT == 0 { 0 } else { decimal::read_exponent(from)? };
            numbers.clear();
            ints::decode(from, n, ints, numbers)?;
            let first = out.len();
            if e == 0 {
                out.extend(numbers.iter().map(|mantissa| *mantissa as f64));
            } else {
                let power = decimal::power(e);
                out.extend(numbers.iter().map(|mantissa| *mantissa as f64 / power));
            }
            if head & HAS_EXCEPTIONS != 0 {
                for _ in 0..from.varint()? {
                    let i = from.index()?;
                    let bits = u64::from_le_bytes(from.array()?);
                    let value = out[first..].get_mut(i).ok_or(DecodeError::Invalid("exception"))?;
                    *value = f64::from_bits(bits);
                }
            }
        }
        NEAR_DECIMALS => ulp::decode(from, n, ints, numbers, out)?,
        XOR => xor::decode(from, n, out)?,
        _ => return Err(DecodeError::Invalid("encoding")),
    }
    Ok(())
}
