//! Merging blocks: their groups in a row, their series side by side, their chunks as they are.
//!
//! Groups with the same key whose rows follow one another become one group, so that a target's parts
//! become one part. Chunks of at least half the full size are copied; neighbours smaller than that
//! are decoded and packed anew. What readers see stays the same to the bit.

use crate::block::{
    Block, BlockMeta, BlockWriter, CHUNK_SAMPLES, Encoded, EncodedPart, Error, GroupIx,
    SeriesCursor,
};
use crate::codec::Scratch;
use crate::codec::histogram::{decode_samples, encode_samples, marks};
use crate::disk::Disk;
use model::{Labels, TimeRange};
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use storage::Absence;
use ulid::Ulid;

/// Chunks with fewer samples are packed anew with their neighbours.
const SMALL: u32 = 240;

/// Merges blocks into a new one in the folder of blocks. Where samples of two blocks have the same
/// time, the earlier one in the list wins. The caller removes the sources.
pub(crate) fn merge(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    blocks: &[&Block],
    ulid: Ulid,
) -> Result<BlockMeta, Error> {
    let ranges = || blocks.iter().map(|block| block.meta().range);
    let range = TimeRange {
        min_ms: ranges().map(|range| range.min_ms).min().unwrap_or(0),
        max_ms: ranges().map(|range| range.max_ms).max().unwrap_or(0),
    };
    let mut scratch = Scratch::default();
    let mut writer = BlockWriter::new(disk.clone(), dir, ulid, range)?;
    if blocks.iter().any(|block| block.meta().has_histograms) {
        writer.may_hold_histograms();
    }
    let placed = place_groups(blocks, &mut writer, &mut scratch)?;

    let mut sources: Vec<Source<'_>> = blocks.iter().copied().map(Source::new).collect();
    for source in &mut sources {
        source.advance()?;
    }
    let apart = are_apart(blocks);
    let mut of_block = Vec::new();
    let mut parts: Vec<EncodedPart<'_>> = Vec::new();
    while let Some(labels) = sources.iter().filter_map(|source| source.labels.as_ref()).min() {
        let labels = labels.clone();
        parts.clear();
        for (source, placed) in sources.iter_mut().zip(&placed) {
            if source.labels.as_ref() == Some(&labels) {
                of_block.clear();
                source.block.encoded_parts(source.series, &mut source.cursor, &mut of_block)?;
                // Parts of blocks that are apart in time cannot meet, so order does not matter there.
                let mut open = if apart { 0..parts.len() } else { 0..0 };
                for part in of_block.drain(..) {
                    open.start = place_part(part, placed, &mut parts, open.clone());
                }
                source.advance()?;
            }
        }
        for part in &mut parts {
            let chunks = std::mem::take(&mut part.chunks);
            part.chunks = repack(chunks, &mut scratch, dir)?;
        }
        writer.encoded_series(&labels, &parts)?;
    }
    let mut replaced: Vec<Ulid> = blocks
        .iter()
        .flat_map(|block| block.meta().sources.iter().copied().chain([block.meta().ulid]))
        .collect();
    replaced.sort_unstable();
    replaced.dedup();
    writer.finish(replaced)
}

/// A block and the series it is at.
struct Source<'a> {
    block: &'a Block,
    cursor: SeriesCursor,
    series: u32,
    next: u32,
    labels: Option<Labels>,
}

impl<'a> Source<'a> {
    fn new(block: &'a Block) -> Self {
        Self { block, cursor: SeriesCursor::default(), series: 0, next: 0, labels: None }
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.series = self.next;
        self.labels = if self.series < self.block.num_series() {
            Some(self.block.labels(self.series, &mut self.cursor)?)
        } else {
            None
        };
        self.next += 1;
        Ok(())
    }
}

/// Where a source's group went: its group in the new block and its first row there.
type Placed = (GroupIx, u32);

