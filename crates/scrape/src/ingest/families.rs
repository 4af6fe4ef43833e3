//! What a target said about its families, kept for the API.

use crate::target::{Family, Target};
use exposition::{FamilyType, Metadata};
use foldhash::HashMap;
use std::sync::Arc;

/// Families a target may speak of before all is forgotten and learned again.
const MAX_FAMILIES: usize = 16_384;
/// Bytes of a help text or a unit; what goes beyond is cut off.
const MAX_TEXT: usize = 4096;

/// The loop's own copy; published as a whole when it changed.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_name: HashMap<Box<str>, Arc<Family>>,
    changed: bool,
}

impl Families {
    pub(super) fn note(&mut self, meta: &Metadata<'_>) {
        let name: &str = match meta {
            Metadata::Type { family, .. }
            | Metadata::Help { family, .. }
            | Metadata::Unit { family, .. } => family,
        };
        let known = self.by_name.get(name);
        if known.is_none() && self.by_name.len() > MAX_FAMILIES {
            return;
        }
        let mut family = known.map_or_else(
            || Family {
                name: name.into(),
                kind: FamilyType::Unknown,
                help: Box::default(),
                unit: Box::default(),
            },
            |known| Family::clone(known),
        );
        match meta {
            Metadata::Type { kind, .. } => family.kind = *kind,
            Metadata::Help { text, .. } => family.help = cut(text).into(),
            Metadata::Unit { unit, .. } => family.unit = cut(unit).into(),
        }
        if known.is_none_or(|known| **known != family) {
            self.by_name.insert(name.into(), Arc::new(family));
            self.changed = true;
        }
    }

    /// Shows the target's families to the API. True when there were too many, and all is forgotten.
    pub(super) fn publish(&mut self, target: &Target) -> bool {
        if !self.changed {
            return false;
        }
        self.changed = false;
        let overflow = self.by_name.len() > MAX_FAMILIES;
        if overflow {
            self.by_name.clear();
        }
        let mut families: Vec<_> = self.by_name.values().cloned().collect();
        families.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        target.families.store(Arc::new(families));
        overflow
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
