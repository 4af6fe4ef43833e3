//! The file `ts`: per group the times of its rows, shared by all series of the group.
//!
//! Section `times`: per group, per 480 rows, their times as `codec::times`.
//! Section `groups`: count of groups (varint), then per group: key u64 · absence u8 (1 ends series,
//! 0 means nothing) · rows (varint) · for every 480 rows, first time minus that of the 480 before
//! (signed varint, from 0) and bytes in `times` (varint) · last time minus the last of those (varint).

use super::meta::{BlockMeta, Section, SectionFile};
use super::{Error, GroupIx};
use crate::codec::bits::{ByteReader, put_signed, put_varint};
use crate::codec::{self, DecodeError, Scratch};
use crate::disk::Disk;
use crate::mmap::Map;
use model::TimeRange;
use std::ops::Range;
use std::path::{Path, PathBuf};
use storage::Absence;

pub(super) const FILE: &str = "ts";
/// Rows that are encoded together.
pub(super) const STRETCH: usize = 480;

#[derive(Debug)]
pub(super) struct TimesWriter {
    file: SectionFile,
    groups: Vec<u8>,
    rows: Vec<u32>,
    scratch: Scratch,
    bytes: Vec<u8>,
}

impl TimesWriter {
    pub(super) fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let file = SectionFile::create(disk, dir, FILE)?;
        let (groups, rows, bytes) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { file, groups, rows, scratch: Scratch::default(), bytes })
    }

    /// Adds a group; times ascend strictly and there is at least one.
    pub(super) fn group(
        &mut self,
        key: u64,
        absence: Absence,
        times_ms: &[i64],
    ) -> Result<GroupIx, Error> {
        let ix = GroupIx(u32::try_from(self.rows.len()).expect("fewer than 2^32 groups"));
        let rows = u32::try_from(times_ms.len()).expect("fewer than 2^32 rows");
        self.rows.push(rows);
        self.groups.extend_from_slice(&key.to_le_bytes());
        self.groups.push(u8::from(absence == Absence::EndsSeries));
        put_varint(&mut self.groups, u64::from(rows));
        let mut previous = 0;
        for stretch in times_ms.chunks(STRETCH) {
            self.bytes.clear();
            codec::times::encode(stretch, &mut self.scratch, &mut self.bytes);
            self.file.write(&self.bytes)?;
            put_signed(&mut self.groups, stretch[0] - previous);
            put_varint(&mut self.groups, self.bytes.len() as u64);
            previous = stretch[0];
        }
        let last = times_ms.last().copied().unwrap_or(previous);
        put_varint(&mut self.groups, (last - previous).cast_unsigned());
        Ok(ix)
    }

    /// The number of rows of a group.
    pub(super) fn rows(&self, group: GroupIx) -> Option<u32> {
        self.rows.get(group.0 as usize).copied()
    }

    pub(super) fn groups(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn finish(mut self) -> Result<Vec<Section>, Error> {
        self.file.end_section("times", true);
        let mut count = Vec::new();
        put_varint(&mut count, self.rows.len() as u64);
        self.file.write(&count)?;
        self.file.write(&self.groups)?;
        self.file.end_section("groups", true);
        self.file.finish()
    }
}

/// A group of a block.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) key: u64,
    pub(super) absence: Absence,
    pub(super) rows: u32,
    /// Times of the first and the last row.
    pub(super) range: TimeRange,
    stretches: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Stretch {
    first_ms: i64,
    offset: u64,
}

/// The times of a block, opened and verified.
#[derive(Debug)]
pub(super) struct Times {
    map: Map,
    path: PathBuf,
    times: Range<usize>,
    groups: Vec<Group>,
    stretches: Vec<Stretch>,
}

impl Times {
    pub(super) fn open(disk: &dyn Disk, dir: &Path, meta: &BlockMeta) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let map = disk.map(&path)?;
        let times = meta.verified(dir, &map, FILE, "times")?;
        let directory = meta.verified(dir, &map, FILE, "groups")?;
        let mut all = Self { times, path, groups: Vec::new(), stretches: Vec::new(), map };
        let directory = &all.map[directory];
        let (groups, stretches) =
            read_groups(directory, all.times.len() as u64).map_err(Error::decode(&all.path))?;
        (all.groups, all.stretches) = (groups, stretches);
        Ok(all)
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The number of the stretch that holds a row, among all of the block; the row is of the group.
    pub(super) fn stretch_of(&self, group: &Group, row: u32) -> usize {
        group.stretches.start + row as usize / STRETCH
    }

