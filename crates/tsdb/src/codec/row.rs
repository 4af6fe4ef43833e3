//! Delta rows: one scrape as the difference to the scrape before, in the log and in the head alike.
//!
//! Layout:
//! - milliseconds since the previous row, signed varint;
//! - columns more than before, varint;
//! - presence: count of toggled runs, varint, and per run the columns skipped since the last one and
//!   its length, varints;
//! - per 64 columns: a mask of the bytes that are not zero in the word of changed columns, those
//!   bytes, lowest first, and the changed values in order of columns. An absent column is unchanged.
//!
//! A value is a varint: `delta << 1` (zigzag) when it is a decimal of the column's exponent, against
//! the mantissa of the last value; `1 | e << 2` announces a new exponent and a mantissa (signed
//! varint); `3 | skip << 2 | (len - 1) << 4` announces the XOR with the last value, of which `skip`
//! low bytes and all above `len` bytes are zero.
//!
//! Both sides keep a [`RowState`]; a column keeps its last value while it is absent.

use super::bits::{ByteReader, put_signed, put_varint, unzigzag, zigzag};
use super::{DecodeError, decimal};
use storage::Row;

/// The exponent of a column that never had a decimal value.
pub(crate) const NO_EXPONENT: u8 = u8::MAX;
/// Values with more decimals are written as XOR.
const MAX_EXPONENT: u8 = 9;
/// More columns than a group may have; a larger count is damage.
pub(crate) const MAX_COLUMNS: usize = 1 << 26;

/// What a row is the difference to: the values of the previous one, by column.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowState {
    t_ms: i64,
    last: Vec<f64>,
    exponents: Vec<u8>,
    present: Vec<u64>,
}

impl RowState {
    /// The state before the first row: time 0, no columns.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Time of the last row.
    pub(crate) fn t_ms(&self) -> i64 {
        self.t_ms
    }

    /// The number of columns.
    pub(crate) fn columns(&self) -> usize {
        self.last.len()
    }

    /// The last value of every column; 0 when it never had one. Leftover where not present.
    pub(crate) fn last(&self) -> &[f64] {
        &self.last
    }

    /// Which columns the last row had, a bit per column, lowest first.
    pub(crate) fn present(&self) -> &[u64] {
        &self.present
    }

    /// Whether the last row had a value for the column.
    pub(crate) fn is_present(&self, column: usize) -> bool {
        self.present.get(column / 64).is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    /// Adds columns, absent, up to a count.
    pub(crate) fn grow(&mut self, columns: usize) {
        if columns > self.columns() {
            self.last.resize(columns, 0.0);
            self.exponents.resize(columns, NO_EXPONENT);
            self.present.resize(columns.div_ceil(64), 0);
        }
    }

    /// Keeps the columns for which `keep` is true, in order.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = Self { t_ms: self.t_ms, ..Self::default() };
        for column in (0..self.columns()).filter(|column| keep(*column)) {
            let to = kept.columns();
            kept.grow(to + 1);
            kept.last[to] = self.last[column];
            kept.exponents[to] = self.exponents[column];
            kept.present[to / 64] |= u64::from(self.is_present(column)) << (to % 64);
        }
        *self = kept;
    }

    /// Bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.last.capacity() * 8 + self.exponents.capacity() + self.present.capacity() * 8
    }
}

/// Appends a row as difference to the state, and makes it the state. Gives the number of values that
/// differ from the last ones. The state grows when the row has more columns.
pub(crate) fn encode(row: &Row, state: &mut RowState, out: &mut Vec<u8>) -> usize {
    put_signed(out, row.t_ms().wrapping_sub(state.t_ms));
    state.t_ms = row.t_ms();
    let columns = row.columns();
    put_varint(out, columns.saturating_sub(state.columns()) as u64);
    state.grow(columns);
    encode_presence(row, state, out);

    let RowState { last, exponents, present, .. } = state;
    let mut changed_values = 0;
    let chunks = last.chunks_mut(64).zip(exponents.chunks_mut(64));
    for (w, ((last, exponents), present)) in chunks.zip(present.iter()).enumerate() {
        let values = row.values().get(w * 64..).unwrap_or(&[]);
        let mut changed = changed_bits(values, last) & present;
        changed_values += changed.count_ones() as usize;
        put_sparse_word(changed, out);
        while changed != 0 {
            let i = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            encode_value(values[i], &mut last[i], &mut exponents[i], out);
        }
    }
    changed_values
}

