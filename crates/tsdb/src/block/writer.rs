//! Writing a block: groups first, then series in label order.

use super::chunks::ChunksWriter;
use super::index::IndexWriter;
use super::series::encode_part;
use super::times::TimesWriter;
use super::{BlockMeta, CHUNK_SAMPLES, Error, GroupIx, Run, Stats};
use crate::codec::bits::put_varint;
use crate::codec::{self, Scratch, histogram};
use crate::disk::Disk;
use model::{FloatHistogram, Labels, TimeRange};
use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::Absence;
use ulid::Ulid;

/// What a folder that is being written is called after the name it will have.
pub(super) const TMP: &str = ".tmp";

/// The samples a series has in one group.
#[derive(Clone, Debug)]
pub(crate) struct SeriesPart<'a> {
    /// The group.
    pub(crate) group: GroupIx,
    /// Which of its rows the part speaks about, usually all.
    pub(crate) rows: Range<u32>,
    /// Whether the series was present in the group's row before these.
    pub(crate) present_before: bool,
    /// The rows with a value: not empty, ascending, not touching.
    pub(crate) runs: &'a [Run],
    /// A value per row with a value.
    pub(crate) values: &'a [f64],
    /// The histograms that some of the values stand for.
    pub(crate) histograms: &'a [Arc<FloatHistogram>],
}

/// As [`SeriesPart`], with the values in chunks.
#[derive(Clone, Debug)]
pub(crate) struct EncodedPart<'a> {
    pub(crate) group: GroupIx,
    pub(crate) rows: Range<u32>,
    pub(crate) present_before: bool,
    pub(crate) runs: Vec<Run>,
    pub(crate) chunks: Vec<Encoded<'a>>,
}

/// A chunk.
#[derive(Clone, Debug)]
pub(crate) struct Encoded<'a> {
    pub(crate) samples: u32,
    pub(crate) bytes: Cow<'a, [u8]>,
}

/// Writes one block. What it wrote is gone again when it is dropped before [`BlockWriter::finish`].
///
/// Memory: the distinct label values and their postings, and one series.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    tmp: TmpDir,
    dir: PathBuf,
    ulid: Ulid,
    range: TimeRange,
    times: TimesWriter,
    chunks: ChunksWriter,
    index: IndexWriter,
    last: Option<Labels>,
    samples: u64,
    num_chunks: u64,
    has_histograms: bool,
    scratch: Scratch,
    buffers: Buffers,
}

#[derive(Debug, Default)]
struct Buffers {
    parts: Vec<u8>,
    directories: Vec<u8>,
    data: Vec<u8>,
    ends: Vec<(u32, usize)>,
}

#[derive(Debug)]
struct TmpDir {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    renamed: bool,
}

impl Drop for TmpDir {
    fn drop(&mut self) {
        if !self.renamed {
            // Whatever is left is removed at the next start.
            self.disk.remove_dir(&self.path).ok();
        }
    }
}

