//! Group chunks: the rows of a group over a while, as columns, sealed.
//!
//! In memory exactly the bytes that a file of group chunks holds, little endian:
//!
//! | bytes | |
//! |---|---|
//! | 0..4 | length of all that follows byte 8 |
//! | 4..8 | crc32c of all that follows |
//! | 8..12 | group |
//! | 12..16 | epoch: how often the group's columns were renumbered |
//! | 16..24 | time of the first row, milliseconds |
//! | 24..26 | rows |
//! | 26..28 | flags: 1, absence ends a series |
//! | 28..32 | columns |
//! | 32..36 | where the column directory begins |
//! | 36.. | times of the rows · series of the columns, ascending, as runs |
//! | directory | for every 32 columns the offset of their bytes, u32 |
//! | then | for every 32 columns: 32 varints, length << 1, plus 1 if rows are missing; then their bytes |
//!
//! The bytes of a column with missing rows begin with its presence: count of runs << 1, plus 1 if the
//! row before the chunk had a value, and the lengths of runs alternately present and absent, that row
//! the first of them, but for the last run; varints. All else is a chunk of values, and the histograms
//! that some of them stand for (`codec::histogram`).

use super::column::ColumnRows;
use crate::codec::bits::{ByteReader, put_varint};
use crate::codec::histogram::{decode_rest, encode_samples};
use crate::codec::{self, DecodeError, Scratch, times};
use crate::wal::record::put_runs;
#[cfg(test)]
use crate::wal::record::read_runs;
use std::ops::Range;
use std::sync::Arc;

const HEADER: usize = 36;
const ENDS_SERIES: u16 = 1;
/// Columns per entry of the directory.
const PAGE: usize = 32;
/// Most rows of a chunk.
pub(crate) const MAX_ROWS: usize = 480;

/// What a chunk says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) group: u32,
    pub(crate) epoch: u32,
    pub(crate) ends_series: bool,
}

/// A sealed group chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) header: Header,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    rows: usize,
    columns: usize,
    times: usize,
    directory: usize,
    /// First series of each run of successive ones, and its column; ascending.
    runs: Box<[(u32, u32)]>,
    bytes: Arc<[u8]>,
}

/// Collects the columns of a chunk, in ascending order of series.
pub(crate) struct Builder {
    header: Header,
    times: Vec<u8>,
    rows: usize,
    span: (i64, i64),
    ids: Vec<u32>,
    directory: Vec<u32>,
    lengths: Vec<u8>,
    page: Vec<u8>,
    payload: Vec<u8>,
}

impl Builder {
    /// Starts a chunk with these rows.
    ///
    /// # Panics
    /// When there are no rows or too many: a bug in the head.
    pub(crate) fn new(header: Header, t_ms: &[i64], scratch: &mut Scratch) -> Self {
        assert!((1..=MAX_ROWS).contains(&t_ms.len()), "a chunk of {} rows", t_ms.len());
        let mut encoded = Vec::new();
        times::encode(t_ms, scratch, &mut encoded);
        Self {
            header,
            times: encoded,
            rows: t_ms.len(),
            span: (t_ms[0], t_ms[t_ms.len() - 1]),
            ids: Vec::new(),
            directory: Vec::new(),
            lengths: Vec::new(),
            page: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Adds the column of a series; `before` says whether it had a value in the row before the chunk
    /// that was no staleness marker.
    pub(crate) fn push(
        &mut self,
        id: u32,
        column: &ColumnRows,
        before: bool,
        scratch: &mut Scratch,
    ) {
        debug_assert!(self.ids.last().is_none_or(|last| *last < id), "series out of order");
        debug_assert_eq!(column.rows(), self.rows);
        if self.ids.len().is_multiple_of(PAGE) {
            self.end_page();
        }
        self.ids.push(id);
        let start = self.page.len();
        if !column.is_full() {
            put_presence(&mut self.page, column, before);
        }
        encode_samples(&column.values, &column.histograms, scratch, &mut self.page);
        let len = (self.page.len() - start) as u64;
        put_varint(&mut self.lengths, len << 1 | u64::from(!column.is_full()));
    }

    fn end_page(&mut self) {
        self.payload.append(&mut self.lengths);
        self.payload.append(&mut self.page);
        self.directory.push(u32::try_from(self.payload.len()).expect("a chunk below 4 GiB"));
    }

    /// The finished chunk; `None` when it has no columns.
    pub(crate) fn finish(mut self) -> Option<Chunk> {
        if self.ids.is_empty() {
            return None;
        }
        self.end_page();
        let mut body = self.times;
        put_runs(&mut body, &self.ids);
        let directory = HEADER + body.len();
        // The offset after the last page is nobody's start.
        let pages = &self.directory[..self.directory.len() - 1];
        let payload = directory + pages.len() * 4;
        let size = payload + self.payload.len();
        let u32_of = |n: usize| u32::try_from(n).expect("a chunk below 4 GiB").to_le_bytes();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(&u32_of(size - 8));
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.header.group.to_le_bytes());
        bytes.extend_from_slice(&self.header.epoch.to_le_bytes());
        bytes.extend_from_slice(&self.span.0.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(self.rows).expect("at most 480").to_le_bytes());
        let flags = if self.header.ends_series { ENDS_SERIES } else { 0 };
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&u32_of(self.ids.len()));
        bytes.extend_from_slice(&u32_of(directory));
        bytes.extend_from_slice(&body);
        for page in pages {
            bytes.extend_from_slice(&u32_of(payload + *page as usize));
        }
        bytes.extend_from_slice(&self.payload);
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        Some(Chunk {
            header: self.header,
            first_ms: self.span.0,
            last_ms: self.span.1,
            rows: self.rows,
            columns: self.ids.len(),
            times: HEADER,
            directory,
            runs: runs(&self.ids),
            bytes: bytes.into(),
        })
    }
}

