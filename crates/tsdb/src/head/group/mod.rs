//! One group in memory: its columns as arrays, its open rows, its sealed chunks.

mod mend;
mod replayed;

use super::chunk::{Builder, Chunk, Header, MAX_ROWS};
use super::column::ColumnRows;
use super::histograms::{Histograms, Stream};
use super::mini::{MINI_ROWS, Mini};
use super::open::{OpenRows, SharedTail, Tail};
use crate::codec::Scratch;
use crate::codec::bits::put_varint;
use crate::codec::row::{self, RowState};
use crate::wal::Wal;
use crate::wal::record::{self, GroupEntry, entry};
use model::{FloatHistogram, is_stale};
use roaring::RoaringBitmap;
use std::sync::Arc;
use storage::{Absence, Column, GroupSpec, Row};

/// Rows after which a chunk ends, unless rows come at least every [`FAST_MS`].
const CHUNK_ROWS: usize = 120;
const FAST_MS: i64 = 2_000;
/// A chunk of more than [`CHUNK_ROWS`] also ends at this size.
const CHUNK_BYTES: usize = 64 << 10;
/// Time after which a chunk ends.
const CHUNK_MS: i64 = 30 * 60_000;
/// A chunk ends early when there are so many times the columns that the last row had values for, and
/// [`MIN_OVERGROWN`]: most of them had one value and will have no other.
const OVERGROWN: usize = 4;
const MIN_OVERGROWN: usize = 1 << 14;

/// A group and its rows in the head.
pub(crate) struct GroupHead {
    /// What the log says about it.
    pub(crate) entry: GroupEntry,
    /// Which of its successive writers may write.
    pub(crate) writer: u64,
    /// Whether that writer is still there.
    pub(crate) has_writer: bool,
    /// Sealed chunks, oldest first.
    pub(crate) chunks: Vec<Arc<Chunk>>,
    /// Rows since.
    pub(crate) open: OpenRows,
    /// Their histograms, if there ever were any.
    histograms: Option<Box<Histograms>>,
    /// The last row: what the next delta row is the difference to.
    state: RowState,
    epoch: u32,
    last_ms: i64,
    tail_rows: usize,
    /// The epoch of the log that has a key row of this group, and how many columns it knows.
    logged: Option<u32>,
    logged_columns: usize,
    /// Columns dropped since the last row, by their numbers then.
    unlogged_drop: Vec<u32>,
    /// Rows went by that are in blocks, and none was stored since.
    skipped: bool,
    /// Series that lost their column and are still held by a chunk.
    ended: usize,
    /// The last change ended in a panic.
    is_mended: bool,
}

/// What becomes of columns when a chunk is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unused {
    /// All of them stay.
    Stay,
    /// Those without a value in the chunk are dropped.
    Go,
    /// So are those without one in its last row.
    GoAtOnce,
}

/// Which series a group's columns became: new by old column.
pub(crate) struct Dropped {
    pub(crate) remap: Box<[u32]>,
    /// Series that have no column any more.
    pub(crate) ids: Vec<u32>,
}

impl GroupHead {
    pub(crate) fn new(entry: GroupEntry) -> Self {
        let open = OpenRows {
            ids: Arc::default(),
            t_ms: Vec::new(),
            minis: Vec::new(),
            base: Arc::default(),
            tail: Vec::new(),
            live_before: Arc::from([]),
            shared: SharedTail::default(),
        };
        Self {
            entry,
            writer: 0,
            has_writer: false,
            chunks: Vec::new(),
            open,
            histograms: None,
            state: RowState::new(),
            epoch: 0,
            last_ms: i64::MIN,
            tail_rows: 0,
            logged: None,
            logged_columns: 0,
            unlogged_drop: Vec::new(),
            skipped: false,
            ended: 0,
            is_mended: false,
        }
    }

    /// Lets a new writer in, with what it says about the group.
    pub(crate) fn enter(&mut self, spec: &GroupSpec) {
        self.writer += 1;
        self.has_writer = true;
        let entry =
            GroupEntry { absence: spec.absence, common: spec.common.clone(), ..self.entry.clone() };
        self.restore(entry);
    }

    /// Takes over what is said about the group.
    pub(crate) fn restore(&mut self, entry: GroupEntry) {
        if entry != self.entry {
            // A chunk has one meaning of absence.
            self.seal(Unused::Stay);
            self.entry = entry;
            self.logged = None;
        }
    }