impl BlockWriter {
    /// Starts a block in the folder of blocks; all rows will lie in `range`.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        dir: &Path,
        ulid: Ulid,
        range: TimeRange,
    ) -> Result<Self, Error> {
        let path = dir.join(format!("{ulid}{TMP}"));
        match disk.remove_dir(&path) {
            Err(error) if !error.is_not_found() => return Err(error.into()),
            _ => disk.create_dir(&path)?,
        }
        let tmp = TmpDir { disk: disk.clone(), path: path.clone(), renamed: false };
        Ok(Self {
            tmp,
            dir: dir.into(),
            ulid,
            range,
            times: TimesWriter::create(&*disk, &path)?,
            chunks: ChunksWriter::create(&*disk, &path)?,
            index: IndexWriter::create(&*disk, &path)?,
            last: None,
            samples: 0,
            num_chunks: 0,
            has_histograms: false,
            scratch: Scratch::default(),
            buffers: Buffers::default(),
        })
    }

    /// Adds a group by the times of its rows, in milliseconds, strictly ascending, at least one.
    /// `key` says which groups of different blocks are the same; 0 is like no other.
    ///
    /// # Panics
    /// When times do not ascend or lie outside of the block's range.
    pub(crate) fn group(
        &mut self,
        key: u64,
        absence: Absence,
        times_ms: &[i64],
    ) -> Result<GroupIx, Error> {
        assert!(!times_ms.is_empty(), "a group without rows");
        assert!(times_ms.is_sorted_by(|a, b| a < b), "times must ascend");
        let ends = [times_ms[0], times_ms[times_ms.len() - 1]];
        assert!(ends.iter().all(|t| self.range.contains(*t)), "rows outside of {:?}", self.range);
        self.times.group(key, absence, times_ms)
    }

    /// Adds a series; its labels are greater than those of the series before.
    ///
    /// # Panics
    /// When labels do not ascend, or parts do not fit their groups or values.
    pub(crate) fn series(
        &mut self,
        labels: &Labels,
        parts: &[SeriesPart<'_>],
    ) -> Result<(), Error> {
        self.begin(labels);
        for part in parts {
            let samples = self.part(part.group, &part.rows, part.present_before, part.runs);
            assert_eq!(samples as usize, part.values.len(), "values of a part");
            let Buffers { data, ends, .. } = &mut self.buffers;
            ends.clear();
            let mut histograms = part.histograms;
            self.has_histograms |= !histograms.is_empty();
            for chunk in part.values.chunks(CHUNK_SAMPLES) {
                let start = data.len();
                if histograms.is_empty() {
                    codec::encode(chunk, &mut self.scratch, data);
                } else {
                    let here = histogram::marks(chunk).min(histograms.len());
                    let (here, later) = histograms.split_at(here);
                    histogram::encode_samples(chunk, here, &mut self.scratch, data);
                    histograms = later;
                }
                let samples = u32::try_from(chunk.len()).expect("at most 480");
                ends.push((samples, data.len() - start));
            }
            self.directory(samples);
        }
        self.end(labels, parts.len())
    }

    /// As [`BlockWriter::series`], with chunks that are taken as they are.
    pub(crate) fn encoded_series(
        &mut self,
        labels: &Labels,
        parts: &[EncodedPart<'_>],
    ) -> Result<(), Error> {
        self.begin(labels);
        for part in parts {
            let samples = self.part(part.group, &part.rows, part.present_before, &part.runs);
            let Buffers { data, ends, .. } = &mut self.buffers;
            ends.clear();
            for chunk in &part.chunks {
                data.extend_from_slice(&chunk.bytes);
                ends.push((chunk.samples, chunk.bytes.len()));
            }
            self.directory(samples);
        }
        self.end(labels, parts.len())
    }

    /// Says that some of the chunks taken as they are may hold histograms.
    pub(crate) fn may_hold_histograms(&mut self) {
        self.has_histograms = true;
    }

    fn begin(&mut self, labels: &Labels) {
        assert!(self.last.as_ref().is_none_or(|last| last < labels), "series must ascend");
        let Buffers { parts, directories, data, .. } = &mut self.buffers;
        parts.clear();
        directories.clear();
        data.clear();
    }

    fn part(
        &mut self,
        group: GroupIx,
        rows: &Range<u32>,
        present_before: bool,
        runs: &[Run],
    ) -> u32 {
        let all_rows = self.times.rows(group).expect("a part names a group of the block");
        assert!(rows.start <= rows.end && rows.end <= all_rows, "rows of a part");
        let (mut samples, mut at) = (0, None);
        for run in runs {
            let apart = at.map_or(run.start >= rows.start, |at| run.start > at);
            assert!(apart && !run.is_empty() && run.end <= rows.end, "runs of a part");
            samples += run.end - run.start;
            at = Some(run.end);
        }
        encode_part(group, all_rows, rows, present_before, runs, &mut self.buffers.parts);
        samples
    }

    /// Writes the directory of the chunks in `ends`.
    fn directory(&mut self, samples: u32) {
        let Buffers { directories, ends, .. } = &mut self.buffers;
        let in_chunks: u32 = ends.iter().map(|(samples, _)| samples).sum();
        assert_eq!(in_chunks, samples, "chunks of a part");
        let full = u32::try_from(CHUNK_SAMPLES).expect("480");
        let mut left = samples;
        let irregular = ends.iter().any(|(samples, _)| {
            let regular = *samples == left.min(full);
            left -= samples;
            !regular
        });
        put_varint(directories, (ends.len() as u64) << 1 | u64::from(irregular));
        for (samples, len) in &*ends {
            if irregular {
                put_varint(directories, u64::from(*samples));
            }
            put_varint(directories, *len as u64);
        }
        self.samples += u64::from(samples);
        self.num_chunks += ends.len() as u64;
    }

    fn end(&mut self, labels: &Labels, parts: usize) -> Result<(), Error> {
        let Buffers { parts: of_parts, directories, data, .. } = &self.buffers;
        self.index.series(labels, self.chunks.len(), |record| {
            put_varint(record, parts as u64);
            record.extend_from_slice(of_parts);
            put_varint(record, directories.len() as u64);
            put_varint(record, data.len() as u64);
        })?;
        self.chunks.write(directories)?;
        self.chunks.write(data)?;
        self.last = Some(labels.clone());
        Ok(())
    }

    /// Makes the block durable under its name. `sources` are the blocks it replaces and their sources.
    pub(crate) fn finish(self, sources: Vec<Ulid>) -> Result<BlockMeta, Error> {
        let Self { mut tmp, dir, ulid, range, times, chunks, index, has_histograms, .. } = self;
        let stats = Stats {
            num_series: u64::from(index.num_series()),
            num_samples: self.samples,
            num_chunks: self.num_chunks,
            num_groups: times.groups() as u64,
        };
        let (mut sections, page_crcs) = chunks.finish()?;
        sections.extend(times.finish()?);
        sections.extend(index.finish(&page_crcs)?);
        let bytes = sections.iter().map(|section| section.length).sum();
        let meta = BlockMeta { ulid, range, stats, sources, has_histograms, bytes, sections };
        meta.write(&*tmp.disk, &tmp.path)?;
        tmp.disk.sync_dir(&tmp.path)?;
        tmp.disk.rename(&tmp.path, &dir.join(ulid.to_string()))?;
        tmp.renamed = true;
        tmp.disk.sync_dir(&dir)?;
        Ok(meta)
    }
}
