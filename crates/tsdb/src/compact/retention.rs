//! Which blocks to drop.

use super::BlockInfo;
use std::collections::HashSet;
use ulid::Ulid;

/// Blocks all of whose samples are older than `oldest_ms`.
pub(crate) fn expired(blocks: &[BlockInfo], oldest_ms: i64) -> Vec<Ulid> {
    let old = blocks.iter().filter(|block| block.range.max_ms < oldest_ms);
    old.map(|block| block.ulid).collect()
}

/// The oldest blocks, as many as must go for all of it to fit in `max_bytes`; `other_bytes` is what
/// the data folder holds beside blocks.
pub(crate) fn oversized(blocks: &[BlockInfo], other_bytes: u64, max_bytes: u64) -> Vec<Ulid> {
    let mut bytes = blocks.iter().fold(other_bytes, |sum, block| sum.saturating_add(block.bytes));
    let mut oldest_first: Vec<&BlockInfo> = blocks.iter().collect();
    oldest_first.sort_by_key(|block| (block.range.max_ms, block.ulid));
    let mut dropped = Vec::new();
    for block in oldest_first {
        if bytes <= max_bytes {
            break;
        }
        bytes = bytes.saturating_sub(block.bytes);
        dropped.push(block.ulid);
    }
    dropped
}

/// Blocks whose samples another one has taken over: left behind by a crash after a merge.
pub(crate) fn superseded(blocks: &[BlockInfo]) -> Vec<Ulid> {
    let replaced: HashSet<Ulid> =
        blocks.iter().flat_map(|block| block.sources.iter().copied()).collect();
    blocks.iter().map(|block| block.ulid).filter(|ulid| replaced.contains(ulid)).collect()
}
