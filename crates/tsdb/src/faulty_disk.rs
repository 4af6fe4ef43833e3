//! Tests only: a file system that fails when it is told to.

use crate::disk::{Disk, DiskError, DiskFile, Entry, RealDisk};
use crate::mmap::Map;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The real file system, whose changing calls work so many times and fail from then on. A write that
/// fails has torn: half of it is there.
#[derive(Clone, Debug)]
pub(crate) struct FaultyDisk {
    left: Arc<AtomicU64>,
    /// Of so many calls one fails, at random; 0 is none.
    one_in: Arc<AtomicU64>,
    random: Arc<AtomicU64>,
    kind: io::ErrorKind,
}

impl FaultyDisk {
    /// Lets so many calls pass.
    pub(crate) fn failing_after(calls: u64, kind: io::ErrorKind) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(calls)),
            one_in: Arc::default(),
            random: Arc::default(),
            kind,
        }
    }

    /// From now on lets so many calls pass.
    pub(crate) fn fail_after(&self, calls: u64) {
        self.left.store(calls, Relaxed);
    }

    /// From now on one of so many calls fails, at random; 0 is none.
    pub(crate) fn fail_one_in(&self, calls: u64, seed: u64) {
        self.random.store(seed | 1, Relaxed);
        self.one_in.store(calls, Relaxed);
    }

    fn is_unlucky(&self) -> bool {
        let step = |random: u64| Some(random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(11));
        let random = self.random.fetch_update(Relaxed, Relaxed, step).unwrap_or_else(|old| old);
        match self.one_in.load(Relaxed) {
            0 => false,
            one_in => (random >> 33).is_multiple_of(one_in),
        }
    }

    fn call(&self, path: &Path, op: &'static str) -> Result<(), DiskError> {
        if self.is_unlucky() {
            return Err(DiskError { path: path.into(), op, source: self.kind.into() });
        }
        let passed = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        match passed {
            Ok(_) => Ok(()),
            Err(_) => Err(DiskError { path: path.into(), op, source: self.kind.into() }),
        }
    }

    fn file(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FaultyFile { disk: self.clone(), path: path.into(), file })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.call(path, "create")?;
        Ok(self.file(path, RealDisk.create(path)?))
    }

    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        self.call(path, "open")?;
        Ok(self.file(path, RealDisk.open(path)?))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, DiskError> {
        RealDisk.read(path)
    }

    fn map(&self, path: &Path) -> Result<Map, DiskError> {
        RealDisk.map(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError> {
        RealDisk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> Result<(), DiskError> {
        self.call(dir, "create folder")?;
        RealDisk.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.call(from, "rename")?;
        RealDisk.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.call(to, "link")?;
        RealDisk.hard_link(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        self.call(dir, "sync folder")?;
        RealDisk.sync_dir(dir)
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.call(path, "remove")?;
        RealDisk.remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError> {
        self.call(dir, "remove folder")?;
        RealDisk.remove_dir(dir)
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError> {
        RealDisk.free_bytes(dir)
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl DiskFile for FaultyFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        if let Err(error) = self.disk.call(&self.path, "write") {
            self.file.write_at(offset, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.disk.call(&self.path, "sync")?;
        self.file.sync()
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        self.disk.call(&self.path, "allocate")?;
        self.file.allocate(offset, len)
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.disk.call(&self.path, "set length")?;
        self.file.set_len(len)
    }

    fn len(&self) -> Result<u64, DiskError> {
        self.file.len()
    }
}