/// Reads a row at the start of `bytes` and makes it the state; gives the number of bytes it took.
///
/// # Errors
/// When the bytes are no row. The state is of no use then.
pub(crate) fn decode(bytes: &[u8], state: &mut RowState) -> Result<usize, DecodeError> {
    let mut from = ByteReader::new(bytes);
    state.t_ms = state.t_ms.wrapping_add(from.signed()?);
    let columns = from.index()?.saturating_add(state.columns());
    // A mask byte stands for 64 columns: a row cannot claim more memory than its size justifies.
    if columns > MAX_COLUMNS || columns.div_ceil(64) > from.rest().len() {
        return Err(DecodeError::Invalid("count of columns"));
    }
    state.grow(columns);
    decode_presence(&mut from, state)?;

    let RowState { last, exponents, .. } = state;
    for (last, exponents) in last.chunks_mut(64).zip(exponents.chunks_mut(64)) {
        let mut changed = sparse_word(&mut from)?;
        while changed != 0 {
            let i = changed.trailing_zeros() as usize;
            changed &= changed - 1;
            let last = last.get_mut(i).ok_or(DecodeError::Invalid("column"))?;
            decode_value(&mut from, last, &mut exponents[i])?;
        }
    }
    Ok(from.pos())
}

fn encode_presence(row: &Row, state: &mut RowState, out: &mut Vec<u8>) {
    let of_row = |w: usize| row.present().get(w).copied().unwrap_or(0);
    let toggled = (0..state.present.len()).map(|w| of_row(w) ^ state.present[w]);
    let mut edges = 0_u64;
    for_each_edge(toggled.clone(), |_| edges += 1);
    put_varint(out, edges / 2);
    if edges == 0 {
        return;
    }
    let mut previous = 0;
    for_each_edge(toggled, |at| {
        put_varint(out, (at - previous) as u64);
        previous = at;
    });
    for w in 0..state.present.len() {
        state.present[w] = of_row(w);
    }
}

/// Calls `each` with the start and the end of every run of set bits, in order.
fn for_each_edge(words: impl Iterator<Item = u64>, mut each: impl FnMut(usize)) {
    let (mut carry, mut base) = (0, 0);
    for word in words {
        let mut edges = word ^ (word << 1 | carry);
        carry = word >> 63;
        while edges != 0 {
            each(base + edges.trailing_zeros() as usize);
            edges &= edges - 1;
        }
        base += 64;
    }
    if carry == 1 {
        each(base);
    }
}

fn decode_presence(from: &mut ByteReader<'_>, state: &mut RowState) -> Result<(), DecodeError> {
    let mut at = 0_usize;
    for _ in 0..from.varint()? {
        let start = at.saturating_add(from.index()?);
        at = start.saturating_add(from.index()?);
        if at > state.columns() {
            return Err(DecodeError::Invalid("run of columns"));
        }
        toggle(&mut state.present, start, at);
    }
    Ok(())
}

fn toggle(words: &mut [u64], start: usize, end: usize) {
    let mut at = start;
    while at < end {
        let (w, bit) = (at / 64, at % 64);
        let n = (64 - bit).min(end - at);
        words[w] ^= (u64::MAX >> (64 - n)) << bit;
        at += n;
    }
}

#[inline]
fn changed_bits(values: &[f64], last: &[f64]) -> u64 {
    let mut changed = 0;
    for (i, (value, last)) in values.iter().zip(last).enumerate() {
        changed |= u64::from(value.to_bits() != last.to_bits()) << i;
    }
    changed
}