fn put_presence(out: &mut Vec<u8>, column: &ColumnRows, before: bool) {
    let mut lengths = Vec::new();
    let (mut state, mut len) = (before, 1u64);
    for row in 0..column.rows() {
        if column.has(row) == state {
            len += 1;
        } else {
            lengths.push(len);
            (state, len) = (!state, 1);
        }
    }
    put_varint(out, (lengths.len() as u64) << 1 | u64::from(before));
    for len in lengths {
        put_varint(out, len);
    }
}

fn read_presence(
    from: &mut ByteReader<'_>,
    rows: usize,
    out: &mut ColumnRows,
) -> Result<(bool, usize), DecodeError> {
    const INVALID: DecodeError = DecodeError::Invalid("presence");
    let head = from.index()?;
    let before = head & 1 == 1;
    let (mut present, mut left, mut values, mut first) = (before, rows + 1, 0, 1);
    for _ in 0..head >> 1 {
        let len = from.index()?;
        if len == 0 || len >= left {
            return Err(INVALID);
        }
        out.mark(len - first, present);
        values += if present { len - first } else { 0 };
        left -= len;
        first = 0;
        present = !present;
    }
    out.mark(left - first, present);
    values += if present { left - first } else { 0 };
    Ok((before, values))
}

fn runs(ids: &[u32]) -> Box<[(u32, u32)]> {
    let mut column = 0;
    let runs = ids.chunk_by(|a, b| a.checked_add(1) == Some(*b)).map(|run| {
        let start = (run[0], column);
        column += u32::try_from(run.len()).expect("columns are u32");
        start
    });
    runs.collect()
}

impl Chunk {
    /// Reads a chunk that [`Builder`] made. Files of chunks come later; their format is held by tests.
    #[cfg(test)]
    pub(crate) fn parse(bytes: Arc<[u8]>) -> Result<Self, DecodeError> {
        let mut from = ByteReader::new(&bytes);
        let len = u32::from_le_bytes(from.array()?);
        let crc = u32::from_le_bytes(from.array()?);
        let body = from.rest();
        if u32::try_from(body.len()) != Ok(len) || crc32c::crc32c(body) != crc {
            return Err(DecodeError::Invalid("checksum"));
        }
        let (group, epoch) = (u32::from_le_bytes(from.array()?), u32::from_le_bytes(from.array()?));
        let first_ms = i64::from_le_bytes(from.array()?);
        let rows = usize::from(u16::from_le_bytes(from.array()?));
        let flags = u16::from_le_bytes(from.array()?);
        let columns = u32::from_le_bytes(from.array()?) as usize;
        let directory = u32::from_le_bytes(from.array()?) as usize;
        let (mut scratch, mut t_ms) = (Scratch::default(), Vec::new());
        let used = times::decode(from.rest(), rows, &mut scratch, &mut t_ms)?;
        from.take(used)?;
        let ids = read_runs(&mut from)?;
        let ordered = ids.is_sorted_by(|a, b| a < b) && ids.len() == columns;
        if !ordered || from.pos() != directory || t_ms.first() != Some(&first_ms) {
            return Err(DecodeError::Invalid("layout"));
        }
        Ok(Self {
            header: Header { group, epoch, ends_series: flags & ENDS_SERIES != 0 },
            first_ms,
            last_ms: t_ms[t_ms.len() - 1],
            rows,
            columns,
            times: HEADER,
            directory,
            runs: runs(&ids),
            bytes,
        })
    }

    /// The bytes as a file would hold them.
    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Times of the rows.
    pub(crate) fn t_ms(&self, scratch: &mut Scratch) -> Result<Vec<i64>, DecodeError> {
        let mut t_ms = Vec::with_capacity(self.rows);
        times::decode(&self.bytes[self.times..], self.rows, scratch, &mut t_ms)?;
        Ok(t_ms)
    }

