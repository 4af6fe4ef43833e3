//! Columns that a writer has asked for while no row had a value for them.
//!
//! Their series are made by the first row that has one, all of them at once. Until then they are the
//! writer's alone: a page that is refused after half of its series were told leaves nothing in the
//! head, and a page of many new series takes the registry's lock a few times and not once for each.

use hashbrown::HashTable;
use model::Labels;

/// Labels by the order in which they were asked for.
#[derive(Default)]
pub(super) struct Staged {
    labels: Vec<Labels>,
    by_labels: HashTable<u32>,
}

impl Staged {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The first of them, in the order of their columns.
    pub(super) fn first(&self, count: usize) -> &[Labels] {
        &self.labels[..count.min(self.labels.len())]
    }

    /// The number of equal labels.
    pub(super) fn find(&self, labels: &Labels) -> Option<usize> {
        let same = |i: &u32| self.labels[*i as usize] == *labels;
        self.by_labels.find(labels.hash64(), same).map(|i| *i as usize)
    }

    /// Adds labels that are not there.
    pub(super) fn push(&mut self, labels: &Labels) {
        let i = u32::try_from(self.labels.len()).expect("fewer than a group may have columns");
        self.labels.push(labels.clone());
        let all = &self.labels;
        self.by_labels.insert_unique(labels.hash64(), i, |i| all[*i as usize].hash64());
    }

    /// Removes the first of them; the others move up.
    pub(super) fn remove_first(&mut self, count: usize) {
        let mut rest = std::mem::take(self).labels;
        for labels in rest.drain(..).skip(count) {
            self.push(&labels);
        }
    }
}
