//! Write-ahead log: every row the head has accepted and no block holds yet.
//!
//! A folder of numbered segments of about 16 MiB, allocated ahead of writing and recycled. A
//! segment is records ([`record`]), the first of which is its head: format version u8, then the number
//! of the segment before and where it ended, varints. Ten zero bytes follow the last record.
//!
//! The first row of a group in a segment is a key row after the group's definition and columns, so a
//! segment can be read without those before it, and a segment whose rows are all in blocks can go,
//! whichever it is. Label sets are in the series log; columns are known by series numbers.
//!
//! A row is in memory until [`Wal::flush`] writes it and survives a power cut after [`Wal::sync`].
//! When either fails, what is not surely on disk is kept and written again to a new segment, whose
//! head tells where the old one stops to count. The new one takes its name when all of that is in it:
//! a crash finds the rows in the old one or in the new one.

pub(crate) mod record;
pub(crate) mod replay;
mod segment;

use crate::disk::{Disk, DiskError};
use crate::metrics::Metrics;
use parking_lot::Mutex;
use segment::Segment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Size at which the next segment begins.
const SEGMENT_BYTES: u64 = 16 << 20;
/// A batch larger than this is written as several records.
const BATCH_BYTES: usize = 1 << 20;
/// What failed writes keep in memory at most; beyond it the log has a gap until the next key rows.
const MAX_CARRIED: usize = 64 << 20;
/// Rows kept for the case that a sync fails; beyond it a failed sync loses them in a power cut.
const MAX_UNSYNCED: usize = 16 << 20;
/// A buffer of this size is flushed by the writer that filled it.
const FULL_BUFFER: usize = 8 << 20;

/// Entries that are not written yet.
pub(crate) struct LogBuffer {
    epoch: u32,
    bytes: Vec<u8>,
    max_ms: i64,
}

impl LogBuffer {
    /// Changes when entries can no longer count on what was logged before: the next row of each group
    /// is to be a key row.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Adds an entry.
    pub(crate) fn put(&mut self, kind: u8, body: &[&[u8]]) {
        record::put_entry(&mut self.bytes, kind, body);
    }

    /// Says that a row of this time is among the entries.
    pub(crate) fn saw(&mut self, t_ms: i64) {
        self.max_ms = self.max_ms.max(t_ms);
    }

    /// Whether it is time to flush out of turn.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BUFFER
    }
}

/// A segment that is written no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) number: u32,
    pub(crate) bytes: u64,
    /// The newest row in it.
    pub(crate) max_ms: i64,
}

struct Files {
    current: Segment,
    sealed: Vec<Sealed>,
    /// Entries that a failed write or sync left behind.
    carried: Vec<u8>,
    carried_max_ms: i64,
    /// The epoch of the newest of them, and of what the current segment takes.
    carried_epoch: u32,
    epoch: u32,
    /// Entries written to the current segment since its last sync.
    unsynced: Vec<u8>,
    /// The current segment is not to be written any more.
    broken: bool,
    /// What it may lack on disk is not carried any more.
    dropped: bool,
}

/// The log of one database.
pub(crate) struct Wal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    metrics: Arc<Metrics>,
    /// Taken before `buffer`.
    files: Mutex<Files>,
    buffer: Mutex<LogBuffer>,
}