    /// The series of the columns, ascending.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u32> {
        let ends = self.runs.iter().skip(1).map(|(_, column)| *column as usize);
        let ends = ends.chain([self.columns]);
        self.runs
            .iter()
            .zip(ends)
            .flat_map(|((id, column), end)| (*id..).take(end - *column as usize))
    }

    /// The column of a series, if it is here.
    pub(crate) fn find(&self, id: u32) -> Option<usize> {
        let run = self.runs.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        let (first, column) = self.runs[run];
        let end = self.runs.get(run + 1).map_or(self.columns, |(_, column)| *column as usize);
        let column = column as usize + (id - first) as usize;
        (column < end).then_some(column)
    }

    /// Decodes a column; whether it had a value in the row before, which is only told when rows are
    /// missing. Histograms of other rows than the wanted ones are empty; which
    /// ones are wanted is asked only where there are any.
    pub(crate) fn read(
        &self,
        column: usize,
        wanted: impl FnOnce() -> Range<usize>,
        scratch: &mut Scratch,
        out: &mut ColumnRows,
    ) -> Result<bool, DecodeError> {
        out.clear();
        let entry = self.directory + column / PAGE * 4;
        let mut from = ByteReader::new(self.bytes.get(entry..).ok_or(DecodeError::Truncated)?);
        let page = u32::from_le_bytes(from.array()?) as usize;
        let mut from = ByteReader::new(self.bytes.get(page..).ok_or(DecodeError::Truncated)?);
        let in_page = PAGE.min(self.columns - column / PAGE * PAGE);
        let (mut skip, mut mine) = (0usize, 0);
        for i in 0..in_page {
            let length = from.index()?;
            match i.cmp(&(column % PAGE)) {
                std::cmp::Ordering::Less => skip = skip.saturating_add(length >> 1),
                std::cmp::Ordering::Equal => mine = length,
                std::cmp::Ordering::Greater => {}
            }
        }
        from.take(skip)?;
        let mut from = ByteReader::new(from.take(mine >> 1)?);
        let (before, values) = if mine & 1 == 1 {
            read_presence(&mut from, self.rows, out)?
        } else {
            out.mark(self.rows, true);
            (true, self.rows)
        };
        let used = codec::decode(from.rest(), values, scratch, &mut out.values)?;
        from.take(used)?;
        if !from.rest().is_empty() {
            let wanted = out.marks_in(wanted());
            decode_rest(from.rest(), &out.values, wanted, scratch, &mut out.histograms)?;
        }
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(rows: &[Option<f64>]) -> ColumnRows {
        let mut column = ColumnRows::default();
        for value in rows {
            column.mark(1, value.is_some());
            column.values.extend(value);
        }
        column
    }

    #[test]
    fn a_chunk_comes_back_from_its_bytes() {
        let header = Header { group: 3, epoch: 7, ends_series: true };
        let scratch = &mut Scratch::default();
        for rows in [1, 2, 63, 64, 65, 480] {
            let t_ms: Vec<i64> = (0..rows).map(|row| 1000 * row - 5).collect();
            let mut builder = Builder::new(header, &t_ms, scratch);
            // Ids with holes, more than a page of them, columns with every kind of gap.
            let value = |id: u32, row: i64| match id % 4 {
                0 => Some(f64::from(id)),
                1 => (row != 0).then_some(row as f64 / 10.0),
                2 => (row % 3 == 1).then_some(1.5),
                _ => None,
            };
            let ids: Vec<u32> = (0..100).filter(|id| id % 7 != 3).collect();
            let columns: Vec<ColumnRows> = ids
                .iter()
                .map(|id| column(&(0..rows).map(|row| value(*id, row)).collect::<Vec<_>>()))
                .collect();
            for (id, column) in ids.iter().zip(&columns) {
                builder.push(*id, column, id % 2 == 1, scratch);
            }
            let built = builder.finish().unwrap();
            let parsed = Chunk::parse(Arc::clone(built.bytes())).unwrap();
            assert_eq!(parsed.header, header);
            assert_eq!((parsed.first_ms, parsed.last_ms), (t_ms[0], t_ms[t_ms.len() - 1]));
            assert_eq!(parsed.t_ms(scratch).unwrap(), t_ms);
            assert_eq!(parsed.ids().collect::<Vec<_>>(), ids);
            assert_eq!(parsed.find(3), None);
            let mut read = ColumnRows::default();
            for (id, column) in ids.iter().zip(&columns) {
                let found = parsed.find(*id).unwrap();
                let before = parsed.read(found, || 0..parsed.rows(), scratch, &mut read).unwrap();
                assert_eq!(read.values, column.values, "series {id}, {rows} rows");
                if !column.is_full() {
                    assert_eq!(before, id % 2 == 1);
                    assert!((0..column.rows()).all(|row| read.has(row) == column.has(row)));
                }
            }
            let mut damaged = built.bytes().to_vec();
            for i in 0..damaged.len() {
                damaged[i] ^= 4;
                assert!(Chunk::parse(Arc::from(&damaged[..])).is_err(), "byte {i}");
                damaged[i] ^= 4;
            }
        }
    }
}
