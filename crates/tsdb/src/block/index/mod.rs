//! The file `index`: series, label names and values, postings, checksums of the pages of `chunks`.
//!
//! Sections `series` and `restarts`: see `series`.
//! Section `postings`: per name, in byte order of names, per value, in byte order: see `postings`; after
//! the last value the postings of all series that have the name.
//! Section `values`, per name: bytes of the dictionary u32 · dictionary of the values · per value in
//! order of first appearance its rank u32 · per rank, for the whole name and for the end, the offset
//! in the name's postings u32. All little endian.
//! Section `names`: count (varint), then per name: bytes (varint) and text · number, in order of first
//! appearance (varint) · bytes in `values` (varint) · bytes in `postings` (varint).
//! Section `pages`: crc32c of every page of `chunks`, u32 little endian.
//!
//! Series refer to names and values by the order of their first appearance, so that a block is written
//! in one pass.

mod write;

pub(super) use write::IndexWriter;

use super::dictionary::{Dictionary, utf8};
use super::meta::BlockMeta;
use super::postings::Postings;
use super::series::u32_at;
use super::{Error, GroupIx};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::disk::Disk;
use crate::mmap::Map;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub(super) const FILE: &str = "index";

/// The index of a block, opened and verified.
#[derive(Debug)]
pub(super) struct Index {
    map: Map,
    path: PathBuf,
    block: u128,
    num_series: u32,
    series: Range<usize>,
    restarts: Range<usize>,
    pages: Range<usize>,
    names: Vec<Name>,
    /// Where a name is in `names`, by its number.
    by_number: Vec<usize>,
    /// Rows of every group.
    rows: Box<[u32]>,
}

/// A label name and where in the file its values and postings are.
#[derive(Debug)]
pub(super) struct Name {
    pub(super) text: Box<str>,
    number: u32,
    values: usize,
    dictionary: Range<usize>,
    ranks: Range<usize>,
    offsets: Range<usize>,
    postings: Range<usize>,
}

impl Index {
    pub(super) fn open(
        disk: &dyn Disk,
        dir: &Path,
        meta: &BlockMeta,
        rows: Box<[u32]>,
    ) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let map = disk.map(&path)?;
        let section = |name| meta.verified(dir, &map, FILE, name);
        let (series, restarts) = (section("series")?, section("restarts")?);
        let (pages, values) = (section("pages")?, section("values")?);
        let (names, postings) = (section("names")?, section("postings")?);
        let num_series = u32::try_from(meta.stats.num_series)
            .map_err(|_| Error::damaged(&path, "too many series"))?;
        let read = read_names(&map, names, values, postings).and_then(|names| {
            let by_number = by_number(&names)?;
            Ok((names, by_number))
        });
        let (names, by_number) = read.map_err(Error::decode(&path))?;
        let block = meta.ulid.0;
        let mut index =
            Self { map, path, block, num_series, series, restarts, pages, names, by_number, rows };
        index.names.shrink_to_fit();
        Ok(index)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this block from others.
    pub(super) fn block(&self) -> u128 {
        self.block
    }

    pub(super) fn num_series(&self) -> u32 {
        self.num_series
    }

    pub(super) fn series(&self) -> &[u8] {
        &self.map[self.series.clone()]
    }

    pub(super) fn restarts(&self) -> &[u8] {
        &self.map[self.restarts.clone()]
    }

    pub(super) fn page_crcs(&self) -> &[u8] {
        &self.map[self.pages.clone()]
    }

    /// The number of rows of a group.
    pub(super) fn rows(&self, group: GroupIx) -> Option<u32> {
        self.rows.get(group.0 as usize).copied()
    }

    /// All label names, in byte order.
    pub(super) fn names(&self) -> &[Name] {
        &self.names
    }

    pub(super) fn name(&self, text: &str) -> Option<&Name> {
        let found = self.names.binary_search_by(|name| (*name.text).cmp(text));
        found.ok().map(|i| &self.names[i])
    }

    pub(super) fn name_numbered(&self, number: u32) -> Result<&Name, DecodeError> {
        let i = self.by_number.get(number as usize).ok_or(DecodeError::Invalid("label name"))?;
        Ok(&self.names[*i])
    }

    /// Appends the text of a value, both given by number.
    pub(super) fn value(
        &self,
        name: u32,
        value: u32,
        text: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let name = self.name_numbered(name)?;
        let rank = u32_at(&self.map[name.ranks.clone()], value as usize)? as usize;
        let dictionary = self.values(name)?;
        if rank >= dictionary.len() {
            return Err(DecodeError::Invalid("rank"));
        }
        dictionary.get(rank, text)
    }

    /// The values of a name, by rank.
    pub(super) fn values(&self, name: &Name) -> Result<Dictionary<'_>, DecodeError> {
        Dictionary::new(&self.map[name.dictionary.clone()])
    }

    /// The series with the value of a rank.
    pub(super) fn postings(&self, name: &Name, rank: usize) -> Result<Postings, DecodeError> {
        let offsets = &self.map[name.offsets.clone()];
        let start = u32_at(offsets, rank)? as usize;
        let end = u32_at(offsets, rank + 1)? as usize;
        let all = &self.map[name.postings.clone()];
        let bytes = all.get(start..end).ok_or(DecodeError::Invalid("offset of postings"))?;
        Postings::decode(bytes, self.num_series)
    }

    /// The series that have a name.
    pub(super) fn with_name(&self, name: &Name) -> Result<Postings, DecodeError> {
        self.postings(name, name.values)
    }
}

fn read_names(
    map: &Map,
    names: Range<usize>,
    values: Range<usize>,
    postings: Range<usize>,
) -> Result<Vec<Name>, DecodeError> {
    let mut from = ByteReader::new(&map[names]);
    let (mut value_at, mut posting_at) = (values.start, postings.start);
    let mut all: Vec<Name> = Vec::new();
    for _ in 0..from.varint()? {
        let len = from.index()?;
        let text: Box<str> = utf8(from.take(len)?)?.into();
        if all.last().is_some_and(|last| last.text >= text) {
            return Err(DecodeError::Invalid("order of names"));
        }
        let number = from.u32()?;
        let next = |at: &mut usize, len: usize, end: usize| {
            let start = *at;
            *at = start.checked_add(len).filter(|at| *at <= end).ok_or(DecodeError::Truncated)?;
            Ok(start..*at)
        };
        let of_values = next(&mut value_at, from.index()?, values.end)?;
        let postings = next(&mut posting_at, from.index()?, postings.end)?;

        let bytes = &map[of_values.clone()];
        let dictionary_len = u32_at(bytes, 0)? as usize;
        let count = u32_at(bytes, 1)? as usize;
        let dictionary = of_values.start + 4..of_values.start + 4 + dictionary_len;
        let ranks = dictionary.end..dictionary.end + 4 * count;
        let offsets = ranks.end..ranks.end + 4 * (count + 2);
        if offsets.end != of_values.end {
            return Err(DecodeError::Invalid("length of values"));
        }
        all.push(Name { text, number, values: count, dictionary, ranks, offsets, postings });
    }
    Ok(all)
}

fn by_number(names: &[Name]) -> Result<Vec<usize>, DecodeError> {
    let mut by_number = vec![usize::MAX; names.len()];
    for (i, name) in names.iter().enumerate() {
        let slot = by_number.get_mut(name.number as usize);
        *slot.ok_or(DecodeError::Invalid("number of a name"))? = i;
    }
    if by_number.contains(&usize::MAX) {
        return Err(DecodeError::Invalid("number of a name"));
    }
    Ok(by_number)
}
