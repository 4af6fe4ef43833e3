//! Compaction and retention: which blocks to merge, merging them, which blocks to drop.
//!
//! What to do is decided by functions of what is there ([`plan`], [`expired`], [`oversized`],
//! [`superseded`]); doing it is [`merge`] and removing folders.

mod merge;
mod plan;
mod retention;

#[cfg(test)]
mod tests;

pub(crate) use merge::merge;
pub(crate) use plan::plan;
pub(crate) use retention::{expired, oversized, superseded};

use crate::block::BlockMeta;
use model::TimeRange;
use ulid::Ulid;

/// What planning needs to know of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockInfo {
    /// Its name.
    pub(crate) ulid: Ulid,
    /// Where its samples lie.
    pub(crate) range: TimeRange,
    /// What it takes on disk.
    pub(crate) bytes: u64,
    /// The blocks it replaces.
    pub(crate) sources: Vec<Ulid>,
}

impl From<&BlockMeta> for BlockInfo {
    fn from(meta: &BlockMeta) -> Self {
        let BlockMeta { ulid, range, bytes, sources, .. } = meta;
        Self { ulid: *ulid, range: *range, bytes: *bytes, sources: sources.clone() }
    }
}