    /// The first row whose time is not before `t_ms`; `scratch` keeps the stretch looked into.
    pub(super) fn first_row_from(
        &self,
        group: &Group,
        t_ms: i64,
        cache: &mut TimesCache,
        block: u128,
    ) -> Result<u32, Error> {
        if t_ms <= group.range.min_ms {
            return Ok(0);
        }
        if t_ms > group.range.max_ms {
            return Ok(group.rows);
        }
        let firsts = &self.stretches[group.stretches.clone()];
        let within = firsts.partition_point(|s| s.first_ms < t_ms).saturating_sub(1);
        let row = within * STRETCH;
        let first = u32::try_from(row).map_err(|_| Error::damaged(&self.path, "too many rows"))?;
        let times = cache.get(self, block, group, first)?;
        let inside = u32::try_from(times.partition_point(|t| *t < t_ms)).unwrap_or(0);
        Ok(first + inside)
    }

    /// Appends the times of the stretch that holds a row.
    pub(super) fn decode(
        &self,
        group: &Group,
        row: u32,
        scratch: &mut Scratch,
        out: &mut Vec<i64>,
    ) -> Result<(), Error> {
        let stretch = self.stretch_of(group, row);
        let first_row = row as usize / STRETCH * STRETCH;
        let count = (group.rows as usize - first_row).min(STRETCH);
        let times = &self.map[self.times.clone()];
        let offset = usize::try_from(self.stretches[stretch].offset).unwrap_or(usize::MAX);
        let bytes = times.get(offset..).unwrap_or(&[]);
        codec::times::decode(bytes, count, scratch, out).map_err(Error::decode(&self.path))?;
        Ok(())
    }
}

fn read_groups(bytes: &[u8], len: u64) -> Result<(Vec<Group>, Vec<Stretch>), DecodeError> {
    let mut from = ByteReader::new(bytes);
    let (mut groups, mut stretches) = (Vec::new(), Vec::new());
    let mut offset = 0_u64;
    for _ in 0..from.varint()? {
        let key = u64::from_le_bytes(from.array()?);
        let absence = match from.u8()? {
            0 => Absence::MeansNothing,
            1 => Absence::EndsSeries,
            _ => return Err(DecodeError::Invalid("absence")),
        };
        let rows = from.u32()?;
        let first_stretch = stretches.len();
        let mut first_ms = 0_i64;
        for _ in 0..(rows as usize).div_ceil(STRETCH) {
            let step = from.signed()?;
            first_ms = first_ms.checked_add(step).ok_or(DecodeError::Invalid("time"))?;
            stretches.push(Stretch { first_ms, offset });
            offset = offset.saturating_add(from.varint()?);
        }
        let last_ms = first_ms.checked_add_unsigned(from.varint()?);
        let last_ms = last_ms.ok_or(DecodeError::Invalid("time"))?;
        let Some(first) = stretches.get(first_stretch) else {
            return Err(DecodeError::Invalid("group without rows"));
        };
        let range = TimeRange { min_ms: first.first_ms, max_ms: last_ms };
        let stretches = first_stretch..stretches.len();
        groups.push(Group { key, absence, rows, range, stretches });
    }
    if offset != len {
        return Err(DecodeError::Invalid("length of times"));
    }
    Ok((groups, stretches))
}

/// Stretches decoded last: series in label order come from all groups in turn.
#[derive(Debug, Default)]
pub(super) struct TimesCache {
    slots: Vec<Slot>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Slot {
    of: Option<(u128, usize)>,
    times: Vec<i64>,
}

/// At most half a megabyte.
const SLOTS: usize = 128;

impl TimesCache {
    /// The times of the stretch that holds a row, from the stretch's first row on.
    pub(super) fn get(
        &mut self,
        times: &Times,
        block: u128,
        group: &Group,
        row: u32,
    ) -> Result<&[i64], Error> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, Slot::default);
        }
        let stretch = times.stretch_of(group, row);
        let of = Some((block, stretch));
        let slot = &mut self.slots[stretch % SLOTS];
        if slot.of != of {
            slot.of = None;
            slot.times.clear();
            times.decode(group, row, &mut self.scratch, &mut slot.times)?;
            slot.of = of;
        }
        Ok(&slot.times)
    }
}
