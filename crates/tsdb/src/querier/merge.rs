//! Which series of head and blocks are the same.

use crate::head::view::HeadSelection;
use model::Labels;

/// A series found in a block.
pub(super) struct Found {
    pub(super) labels: Labels,
    pub(super) block: u32,
    pub(super) series: u32,
}

/// One series of a selection and where its samples are.
pub(super) struct Merged {
    pub(super) labels: Labels,
    /// Its number in the head's selection.
    pub(super) head: Option<u32>,
    /// Block and series number.
    pub(super) blocks: Vec<(u32, u32)>,
}

/// Brings together what has the same labels.
pub(super) fn merge(head: &HeadSelection, found: Vec<Found>, sorted: bool) -> Vec<Merged> {
    let in_head = (0..).zip(&head.series).map(|(i, (labels, _))| Merged {
        labels: labels.clone(),
        head: Some(i),
        blocks: Vec::new(),
    });
    let mut all: Vec<Merged> = in_head.collect();
    if found.is_empty() {
        if sorted {
            all.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        }
        return all;
    }
    all.extend(found.into_iter().map(|found| Merged {
        labels: found.labels,
        head: None,
        blocks: vec![(found.block, found.series)],
    }));
    // Stable: the head stays before blocks, and blocks stay in order of time.
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    all.dedup_by(|next, kept| {
        let same = next.labels == kept.labels;
        if same {
            kept.blocks.append(&mut next.blocks);
        }
        same
    });
    all
}
