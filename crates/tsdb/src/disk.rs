//! The one door to the file system, so that tests can make it fail.
//!
//! Everything that is to survive a power cut takes three steps: write and [`DiskFile::sync`] the file
//! under a temporary name, [`Disk::rename`] it, [`Disk::sync_dir`] its folder.

use crate::mmap::Map;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A call to the file system that failed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {op}: {source}", path.display())]
pub struct DiskError {
    /// What the call was about.
    pub path: PathBuf,
    /// The call.
    pub op: &'static str,
    /// Why.
    pub source: io::Error,
}

impl DiskError {
    /// Whether nothing is there under that name.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether the disk or the quota is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The name without the folder.
    pub(crate) name: String,
    /// Whether it is a folder itself.
    pub(crate) is_dir: bool,
    /// Size of a file in bytes.
    pub(crate) len: u64,
}

/// The file system.
pub(crate) trait Disk: Send + Sync + Debug {
    /// Makes a file for writing, or empties the one that is there.
    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// Opens an existing file for writing.
    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError>;

    /// The whole content of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, DiskError>;

    /// The whole content of a finished file, see [`Map`].
    fn map(&self, path: &Path) -> Result<Map, DiskError>;

    /// What a folder holds, by name. Names that are not UTF-8 are left out: none of them is ours.
    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError>;

    /// Makes a folder and those above it; fine if it exists.
    fn create_dir(&self, dir: &Path) -> Result<(), DiskError>;

    /// Renames a file or folder; an existing file of that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError>;

    /// Gives a file a second name.
    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> Result<(), DiskError>;

    /// Removes a folder with everything in it.
    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError>;

    /// Bytes that can still be written to the file system of a folder.
    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError>;
}

/// A file open for writing.
pub(crate) trait DiskFile: Send + Sync + Debug {
    /// Writes all of the bytes at an offset; beyond the end the file grows.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError>;

    /// Makes content and length durable (fdatasync).
    fn sync(&self) -> Result<(), DiskError>;

    /// Makes room from an offset on and the file longer; what was beyond the end reads as zeros.
    /// Small writes into it later need no new length to be synced.
    fn allocate(&self, offset: u64, len: u64) -> Result<(), DiskError>;

    /// Cuts the file, or fills it up with zeros.
    fn set_len(&self, len: u64) -> Result<(), DiskError>;

    /// Length in bytes.
    fn len(&self) -> Result<u64, DiskError>;
}

/// The sizes of all files below a folder added up; 0 if it does not exist.
pub(crate) fn bytes_below(disk: &dyn Disk, dir: &Path) -> Result<u64, DiskError> {
    let entries = match disk.list(dir) {
        Err(error) if error.is_not_found() => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        bytes += if entry.is_dir { bytes_below(disk, &dir.join(entry.name))? } else { entry.len };
    }
    Ok(bytes)
}

/// A path in a folder, made if need be, that nothing has yet: the name, or the name with a number.
pub(crate) fn free_name(disk: &dyn Disk, dir: &Path, name: &str) -> Result<PathBuf, DiskError> {
    disk.create_dir(dir)?;
    let taken = disk.list(dir)?;
    let is_free = |name: &String| !taken.iter().any(|entry| entry.name == *name);
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|i| format!("{name}-{i}")));
    let free = names.find(is_free).expect("numbers do not end");
    Ok(dir.join(free))
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        let mut options = OpenOptions::new();
        RealFile::open(options.read(true).write(true).create(true).truncate(true), path, "create")
    }

    fn open(&self, path: &Path) -> Result<Box<dyn DiskFile>, DiskError> {
        RealFile::open(OpenOptions::new().read(true).write(true), path, "open")
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, DiskError> {
        fs::read(path).map_err(at(path, "read"))
    }

    fn map(&self, path: &Path) -> Result<Map, DiskError> {
        Map::open(path).map_err(at(path, "map"))
    }

    fn list(&self, dir: &Path) -> Result<Vec<Entry>, DiskError> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir).map_err(at(dir, "list"))? {
            let entry = entry.map_err(at(dir, "list"))?;
            // Files come and go while we look.
            let Ok(metadata) = entry.metadata() else { continue };
            if let Ok(name) = entry.file_name().into_string() {
                entries.push(Entry { name, is_dir: metadata.is_dir(), len: metadata.len() });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn create_dir(&self, dir: &Path) -> Result<(), DiskError> {
        fs::create_dir_all(dir).map_err(at(dir, "create folder"))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        fs::rename(from, to).map_err(at(from, "rename"))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        fs::hard_link(from, to).map_err(at(to, "link"))
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), DiskError> {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir, "sync folder"))
    }

    fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        fs::remove_file(path).map_err(at(path, "remove"))
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), DiskError> {
        fs::remove_dir_all(dir).map_err(at(dir, "remove folder"))
    }

    fn free_bytes(&self, dir: &Path) -> Result<u64, DiskError> {
        let stat = rustix::fs::statvfs(dir).map_err(|e| at(dir, "statvfs")(e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
}

impl RealFile {
    fn open(
        options: &OpenOptions,
        path: &Path,
        op: &'static str,
    ) -> Result<Box<dyn DiskFile>, DiskError> {
        let file = options.open(path).map_err(at(path, op))?;
        Ok(Box::new(Self { file, path: path.into() }))
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_all_at(bytes, offset).map_err(at(&self.path, "write"))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(at(&self.path, "sync"))
    }

    fn allocate(&self, offset: u64, len: u64) -> Result<(), DiskError> {
        use rustix::fs::FallocateFlags;
        use rustix::io::Errno;
        loop {
            match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), offset, len) {
                Err(Errno::INTR) => {}
                // Not every file system can; a longer file without room of its own will do.
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => return self.set_len(offset + len),
                done => return done.map_err(|e| at(&self.path, "allocate")(e.into())),
            }
        }
    }

    fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.file.set_len(len).map_err(at(&self.path, "set length"))
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.file.metadata().map_err(at(&self.path, "length"))?.len())
    }
}

fn at<'a>(path: &'a Path, op: &'static str) -> impl Fn(io::Error) -> DiskError + 'a {
    move |source| DiskError { path: path.into(), op, source }
}
