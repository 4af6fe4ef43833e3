//! Blocks: immutable folders that hold all series of a time range, read through memory maps.
//!
//! `blocks/<ulid>/` holds
//!
//! | file | holds | written by |
//! |---|---|---|
//! | `chunks` | per series, its chunks; pages of 4 KiB | `chunks` |
//! | `ts` | per group, the times of its rows | `times` |
//! | `index` | series, label values, postings, checksums of the pages of `chunks` | `index` |
//! | `meta.json` | range, counts, sources, and the checksum of every section of `index` and `ts` | `meta` |
//!
//! A block is written into `<ulid>.tmp`: files, then `meta.json`, all fsynced, then the folder, then
//! renamed and the folder above fsynced. So a name without `.tmp` is a whole block, or damage, which
//! [`Block::open`] and the reads report as [`Error::Damaged`] with the file's name: `index` and `ts`
//! are verified when the block is opened, pages of `chunks` when they are first touched.
//!
//! **Groups and presence.** A group is a run of rows, each with a time. A series has *parts*; a part
//! names a group, a range of its rows, and which of those rows have a value (`runs`). In a group whose
//! absences end series, readers see a staleness marker at the row of every edge from present to absent,
//! the first row of a part among them when the series was present before it. Of samples at one time
//! the first part's wins, but any value wins over an edge's marker.

mod chunks;
mod dictionary;
mod index;
mod meta;
mod overlay;
mod postings;
mod read;
mod select;
mod series;
mod times;
mod writer;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::model_block as testing;

pub(crate) use meta::{BlockMeta, Stats};
pub(crate) use overlay::{goes_on, overlay, overlay_sources};
pub(crate) use read::{Block, ReadScratch};
pub(crate) use series::SeriesCursor;
pub(crate) use writer::{BlockWriter, Encoded, EncodedPart, SeriesPart};

use crate::codec::DecodeError;
use crate::disk::DiskError;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The most samples of a chunk.
pub(crate) const CHUNK_SAMPLES: usize = 480;

/// The number of a group within a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIx(pub(crate) u32);

/// Rows of a part that follow one another and have a value: `first..end`.
pub(crate) type Run = Range<u32>;

/// Why a block could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file system said no.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file does not hold what was written: the block is to be set aside.
    #[error("{}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A newer release wrote the block.
    #[error("{}: version {version}, and this release knows versions up to {}", path.display(), meta::VERSION)]
    TooNew {
        /// The block's `meta.json`.
        path: PathBuf,
        /// What it says.
        version: u32,
    },
}

impl Error {
    fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), what: what.into() }
    }

    /// Names the file in which something did not decode.
    fn decode(path: &Path) -> impl Fn(DecodeError) -> Self + '_ {
        |error| Self::damaged(path, error.to_string())
    }
}
