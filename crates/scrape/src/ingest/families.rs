//! What a target said about its families, kept for the API.

use crate::target::{Family, Target};
use exposition::Metadata;
use foldhash::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Families a target may speak of; with more, those not told lately are forgotten.
const MAX_FAMILIES: usize = 16_384;
/// Bytes of a help text or a unit; what goes beyond is cut off.
const MAX_TEXT: usize = 4096;
/// Families in the pool before it is swept for the first time.
const MIN_SWEEP: usize = 1024;

/// What a page tells anew; the rest is what the target shows already.
#[derive(Debug, Default)]
pub(super) struct Families {
    told: HashMap<Box<str>, Family>,
}

/// One copy of what many targets say alike.
#[derive(Debug, Default)]
pub(crate) struct FamilyPool {
    families: Mutex<Pooled>,
}

#[derive(Debug, Default)]
struct Pooled {
    families: HashSet<Arc<Family>>,
    sweep_at: usize,
}

impl FamilyPool {
    fn share(&self, family: Family) -> Arc<Family> {
        let mut pool = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pool.families.get(&family) {
            return known.clone();
        }
        if pool.families.len() >= pool.sweep_at {
            // Lets go of what no target says any more.
            pool.families.retain(|family| Arc::strong_count(family) > 1);
            pool.sweep_at = (pool.families.len() * 2).max(MIN_SWEEP);
        }
        let family = Arc::new(family);
        pool.families.insert(family.clone());
        family
    }
}

impl Families {
    /// Takes a line about a family of a target.
    pub(super) fn note(&mut self, target: &Target, meta: &Metadata<'_>) {
        let name: &str = match meta {
            Metadata::Type { family, .. }
            | Metadata::Help { family, .. }
            | Metadata::Unit { family, .. } => family,
        };
        if !self.told.contains_key(name) {
            if self.told.len() > MAX_FAMILIES {
                return;
            }
            let shown = target.families.load();
            let known = shown.binary_search_by(|family| (*family.name).cmp(name));
            let family = known.map_or_else(|_| Family::new(name), |at| Family::clone(&shown[at]));
            self.told.insert(name.into(), family);
        }
        let family = self.told.get_mut(name).expect("there by now");
        match meta {
            Metadata::Type { kind, .. } => family.kind = *kind,
            Metadata::Help { text, .. } => family.help = cut(text).into(),
            Metadata::Unit { unit, .. } => family.unit = cut(unit).into(),
        }
    }

    /// Shows the API what was told anew. True when that is too much: then
    /// only what was told now is shown, and the page should be told anew.
    pub(super) fn publish(&mut self, target: &Target, pool: &FamilyPool) -> bool {
        if self.told.is_empty() {
            return false;
        }
        let told = std::mem::take(&mut self.told);
        let shown = target.families.load();
        let kept = shown.iter().filter(|family| !told.contains_key(&family.name)).cloned();
        let mut families: Vec<_> = kept.collect();
        drop(shown);
        let overflow = families.len() + told.len() > MAX_FAMILIES;
        if overflow {
            families.clear();
        }
        families.extend(told.into_values().map(|family| pool.share(family)));
        families.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        target.families.store(Arc::new(families));
        overflow
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
