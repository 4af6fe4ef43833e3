//! One file of the log.

use super::record::{self, HEADER, kind};
use crate::codec::bits::put_varint;
use crate::disk::{Disk, DiskError, DiskFile};
use std::path::{Path, PathBuf};

/// The format's version, in the head of every segment.
pub(super) const VERSION: u8 = 1;
/// A file is allocated this far ahead: a sync then need not write its length.
const AHEAD: u64 = 1 << 20;

/// The path of a segment.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}"))
}

/// A retired segment waiting for its next number.
fn spare(dir: &Path) -> PathBuf {
    dir.join("spare")
}

/// Takes a segment out of the log; one is kept to be used again.
pub(super) fn retire(disk: &dyn Disk, dir: &Path, number: u32) -> Result<(), DiskError> {
    disk.rename(&path(dir, number), &spare(dir))
}

/// The segment being written.
#[derive(Debug)]
pub(super) struct Segment {
    number: u32,
    file: Box<dyn DiskFile>,
    /// Where the next record goes.
    end: u64,
    /// How much of it surely survives a power cut.
    synced: u64,
    /// Bytes of the file.
    len: u64,
    max_ms: i64,
    empty_end: u64,
}

impl Segment {
    /// Begins a segment, in the retired file if there is one. `before` is the number of the one before
    /// and where it ended. It is no part of the log before [`Segment::publish`].
    pub(super) fn begin(
        disk: &dyn Disk,
        dir: &Path,
        number: u32,
        before: (u32, u64),
    ) -> Result<Self, DiskError> {
        let file = match disk.open(&spare(dir)) {
            Err(error) if error.is_not_found() => disk.create(&spare(dir))?,
            file => file?,
        };
        let len = file.len()?;
        let mut new = Self { number, file, end: 0, synced: 0, len, max_ms: i64::MIN, empty_end: 0 };
        let mut head = vec![VERSION];
        put_varint(&mut head, u64::from(before.0));
        put_varint(&mut head, before.1);
        let mut record = Vec::new();
        record::put(&mut record, number, kind::SEGMENT, &head);
        new.append(&mut record)?;
        new.empty_end = new.end;
        Ok(new)
    }

    /// Makes what was appended so far durable, and then a part of the log, in one step: a segment
    /// without a whole head is damage, never a crash.
    pub(super) fn publish(mut self, disk: &dyn Disk, dir: &Path) -> Result<Self, DiskError> {
        self.sync()?;
        let path = path(dir, self.number);
        disk.rename(&spare(dir), &path)?;
        disk.sync_dir(dir)?;
        // What fails from now on is told under the new name.
        self.file = disk.open(&path)?;
        Ok(self)
    }

    /// Goes on after the last good record; what follows it is cut off.
    pub(super) fn resume(
        disk: &dyn Disk,
        dir: &Path,
        number: u32,
        end: u64,
        max_ms: i64,
    ) -> Result<Self, DiskError> {
        let file = disk.open(&path(dir, number))?;
        file.set_len(end)?;
        file.sync()?;
        Ok(Self { number, file, end, synced: end, len: end, max_ms, empty_end: 0 })
    }

    /// Appends records.
    pub(super) fn append(&mut self, records: &mut Vec<u8>) -> Result<(), DiskError> {
        let len = records.len();
        // Zeros after the last record tell an end from a torn record, whatever the file held before.
        records.resize(len + HEADER, 0);
        let need = self.end + records.len() as u64;
        if need > self.len {
            let more = (need - self.len).max(AHEAD);
            self.file.allocate(self.len, more)?;
            self.len += more;
        }
        let written = self.file.write_at(self.end, records);
        records.truncate(len);
        written?;
        self.end += len as u64;
        Ok(())
    }

    /// Makes what was appended survive a power cut.
    pub(super) fn sync(&mut self) -> Result<(), DiskError> {
        self.file.sync()?;
        self.synced = self.end;
        Ok(())
    }

    /// Says that rows up to this time are here.
    pub(super) fn saw(&mut self, t_ms: i64) {
        self.max_ms = self.max_ms.max(t_ms);
    }

    /// The next failure of a sync is not repaired: nobody remembers what was written.
    pub(super) fn give_up_on_sync(&mut self) {
        self.synced = self.end;
    }

    /// Whether all is synced.
    pub(super) fn is_synced(&self) -> bool {
        self.synced == self.end
    }

    /// Whether anything but the head was written.
    pub(super) fn has_rows(&self) -> bool {
        self.end > self.empty_end
    }

    /// The segment's number.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// Where the next record goes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Up to where the file counts when it is given up.
    pub(super) fn sure_end(&self) -> u64 {
        self.synced
    }

    /// The newest row.
    pub(super) fn max_ms(&self) -> i64 {
        self.max_ms
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.len
    }
}
