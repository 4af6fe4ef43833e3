//! The head: rows of the last hours in memory, by group.
//!
//! A row goes through three forms. A delta row, the same bytes as in the log, is the difference to the
//! row before ([`group`]). Sixteen of them become a mini-batch, turned into columns ([`mini`]). At the
//! end of a chunk's time mini-batches become a sealed group chunk ([`chunk`]), which readers share.
//! There is no object and no lock per series: a group keeps arrays, and one mutex.
//!
//! Locks, in the order in which they are taken: groups, a group, registry, exemplars, the log's
//! buffer.

pub(crate) mod chunk;
pub(crate) mod column;
pub(crate) mod cut;
pub(crate) mod group;
mod histograms;
mod interner;
mod mini;
mod open;
mod postings;
pub(crate) mod registry;
pub(crate) mod replay;
mod staged;
pub(crate) mod stats;
pub(crate) mod view;
mod writer;

use crate::disk::DiskError;
use crate::exemplars::Ring;
use crate::metrics::Metrics;
use crate::series_log::SeriesLog;
use crate::wal::Wal;
use crate::wal::record::GroupEntry;
use foldhash::fast::RandomState;
use group::{GroupHead, Unused};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use registry::{Full, Place, Registry};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use storage::{GroupSpec, Source};

/// The column of a series that has rows in a group but no column any more.
pub(crate) const NO_COLUMN: u32 = u32::MAX;

#[derive(Default)]
struct Groups {
    by_id: HashMap<u32, Arc<Mutex<GroupHead>>, RandomState>,
    by_key: HashMap<(Source, String), u32, RandomState>,
    next: u32,
}

/// The files that the head can be rebuilt from.
struct Log {
    wal: Wal,
    series: Mutex<SeriesLog>,
}

/// Recent rows.
pub(crate) struct Head {
    pub(crate) registry: RwLock<Registry>,
    groups: RwLock<Groups>,
    /// Set once replay is over; never for a database in memory.
    log: OnceLock<Log>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) block_ms: i64,
    pub(crate) max_series: Option<usize>,
    /// Series that writers have asked for and no row had a value for.
    staged: AtomicUsize,
    pub(crate) exemplars: Mutex<Ring>,
    /// Rows older than this are in blocks, or nowhere.
    min_valid_ms: AtomicI64,
    max_ms: AtomicI64,
}