/// Writes the groups; gives the place of every group of every block.
fn place_groups(
    blocks: &[&Block],
    writer: &mut BlockWriter,
    scratch: &mut Scratch,
) -> Result<Vec<Vec<Placed>>, Error> {
    let mut placed: Vec<Vec<Placed>> =
        blocks.iter().map(|block| vec![(GroupIx(0), 0); block.groups().count()]).collect();
    let mut all: Vec<(u64, Absence, TimeRange, usize, u32)> = Vec::new();
    for (b, block) in blocks.iter().enumerate() {
        let groups = (0..).zip(block.groups());
        all.extend(groups.map(|(g, (key, absence, range))| (key, absence, range, b, g)));
    }
    all.sort_by_key(|(key, absence, range, b, g)| {
        (*key, *absence == Absence::EndsSeries, range.min_ms, *b, *g)
    });
    let follows = |a: &(u64, Absence, TimeRange, usize, u32),
                   b: &(u64, Absence, TimeRange, _, _)| {
        a.0 != 0 && a.0 == b.0 && a.1 == b.1 && a.2.max_ms < b.2.min_ms
    };
    let mut times = Vec::new();
    for (number, chain) in (0..).zip(all.chunk_by(follows)) {
        times.clear();
        for (_, _, _, b, g) in chain {
            let first_row = u32::try_from(times.len()).expect("fewer than 2^32 rows");
            placed[*b][*g as usize] = (GroupIx(number), first_row);
            blocks[*b].group_times(GroupIx(*g), scratch, &mut times)?;
        }
        let (key, absence, ..) = chain[0];
        let written = writer.group(key, absence, &times)?;
        debug_assert_eq!(written, GroupIx(number), "groups are numbered as they come");
    }
    Ok(placed)
}

/// Whether no two blocks share a time.
fn are_apart(blocks: &[&Block]) -> bool {
    let mut ranges: Vec<TimeRange> = blocks.iter().map(|block| block.meta().range).collect();
    ranges.sort_by_key(|range| range.min_ms);
    ranges.windows(2).all(|pair| pair[0].max_ms < pair[1].min_ms)
}

/// Adds a part in its new place: to a part that ends where it begins, if both agree on whether the
/// series was present there. Only the last part and those in `open` are looked at, which keeps the
/// order of parts, the first of which wins. Gives the new start of `open`.
fn place_part<'a>(
    mut part: EncodedPart<'a>,
    placed: &[Placed],
    parts: &mut Vec<EncodedPart<'a>>,
    open: Range<usize>,
) -> usize {
    let (group, first_row) = placed[part.group.0 as usize];
    part.group = group;
    part.rows = part.rows.start + first_row..part.rows.end + first_row;
    for run in &mut part.runs {
        *run = run.start + first_row..run.end + first_row;
    }
    let continues = |before: &EncodedPart<'_>| {
        let present = before.runs.last().is_some_and(|run| run.end == before.rows.end);
        before.group == group
            && before.rows.end == part.rows.start
            && present == part.present_before
    };
    let last = parts.len().saturating_sub(1)..parts.len();
    let found = open.clone().chain(last).find(|i| continues(&parts[*i]));
    let Some(i) = found else {
        parts.push(part);
        return open.end;
    };
    let before = &mut parts[i];
    before.rows.end = part.rows.end;
    let mut runs = part.runs.into_iter().peekable();
    if let (Some(last), Some(first)) = (before.runs.last_mut(), runs.peek())
        && last.end == first.start
    {
        last.end = first.end;
        runs.next();
    }
    before.runs.extend(runs);
    before.chunks.extend(part.chunks);
    (i + 1).min(open.end)
}

/// Packs small chunks anew, with their small neighbours.
fn repack<'a>(
    chunks: Vec<Encoded<'a>>,
    scratch: &mut Scratch,
    dir: &Path,
) -> Result<Vec<Encoded<'a>>, Error> {
    let mut out = Vec::with_capacity(chunks.len());
    for small in chunks.chunk_by(|a, b| a.samples < SMALL && b.samples < SMALL) {
        if small.len() == 1 {
            out.extend_from_slice(small);
            continue;
        }
        let (mut values, mut histograms) = (Vec::new(), Vec::new());
        for chunk in small {
            let samples = chunk.samples as usize;
            decode_samples(&chunk.bytes, samples, scratch, &mut values, &mut histograms)
                .map_err(|error| Error::Damaged { path: dir.into(), what: error.to_string() })?;
        }
        let mut histograms = &histograms[..];
        for values in values.chunks(CHUNK_SAMPLES) {
            let mut bytes = Vec::new();
            let (here, later) = histograms.split_at(marks(values).min(histograms.len()));
            encode_samples(values, here, scratch, &mut bytes);
            histograms = later;
            let samples = u32::try_from(values.len()).expect("at most 480");
            out.push(Encoded { samples, bytes: Cow::Owned(bytes) });
        }
    }
    Ok(out)
}
