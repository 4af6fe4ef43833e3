//! What a query sees of the head: snapshots of the groups it selected from.

use super::chunk::Chunk;
use super::column::ColumnRows;
use super::histograms::Stream;
use super::open::{OpenRows, Tail};
use super::registry::{Place, Registry};
use super::{Head, NO_COLUMN};
use crate::codec::{DecodeError, Scratch};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::{Labels, Matcher, TimeRange};
use parking_lot::RwLockReadGuard;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use storage::Columns;

/// Buffers of a reader; reused from series to series.
#[derive(Debug, Default)]
pub(crate) struct ReadScratch {
    pub(crate) codec: Scratch,
    rows: ColumnRows,
}

/// The series that a selection found in the head.
pub(crate) struct HeadSelection {
    /// Labels of each series, and its places: in which views, and as the how manieth series of it.
    pub(crate) series: Vec<(Labels, Places)>,
    views: Vec<GroupView>,
}

/// Where a series is; several groups may write one.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    One(u32, u32),
    Many(Box<[(u32, u32)]>),
}

/// The rows of a group, and which of its series are wanted.
struct GroupView {
    ends_series: bool,
    chunks: Vec<ChunkView>,
    open: Option<OpenRows>,
    /// The delta rows, turned into columns when the first is read.
    tail: OnceLock<Result<Tail, DecodeError>>,
    /// Wanted series, and their columns in the open rows or [`NO_COLUMN`].
    wanted: Vec<(u32, u32)>,
    /// For each of them the histograms of its open rows; empty when the group has none.
    streams: Vec<Option<Arc<Stream>>>,
}

struct ChunkView {
    chunk: Arc<Chunk>,
    t_ms: OnceLock<Result<Vec<i64>, DecodeError>>,
}

impl Head {
    /// The registry with its postings up to date.
    pub(crate) fn indexed(&self) -> RwLockReadGuard<'_, Registry> {
        loop {
            let registry = self.registry.read();
            if !registry.needs_index() {
                return registry;
            }
            drop(registry);
            self.registry.write().index();
        }
    }

    /// Snapshots of what matches and may have samples in range.
    pub(crate) fn select(&self, matchers: &[Matcher], range: TimeRange) -> HeadSelection {
        let registry = self.indexed();
        let mut views: Vec<(u32, Vec<(u32, u32)>)> = Vec::new();
        let mut by_group: HashMap<u32, u32, RandomState> = HashMap::default();
        let mut found = Vec::new();
        for id in registry.select(matchers) {
            let mut places = registry.places(id).map(|place| {
                let view = *by_group.entry(place.group).or_insert_with(|| {
                    views.push((place.group, Vec::new()));
                    u32::try_from(views.len() - 1).expect("fewer views than groups")
                });
                let wanted = &mut views[view as usize].1;
                wanted.push((id, place.column));
                (view, u32::try_from(wanted.len() - 1).expect("fewer than there are series"))
            });
            let Some(first) = places.next() else { continue };
            let rest: Vec<_> = places.collect();
            let places = if rest.is_empty() {
                Places::One(first.0, first.1)
            } else {
                Places::Many([first].into_iter().chain(rest).collect())
            };
            found.push((id, places));
        }
        let series: Vec<(Labels, Places)> =
            found.into_iter().map(|(id, places)| (registry.labels(id), places)).collect();
        drop(registry);
        let views: Vec<GroupView> =
            views.into_iter().map(|(group, wanted)| self.view(group, wanted, range)).collect();
        let mut selection = HeadSelection { series, views };
        let HeadSelection { series, views } = &mut selection;
        series.retain(|(_, places)| {
            places.iter().any(|(view, i)| views[view as usize].may_have(i as usize))
        });
        selection
    }

    /// The newest sample that a group has of a series; its end, when the group says so.
    pub(crate) fn newest(&self, series: u32, place: Place) -> Option<(i64, f64)> {
        let view = self.view(place.group, vec![(series, place.column)], TimeRange::ALL);
        let (mut scratch, mut found) = (ReadScratch::default(), Columns::default());
        view.read(0, TimeRange::ALL, &mut scratch, &mut found).ok()?;
        let float = found.t_ms.last().copied().zip(found.values.last().copied());
        let histogram = found.histograms.last().map(|(t_ms, _)| *t_ms);
        let histogram = histogram.map(|t_ms| (t_ms, f64::from_bits(storage::HISTOGRAM_BITS)));
        float.into_iter().chain(histogram).max_by_key(|(t_ms, _)| *t_ms)
    }

    fn view(&self, id: u32, mut wanted: Vec<(u32, u32)>, range: TimeRange) -> GroupView {
        let mut view = GroupView {
            ends_series: false,
            chunks: Vec::new(),
            open: None,
            tail: OnceLock::new(),
            wanted: Vec::new(),
            streams: Vec::new(),
        };
        let Some(cell) = self.group(id) else { return view };
        let mut group = cell.lock();
        view.ends_series = group.ends_series();
        let overlaps = |min_ms, max_ms| range.overlaps(TimeRange { min_ms, max_ms });
        let chunks = group.chunks.iter().filter(|chunk| overlaps(chunk.first_ms, chunk.last_ms));
        view.chunks = chunks
            .map(|chunk| ChunkView { chunk: Arc::clone(chunk), t_ms: OnceLock::new() })
            .collect();
        let times = &group.open.t_ms;
        if let (Some(first), Some(last)) = (times.first(), times.last())
            && overlaps(*first, *last)
        {
            view.open = Some(group.open.snapshot());
        }
        let ids = Arc::clone(&group.open.ids);
        if view.open.is_some() && group.has_histograms() {
            check_columns(&mut wanted, &ids);
            view.streams = wanted.iter().map(|(_, column)| group.stream(*column)).collect();
        }
        drop(group);
        check_columns(&mut wanted, &ids);
        view.wanted = wanted;
        view
    }
}

