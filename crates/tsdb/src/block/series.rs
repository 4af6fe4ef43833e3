//! The series of a block: section `series` of `index`, in label order, numbered from 0.
//!
//! A record: leading pairs shared with the series before (varint, 0 for the first of 16) · further
//! pairs (varint) and for each the number of its name and of its value (varints) · parts (varint), for
//! each flags u8 · group (varint) · first row and rows (varints, if flagged; else all rows) · runs,
//! for each the rows skipped and its length (varints), after their count (if flagged; else one run
//! over all rows) · bytes of the directories and bytes of the chunks in `chunks` (varints).
//! Flags: 1 present before, 2 rows given, 4 runs given; the rest is 0 for float samples.
//!
//! Section `restarts`: per 16 series, offset in `series` and offset in `chunks`, u64 little endian.

use super::index::Index;
use super::{Error, GroupIx, Run};
use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use std::ops::Range;

pub(super) const PER_RESTART: u32 = 16;

const PRESENT_BEFORE: u8 = 1;
const SOME_ROWS: u8 = 2;
const RUNS: u8 = 4;

/// What of a group a series has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) group: GroupIx,
    pub(super) rows: Range<u32>,
    pub(super) present_before: bool,
    /// Where its runs are in the record's.
    pub(super) runs: Range<usize>,
    pub(super) samples: u32,
}

/// The pairs of a series: numbers of name and value, in order of names.
pub(super) type Pairs = Vec<(u32, u32)>;

/// Appends the pairs of a record.
pub(super) fn encode_pairs(pairs: &Pairs, before: &Pairs, out: &mut Vec<u8>) {
    let shared = pairs.iter().zip(before).take_while(|(a, b)| a == b).count();
    put_varint(out, shared as u64);
    put_varint(out, (pairs.len() - shared) as u64);
    for (name, value) in &pairs[shared..] {
        put_varint(out, u64::from(*name));
        put_varint(out, u64::from(*value));
    }
}

/// Appends a part of a group with so many rows.
pub(super) fn encode_part(
    group: GroupIx,
    all_rows: u32,
    rows: &Range<u32>,
    present_before: bool,
    runs: &[Run],
    out: &mut Vec<u8>,
) {
    let some_rows = *rows != (0..all_rows);
    let whole = runs.len() == 1 && runs[0] == *rows;
    out.push(
        if present_before { PRESENT_BEFORE } else { 0 }
            | if some_rows { SOME_ROWS } else { 0 }
            | if whole { 0 } else { RUNS },
    );
    put_varint(out, u64::from(group.0));
    if some_rows {
        put_varint(out, u64::from(rows.start));
        put_varint(out, u64::from(rows.end - rows.start));
    }
    if !whole {
        put_varint(out, runs.len() as u64);
        let mut at = rows.start;
        for run in runs {
            put_varint(out, u64::from(run.start - at));
            put_varint(out, u64::from(run.end - run.start));
            at = run.end;
        }
    }
}

/// A walk over the series of one block; cheap when it goes forward.
#[derive(Debug, Default)]
pub(crate) struct SeriesCursor {
    of_block: Option<u128>,
    next: u32,
    at: usize,
    pub(super) pairs: Pairs,
    pub(super) parts: Vec<Part>,
    pub(super) runs: Vec<Run>,
    /// Where the series' bytes start in `chunks`, and how many there are.
    pub(super) chunks: u64,
    pub(super) directories: u64,
    pub(super) data: u64,
    /// Value and its text by number of name: neighbours have much in common.
    texts: Vec<(u32, Vec<u8>)>,
}

impl SeriesCursor {
    /// Goes to a series.
    pub(super) fn seek(&mut self, index: &Index, series: u32) -> Result<(), Error> {
        self.go(index, series).map_err(|error| {
            self.of_block = None;
            Error::decode(index.path())(error)
        })
    }

    fn go(&mut self, index: &Index, series: u32) -> Result<(), DecodeError> {
        if series >= index.num_series() {
            return Err(DecodeError::Invalid("number of a series"));
        }
        if self.of_block != Some(index.block()) {
            self.texts.clear();
            (self.of_block, self.next) = (Some(index.block()), 0);
        } else if self.next == series + 1 {
            return Ok(());
        }
        let restart = series / PER_RESTART * PER_RESTART;
        if self.next == 0 || self.next > series || self.next < restart {
            self.next = restart;
        }
        while self.next <= series {
            self.step(index)?;
        }
        Ok(())
    }

