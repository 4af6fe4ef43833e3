//! Which rows are made again when an object changes that they refer to.

use cluster::watch::Key;
use std::collections::{BTreeSet, HashMap};

/// A kind of objects that others refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Referred {
    Pod,
    Service,
    /// All slices of a service; the key is the service's.
    Slices,
    Node,
    Namespace,
    ReplicaSet,
    Job,
}

/// An object that a row refers to, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Reference {
    pub(super) kind: Referred,
    pub(super) key: Key,
}

/// Rows by the objects they refer to.
#[derive(Debug, Default)]
pub(super) struct References {
    /// In order; nearly always one, and all of a namespace at times.
    rows: HashMap<Reference, Vec<Key>>,
}

impl References {
    /// A row refers to other objects than before.
    pub(super) fn change(
        &mut self,
        row: &Key,
        before: &BTreeSet<Reference>,
        now: &BTreeSet<Reference>,
    ) {
        for gone in before.difference(now) {
            if let Some(rows) = self.rows.get_mut(gone) {
                if let Ok(at) = rows.binary_search(row) {
                    rows.remove(at);
                }
                if rows.is_empty() {
                    self.rows.remove(gone);
                }
            }
        }
        for new in now.difference(before) {
            let rows = self.rows.entry(new.clone()).or_insert_with(|| Vec::with_capacity(1));
            if let Err(at) = rows.binary_search(row) {
                rows.insert(at, row.clone());
            }
        }
    }

    /// The rows that refer to an object.
    pub(super) fn rows(&self, reference: &Reference) -> &[Key] {
        self.rows.get(reference).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_there_once_and_leaves_nothing_behind() {
        let pod = |name: &str| Reference { kind: Referred::Pod, key: Key::new("ns", name) };
        let row = |name: &str| Key::new("ns", name);
        let mut references = References::default();
        let (one, both) = (BTreeSet::from([pod("x")]), BTreeSet::from([pod("x"), pod("y")]));
        let none = BTreeSet::new();
        for name in ["b", "c", "a"] {
            references.change(&row(name), &none, &one);
        }
        references.change(&row("b"), &one, &both);
        assert_eq!(references.rows(&pod("x")), [row("a"), row("b"), row("c")]);
        assert_eq!(references.rows(&pod("y")), [row("b")]);
        references.change(&row("b"), &both, &none);
        assert_eq!(references.rows(&pod("x")), [row("a"), row("c")]);
        for name in ["a", "c"] {
            references.change(&row(name), &one, &none);
        }
        assert!(references.rows.is_empty(), "{references:?}");
    }
}