/// The rows whose times lie in a range.
fn rows_in(t_ms: &[i64], range: TimeRange) -> Range<usize> {
    let first = t_ms.partition_point(|t| *t < range.min_ms);
    first..t_ms.partition_point(|t| *t <= range.max_ms)
}

/// Columns are hints: a group may have renumbered its columns since.
fn check_columns(wanted: &mut [(u32, u32)], ids: &[u32]) {
    let wrong = |(id, column): &(u32, u32)| ids.get(*column as usize) != Some(id);
    if !wanted.iter().any(wrong) {
        return;
    }
    let columns: HashMap<u32, u32, RandomState> = ids.iter().copied().zip(0..).collect();
    for (id, column) in wanted {
        *column = columns.get(id).copied().unwrap_or(NO_COLUMN);
    }
}

impl Places {
    /// View and series in it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let (one, many) = match self {
            Self::One(view, i) => (Some((*view, *i)), &[][..]),
            Self::Many(many) => (None, &many[..]),
        };
        one.into_iter().chain(many.iter().copied())
    }
}

impl HeadSelection {
    /// Appends the samples that one place of a series has in range.
    pub(crate) fn read(
        &self,
        (view, i): (u32, u32),
        range: TimeRange,
        scratch: &mut ReadScratch,
        out: &mut Columns,
    ) -> Result<(), DecodeError> {
        self.views[view as usize].read(i as usize, range, scratch, out)
    }
}

impl GroupView {
    fn may_have(&self, i: usize) -> bool {
        let Some((id, column)) = self.wanted.get(i) else { return false };
        let is_open = self.open.is_some() && *column != NO_COLUMN;
        is_open || self.chunks.iter().any(|view| view.chunk.find(*id).is_some())
    }

    fn read(
        &self,
        i: usize,
        range: TimeRange,
        scratch: &mut ReadScratch,
        out: &mut Columns,
    ) -> Result<(), DecodeError> {
        let Some((id, column)) = self.wanted.get(i).copied() else { return Ok(()) };
        let ReadScratch { codec, rows } = scratch;
        for view in &self.chunks {
            let chunk = &*view.chunk;
            let clip = TimeRange { min_ms: chunk.first_ms, max_ms: chunk.last_ms };
            let Some(column) = chunk.find(id).filter(|_| range.overlaps(clip)) else { continue };
            let t_ms = view.t_ms.get_or_init(|| chunk.t_ms(codec));
            let t_ms = t_ms.as_ref().map_err(|error| *error)?;
            let live = chunk.read(column, || rows_in(t_ms, range), codec, rows)?;
            rows.emit(t_ms, live, chunk.header.ends_series, range, out);
        }
        let Some(open) = self.open.as_ref().filter(|_| column != NO_COLUMN) else {
            return Ok(());
        };
        let tail = self.tail.get_or_init(|| {
            // Columns that are gone still take their place, so that numbers stay in step.
            open.tail(self.wanted.iter().map(|(_, column)| *column as usize))
        });
        let tail = tail.as_ref().map_err(|error| *error)?;
        let (column, in_range) = (column as usize, rows_in(&open.t_ms, range));
        // Histograms are found by their number among all that there are.
        let stream = self.streams.get(i).and_then(Option::as_ref);
        let wanted = if stream.is_some() { 0..open.t_ms.len() } else { in_range.clone() };
        let (first, live) = open.read(column, tail, i, wanted, rows)?;
        if let Some(stream) = stream {
            stream.decode(rows.marks_in(in_range), &mut rows.histograms)?;
        }
        let t_ms = &open.t_ms[first..][..rows.rows()];
        rows.emit(t_ms, live, self.ends_series, range, out);
        Ok(())
    }
}