    fn step(&mut self, index: &Index) -> Result<(), DecodeError> {
        if self.next.is_multiple_of(PER_RESTART) {
            let restarts = index.restarts();
            let entry = (self.next / PER_RESTART) as usize * 2;
            self.at = usize::try_from(u64_at(restarts, entry)?).unwrap_or(usize::MAX);
            self.chunks = u64_at(restarts, entry + 1)?;
            self.pairs.clear();
        } else {
            self.chunks = self.chunks.saturating_add(self.directories).saturating_add(self.data);
        }
        let bytes = index.series().get(self.at..).ok_or(DecodeError::Truncated)?;
        let mut from = ByteReader::new(bytes);
        let shared = from.index()?;
        if shared > self.pairs.len() {
            return Err(DecodeError::Invalid("shared labels"));
        }
        self.pairs.truncate(shared);
        for _ in 0..from.varint()? {
            self.pairs.push((from.u32()?, from.u32()?));
        }
        self.parts.clear();
        self.runs.clear();
        for _ in 0..from.varint()? {
            let part = read_part(&mut from, index, &mut self.runs)?;
            self.parts.push(part);
        }
        self.directories = from.varint()?;
        self.data = from.varint()?;
        self.at += from.pos();
        self.next += 1;
        Ok(())
    }

    /// The text of a pair's value.
    pub(super) fn text(
        &mut self,
        index: &Index,
        name: u32,
        value: u32,
    ) -> Result<&[u8], DecodeError> {
        let i = name as usize;
        if i >= self.texts.len() {
            self.texts.resize(index.names().len().max(i + 1), (u32::MAX, Vec::new()));
        }
        let (last, text) = &mut self.texts[i];
        if *last != value {
            *last = u32::MAX;
            text.clear();
            index.value(name, value, text)?;
            *last = value;
        }
        Ok(text)
    }
}

fn read_part(
    from: &mut ByteReader<'_>,
    index: &Index,
    runs: &mut Vec<Run>,
) -> Result<Part, DecodeError> {
    let flags = from.u8()?;
    if flags & !(PRESENT_BEFORE | SOME_ROWS | RUNS) != 0 {
        return Err(DecodeError::Invalid("flags of a part"));
    }
    let group = GroupIx(from.u32()?);
    let all_rows = index.rows(group).ok_or(DecodeError::Invalid("group"))?;
    let rows = if flags & SOME_ROWS == 0 { 0..all_rows } else { range(from, 0, all_rows)? };
    let first_run = runs.len();
    let mut samples = 0;
    if flags & RUNS == 0 {
        samples = rows.end - rows.start;
        runs.push(rows.clone());
    } else {
        let mut at = rows.start;
        for _ in 0..from.varint()? {
            let run = range(from, at, rows.end)?;
            // Runs that touch would look like an edge.
            if run.is_empty() || (run.start == at && runs.len() > first_run) {
                return Err(DecodeError::Invalid("run"));
            }
            samples += run.end - run.start;
            at = run.end;
            runs.push(run);
        }
    }
    let runs = first_run..runs.len();
    Ok(Part { group, rows, present_before: flags & PRESENT_BEFORE != 0, runs, samples })
}

/// A range given as distance from `start` and length, which may be empty and ends by `end`.
fn range(from: &mut ByteReader<'_>, start: u32, end: u32) -> Result<Range<u32>, DecodeError> {
    let first = start.checked_add(from.u32()?);
    let length = from.u32()?;
    let last = first.and_then(|first| first.checked_add(length)).filter(|last| *last <= end);
    match (first, last) {
        (Some(first), Some(last)) => Ok(first..last),
        _ => Err(DecodeError::Invalid("rows")),
    }
}

/// The `i`th of little-endian numbers.
pub(super) fn u32_at(bytes: &[u8], i: usize) -> Result<u32, DecodeError> {
    let at = i.checked_mul(4).and_then(|at| bytes.get(at..)?.first_chunk());
    Ok(u32::from_le_bytes(*at.ok_or(DecodeError::Truncated)?))
}

/// The `i`th of little-endian numbers.
pub(super) fn u64_at(bytes: &[u8], i: usize) -> Result<u64, DecodeError> {
    let at = i.checked_mul(8).and_then(|at| bytes.get(at..)?.first_chunk());
    Ok(u64::from_le_bytes(*at.ok_or(DecodeError::Truncated)?))
}
