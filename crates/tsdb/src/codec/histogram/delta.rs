//! One histogram as difference to the one before of the same column.
//!
//! Head u8: 0 the shape is that of the one before, and numbers are differences to its numbers; 1 the
//! shape follows, and numbers are differences to zeros. Then, as in a row: per 64 numbers a mask of the
//! bytes that are not zero in the word of changed numbers, those bytes, lowest first, and the changed
//! numbers in order, each as a row's value.

use super::{FIXED, Shape, flags_and_first, numbers};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::codec::row::{self, NO_EXPONENT};
use model::FloatHistogram;

const SAME_SHAPE: u8 = 0;
const NEW_SHAPE: u8 = 1;

/// The histogram that the next one is the difference to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    shape: Shape,
    /// Empty before the first.
    numbers: Vec<f64>,
    exponents: Vec<u8>,
}

impl Last {
    /// Appends a histogram, as difference if the shape is the same and `whole` does not forbid it, and
    /// makes it the last one.
    pub(crate) fn encode(&mut self, histogram: &FloatHistogram, whole: bool, out: &mut Vec<u8>) {
        let (flags, first) = flags_and_first(histogram);
        if !whole && !self.numbers.is_empty() && self.shape.fits(histogram, flags) {
            out.push(SAME_SHAPE);
        } else {
            out.push(NEW_SHAPE);
            self.begin(Shape::of(histogram, flags));
            self.shape.encode(out);
        }
        let mut next = numbers(histogram, first);
        let mut changed_to = [0.0; 64];
        for (last, exponents) in self.numbers.chunks_mut(64).zip(self.exponents.chunks_mut(64)) {
            let mut changed = 0_u64;
            for (i, (last, value)) in last.iter().zip(&mut next).enumerate() {
                changed |= u64::from(value.to_bits() != last.to_bits()) << i;
                changed_to[i] = value;
            }
            row::put_sparse_word(changed, out);
            while changed != 0 {
                let i = changed.trailing_zeros() as usize;
                changed &= changed - 1;
                row::encode_value(changed_to[i], &mut last[i], &mut exponents[i], out);
            }
        }
    }

    /// Reads what [`Last::encode`] wrote, and makes it the last one. After an error there is none.
    pub(crate) fn decode(&mut self, from: &mut ByteReader<'_>) -> Result<(), DecodeError> {
        let decoded = self.decode_next(from);
        if decoded.is_err() {
            self.numbers.clear();
        }
        decoded
    }

    fn decode_next(&mut self, from: &mut ByteReader<'_>) -> Result<(), DecodeError> {
        match from.u8()? {
            SAME_SHAPE if self.numbers.is_empty() => {
                return Err(DecodeError::Invalid("difference to no histogram"));
            }
            SAME_SHAPE => {}
            NEW_SHAPE => {
                let shape = Shape::decode(from)?;
                // A mask byte stands for 64 numbers.
                if shape.counts().0.div_ceil(64) > from.rest().len() {
                    return Err(DecodeError::Truncated);
                }
                self.begin(shape);
            }
            _ => return Err(DecodeError::Invalid("head of a histogram")),
        }
        for (last, exponents) in self.numbers.chunks_mut(64).zip(self.exponents.chunks_mut(64)) {
            let mut changed = row::sparse_word(from)?;
            while changed != 0 {
                let i = changed.trailing_zeros() as usize;
                changed &= changed - 1;
                let last = last.get_mut(i).ok_or(DecodeError::Invalid("bucket"))?;
                row::decode_value(from, last, &mut exponents[i])?;
            }
        }
        Ok(())
    }

    /// The last histogram; `None` before the first.
    pub(crate) fn histogram(&self) -> Option<FloatHistogram> {
        let numbers = self.numbers.iter().copied();
        (!self.numbers.is_empty()).then(|| self.shape.build(numbers))
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let spans = self.shape.positive.capacity() + self.shape.negative.capacity();
        self.numbers.capacity() * 9 + (spans + self.shape.custom.capacity()) * 8
    }

    fn begin(&mut self, shape: Shape) {
        let count = shape.counts().0;
        debug_assert!(count >= FIXED, "count, sum and zero bucket");
        self.shape = shape;
        self.numbers.clear();
        self.numbers.resize(count, 0.0);
        self.exponents.clear();
        self.exponents.resize(count, NO_EXPONENT);
    }
}
