//! Histograms as columns: per stretch of histograms with the same shape how many they are (varint),
//! the shape, and per number, in order, the chunk of its values. How many histograms there are is known
//! from outside.

use super::{Shape, flags_and_first, numbers, unwanted};
use crate::codec::bits::{ByteReader, put_varint};
use crate::codec::{self, DecodeError, Scratch};
use model::FloatHistogram;
use std::ops::Range;
use std::sync::Arc;

/// Numbers of a stretch at most, all histograms together; a stretch of one may have more.
const MAX_NUMBERS: usize = 1 << 20;

/// Appends histograms, all of which can be stored.
pub(crate) fn encode(histograms: &[Arc<FloatHistogram>], scratch: &mut Scratch, out: &mut Vec<u8>) {
    let mut rest = histograms;
    let (mut matrix, mut column) = (Vec::new(), Vec::new());
    while let Some(first) = rest.first() {
        let shape = Shape::of(first, flags_and_first(first).0);
        let width = shape.counts().0;
        let most = (MAX_NUMBERS / width).max(1);
        matrix.clear();
        let mut count = 0;
        for histogram in rest.iter().take(most) {
            let (flags, first) = flags_and_first(histogram);
            if !shape.fits(histogram, flags) {
                break;
            }
            matrix.extend(numbers(histogram, first));
            count += 1;
        }
        put_varint(out, count as u64);
        shape.encode(out);
        for number in 0..width {
            column.clear();
            column.extend(matrix[number..].iter().step_by(width));
            codec::encode(&column, scratch, out);
        }
        rest = &rest[count..];
    }
}

/// Appends the `n` histograms at the start of `bytes`, empty ones instead of those that are not
/// wanted; gives the number of bytes they took.
pub(crate) fn decode(
    bytes: &[u8],
    n: usize,
    wanted: Range<usize>,
    scratch: &mut Scratch,
    out: &mut Vec<Arc<FloatHistogram>>,
) -> Result<usize, DecodeError> {
    let mut from = ByteReader::new(bytes);
    let mut columns = Vec::new();
    let mut left = n;
    while left > 0 {
        let count = from.index()?;
        if count == 0 || count > left {
            return Err(DecodeError::Invalid("number of histograms"));
        }
        let shape = Shape::decode(&mut from)?;
        let width = shape.counts().0;
        // A chunk of values takes two bytes at least.
        let fits = width <= from.rest().len() / 2;
        if !fits || count > 1 && width.saturating_mul(count) > MAX_NUMBERS {
            return Err(DecodeError::Invalid("number of buckets"));
        }
        columns.clear();
        for _ in 0..width {
            let used = codec::decode(from.rest(), count, scratch, &mut columns)?;
            from.take(used)?;
        }
        out.reserve(count);
        for i in 0..count {
            if !wanted.contains(&(n - left + i)) {
                out.push(unwanted());
                continue;
            }
            let numbers = columns[i..].iter().step_by(count).copied();
            out.push(Arc::new(shape.build(numbers)));
        }
        left -= count;
    }
    Ok(from.pos())
}
