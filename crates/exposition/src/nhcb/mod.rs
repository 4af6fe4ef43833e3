//! Classic histograms to native ones with custom buckets.
//!
//! Lines that belong together (one family, the same labels but for `le`) are collected until
//! another group, a comment or the end comes, and then told as one histogram. The predictor's slots
//! are places in [`Conversion`] then: of a known line it is known which bucket of which group it is,
//! so that collecting costs no look at labels.

mod classic;
mod converting;

pub(crate) use classic::{Buckets, Classic, clear};
pub(crate) use converting::{Collecting, Converting};

use std::hash::BuildHasher;

use foldhash::HashMap;
use foldhash::fast::RandomState;

/// What a line is.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// A series for itself.
    Plain,
    /// A bucket, by its upper bound.
    Bucket(f64),
    Sum,
    Count,
}

/// What a slot of the predictor means.
#[derive(Clone, Copy, Debug)]
struct Entry {
    role: Role,
    /// The group it stands in, also where a plain line does.
    group: u32,
    /// The sink's slot, if the line is told as a series.
    slot: Option<u32>,
}

/// A histogram whose lines are collected.
#[derive(Debug)]
struct Group {
    /// The series of the histogram, as it would stand in a page.
    series: Box<str>,
    /// Its unit, where that becomes a label.
    unit: Box<str>,
    /// The sink's slot.
    slot: Option<u32>,
}

/// No group: a plain line of another family.
const ALONE: u32 = u32::MAX;

/// What is remembered of a page whose histograms are converted.
#[derive(Debug, Default)]
pub(crate) struct Conversion {
    entries: Vec<Entry>,
    groups: Vec<Group>,
    by_series: HashMap<u64, u32>,
    seed: RandomState,
    /// Entries and groups before this page.
    kept: (usize, usize),
}

impl Conversion {
    fn add_entry(&mut self, entry: Entry) -> u32 {
        self.entries.push(entry);
        position(self.entries.len() - 1)
    }

    /// The group of a series, made when it is new.
    fn group(&mut self, series: &str, unit: &str) -> u32 {
        let hash = self.seed.hash_one((series, unit));
        if let Some(group) = self.by_series.get(&hash) {
            return *group;
        }
        let group = position(self.groups.len());
        self.by_series.insert(hash, group);
        self.groups.push(Group { series: series.into(), unit: unit.into(), slot: None });
        group
    }

    /// Gives the sink's slots new numbers; those without one are forgotten.
    pub(crate) fn remap(&mut self, new_slot: impl Fn(u32) -> Option<u32>) {
        for entry in &mut self.entries {
            let is_told = entry.slot.is_some();
            entry.slot = entry.slot.and_then(&new_slot);
            if is_told && entry.slot.is_none() {
                entry.role = Role::Plain;
            }
        }
        for group in &mut self.groups {
            group.slot = group.slot.and_then(&new_slot);
        }
    }

    /// Whether a slot of the predictor means anything still.
    pub(crate) fn has_slot(&self, slot: u32) -> bool {
        let entry = self.entries.get(slot as usize);
        entry.is_some_and(|entry| entry.slot.is_some() || !matches!(entry.role, Role::Plain))
    }

    /// The page ended well. When much is of no use any more, the rest moves together.
    pub(crate) fn end_page<'a>(&mut self, slots: impl ExactSizeIterator<Item = &'a mut u32>) {
        if self.entries.len() > 2 * slots.len() + 64 {
            self.sweep(slots);
        }
        self.kept = (self.entries.len(), self.groups.len());
    }

    fn sweep<'a>(&mut self, slots: impl ExactSizeIterator<Item = &'a mut u32>) {
        let old = std::mem::take(self);
        let mut new_groups = vec![ALONE; old.groups.len()];
        let mut old_groups: Vec<Option<Group>> = old.groups.into_iter().map(Some).collect();
        self.seed = old.seed;
        for slot in slots {
            let mut entry = old.entries[*slot as usize];
            if let Some(new) = new_groups.get_mut(entry.group as usize) {
                if let Some(group) = old_groups[entry.group as usize].take() {
                    *new = self.group(&group.series, &group.unit);
                    self.groups[*new as usize].slot = group.slot;
                }
                entry.group = *new;
            }
            *slot = self.add_entry(entry);
        }
    }

    /// The page did not end well: what it added goes.
    pub(crate) fn roll_back(&mut self) {
        let (entries, groups) = self.kept;
        self.entries.truncate(entries);
        if self.groups.len() > groups {
            self.groups.truncate(groups);
            self.by_series.retain(|_, group| (*group as usize) < groups);
        }
    }

    /// Bytes held on the heap, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts: usize = self.groups.iter().map(|group| group.series.len()).sum();
        self.entries.capacity() * size_of::<Entry>()
            + self.groups.capacity() * size_of::<Group>()
            + self.by_series.capacity() * size_of::<(u64, u32)>()
            + texts
    }
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("a page has fewer lines than slots")
}
