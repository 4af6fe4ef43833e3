//! Mini-batches: up to 16 rows of a group turned into columns, in memory only.
//!
//! A column that kept through all rows the value it had at the end of the mini-batch before (or stayed
//! absent) takes one bit. For every other column there are the length of what follows, varint, then two
//! masks of rows, u16 LE: those with a value, and of these the first one and the ones whose value differs
//! from the one before; then those values, each as difference, as in a delta row, the first one to
//! nothing: so a reader may begin anywhere. The first mini-batch of a group chunk has none before it:
//! there everything starts absent.
//!
//! Sixteen rows are too few for the encodings of chunks to be worth their time.

use super::column::ColumnRows;
use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use crate::codec::row::{self, RowState};

/// Rows of a full mini-batch.
pub(crate) const MINI_ROWS: usize = 16;

/// Rows as columns: for each of some columns its values in at most 16 rows.
#[derive(Debug, Default)]
pub(crate) struct Transposed {
    rows: usize,
    /// 16 places a column; leftover where the mask has no bit.
    values: Vec<f64>,
    /// Rows with a value, a bit each.
    masks: Vec<u16>,
}

impl Transposed {
    /// Decodes delta rows and picks columns; `state` is what the first row is the difference to, and
    /// becomes the last row's state.
    pub(crate) fn decode(
        mut rows: &[u8],
        state: &mut RowState,
        columns: impl Iterator<Item = usize> + Clone,
    ) -> Result<Self, DecodeError> {
        let count = columns.clone().count();
        let mut picked =
            Self { rows: 0, values: vec![0.0; count * MINI_ROWS], masks: vec![0; count] };
        while !rows.is_empty() && picked.rows < MINI_ROWS {
            rows = &rows[row::decode(rows, state)?..];
            let known = state.columns();
            // There may be rows without any column.
            let places = picked.values.get_mut(picked.rows..).unwrap_or_default();
            let places = places.iter_mut().step_by(MINI_ROWS);
            for ((column, place), mask) in columns.clone().zip(places).zip(&mut picked.masks) {
                if column < known {
                    *place = state.last()[column];
                    *mask |= u16::from(state.is_present(column)) << picked.rows;
                }
            }
            picked.rows += 1;
        }
        Ok(picked)
    }

    /// Appends the rows of the `i`th picked column; one that was not picked is absent.
    pub(crate) fn append_to(&self, i: usize, out: &mut ColumnRows) {
        if i >= self.masks.len() {
            return out.mark(self.rows, false);
        }
        let (mask, values) = self.column(i);
        out.mark_bits(self.rows, u64::from(mask));
        if mask.count_ones() as usize == self.rows {
            out.values.extend_from_slice(values);
        } else {
            out.values.extend(present(mask, values));
        }
    }

    fn column(&self, i: usize) -> (u16, &[f64]) {
        (self.masks[i], &self.values[i * MINI_ROWS..][..self.rows])
    }
}

fn present(mask: u16, values: &[f64]) -> impl Iterator<Item = f64> {
    values.iter().enumerate().filter(move |(row, _)| mask >> row & 1 == 1).map(|(_, v)| *v)
}

/// A sealed mini-batch.
#[derive(Debug)]
pub(crate) struct Mini {
    rows: usize,
    /// A bit per column: whether it has bytes.
    changed: Box<[u64]>,
    /// Where the bytes of each 64 columns begin.
    starts: Box<[u32]>,
    bytes: Box<[u8]>,
}

