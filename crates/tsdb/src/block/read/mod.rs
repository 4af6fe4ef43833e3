//! Reading a block: which series, their labels, their samples.

mod part;

use super::chunks::{Chunk, Chunks, read_directory};
use super::dictionary::utf8;
use super::index::Index;
use super::series::{Part, SeriesCursor};
use super::times::{Group, STRETCH, Times, TimesCache};
use super::{BlockMeta, Encoded, EncodedPart, Error, GroupIx, overlay, select};
use crate::codec::bits::ByteReader;
use crate::codec::{DecodeError, Scratch};
use crate::disk::Disk;
use model::{FloatHistogram, Labels, Matcher, TimeRange};
use part::Reading;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{Absence, Columns, SampleSink};

/// A block, opened: `index` and `ts` are verified, pages of `chunks` are when they are read.
/// Series are numbered from 0 in label order.
#[derive(Debug)]
pub(crate) struct Block {
    dir: PathBuf,
    meta: BlockMeta,
    index: Index,
    times: Times,
    chunks: Chunks,
}

/// What reads need and keep from series to series: one per thread, for any blocks.
#[derive(Debug, Default)]
pub(crate) struct ReadScratch {
    cursor: SeriesCursor,
    times: TimesCache,
    chunks: Vec<Chunk>,
    parts: Vec<Wanted>,
    values: Decoded,
    columns: [Columns; 3],
}

/// The chunk decoded last.
#[derive(Debug, Default)]
struct Decoded {
    codec: Scratch,
    chunk: Option<usize>,
    values: Vec<f64>,
    histograms: Vec<Arc<FloatHistogram>>,
}

/// A part that may have samples in the range that is read.
#[derive(Debug)]
struct Wanted {
    part: usize,
    chunks: Range<usize>,
    range: TimeRange,
}

