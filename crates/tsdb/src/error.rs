//! Why the database could not do something.

use crate::block;
use crate::codec::DecodeError;
use crate::disk::DiskError;
use std::path::PathBuf;

/// What can go wrong at the database's edge.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file does not hold what it should.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Rows in memory do not decode: a bug, or bad memory.
    #[error("rows in memory: {0}")]
    Rows(#[from] DecodeError),
    /// Another process has the directory open.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A newer release wrote the directory.
    #[error("{} says format {found}, and this release knows formats up to {known}: use the newer release that wrote it", path.display())]
    TooNew {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What we can read.
        known: u32,
    },
    /// A newer writer has opened the group.
    #[error("a newer writer has opened the group {key}")]
    TakenOver {
        /// The group's key.
        key: String,
    },
    /// A histogram contradicts itself, or is too large.
    #[error("{reason}")]
    Histogram {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A table in memory is full: 2^32 series, label sets or symbols, or 4 GiB of label text.
    #[error("the tables of the head are full")]
    Full,
    /// The database keeps nothing on disk.
    #[error("a database in memory has no files")]
    InMemory,
}

impl From<block::Error> for Error {
    fn from(error: block::Error) -> Self {
        match error {
            block::Error::Disk(error) => Self::Disk(error),
            block::Error::Damaged { path, what } => Self::Damaged { path, what },
            block::Error::TooNew { path, version } => {
                Self::TooNew { path, found: version.to_string(), known: crate::FORMAT }
            }
        }
    }
}