impl Mini {
    /// Seals rows that hold all columns of a group. `before` is the state before the first row, or
    /// `None` for the first mini-batch of a group chunk.
    pub(crate) fn seal(rows: &Transposed, before: Option<&RowState>) -> Self {
        let columns = rows.masks.len();
        let all = u16::MAX >> (MINI_ROWS - rows.rows);
        let mut changed = vec![0u64; columns.div_ceil(64)];
        let mut starts = Vec::with_capacity(changed.len());
        let (mut bytes, mut packed) = (Vec::new(), Vec::new());
        for column in 0..columns {
            if column % 64 == 0 {
                starts.push(u32::try_from(bytes.len()).expect("16 rows of a group below 4 GiB"));
            }
            let (mask, all_values) = rows.column(column);
            let carry = before.and_then(|state| carried(state, column));
            let same = match carry {
                None => mask == 0,
                Some(carry) => {
                    mask == all && all_values.iter().all(|v| v.to_bits() == carry.to_bits())
                }
            };
            if same {
                continue;
            }
            changed[column / 64] |= 1 << (column % 64);
            packed.clear();
            packed.extend_from_slice(&mask.to_le_bytes());
            packed.extend_from_slice(&[0; 2]);
            let (mut last, mut exponent) = (0.0_f64, row::NO_EXPONENT);
            let mut differs = 0u16;
            for (row, value) in all_values.iter().enumerate() {
                let is_first = differs == 0;
                if mask >> row & 1 == 1 && (is_first || value.to_bits() != last.to_bits()) {
                    differs |= 1 << row;
                    row::encode_value(*value, &mut last, &mut exponent, &mut packed);
                }
            }
            packed[2..4].copy_from_slice(&differs.to_le_bytes());
            put_varint(&mut bytes, packed.len() as u64);
            bytes.extend_from_slice(&packed);
        }
        Self {
            rows: rows.rows,
            changed: changed.into(),
            starts: starts.into(),
            bytes: bytes.into(),
        }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the rows of a column. `carry` is its value at the end of the mini-batch before, and
    /// becomes its value at the end of this one.
    pub(crate) fn append_to(
        &self,
        column: usize,
        carry: &mut Option<f64>,
        out: &mut ColumnRows,
    ) -> Result<(), DecodeError> {
        let Some(bytes) = self.bytes_of(column)? else {
            out.mark(self.rows, carry.is_some());
            if let Some(carry) = carry {
                out.values.resize(out.values.len() + self.rows, *carry);
            }
            return Ok(());
        };
        let mask = self.each(bytes, |value| out.values.push(value))?;
        out.mark_bits(self.rows, u64::from(mask));
        *carry = if self.is_last(mask) { out.values.last().copied() } else { None };
        Ok(())
    }

    /// The value of a column in the last row, in the inner option; `None` when the column kept what it
    /// had before.
    pub(crate) fn last(&self, column: usize) -> Result<Option<Option<f64>>, DecodeError> {
        let Some(bytes) = self.bytes_of(column)? else { return Ok(None) };
        let mut last = 0.0;
        let mask = self.each(bytes, |value| last = value)?;
        Ok(Some(self.is_last(mask).then_some(last)))
    }

    /// Calls `each` with the values of a column, by its bytes; the rows that have one.
    fn each(&self, bytes: &[u8], mut each: impl FnMut(f64)) -> Result<u16, DecodeError> {
        let mut from = ByteReader::new(bytes);
        let mask = u16::from_le_bytes(from.array()?);
        let differs = u16::from_le_bytes(from.array()?);
        let (mut last, mut exponent) = (0.0_f64, row::NO_EXPONENT);
        for row in 0..self.rows {
            if mask >> row & 1 == 1 {
                if differs >> row & 1 == 1 {
                    row::decode_value(&mut from, &mut last, &mut exponent)?;
                }
                each(last);
            }
        }
        Ok(mask)
    }

    fn is_last(&self, mask: u16) -> bool {
        mask >> (self.rows - 1) & 1 == 1
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.len() + self.changed.len() * 8 + self.starts.len() * 4
    }

    fn bytes_of(&self, column: usize) -> Result<Option<&[u8]>, DecodeError> {
        let (word, bit) = (column / 64, column % 64);
        // A column that came later was absent.
        let changed = self.changed.get(word).copied().unwrap_or(0);
        if changed >> bit & 1 == 0 {
            return Ok(None);
        }
        let mut bytes = &self.bytes[self.starts[word] as usize..];
        for _ in 0..(changed & !(u64::MAX << bit)).count_ones() {
            bytes = match bytes {
                // Nearly all are short.
                [len @ ..0x80, rest @ ..] if rest.len() >= usize::from(*len) => {
                    &rest[usize::from(*len)..]
                }
                _ => {
                    let mut from = ByteReader::new(bytes);
                    let len = from.index()?;
                    from.take(len)?;
                    from.rest()
                }
            };
        }
        let mut from = ByteReader::new(bytes);
        let len = from.index()?;
        from.take(len).map(Some)
    }
}

fn carried(state: &RowState, column: usize) -> Option<f64> {
    state.is_present(column).then(|| state.last()[column])
}
