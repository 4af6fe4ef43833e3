//! The series log: every label set the head knows, written once, with its number.
//!
//! Records as in the [`wal`](crate::wal), all with one seed; the payload is told at
//! [`Registry::put_series`]. Only ever appended to, until half of it are series nobody knows any
//! more: then it is written anew and renamed into place.

use crate::disk::{self, Disk, DiskError, DiskFile};
use crate::head::registry::Registry;
use crate::wal::record::{self, HEADER, kind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seed of the checksums, so that a record of the log is none here.
const SEED: u32 = 0x5e71_e5e5;
/// Series per record.
const BATCH: usize = 4096;
/// What a series with labels of its own takes in the file at least, packed.
const PACKED_BYTES: usize = 5;
/// A log with fewer series than this is not worth rewriting.
const SMALL: usize = 4096;

/// The open file.
pub(crate) struct SeriesLog {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    end: u64,
    /// Series in the file, those nobody knows among them.
    entries: usize,
    synced: bool,
    /// A sync failed: nothing in the file can be relied on.
    broken: bool,
}

/// What reading it met.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Places that are no record; what follows each was read on.
    pub(crate) damaged: usize,
    /// The last record was not whole.
    pub(crate) torn: bool,
    /// What follows the last good record was cut off.
    cut: bool,
}

impl SeriesLog {
    /// Reads the file, or makes it, and goes on where it ends. A damaged one is copied to `quarantine`.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        path: &Path,
        quarantine: &Path,
        registry: &mut Registry,
    ) -> Result<(Self, Loaded), DiskError> {
        let mut loaded = Loaded::default();
        let bytes = match disk.read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => {
                drop(disk.create(path)?);
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        registry.reserve(bytes.len() / PACKED_BYTES);
        let (mut end, mut entries) = (0, 0);
        while end < bytes.len() {
            let Some(record) = record::read(&bytes, end, SEED) else {
                // Labels are worth a search for the next whole record.
                let next = (end + 1..bytes.len().saturating_sub(HEADER)).find(|at| {
                    bytes[at + 8] == kind::SERIES && record::read(&bytes, *at, SEED).is_some()
                });
                let Some(next) = next else {
                    // A crash leaves too few bytes; enough bytes that are wrong are damage.
                    loaded.torn = record::is_short(&bytes, end);
                    loaded.damaged += usize::from(!loaded.torn);
                    loaded.cut = true;
                    break;
                };
                loaded.damaged += 1;
                end = next;
                continue;
            };
            if record.kind == kind::SERIES {
                match registry.read_series(&record.payload) {
                    Ok(count) => entries += count,
                    Err(_) => loaded.damaged += 1,
                }
            }
            end = record.end;
        }
        let file = disk.open(path)?;
        let end = end as u64;
        if loaded.damaged > 0 {
            let kept = disk::free_name(&*disk, quarantine, "series.log")?;
            let copy = disk.create(&kept)?;
            copy.write_at(0, &bytes)?;
            copy.sync()?;
            disk.sync_dir(quarantine)?;
        }
        if loaded.cut {
            file.set_len(end)?;
        }
        let path = path.into();
        let broken = loaded.damaged > 0;
        Ok((Self { disk, path, file, end, entries, synced: false, broken }, loaded))
    }

    /// Appends series.
    pub(crate) fn append(&mut self, registry: &Registry, ids: &[u32]) -> Result<(), DiskError> {
        if self.broken {
            return self.rewrite(registry);
        }
        if ids.is_empty() {
            return Ok(());
        }
        let records = records(registry, ids);
        self.file.write_at(self.end, &records)?;
        self.end += records.len() as u64;
        self.entries += ids.len();
        self.synced = false;
        Ok(())
    }

    /// Makes it survive a power cut.
    pub(crate) fn sync(&mut self) -> Result<(), DiskError> {
        if !self.synced {
            if let Err(error) = self.file.sync() {
                self.broken = true;
                return Err(error);
            }
            self.synced = true;
        }
        Ok(())
    }

    /// Whether more than half of it are series nobody knows any more.
    pub(crate) fn is_stale(&self, live: usize) -> bool {
        self.entries > SMALL && self.entries / 2 > live
    }

    /// Writes it anew with the series there are.
    pub(crate) fn rewrite(&mut self, registry: &Registry) -> Result<(), DiskError> {
        let ids = registry.ids();
        let records = records(registry, &ids);
        let new = self.path.with_extension("tmp");
        let file = self.disk.create(&new)?;
        file.write_at(0, &records)?;
        file.sync()?;
        self.disk.rename(&new, &self.path)?;
        if let Some(dir) = self.path.parent() {
            self.disk.sync_dir(dir)?;
        }
        self.file = file;
        self.end = records.len() as u64;
        self.entries = ids.len();
        (self.synced, self.broken) = (true, false);
        Ok(())
    }
}

fn records(registry: &Registry, ids: &[u32]) -> Vec<u8> {
    let (mut records, mut payload) = (Vec::new(), Vec::new());
    for batch in ids.chunks(BATCH) {
        payload.clear();
        registry.put_series(batch, &mut payload);
        record::put(&mut records, SEED, kind::SERIES, &payload);
    }
    records
}
