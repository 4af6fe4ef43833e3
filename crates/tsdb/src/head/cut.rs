//! Writing sealed chunks of the head to a block.

use super::Head;
use super::chunk::Chunk;
use super::column::ColumnRows;
use super::group::GroupHead;
use crate::Error;
use crate::block::{self, BlockMeta, BlockWriter, GroupIx, Run, SeriesPart};
use crate::codec::Scratch;
use crate::disk::Disk;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::{FloatHistogram, Labels, TimeRange, is_stale};
use roaring::RoaringBitmap;
use std::path::Path;
use std::sync::Arc;
use storage::{Absence, Source};
use ulid::Ulid;

/// The chunks of a group that go into the block.
struct CutGroup {
    index: GroupIx,
    chunks: Vec<Arc<Chunk>>,
    absence: Absence,
    t_ms: Vec<i64>,
}

/// What a series has in one group.
#[derive(Default)]
struct Part {
    index: u32,
    rows: u32,
    present_before: bool,
    runs: Vec<Run>,
    values: Vec<f64>,
    histograms: Vec<Arc<FloatHistogram>>,
}

impl Head {
    /// Writes all rows of a range to a block in the folder of blocks; `None` when there are none. Rows
    /// of the range that are still open are sealed first; the caller sees to it that no more come.
    pub(crate) fn write_block(
        &self,
        disk: &Arc<dyn Disk>,
        dir: &Path,
        ulid: Ulid,
        range: TimeRange,
    ) -> Result<Option<BlockMeta>, Error> {
        let mut scratch = Scratch::default();
        let mut writer = BlockWriter::new(Arc::clone(disk), dir, ulid, range)?;
        let mut groups: HashMap<u32, CutGroup, RandomState> = HashMap::default();
        let mut ids = RoaringBitmap::new();
        for cell in self.groups() {
            let mut group = cell.lock();
            if group.open.t_ms.first().is_some_and(|first| range.contains(*first)) {
                self.seal(&mut group);
            }
            let inside =
                |chunk: &Chunk| range.contains(chunk.first_ms) && range.contains(chunk.last_ms);
            let chunks: Vec<_> = group.chunks.iter().filter(|c| inside(c)).cloned().collect();
            let (id, key, absence) = (group.entry.group, key(&group), group.entry.absence);
            drop(group);
            if chunks.is_empty() {
                continue;
            }
            let mut t_ms = Vec::new();
            for chunk in &chunks {
                t_ms.extend(chunk.t_ms(&mut scratch)?);
                ids.extend(chunk.ids());
            }
            let index = writer.group(key, absence, &t_ms)?;
            groups.insert(id, CutGroup { index, chunks, absence, t_ms });
        }
        let registry = self.registry.read();
        let mut ids: Vec<u32> = ids.into_iter().filter(|id| registry.knows(*id)).collect();
        registry.sort_by_labels(&mut ids);
        drop(registry);
        if ids.is_empty() {
            return Ok(None);
        }
        let (mut rows, mut parts, mut of_parts) = (ColumnRows::default(), Vec::new(), Vec::new());
        for id in ids {
            let (labels, places): (Labels, Vec<u32>) = {
                let registry = self.registry.read();
                (registry.labels(id), registry.places(id).map(|place| place.group).collect())
            };
            let mut used = 0;
            of_parts.clear();
            for cut in places.iter().filter_map(|group| groups.get(group)) {
                if parts.len() == used {
                    parts.push(Part::default());
                }
                if parts[used].read(cut, id, &mut rows, &mut scratch)? {
                    of_parts.push(cut);
                    used += 1;
                }
            }
            if used > 1 {
                drop_ends(&mut parts[..used], &of_parts);
            }
            let parts: Vec<SeriesPart<'_>> = parts[..used].iter().map(Part::as_written).collect();
            if !parts.is_empty() {
                writer.series(&labels, &parts)?;
            }
        }
        Ok(Some(writer.finish(Vec::new())?))
    }
}

