//! The database's door.

use crate::Error;
use crate::block::Block;
use crate::disk::{Disk, RealDisk};
use crate::head::Head;
use crate::head::stats::HeadStats;
use crate::metrics::{Levels, Metrics};
use crate::open::{self, OpenReport};
use crate::querier::DbQuerier;
use crate::wal::Wal;
use model::metrics::{Collect, Visitor};
use model::{Matcher, TimeRange};
use parking_lot::{Mutex, RwLock};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{
    AppendError, Appendable, ExemplarQueryable, Group, GroupSpec, Querier, Queryable,
    SeriesExemplars,
};

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Options {
    /// Blocks that end before this long ago are dropped. `None` keeps all.
    pub retention_ms: Option<i64>,
    /// Above this many bytes on disk the oldest blocks are dropped. `None` is no limit.
    pub retention_bytes: Option<u64>,
    /// While fewer bytes than this are free on the disk, the oldest blocks are dropped. `None` leaves
    /// the disk to fill up.
    pub min_free_bytes: Option<u64>,
    /// Time that one block cut from the head covers.
    pub block_ms: i64,
    /// Time that a compacted block covers at most.
    pub max_block_ms: i64,
    /// New series are refused above this number; rules may make a sixteenth more. `None` is no limit.
    pub max_series: Option<usize>,
    /// Exemplars kept in memory and in the log, the newest of all series; 0 keeps none.
    pub max_exemplars: usize,
}

impl Default for Options {
    /// Blocks of two hours, compacted to a day; nothing is dropped or refused.
    fn default() -> Self {
        Self {
            retention_ms: None,
            retention_bytes: None,
            min_free_bytes: None,
            block_ms: 2 * 3_600_000,
            max_block_ms: 24 * 3_600_000,
            max_series: None,
            max_exemplars: 0,
        }
    }
}

/// How long blocks are kept, as in [`Options`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) time_ms: Option<i64>,
    pub(crate) bytes: Option<u64>,
}

impl From<&Options> for Retention {
    fn from(options: &Options) -> Self {
        Self { time_ms: options.retention_ms, bytes: options.retention_bytes }
    }
}

/// A database; clones are the same one.
#[derive(Clone)]
pub struct Db(pub(crate) Arc<Inner>);

/// Where a database is, and what it needs there.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
    /// Locked as long as it is open.
    pub(crate) lock: File,
}

pub(crate) struct Inner {
    pub(crate) head: Arc<Head>,
    pub(crate) options: Options,
    /// What the options said, until it was set anew.
    pub(crate) retention: Mutex<Retention>,
    pub(crate) metrics: Arc<Metrics>,
    /// `None` for a database in memory.
    pub(crate) place: Option<Place>,
    /// In order of time; replaced as a whole.
    pub(crate) blocks: RwLock<Arc<Vec<Arc<Block>>>>,
    /// Held by whoever cuts, compacts or drops blocks.
    pub(crate) maintenance: Mutex<()>,
}

impl Db {
    /// Opens the database of a folder, or makes it. What the log holds is in memory again afterwards;
    /// what is damaged is set aside and told.
    ///
    /// # Errors
    /// When the folder is in use, was written by a newer release, or cannot be read or written.
    pub fn open(dir: impl AsRef<Path>, options: Options) -> Result<(Self, OpenReport), Error> {
        Self::open_on(Arc::new(RealDisk), dir.as_ref(), options)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
    ) -> Result<(Self, OpenReport), Error> {
        let (inner, report) = open::open(disk, dir, options)?;
        Ok((Self(Arc::new(inner)), report))
    }

    /// A database that keeps everything in memory and nothing on disk. It is made in microseconds.
    #[must_use]
    pub fn in_memory(options: Options) -> Self {
        let metrics = Arc::new(Metrics::default());
        let head = Head::new(options.block_ms, options.max_series, Arc::clone(&metrics));
        head.exemplars.lock().resize(options.max_exemplars);
        Self(Arc::new(Inner {
            head: Arc::new(head),
            retention: Mutex::new(Retention::from(&options)),
            options,
            metrics,
            place: None,
            blocks: RwLock::default(),
            maintenance: Mutex::default(),
        }))
    }

    /// Writes what was committed since the last flush to the log: it survives the process from then
    /// on. What cannot be written stays in memory, for the next flush.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn flush(&self) -> Result<(), Error> {
        Ok(self.0.head.flush()?)
    }

    /// Makes what was flushed survive a power cut.
    ///
    /// # Errors
    /// When the log cannot be synced. What that concerns is written again by the next flush.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(self.0.head.sync()?)
    }

    /// Flushes, syncs and lets go of the folder. Rows that come in later are refused or lost; writers
    /// are to be stopped before.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn close(self) -> Result<(), Error> {
        self.flush()?;
        self.sync()?;
        if let Some(place) = &self.0.place {
            open::mark_closed(place)?;
        }
        Ok(())
    }

    /// Keeps blocks so long, and so many bytes, from the next [`Db::maintain`] on; see [`Options`].
    pub fn set_retention(&self, time_ms: Option<i64>, bytes: Option<u64>) {
        *self.0.retention.lock() = Retention { time_ms, bytes };
    }

    /// Keeps so many exemplars from now on; the oldest go first.
    pub fn set_max_exemplars(&self, max: usize) {
        self.0.head.exemplars.lock().resize(max);
    }

    /// Counts over the head; lists have at most `limit` entries.
    #[must_use]
    pub fn head_stats(&self, limit: usize) -> HeadStats {
        self.0.head.stats(limit)
    }
}

impl Inner {
    /// The blocks, in order of time.
    pub(crate) fn blocks(&self) -> Arc<Vec<Arc<Block>>> {
        Arc::clone(&self.blocks.read())
    }

    fn levels(&self) -> Levels {
        let blocks = self.blocks();
        let range = self.head.range();
        let wal = self.head.wal();
        let retention = *self.retention.lock();
        let oldest_block = blocks.first().map(|block| block.meta().range.min_ms);
        // Given back before a group is looked at: writers lock their group first, then the registry.
        let (head_series, symbol_bytes) = {
            let registry = self.head.registry.read();
            (registry.len(), registry.symbol_bytes())
        };
        Levels {
            head_series,
            head_chunks: self.head.chunks(),
            head_bytes: self.head.heap_bytes(),
            head_range: range,
            open_groups: self.head.writers(),
            blocks: blocks.len(),
            block_bytes: blocks.iter().map(|block| block.meta().bytes).sum(),
            symbol_bytes,
            lowest_ms: oldest_block.or(range.map(|range| range.0)),
            wal_segment: wal.map(|wal| wal.segments().1),
            wal_bytes: wal.map_or(0, Wal::bytes),
            retention_bytes: retention.bytes.unwrap_or(0),
            retention_ms: retention.time_ms.unwrap_or(0),
            exemplars: self.head.exemplars.lock().levels(),
        }
    }
}

impl Appendable for Db {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        self.0.head.open_group(spec)
    }
}

impl Queryable for Db {
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, storage::Error> {
        Ok(Arc::new(DbQuerier::new(Arc::clone(&self.0), range)))
    }
}

impl ExemplarQueryable for Db {
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, storage::Error> {
        Ok(self.0.head.exemplars.lock().select(selectors, range))
    }
}

impl Collect for Db {
    fn collect(&self, visitor: &mut dyn Visitor) {
        self.0.metrics.visit(&self.0.levels(), visitor);
    }
}
