//! Timestamps of rows: integers in ascending order, stored once for all series of a group.
//!
//! Layout: [`ints`] over the milliseconds; a steady interval costs nothing per row, jitter its bits.

use super::bits::ByteReader;
use super::{DecodeError, MAX_VALUES, Scratch, ints};

/// Appends times, which ascend strictly; nothing for none.
pub(crate) fn encode(times_ms: &[i64], scratch: &mut Scratch, out: &mut Vec<u8>) {
    debug_assert!(times_ms.is_sorted_by(|a, b| a < b), "times must ascend");
    if !times_ms.is_empty() {
        ints::encode(times_ms, &mut scratch.ints, out);
    }
}

/// Appends `n` times, which ascend strictly; gives the number of bytes they took.
///
/// # Errors
/// When the bytes are damaged. Nothing is appended then.
pub(crate) fn decode(
    bytes: &[u8],
    n: usize,
    scratch: &mut Scratch,
    out: &mut Vec<i64>,
) -> Result<usize, DecodeError> {
    if n == 0 {
        return Ok(0);
    }
    if n > MAX_VALUES {
        return Err(DecodeError::Invalid("count"));
    }
    let first = out.len();
    let mut from = ByteReader::new(bytes);
    let decoded = ints::decode(&mut from, n, &mut scratch.ints, out).and_then(|()| {
        let ascending = out[first..].len() == n && out[first..].is_sorted_by(|a, b| a < b);
        if ascending { Ok(from.pos()) } else { Err(DecodeError::Invalid("order of times")) }
    });
    if decoded.is_err() {
        out.truncate(first);
    }
    decoded
}
