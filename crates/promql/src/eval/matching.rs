//! Which series of two vectors are partners, and what a pair is called.

use super::binary::Operation;
use super::grouping::{Key, Keys};
use super::{Context, Series, is_reserved};
use crate::syntax::{Cardinality, VectorMatching};
use model::Labels;

/// The key of the labels that partners have in common.
pub(crate) fn key(matching: &VectorMatching) -> Key {
    Key::new(&matching.labels, !matching.on)
}

/// The match group of each series of both sides, and the labels of the groups.
pub(crate) fn groups(
    matching: &VectorMatching,
    left: &[Series],
    right: &[Series],
) -> (Vec<u32>, Vec<u32>, Vec<Labels>) {
    let mut keys = Keys::new(key(matching));
    let left = left.iter().map(|series| keys.number(&series.labels)).collect();
    let right = right.iter().map(|series| keys.number(&series.labels)).collect();
    (left, right, keys.labels)
}

/// What the result of a pair is called: `many` is the left side unless the right one has many.
pub(crate) fn result(
    cx: &Context<'_>,
    matching: &VectorMatching,
    operation: &Operation,
    many: &Series,
    one: &Labels,
) -> Series {
    let listed = |name: &str| matching.labels.iter().any(|label| **label == *name);
    let one_to_one = matching.card == Cardinality::OneToOne;
    let mut labels = many.labels.filter(|name, _| {
        (!operation.is_arithmetic() || !is_reserved(name))
            && (!one_to_one || listed(name) == matching.on)
    });
    if !matching.include.is_empty() {
        let mut builder = labels.to_builder();
        for name in &matching.include {
            builder.set(name, one.get(name).unwrap_or(""));
        }
        labels = builder.build();
    }
    // Arithmetic made something new, whose name is nothing to be dropped any more.
    let drop_name = many.drop_name && !operation.is_arithmetic();
    let series = Series { labels, drop_name };
    if operation.return_bool { series.without_name(cx) } else { series }
}