impl Block {
    /// Opens the block in a folder.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the file that is missing, short or changed.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let open = || {
            let meta = BlockMeta::read(disk, dir)?;
            let times = Times::open(disk, dir, &meta)?;
            let rows = times.groups().iter().map(|group| group.rows).collect();
            let index = Index::open(disk, dir, &meta, rows)?;
            let chunks = Chunks::open(disk, dir, &meta)?;
            if chunks.pages() * 4 != index.page_crcs().len() {
                return Err(Error::damaged(chunks.path(), "number of pages"));
            }
            Ok(Self { dir: dir.into(), meta, index, times, chunks })
        };
        match open() {
            Err(Error::Disk(error)) if error.is_not_found() => {
                Err(Error::damaged(&error.path, "missing"))
            }
            opened => opened,
        }
    }

    /// The folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What it holds.
    pub(crate) fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// The number of series.
    pub(crate) fn num_series(&self) -> u32 {
        self.index.num_series()
    }

    /// The series that satisfy all matchers.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> Result<RoaringBitmap, Error> {
        select::select(&self.index, matchers).map_err(Error::decode(self.index.path()))
    }

    /// The labels of a series.
    pub(crate) fn labels(&self, series: u32, cursor: &mut SeriesCursor) -> Result<Labels, Error> {
        cursor.seek(&self.index, series)?;
        self.labels_here(cursor).map_err(Error::decode(self.index.path()))
    }

    fn labels_here(&self, cursor: &mut SeriesCursor) -> Result<Labels, DecodeError> {
        let mut values = Vec::with_capacity(256);
        let mut ends = Vec::with_capacity(cursor.pairs.len());
        let mut last = "";
        for i in 0..cursor.pairs.len() {
            let (name, value) = cursor.pairs[i];
            let text = cursor.text(&self.index, name, value)?;
            values.extend_from_slice(text);
            let name = &*self.index.name_numbered(name)?.text;
            if i > 0 && name <= last {
                return Err(DecodeError::Invalid("order of labels"));
            }
            last = name;
            ends.push((name, values.len()));
        }
        let values = utf8(&values)?;
        let mut start = 0;
        let mut pairs = Vec::with_capacity(ends.len());
        for (name, end) in ends {
            pairs.push((name, values.get(start..end).ok_or(DecodeError::Invalid("text"))?));
            start = end;
        }
        Ok(Labels::from_sorted(pairs))
    }

    /// Whether a series may have samples in a range, as far as the index knows.
    pub(crate) fn may_have(
        &self,
        series: u32,
        range: TimeRange,
        cursor: &mut SeriesCursor,
    ) -> Result<bool, Error> {
        cursor.seek(&self.index, series)?;
        Ok(cursor.parts.iter().any(|part| self.group(part).range.overlaps(range)))
    }

    /// Calls `each` with the label names that some of the series have (all names if none are given),
    /// in byte order, while it says so.
    pub(crate) fn for_each_label_name(
        &self,
        series: Option<&RoaringBitmap>,
        mut each: impl FnMut(&str) -> bool,
    ) -> Result<(), Error> {
        for name in self.index.names() {
            let there = match series {
                None => true,
                Some(series) => {
                    let with_name = self.index.with_name(name);
                    with_name.map_err(Error::decode(self.index.path()))?.meets(series)
                }
            };
            if there && !each(&name.text) {
                break;
            }
        }
        Ok(())
    }

    /// Calls `each` with the values of a label that some of the series have (all values if none are
    /// given), in byte order, while it says so.
    pub(crate) fn for_each_label_value(
        &self,
        name: &str,
        series: Option<&RoaringBitmap>,
        each: impl FnMut(&str) -> bool,
    ) -> Result<(), Error> {
        let Some(name) = self.index.name(name) else { return Ok(()) };
        select::for_each_value(&self.index, name, series, each)
            .map_err(Error::decode(self.index.path()))
    }

    /// Hands the samples of a series within a range to the sink, in ascending order of time,
    /// staleness markers of edges among them.
    pub(crate) fn read_series(
        &self,
        series: u32,
        range: TimeRange,
        scratch: &mut ReadScratch,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        scratch.cursor.seek(&self.index, series)?;
        self.find_parts(range, scratch)?;
        scratch.values.chunk = None;
        if scratch.parts.len() > 1 {
            let order = |wanted: &Wanted| wanted.range.min_ms;
            let sorted = scratch.parts.is_sorted_by_key(order);
            let ends_before = |a: &Wanted, b: &Wanted| a.range.max_ms < b.range.min_ms;
            let by_time = {
                let mut by_time: Vec<&Wanted> = scratch.parts.iter().collect();
                by_time.sort_by_key(|wanted| order(wanted));
                by_time.windows(2).all(|pair| ends_before(pair[0], pair[1]))
            };
            if !by_time {
                return self.read_overlaid(range, scratch, sink);
            }
            if !sorted {
                scratch.parts.sort_by_key(order);
            }
        }
        let ReadScratch { cursor, times, chunks, parts, values, .. } = scratch;
        for wanted in &*parts {
            let part = &cursor.parts[wanted.part];
            let mut reading = Reading {
                block: self,
                part,
                runs: &cursor.runs[part.runs.clone()],
                chunks: &chunks[wanted.chunks.clone()],
                first_chunk: wanted.chunks.start,
                times,
                values,
            };
            reading.read(range, sink)?;
        }
        Ok(())
    }

    fn read_overlaid(
        &self,
        range: TimeRange,
        scratch: &mut ReadScratch,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        let ReadScratch { cursor, times, chunks, parts, values, columns } = scratch;
        let [all, one, merged] = columns;
        all.clear();
        for wanted in &*parts {
            let part = &cursor.parts[wanted.part];
            one.clear();
            let mut reading = Reading {
                block: self,
                part,
                runs: &cursor.runs[part.runs.clone()],
                chunks: &chunks[wanted.chunks.clone()],
                first_chunk: wanted.chunks.start,
                times: &mut *times,
                values: &mut *values,
            };
            reading.read(range, one)?;
            merged.clear();
            overlay(all, one, merged);
            std::mem::swap(all, merged);
        }
        storage::hand_over(all, sink);
        Ok(())
    }

    /// Lists the parts that may have samples in the range, with their chunks.
    fn find_parts(&self, range: TimeRange, scratch: &mut ReadScratch) -> Result<(), Error> {
        let ReadScratch { cursor, times, chunks, parts, .. } = scratch;
        parts.clear();
        chunks.clear();
        if !cursor.parts.iter().any(|part| self.group(part).range.overlaps(range)) {
            return Ok(());
        }
        let several = cursor.parts.len() > 1;
        self.read_directories(cursor, chunks, |i, chunks| {
            let part = &cursor.parts[i];
            if part.rows.is_empty() {
                return Ok(());
            }
            let group = self.group(part);
            let mut of_part = group.range;
            if several && part.rows != (0..group.rows) {
                of_part.min_ms = self.time(group, part.rows.start, times)?;
                of_part.max_ms = self.time(group, part.rows.end - 1, times)?;
            }
            if of_part.overlaps(range) {
                parts.push(Wanted { part: i, chunks, range: of_part });
            }
            Ok(())
        })
    }

    /// Reads the chunk directories of the cursor's series; `each` gets a part and its chunks.
    fn read_directories(
        &self,
        cursor: &SeriesCursor,
        chunks: &mut Vec<Chunk>,
        mut each: impl FnMut(usize, Range<usize>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let len = cursor.directories;
        let bytes = self.chunks.bytes(cursor.chunks, len, self.index.page_crcs())?;
        let bytes = &bytes[..usize::try_from(len).unwrap_or(0).min(bytes.len())];
        let mut from = ByteReader::new(bytes);
        let mut offset = cursor.chunks.saturating_add(len);
        for (i, part) in cursor.parts.iter().enumerate() {
            let (of_part, end) = read_directory(&mut from, part.samples, offset, chunks)
                .map_err(Error::decode(self.chunks.path()))?;
            offset = end;
            each(i, of_part)?;
        }
        Ok(())
    }

    fn time(&self, group: &Group, row: u32, cache: &mut TimesCache) -> Result<i64, Error> {
        let times = cache.get(&self.times, self.index.block(), group, row)?;
        Ok(times[row as usize % STRETCH])
    }

    /// The group of a part, which was checked to exist.
    fn group(&self, part: &Part) -> &Group {
        &self.times.groups()[part.group.0 as usize]
    }

    /// The parts of a series with their chunks as they are.
    pub(crate) fn encoded_parts<'a>(
        &'a self,
        series: u32,
        cursor: &mut SeriesCursor,
        out: &mut Vec<EncodedPart<'a>>,
    ) -> Result<(), Error> {
        cursor.seek(&self.index, series)?;
        let mut all = Vec::new();
        let mut ranges = Vec::new();
        self.read_directories(cursor, &mut all, |i, chunks| {
            ranges.push((i, chunks));
            Ok(())
        })?;
        for (i, of_part) in ranges {
            let part = &cursor.parts[i];
            let mut chunks = Vec::with_capacity(of_part.len());
            for chunk in &all[of_part] {
                let bytes = self.chunk_bytes(chunk)?;
                let bytes = Cow::Borrowed(&bytes[..(chunk.len as usize).min(bytes.len())]);
                chunks.push(Encoded { samples: chunk.samples, bytes });
            }
            out.push(EncodedPart {
                group: part.group,
                rows: part.rows.clone(),
                present_before: part.present_before,
                runs: cursor.runs[part.runs.clone()].to_vec(),
                chunks,
            });
        }
        Ok(())
    }

    fn chunk_bytes(&self, chunk: &Chunk) -> Result<&[u8], Error> {
        self.chunks.bytes(chunk.offset, u64::from(chunk.len), self.index.page_crcs())
    }

    /// Key, absence and range of every group, in order of their numbers.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (u64, Absence, TimeRange)> {
        self.times.groups().iter().map(|group| (group.key, group.absence, group.range))
    }

    /// Appends the times of a group's rows.
    pub(crate) fn group_times(
        &self,
        group: GroupIx,
        scratch: &mut Scratch,
        out: &mut Vec<i64>,
    ) -> Result<(), Error> {
        let Some(group) = self.times.groups().get(group.0 as usize) else { return Ok(()) };
        for row in (0..group.rows).step_by(STRETCH) {
            self.times.decode(group, row, scratch, out)?;
        }
        Ok(())
    }
}