impl Part {
    /// Reads what a series has in a group; whether that is anything.
    fn read(
        &mut self,
        cut: &CutGroup,
        id: u32,
        rows: &mut ColumnRows,
        scratch: &mut Scratch,
    ) -> Result<bool, Error> {
        *self = Self {
            index: cut.index.0,
            rows: u32::try_from(cut.t_ms.len()).expect("rows of one block"),
            present_before: false,
            runs: std::mem::take(&mut self.runs),
            values: std::mem::take(&mut self.values),
            histograms: Vec::new(),
        };
        self.runs.clear();
        self.values.clear();
        let (mut first_row, mut found) = (0, false);
        for chunk in &cut.chunks {
            let chunk_rows = u32::try_from(chunk.rows()).expect("at most 480");
            if let Some(column) = chunk.find(id) {
                let live = chunk.read(column, || 0..chunk.rows(), scratch, rows)?;
                if first_row == 0 {
                    self.present_before = live && !rows.is_full();
                }
                self.add(first_row, chunk_rows, rows);
                found = true;
            }
            first_row += chunk_rows;
        }
        Ok(found)
    }

    fn add(&mut self, first_row: u32, count: u32, rows: &mut ColumnRows) {
        self.values.extend_from_slice(&rows.values);
        self.histograms.append(&mut rows.histograms);
        if rows.is_full() {
            return self.add_run(first_row..first_row + count);
        }
        for row in (0..count).filter(|row| rows.has(*row as usize)) {
            self.add_run(first_row + row..first_row + row + 1);
        }
    }

    fn add_run(&mut self, run: Run) {
        match self.runs.last_mut() {
            Some(last) if last.end == run.start => last.end = run.end,
            _ => self.runs.push(run),
        }
    }

    /// The time of the last value before a time, unless the series had ended by then.
    fn before(&self, cut: &CutGroup, t_ms: i64) -> Option<(i64, bool)> {
        let row = cut.t_ms.partition_point(|t| *t < t_ms);
        let (mut last, mut samples) = (None, 0);
        for run in self.runs.iter().take_while(|run| (run.start as usize) < row) {
            let end = (run.end as usize).min(row);
            samples += end - run.start as usize;
            last = Some(end - 1);
        }
        let last = last?;
        let is_marker = is_stale(self.values[samples - 1]);
        let has_ended = cut.absence == Absence::EndsSeries && last + 1 < row;
        Some((cut.t_ms[last], is_marker || has_ended))
    }

    /// The time of the next value from a time on.
    fn after(&self, cut: &CutGroup, t_ms: i64) -> Option<(i64, bool)> {
        let row = cut.t_ms.partition_point(|t| *t < t_ms);
        let run = self.runs.iter().find(|run| run.end as usize > row)?;
        Some((cut.t_ms[row.max(run.start as usize)], false))
    }

    fn as_written(&self) -> SeriesPart<'_> {
        SeriesPart {
            group: GroupIx(self.index),
            rows: 0..self.rows,
            present_before: self.present_before,
            runs: &self.runs,
            values: &self.values,
            histograms: &self.histograms,
        }
    }
}

/// Where a series ended in one group and goes on in another, its end is not written: the part says
/// nothing about the rows from there on.
fn drop_ends(parts: &mut [Part], groups: &[&CutGroup]) {
    for i in 0..parts.len() {
        let Some(end) = parts[i].runs.last().map(|run| run.end as usize) else { continue };
        let t_ms = &groups[i].t_ms;
        if groups[i].absence != Absence::EndsSeries || end >= t_ms.len() {
            continue;
        }
        let (own_ms, end_ms) = (t_ms[end - 1], t_ms[end]);
        let is_held = parts.iter().zip(groups).enumerate().any(|(j, (other, cut))| {
            let (before, after) = (other.before(cut, end_ms), other.after(cut, end_ms));
            j != i && block::goes_on(end_ms, Some(own_ms), before, after)
        });
        if is_held {
            parts[i].rows = u32::try_from(end).expect("rows of one block");
        }
    }
}

/// What tells the group in other blocks: the same in every process.
fn key(group: &GroupHead) -> u64 {
    let source = match group.entry.source {
        Source::Scrape => "scrape",
        Source::Rules => "rules",
        Source::Other => "other",
    };
    Labels::from_pairs([("source", source), ("key", &group.entry.key)]).hash64().max(1)
}