/// Appends a word by those of its bytes that are not zero.
#[inline]
pub(super) fn put_sparse_word(word: u64, out: &mut Vec<u8>) {
    let bytes = word.to_le_bytes();
    let mask_at = out.len();
    out.push(0);
    if word != 0 {
        let mut mask = 0;
        for (i, byte) in bytes.into_iter().enumerate().filter(|(_, byte)| *byte != 0) {
            mask |= 1 << i;
            out.push(byte);
        }
        out[mask_at] = mask;
    }
}

/// Reads what [`put_sparse_word`] wrote.
#[inline]
pub(super) fn sparse_word(from: &mut ByteReader<'_>) -> Result<u64, DecodeError> {
    let mut mask = from.u8()?;
    let mut word = 0;
    while mask != 0 {
        word |= u64::from(from.u8()?) << (8 * mask.trailing_zeros());
        mask &= mask - 1;
    }
    Ok(word)
}

/// The mantissa the next delta is taken against; anything will do that both sides compute alike.
#[inline]
fn base_mantissa(last: f64, e: u8) -> i64 {
    decimal::nearest(last, e).unwrap_or(0)
}

/// Appends one value as difference to the last one of its column, and makes it the last one.
#[inline]
pub(crate) fn encode_value(value: f64, last: &mut f64, exponent: &mut u8, out: &mut Vec<u8>) {
    let e = *exponent;
    if e != NO_EXPONENT
        && let Some(mantissa) = decimal::mantissa(value, e)
        && let Some(delta) = short_delta(mantissa, base_mantissa(*last, e))
    {
        put_varint(out, delta << 1);
    } else {
        let from = if e == NO_EXPONENT { 0 } else { e };
        encode_afresh(value, *last, from, exponent, out);
    }
    *last = value;
}

/// The zigzag delta, if it leaves a bit for the tag.
#[inline]
fn short_delta(mantissa: i64, base: i64) -> Option<u64> {
    let delta = zigzag(mantissa.wrapping_sub(base));
    (delta >> 63 == 0).then_some(delta)
}

fn encode_afresh(value: f64, last: f64, from: u8, exponent: &mut u8, out: &mut Vec<u8>) {
    if let Some((e, mantissa)) = decimal::search(value, from, MAX_EXPONENT) {
        out.push(1 | e << 2);
        put_signed(out, mantissa);
        *exponent = e;
        return;
    }
    let xor = value.to_bits() ^ last.to_bits();
    let skip = (xor.trailing_zeros() / 8).min(3);
    let len = (8 - xor.leading_zeros() / 8).saturating_sub(skip).max(1);
    let head = 3 | skip << 2 | (len - 1) << 4;
    out.push(u8::try_from(head).expect("seven bits"));
    out.extend_from_slice(&(xor >> (8 * skip)).to_le_bytes()[..len as usize]);
}

/// Reads what [`encode_value`] wrote.
#[inline]
pub(crate) fn decode_value(
    from: &mut ByteReader<'_>,
    last: &mut f64,
    exponent: &mut u8,
) -> Result<(), DecodeError> {
    let head = from.varint()?;
    if head & 1 == 0 {
        let e = *exponent;
        if e == NO_EXPONENT {
            return Err(DecodeError::Invalid("delta"));
        }
        let mantissa = base_mantissa(*last, e).wrapping_add(unzigzag(head >> 1));
        *last = decimal::to_float(mantissa, e);
    } else if head & 2 == 0 {
        let e = u8::try_from(head >> 2).unwrap_or(u8::MAX);
        if e > MAX_EXPONENT {
            return Err(DecodeError::Invalid("decimal exponent"));
        }
        *exponent = e;
        *last = decimal::to_float(from.signed()?, e);
    } else {
        if head > 0x7f {
            return Err(DecodeError::Invalid("length of an XOR"));
        }
        let (skip, len) = (head >> 2 & 3, (head >> 4 & 7) + 1);
        let mut bytes = [0; 8];
        let low = bytes.iter_mut();
        for byte in low.take(usize::try_from(len).unwrap_or(0)) {
            *byte = from.u8()?;
        }
        let xor = u64::from_le_bytes(bytes) << (8 * skip);
        *last = f64::from_bits(last.to_bits() ^ xor);
    }
    Ok(())
}