    /// Time of the last row, `i64::MIN` before the first.
    pub(crate) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// First and last time of the rows held.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        let open = self.open.t_ms.first().copied();
        let first = self.chunks.first().map(|chunk| chunk.first_ms).or(open)?;
        let chunk = self.chunks.last().map(|chunk| chunk.last_ms);
        Some((first, self.open.t_ms.last().copied().or(chunk)?))
    }

    /// Whether absence ends a series.
    pub(crate) fn ends_series(&self) -> bool {
        self.entry.absence == Absence::EndsSeries
    }

    /// Adds columns for series; the caller sees to it that there are not too many.
    pub(crate) fn add_columns(&mut self, ids: &[u32]) {
        Arc::make_mut(&mut self.open.ids).extend_from_slice(ids);
        assert!(self.open.ids.len() <= record::MAX_COLUMNS, "too many columns");
    }

    /// Series that ended and are still held.
    pub(crate) fn ended(&self) -> usize {
        self.ended
    }

    /// Whether rows already here must be sealed before a row of this time joins them.
    pub(crate) fn must_seal_before(&self, t_ms: i64, block_ms: i64) -> bool {
        self.open.t_ms.first().is_some_and(|first| {
            t_ms.saturating_sub(*first) >= CHUNK_MS
                || t_ms.div_euclid(block_ms) != first.div_euclid(block_ms)
        })
    }

    /// Whether the chunk is complete with the rows it has, given when the next row is to be expected;
    /// and then what becomes of its columns.
    pub(crate) fn is_complete(&self, block_ms: i64) -> Option<Unused> {
        if self.is_overgrown() {
            return Some(Unused::GoAtOnce);
        }
        self.is_long(block_ms).then_some(Unused::Go)
    }

    fn is_overgrown(&self) -> bool {
        let columns = self.open.ids.len();
        if columns < MIN_OVERGROWN || self.open.t_ms.len() < 2 {
            return false;
        }
        let present: u32 = self.state.present().iter().map(|word| word.count_ones()).sum();
        columns > OVERGROWN * present as usize
    }

    fn is_long(&self, block_ms: i64) -> bool {
        let (rows, t_ms) = (self.open.t_ms.len(), &self.open.t_ms);
        if rows < 2 {
            return false;
        }
        let interval = t_ms[rows - 1] - t_ms[rows - 2];
        if rows >= CHUNK_ROWS {
            let mean = (t_ms[rows - 1] - t_ms[0]) / i64::try_from(rows - 1).unwrap_or(i64::MAX);
            if mean > FAST_MS || rows >= MAX_ROWS {
                return true;
            }
            let minis = self.open.minis.iter().map(|mini| mini.heap_bytes());
            let histograms = self.histograms.as_ref().map_or(0, |all| all.open_bytes());
            if minis.sum::<usize>() + histograms >= CHUNK_BYTES {
                return true;
            }
        }
        self.must_seal_before(self.last_ms.saturating_add(interval), block_ms)
    }

    /// Stores a row that is newer than the last one, and puts it in the log. Whether the log should be
    /// flushed out of turn.
    pub(crate) fn push(&mut self, row: &Row, wal: Option<&Wal>) -> bool {
        self.begin_rows();
        let start = self.open.tail.len();
        row::encode(row, &mut self.state, &mut self.open.tail);
        let (full, key) = match wal {
            Some(wal) => self.log_row(row, start, wal),
            None => {
                self.push_histograms(row.histograms(), false);
                (false, None)
            }
        };
        self.row_pushed(key);
        full
    }

    /// Takes in histograms of a row; what the log is to have of them.
    fn push_histograms(
        &mut self,
        histograms: &[(Column, Arc<FloatHistogram>)],
        key: bool,
    ) -> Vec<u8> {
        let mut body = Vec::new();
        if !histograms.is_empty() || key && self.histograms.is_some() {
            self.histograms.get_or_insert_default().push(histograms, key, &mut body);
        }
        body
    }

    /// The histograms of a column's open rows, if it has any.
    pub(crate) fn stream(&self, column: u32) -> Option<Arc<Stream>> {
        self.histograms.as_ref()?.stream(column)
    }

    /// Whether there ever were histograms.
    pub(crate) fn has_histograms(&self) -> bool {
        self.histograms.is_some()
    }

    /// Rows that went by without being stored are what the first stored one is the difference to.
    fn begin_rows(&mut self) {
        if std::mem::take(&mut self.skipped) {
            debug_assert!(self.open.t_ms.is_empty(), "rows in blocks go before others");
            self.open.base = Arc::new(self.state.clone());
            self.open.live_before = self.live();
        }
    }

    /// After a key row the next row is the difference to that row alone, in memory as in the log.
    fn row_pushed(&mut self, key: Option<RowState>) {
        self.last_ms = self.state.t_ms();
        self.open.t_ms.push(self.last_ms);
        self.tail_rows += 1;
        if self.tail_rows == MINI_ROWS || key.is_some() {
            self.seal_mini(key);
        }
    }

    fn log_row(&mut self, row: &Row, start: usize, wal: &Wal) -> (bool, Option<RowState>) {
        let group = self.entry.group;
        let mut head = Vec::with_capacity(8);
        put_varint(&mut head, u64::from(group));
        let mut log = wal.buffer();
        let is_new = self.logged != Some(log.epoch());
        let mut body = Vec::new();
        if is_new {
            record::put_group(&mut body, &self.entry);
            log.put(entry::GROUP, &[&body]);
            self.logged = Some(log.epoch());
            self.logged_columns = 0;
        } else if !self.unlogged_drop.is_empty() {
            body.clone_from(&head);
            record::put_runs(&mut body, &self.unlogged_drop);
            log.put(entry::DROP, &[&body]);
            self.logged_columns -= self.unlogged_drop.len();
        }
        self.unlogged_drop.clear();
        if is_new || self.logged_columns != self.open.ids.len() {
            body.clear();
            let new = &self.open.ids[self.logged_columns..];
            record::put_columns(&mut body, group, self.logged_columns, new);
            log.put(entry::COLUMNS, &[&body]);
            self.logged_columns = self.open.ids.len();
        }
        let histograms = self.push_histograms(row.histograms(), is_new);
        let mut key = None;
        if is_new {
            body.clear();
            let mut state = RowState::new();
            row::encode(row, &mut state, &mut body);
            log.put(entry::KEY_ROW, &[&head, &body, &histograms]);
            key = Some(state);
        } else {
            log.put(entry::DELTA_ROW, &[&head, &self.open.tail[start..], &histograms]);
        }
        log.saw(row.t_ms());
        (log.is_full(), key)
    }

    fn seal_mini(&mut self, key: Option<RowState>) {
        let before = (!self.open.minis.is_empty()).then_some(&*self.open.base);
        let rows = self.open.transpose(0..self.state.columns()).expect("rows of our own making");
        self.open.minis.push(Arc::new(Mini::seal(&rows, before)));
        if let Some(state) = key {
            self.state = state;
        }
        self.open.base = Arc::new(self.state.clone());
        self.open.tail.clear();
        self.tail_rows = 0;
    }

    /// Turns the open rows into a sealed chunk. When columns are dropped from the group, the rest moves
    /// up.
    pub(crate) fn seal(&mut self, of_unused: Unused) -> Option<Dropped> {
        let scratch = &mut Scratch::default();
        if self.open.t_ms.is_empty() {
            return None;
        }
        let header =
            Header { group: self.entry.group, epoch: self.epoch, ends_series: self.ends_series() };
        let ids = Arc::clone(&self.open.ids);
        let tail = self.open.transpose(0..self.state.columns()).expect("rows of our own making");
        let (tail, all) = (Tail::Picked(tail), 0..self.open.t_ms.len());
        let mut builder = Builder::new(header, &self.open.t_ms, scratch);
        let (mut rows, mut unused) = (ColumnRows::default(), vec![true; ids.len()]);
        for column in by_series(&ids) {
            let read = self.open.read(column, &tail, column, all.clone(), &mut rows);
            read.expect("mini-batches of our own making");
            if let Some(stream) = u32::try_from(column).ok().and_then(|column| self.stream(column))
            {
                stream
                    .decode(0..rows.rows(), &mut rows.histograms)
                    .expect("histograms of our own making");
            }
            unused[column] = rows.values.is_empty();
            let before = self.open.was_live(column) && self.ends_series();
            if !unused[column] || before {
                builder.push(ids[column], &rows, before, scratch);
            }
        }
        if of_unused == Unused::GoAtOnce {
            // Their end is told by the chunk: a row of it is without them.
            let ended = (0..).zip(&mut unused).filter(|(i, _)| !self.state.is_present(*i));
            ended.for_each(|(_, unused)| *unused = true);
        }
        self.chunks.extend(builder.finish().map(Arc::new));
        if let Some(histograms) = &mut self.histograms {
            histograms.seal();
        }
        let drops = of_unused != Unused::Stay && unused.contains(&true);
        let dropped = drops.then(|| self.drop_columns(&unused));
        self.open.t_ms.clear();
        self.open.minis.clear();
        self.open.tail.clear();
        self.tail_rows = 0;
        self.open.base = Arc::new(self.state.clone());
        self.open.live_before = self.live();
        dropped
    }

    fn drop_columns(&mut self, unused: &[bool]) -> Dropped {
        let mut next = 0;
        let remap = unused.iter().map(|unused| {
            if *unused {
                return u32::MAX;
            }
            next += 1;
            next - 1
        });
        let remap: Box<[u32]> = remap.collect();
        if let Some(histograms) = &mut self.histograms {
            histograms.remap(&remap);
        }
        let columns = (0..).zip(unused).filter(|(_, unused)| **unused);
        self.unlogged_drop.extend(columns.map(|(column, _)| column));
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for (id, unused) in self.open.ids.iter().zip(unused) {
            if *unused { dropped.push(*id) } else { kept.push(*id) }
        }
        self.open.ids = Arc::new(kept);
        self.state.retain(|column| !unused[column]);
        self.epoch = self.epoch.wrapping_add(1);
        self.ended += dropped.len();
        Dropped { remap, ids: dropped }
    }

    /// Makes the columns from `from` on be these series, as the log says; a list from 0 on replaces
    /// all columns. False when the list does not follow from the columns there are.
    pub(crate) fn set_columns(&mut self, from: usize, ids: &[u32]) -> bool {
        if from > 0 {
            if from != self.open.ids.len() {
                return false;
            }
            Arc::make_mut(&mut self.open.ids).extend_from_slice(ids);
            return true;
        }
        if !ids.starts_with(&self.open.ids) {
            // Columns are only ever dropped in order and added at the end.
            let mut kept = ids.iter().peekable();
            let ids = Arc::clone(&self.open.ids);
            self.drop_replayed(|column| kept.next_if_eq(&&ids[column]).is_none());
        }
        self.open.ids = Arc::new(ids.to_vec());
        true
    }

    /// Drops columns as the log says.
    pub(crate) fn drop_replayed(&mut self, mut is_unused: impl FnMut(usize) -> bool) {
        self.seal(Unused::Stay);
        let unused: Vec<bool> = (0..self.open.ids.len()).map(&mut is_unused).collect();
        self.drop_columns(&unused);
        self.unlogged_drop.clear();
        self.open.base = Arc::new(self.state.clone());
        self.open.live_before = self.live();
    }

    /// Columns that have a value now which is no staleness marker.
    fn live(&self) -> Arc<[u64]> {
        let words = self.state.present().iter().zip(self.state.last().chunks(64));
        let live = words.map(|(present, last)| {
            let stale = |(i, value): (usize, &f64)| u64::from(is_stale(*value)) << i;
            present & !last.iter().enumerate().fold(0, |word, at| word | stale(at))
        });
        live.collect()
    }

    /// Drops chunks that end before a time; how many, and the series that are nowhere in the group
    /// any more.
    pub(crate) fn truncate(&mut self, before_ms: i64) -> (usize, Vec<u32>) {
        let kept = self.chunks.partition_point(|chunk| chunk.last_ms < before_ms);
        if kept == 0 {
            return (0, Vec::new());
        }
        let (mut gone, mut held) = (RoaringBitmap::new(), RoaringBitmap::new());
        for chunk in self.chunks.drain(..kept) {
            gone.extend(chunk.ids());
        }
        for chunk in &self.chunks {
            held.extend(chunk.ids());
        }
        let written: RoaringBitmap = self.open.ids.iter().copied().collect();
        held -= &written;
        self.ended = usize::try_from(held.len()).unwrap_or(usize::MAX);
        gone -= held;
        gone -= written;
        (kept, gone.into_iter().collect())
    }

    /// Whether nothing is held and nobody writes.
    pub(crate) fn is_idle(&self) -> bool {
        !self.has_writer && self.chunks.is_empty() && self.open.t_ms.is_empty()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.bytes().len()).sum();
        let histograms = self.histograms.as_ref().map_or(0, |all| all.heap_bytes());
        chunks + self.open.heap_bytes() + histograms + self.state.heap_bytes()
    }
}

/// Columns in ascending order of their series.
fn by_series(ids: &[u32]) -> Vec<usize> {
    let mut columns: Vec<usize> = (0..ids.len()).collect();
    if !ids.is_sorted() {
        columns.sort_unstable_by_key(|column| ids[*column]);
    }
    columns
}
