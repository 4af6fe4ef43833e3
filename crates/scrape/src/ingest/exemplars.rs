//! Exemplars of a page, kept back until its row is stored.
//!
//! A target tells the same exemplar until it has a newer one, so each series remembers a hash of what
//! it told last; telling that again costs the hash and no memory.

use super::Tally;
use super::explicit::Explicit;
use super::sink::EXPLICIT;
use exposition::ExemplarLine;
use foldhash::{HashMap, HashMapExt as _};
use model::Labels;
use std::hash::{BuildHasher as _, Hasher as _};
use storage::{Column, Exemplar, Group};

/// Exemplars of a page that are looked at.
const MAX_EXEMPLARS: usize = 100_000;
/// Characters of all names and values of one.
const MAX_CHARS: usize = 128;

/// The exemplars of the page that is being read, and what was told before.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    /// By slot, and by number among the exemplars of one sample.
    told: HashMap<(u32, u32), u64>,
    seed: foldhash::fast::RandomState,
    /// In the order of the page.
    pending: Vec<(u32, Exemplar)>,
    looked_at: usize,
}

/// A sample that exemplars belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) slot: u32,
    /// The time of the sample, for exemplars without one of their own; `None` when they need one.
    pub(super) t_ms: Option<i64>,
    /// How many exemplars of the sample came before.
    pub(super) number: u32,
}

impl Exemplars {
    pub(super) fn begin(&mut self) {
        self.pending.clear();
        self.looked_at = 0;
    }

    /// Forgets what was told, since slots no longer mean what they did.
    pub(super) fn forget(&mut self) {
        self.told = HashMap::new();
    }

    /// Takes an exemplar of a sample.
    pub(super) fn note(&mut self, owner: Owner, line: &ExemplarLine<'_>) {
        let Some(t_ms) = line.t_ms.or(owner.t_ms) else { return };
        self.looked_at += 1;
        if self.looked_at > MAX_EXEMPLARS {
            return;
        }
        let mut hasher = self.seed.build_hasher();
        let mut chars = 0;
        for (name, value) in line.labels() {
            chars += name.chars().count() + value.chars().count();
            hasher.write(name.as_bytes());
            hasher.write_u8(0xff);
            hasher.write(value.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.write_u64(line.value.to_bits());
        hasher.write_i64(line.t_ms.unwrap_or(i64::MIN));
        let key = (owner.slot, owner.number);
        let hash = hasher.finish();
        if chars > MAX_CHARS || self.told.insert(key, hash) == Some(hash) {
            return;
        }
        let labels = Labels::from_pairs(line.labels());
        self.pending.push((owner.slot, Exemplar { labels, value: line.value, t_ms }));
    }

    /// Stores what was kept back. Errors cost only the exemplars.
    pub(super) fn commit(
        &mut self,
        group: &mut dyn Group,
        explicit: &mut Explicit,
        tally: &mut Tally,
    ) {
        for run in self.pending.chunk_by_mut(|a, b| a.0 == b.0) {
            run.sort_by_key(|(_, exemplar)| exemplar.t_ms);
            let slot = run[0].0;
            let all: Vec<_> = run.iter().map(|(_, exemplar)| exemplar.clone()).collect();
            let stored = match slot.checked_sub(EXPLICIT) {
                None => group.add_exemplars(Column(slot), &all),
                Some(entry) => explicit.add_exemplars(entry, &all),
            };
            match stored {
                // Some of several are often told again beside a new one.
                Ok(0) => tally.exemplars_out_of_order += all.len() as u64,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "exemplars lost"),
            }
        }
        self.pending.clear();
    }

    /// Follows columns that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        let moved = std::mem::take(&mut self.told).into_iter().filter_map(|((slot, n), hash)| {
            if slot >= EXPLICIT {
                return Some(((slot, n), hash));
            }
            let slot = map.get(slot as usize).copied().filter(|slot| *slot != u32::MAX)?;
            Some(((slot, n), hash))
        });
        self.told = moved.collect();
    }
}
