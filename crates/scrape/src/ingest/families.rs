//! What a target said about its families, kept for the API.
//!
//! A page is told in full when nothing is remembered of it, and by differences else. So when its
//! comments change, one of the next pages is asked for in full, to see which families are missing.
//! One that is missing for [`KEPT_SCRAPES`] scrapes is forgotten.

use crate::target::{Family, Target};
use exposition::Metadata;
use foldhash::{HashMap, HashSet, HashSetExt as _};
use std::sync::{Arc, Mutex, PoisonError};

/// Families a target may speak of; with more, those not told lately are forgotten.
const MAX_FAMILIES: usize = 16_384;
/// Bytes of a help text or a unit; what goes beyond is cut off.
const MAX_TEXT: usize = 4096;
/// Families in the pool before it is swept for the first time.
const MIN_SWEEP: usize = 1024;
/// Good scrapes after which a family that is missing is forgotten.
const KEPT_SCRAPES: u32 = 10;
/// Scrapes between two pages that are asked for in full because their comments changed.
const BETWEEN_FULL: u32 = 3;

/// What a page tells anew; the rest is what the target shows already.
#[derive(Debug, Default)]
pub(super) struct Families {
    told: HashMap<Box<str>, Family>,
    /// The names of all families of this page, when it is one told in full.
    in_full: Option<HashSet<Box<str>>>,
    /// Since which scrape a family is missing.
    missing: HashMap<Box<str>, u32>,
    /// Number of the current scrape.
    scrape: u32,
    /// What tells the comments of the last page from others.
    print: u64,
    last_full: u32,
}

/// What the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// What is different.
    Differences,
    /// Everything.
    InFull,
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
    /// Begins a page; one of which nothing is remembered is told in full.
    pub(super) fn begin(&mut self, in_full: bool) {
        self.told.clear();
        self.in_full = in_full.then(HashSet::new);
    }

    /// Takes a line about a family of a target.
    pub(super) fn note(&mut self, target: &Target, meta: &Metadata<'_>) {
        let name: &str = match meta {
            Metadata::Type { family, .. }
            | Metadata::Help { family, .. }
            | Metadata::Unit { family, .. } => family,
        };
        if !self.missing.is_empty() {
            self.missing.remove(name);
        }
        if let Some(names) = &mut self.in_full
            && names.len() <= MAX_FAMILIES
            && !names.contains(name)
        {
            names.insert(name.into());
        }
        if !self.told.contains_key(name) {
            if self.told.len() > MAX_FAMILIES {
                return;
            }
            let shown = target.families.load();
            let known = shown.binary_search_by(|family| (*family.name).cmp(name));
            if known.is_ok_and(|at| says(&shown[at], meta)) {
                return;
            }
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

    /// Ends a good page, whose comments have this print, and shows the API what changed.
    pub(super) fn finish(&mut self, print: u64, target: &Target, pool: &FamilyPool) -> Next {
        self.scrape += 1;
        let mut gone = false;
        if let Some(names) = self.in_full.take() {
            self.last_full = self.scrape;
            self.print = print;
            self.missing.retain(|name, _| !names.contains(name));
            for family in target.families.load().iter() {
                if !names.contains(&family.name) {
                    self.missing.entry(family.name.clone()).or_insert(self.scrape);
                }
            }
        }
        if !self.missing.is_empty() {
            gone = self.missing.values().any(|since| self.scrape - since >= KEPT_SCRAPES);
        }
        if self.publish(gone, target, pool) {
            return Next::InFull;
        }
        let changed = print != self.print;
        if changed && self.scrape - self.last_full >= BETWEEN_FULL {
            return Next::InFull;
        }
        Next::Differences
    }

    /// True when there are too many: then only what was told now is shown.
    fn publish(&mut self, gone: bool, target: &Target, pool: &FamilyPool) -> bool {
        if self.told.is_empty() && !gone {
            return false;
        }
        let told = std::mem::take(&mut self.told);
        let shown = target.families.load();
        let scrape = self.scrape;
        let is_gone =
            |name: &str| self.missing.get(name).is_some_and(|since| scrape - since >= KEPT_SCRAPES);
        let kept = |family: &&Arc<Family>| {
            !(told.contains_key(&family.name) || (gone && is_gone(&family.name)))
        };
        let mut families: Vec<_> = shown.iter().filter(kept).cloned().collect();
        drop(shown);
        if gone {
            self.missing.retain(|_, since| scrape - *since < KEPT_SCRAPES);
        }
        let overflow = families.len() + told.len() > MAX_FAMILIES;
        if overflow {
            families.clear();
            self.missing.clear();
        }
        families.extend(told.into_values().map(|family| pool.share(family)));
        families.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        target.families.store(Arc::new(families));
        overflow
    }
}

/// Whether a family says this already.
fn says(family: &Family, meta: &Metadata<'_>) -> bool {
    match meta {
        Metadata::Type { kind, .. } => family.kind == *kind,
        Metadata::Help { text, .. } => *family.help == *cut(text),
        Metadata::Unit { unit, .. } => *family.unit == *cut(unit),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}
