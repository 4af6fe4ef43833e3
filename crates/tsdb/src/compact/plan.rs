//! Which blocks to merge.

use super::BlockInfo;
use ulid::Ulid;

/// The next blocks to merge into one, oldest first: two or more, all within one window of `window_ms`
/// (24 h; windows start at multiples of it) that is complete, and of at most `max_bytes` together.
/// A window is complete when a block reaches beyond it. `None` when there is nothing to do.
pub(crate) fn plan(blocks: &[BlockInfo], window_ms: i64, max_bytes: u64) -> Option<Vec<Ulid>> {
    let window_of = |t_ms: i64| t_ms.div_euclid(window_ms);
    let newest = blocks.iter().map(|block| window_of(block.range.max_ms)).max()?;
    let mut inside: Vec<(i64, &BlockInfo)> = blocks
        .iter()
        .filter(|block| window_of(block.range.min_ms) == window_of(block.range.max_ms))
        .map(|block| (window_of(block.range.min_ms), block))
        .filter(|(window, _)| *window < newest)
        .collect();
    inside.sort_by_key(|(_, block)| (block.range.min_ms, block.ulid));
    inside.chunk_by(|(a, _), (b, _)| a == b).find_map(|window| fitting(window, max_bytes))
}

/// The first two or more neighbours that fit together, as many as do.
fn fitting(blocks: &[(i64, &BlockInfo)], max_bytes: u64) -> Option<Vec<Ulid>> {
    (0..blocks.len()).find_map(|start| {
        let mut bytes = 0_u64;
        let fits = blocks[start..].iter().take_while(|(_, block)| {
            bytes = bytes.saturating_add(block.bytes);
            bytes <= max_bytes
        });
        let ulids: Vec<Ulid> = fits.map(|(_, block)| block.ulid).collect();
        (ulids.len() > 1).then_some(ulids)
    })
}