impl Wal {
    /// Goes on writing where replay ended.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        replayed: replay::End,
        metrics: Arc<Metrics>,
    ) -> Result<Self, DiskError> {
        let replay::End { mut sealed, last } = replayed;
        let current = match last {
            Some((last, end)) if end < SEGMENT_BYTES => {
                Segment::resume(&*disk, dir, last.number, end, last.max_ms)?
            }
            Some((last, end)) => {
                sealed.push(last);
                Segment::begin(&*disk, dir, last.number + 1, (last.number, end))?
                    .publish(&*disk, dir)?
            }
            None => {
                let number = sealed.last().map_or(0, |last| last.number + 1);
                Segment::begin(&*disk, dir, number, (number, 0))?.publish(&*disk, dir)?
            }
        };
        Ok(Self {
            disk,
            dir: dir.into(),
            metrics,
            files: Mutex::new(Files {
                current,
                sealed,
                carried: Vec::new(),
                carried_max_ms: i64::MIN,
                carried_epoch: 0,
                epoch: 0,
                unsynced: Vec::new(),
                broken: false,
                dropped: false,
            }),
            buffer: Mutex::new(LogBuffer { epoch: 0, bytes: Vec::new(), max_ms: i64::MIN }),
        })
    }

    /// The buffer, for one row's entries. Nothing else is locked while it is held.
    pub(crate) fn buffer(&self) -> parking_lot::MutexGuard<'_, LogBuffer> {
        self.buffer.lock()
    }

    /// Writes what is in the buffer. `before` runs after the buffer is taken and before it is written:
    /// what the entries refer to must be on disk before them. What cannot be written is kept.
    pub(crate) fn flush<E: From<DiskError>>(
        &self,
        before: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut files = self.files.lock();
        self.take_buffer(&mut files, false);
        before()?;
        Ok(self.write_carried(&mut files)?)
    }

    /// Whether the current segment failed, so that the next flush begins another one.
    pub(crate) fn is_broken(&self) -> bool {
        self.files.lock().broken
    }

    /// Makes what was flushed survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), DiskError> {
        let mut files = self.files.lock();
        // A sync after a failed one may succeed and yet have lost what it was for: what a broken
        // segment may lack is in the next one, which is durable before it counts.
        if files.broken || files.unsynced.is_empty() && files.current.is_synced() {
            return Ok(());
        }
        self.sync_current(&mut files)
    }

    fn sync_current(&self, files: &mut Files) -> Result<(), DiskError> {
        let started = Instant::now();
        let synced = files.current.sync();
        self.metrics.wal_fsync.observe(started.elapsed().as_secs_f64());
        match synced {
            Ok(()) => files.unsynced = Vec::new(),
            // The system may have dropped what it could not write: after a failed sync nothing since
            // the last good one can be relied on.
            Err(_) => self.give_up(files),
        }
        synced
    }

    /// Ends the current segment, so that it can be dropped when its rows are in blocks.
    pub(crate) fn rotate<E: From<DiskError>>(
        &self,
        before: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut files = self.files.lock();
        self.take_buffer(&mut files, true);
        before()?;
        Ok(self.write_carried(&mut files)?)
    }

    /// Drops the sealed segments whose rows are all older than a time.
    pub(crate) fn truncate(&self, before_ms: i64) -> Result<(), DiskError> {
        let mut files = self.files.lock();
        let all = std::mem::take(&mut files.sealed);
        let (gone, kept) = all.into_iter().partition(|sealed: &Sealed| sealed.max_ms < before_ms);
        files.sealed = kept;
        let gone: Vec<Sealed> = gone;
        for (i, sealed) in gone.iter().enumerate() {
            if let Err(error) = segment::retire(&*self.disk, &self.dir, sealed.number) {
                self.metrics.wal_truncations_failed.inc();
                files.sealed.extend_from_slice(&gone[i..]);
                files.sealed.sort_by_key(|sealed| sealed.number);
                return Err(error);
            }
        }
        if !gone.is_empty() {
            self.metrics.wal_truncations.inc();
        }
        Ok(())
    }

    /// The oldest segment there is, and the one being written.
    pub(crate) fn segments(&self) -> (u32, u32) {
        let files = self.files.lock();
        let current = files.current.number();
        (files.sealed.first().map_or(current, |sealed| sealed.number), current)
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        let files = self.files.lock();
        files.sealed.iter().map(|sealed| sealed.bytes).sum::<u64>() + files.current.bytes()
    }

    /// Moves the buffer's entries to `carried`. With a new epoch those after them begin a segment.
    fn take_buffer(&self, files: &mut Files, rotate: bool) {
        let mut buffer = self.buffer.lock();
        files.carried.append(&mut buffer.bytes);
        // A burst must not hold its memory for ever.
        buffer.bytes.shrink_to(1 << 20);
        files.carried_max_ms = files.carried_max_ms.max(buffer.max_ms);
        files.carried_epoch = buffer.epoch;
        buffer.max_ms = i64::MIN;
        let used = files.current.end() + files.carried.len() as u64;
        let has_rows = files.current.has_rows() || !files.carried.is_empty();
        if has_rows && (rotate || used >= SEGMENT_BYTES) {
            buffer.epoch += 1;
        }
        drop(buffer);
        if files.carried.len() > MAX_CARRIED {
            self.drop_carried(files);
        }
    }

    /// Leaves a gap in the log: what follows it begins with key rows.
    fn drop_carried(&self, files: &mut Files) {
        files.carried = Vec::new();
        files.carried_max_ms = i64::MIN;
        files.dropped |= files.broken;
        let mut buffer = self.buffer.lock();
        buffer.bytes.clear();
        buffer.max_ms = i64::MIN;
        buffer.epoch += 1;
        files.carried_epoch = buffer.epoch;
    }

    fn write_carried(&self, files: &mut Files) -> Result<(), DiskError> {
        if files.broken || files.epoch < files.carried_epoch {
            self.next_segment(files, files.carried_epoch)?;
        } else {
            match write_batches(&mut files.current, &files.carried) {
                Ok(bytes) => self.metrics.wal_written_bytes.add(bytes),
                Err(error) => {
                    self.give_up(files);
                    return Err(error);
                }
            }
            files.current.saw(files.carried_max_ms);
            files.carried_max_ms = i64::MIN;
            let mut carried = std::mem::take(&mut files.carried);
            if files.unsynced.len() + carried.len() <= MAX_UNSYNCED {
                files.unsynced.append(&mut carried);
            } else {
                files.unsynced = Vec::new();
                files.current.give_up_on_sync();
            }
        }
        let epoch = self.buffer.lock().epoch;
        if files.epoch < epoch { self.next_segment(files, epoch) } else { Ok(()) }
    }

    /// The current segment failed: what is not surely in it goes to the next one.
    fn give_up(&self, files: &mut Files) {
        self.metrics.wal_writes_failed.inc();
        let mut again = std::mem::take(&mut files.unsynced);
        again.append(&mut files.carried);
        files.carried = again;
        files.carried_max_ms = files.carried_max_ms.max(files.current.max_ms());
        files.broken = true;
        self.buffer.lock().epoch += 1;
    }

    /// Ends the current segment; the next one begins with what is carried.
    fn next_segment(&self, files: &mut Files, epoch: u32) -> Result<(), DiskError> {
        if !files.broken {
            // What comes next relies on this one being whole.
            self.sync_current(files)?;
        }
        let old = &files.current;
        // Of what is dropped the old one may still have something.
        let end = if files.broken && !files.dropped { old.sure_end() } else { old.end() };
        let before = (old.number(), end);
        let mut next = Segment::begin(&*self.disk, &self.dir, old.number() + 1, before)?;
        let bytes = write_batches(&mut next, &files.carried)?;
        next.saw(files.carried_max_ms);
        let next = next.publish(&*self.disk, &self.dir)?;
        self.metrics.wal_written_bytes.add(bytes);
        files.sealed.push(Sealed {
            number: old.number(),
            bytes: old.bytes(),
            // Carried rows are differences to rows of the old one, which so stays as long as they do.
            max_ms: old.max_ms().max(files.carried_max_ms),
        });
        files.current = next;
        files.carried = Vec::new();
        files.carried_max_ms = i64::MIN;
        files.epoch = epoch;
        (files.broken, files.dropped) = (false, false);
        Ok(())
    }
}

/// Writes entries as records of at most [`BATCH_BYTES`] unless one entry is larger.
fn write_batches(segment: &mut Segment, mut entries: &[u8]) -> Result<u64, DiskError> {
    let mut records = Vec::new();
    while !entries.is_empty() {
        let mut reader = crate::codec::bits::ByteReader::new(entries);
        let mut end = 0;
        while !reader.rest().is_empty() {
            record::next_entry(&mut reader).expect("entries of our own making");
            if end > 0 && reader.pos() > BATCH_BYTES {
                break;
            }
            end = reader.pos();
        }
        let (batch, rest) = entries.split_at(end);
        record::put(&mut records, segment.number(), record::kind::BATCH, batch);
        entries = rest;
    }
    if records.is_empty() {
        return Ok(0);
    }
    segment.append(&mut records)?;
    Ok(records.len() as u64)
}