impl Head {
    /// An empty head.
    pub(crate) fn new(block_ms: i64, max_series: Option<usize>, metrics: Arc<Metrics>) -> Self {
        Self {
            registry: RwLock::default(),
            groups: RwLock::default(),
            log: OnceLock::new(),
            metrics,
            block_ms,
            max_series,
            staged: AtomicUsize::new(0),
            exemplars: Mutex::default(),
            min_valid_ms: AtomicI64::new(i64::MIN),
            max_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// From now on rows go to this log.
    ///
    /// # Panics
    /// When there is one already: a bug.
    pub(crate) fn set_log(&self, wal: Wal, series: SeriesLog) {
        assert!(self.log.set(Log { wal, series: Mutex::new(series) }).is_ok(), "a second log");
    }

    /// The log, unless all is in memory only.
    pub(crate) fn wal(&self) -> Option<&Wal> {
        self.log.get().map(|log| &log.wal)
    }

    /// Writes what was committed since the last flush.
    pub(crate) fn flush(&self) -> Result<(), DiskError> {
        self.log.get().map_or(Ok(()), |log| log.wal.flush(|| self.flush_series(log)))
    }

    /// The same, and ends the current segment.
    pub(crate) fn rotate(&self) -> Result<(), DiskError> {
        self.log.get().map_or(Ok(()), |log| log.wal.rotate(|| self.flush_series(log)))
    }

    /// Makes what was flushed survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        let Some(log) = self.log.get() else { return Ok(()) };
        if log.wal.is_broken() {
            self.flush()?;
        }
        log.series.lock().sync()?;
        log.wal.sync()
    }

    /// Label sets go before the rows that mention them.
    fn flush_series(&self, log: &Log) -> Result<(), DiskError> {
        let mut series = log.series.lock();
        let new = self.registry.write().take_unlogged();
        let written = series.append(&self.registry.read(), &new);
        if written.is_err() {
            self.registry.write().put_unlogged(new);
        }
        written
    }

    /// Writes the series log anew when most of it is about series nobody knows any more.
    pub(crate) fn shrink_series_log(&self) -> Result<(), DiskError> {
        let Some(log) = self.log.get() else { return Ok(()) };
        let mut series = log.series.lock();
        let registry = self.registry.read();
        if series.is_stale(registry.len()) { series.rewrite(&registry) } else { Ok(()) }
    }

    /// Rows before this time are refused.
    pub(crate) fn min_valid_ms(&self) -> i64 {
        self.min_valid_ms.load(Relaxed)
    }

    /// Refuses rows before a time from now on.
    pub(crate) fn set_min_valid_ms(&self, t_ms: i64) {
        self.min_valid_ms.fetch_max(t_ms, Relaxed);
    }

    /// The newest row's time, `i64::MIN` when there never was one.
    pub(crate) fn max_ms(&self) -> i64 {
        self.max_ms.load(Relaxed)
    }

    fn saw(&self, t_ms: i64) {
        self.max_ms.fetch_max(t_ms, Relaxed);
    }

    /// All groups.
    pub(crate) fn groups(&self) -> Vec<Arc<Mutex<GroupHead>>> {
        self.groups.read().by_id.values().cloned().collect()
    }

    /// A group by its number.
    pub(crate) fn group(&self, id: u32) -> Option<Arc<Mutex<GroupHead>>> {
        self.groups.read().by_id.get(&id).cloned()
    }

    /// First and last time of all rows held.
    pub(crate) fn range(&self) -> Option<(i64, i64)> {
        let ranges = self.groups().into_iter().filter_map(|group| group.lock().range());
        ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Finds or makes the group of a spec, for a new writer; the writer before may no longer write.
    fn enter(&self, spec: &GroupSpec) -> Result<(Arc<Mutex<GroupHead>>, u64), Full> {
        let mut groups = self.groups.write();
        let key = (spec.source, spec.key.clone());
        let cell = match groups.by_key.get(&key) {
            Some(id) => Arc::clone(&groups.by_id[id]),
            None => {
                let group = groups.next;
                groups.next = group.checked_add(1).ok_or(Full)?;
                let entry = GroupEntry {
                    group,
                    source: spec.source,
                    absence: spec.absence,
                    key: spec.key.clone(),
                    common: spec.common.clone(),
                };
                let cell = Arc::new(Mutex::new(GroupHead::new(entry)));
                groups.by_id.insert(group, Arc::clone(&cell));
                groups.by_key.insert(key, group);
                cell
            }
        };
        let mut group = cell.lock();
        group.enter(spec);
        let writer = group.writer;
        drop(group);
        Ok((cell, writer))
    }

    /// Makes a group that the log tells of, or changes it.
    fn restore(&self, entry: GroupEntry) -> Result<Arc<Mutex<GroupHead>>, Full> {
        let mut groups = self.groups.write();
        groups.next = groups.next.max(entry.group.checked_add(1).ok_or(Full)?);
        groups.by_key.insert((entry.source, entry.key.clone()), entry.group);
        let cell = groups
            .by_id
            .entry(entry.group)
            .or_insert_with(|| Arc::new(Mutex::new(GroupHead::new(entry.clone()))));
        cell.lock().restore(entry);
        Ok(Arc::clone(cell))
    }

    /// Says in the registry which columns the series of a group have now, and which lost theirs.
    fn place_columns(&self, group: &GroupHead, lost: &[u32]) {
        let mut registry = self.registry.write();
        let id = group.entry.group;
        for series in
            lost.iter().filter(|series| registry.knows(**series)).copied().collect::<Vec<_>>()
        {
            if group.chunks.iter().any(|chunk| chunk.find(series).is_some()) {
                registry.set_place(series, Place { group: id, column: NO_COLUMN });
            } else {
                registry.remove_place(series, id);
            }
        }
        for (column, series) in (0..).zip(group.open.ids.iter()) {
            if registry.knows(*series) {
                registry.set_place(*series, Place { group: id, column });
            }
        }
    }

    /// Bytes of rows in memory.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.groups().iter().map(|group| group.lock().heap_bytes()).sum()
    }

    /// How many groups have a writer.
    pub(crate) fn writers(&self) -> usize {
        self.groups().iter().filter(|group| group.lock().has_writer).count()
    }

    /// Seals what a group has open, so that it can be cut.
    pub(crate) fn seal(&self, group: &mut GroupHead) {
        group.change(|group| group.seal(Unused::Stay));
        self.metrics.chunks_created.inc();
    }

    /// Drops what ends before a time, and groups and series that nothing is left of.
    pub(crate) fn truncate(&self, before_ms: i64) {
        for cell in self.groups() {
            let mut group = cell.lock();
            let (chunks, gone) = group.truncate(before_ms);
            self.metrics.chunks_removed.add(chunks as u64);
            if !gone.is_empty() {
                let mut registry = self.registry.write();
                for id in gone {
                    if registry.knows(id) {
                        registry.remove_place(id, group.entry.group);
                    }
                }
            }
        }
        self.remove_idle();
        // Without a log no segment can mention a number.
        let (oldest, current) = self.wal().map_or((u32::MAX, 0), Wal::segments);
        let mut registry = self.registry.write();
        registry.release(oldest);
        let started = Instant::now();
        let forgotten = registry.forget(current);
        self.metrics.series_removed.add(forgotten as u64);
        if registry.is_stale()
            && let Ok(rebuilt) = registry.rebuilt()
        {
            *registry = rebuilt;
        }
        registry.optimize();
        self.metrics.gc_count.inc();
        self.metrics.gc_seconds.add(started.elapsed().as_secs_f64());
    }

    fn remove_idle(&self) {
        let mut groups = self.groups.write();
        let mut idle = Vec::new();
        groups.by_id.retain(|_, cell| {
            let group = cell.lock();
            let is_idle = group.is_idle();
            if is_idle {
                let columns = group.open.ids.iter().copied().collect::<Vec<_>>();
                idle.push((
                    group.entry.group,
                    group.entry.source,
                    group.entry.key.clone(),
                    columns,
                ));
            }
            !is_idle
        });
        let mut registry = self.registry.write();
        for (id, source, key, columns) in idle {
            let key = (source, key);
            if groups.by_key.get(&key) == Some(&id) {
                groups.by_key.remove(&key);
            }
            for series in columns {
                if registry.knows(series) {
                    registry.remove_place(series, id);
                }
            }
        }
    }
}
