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
                rows.retain(|other| other != row);
                if rows.is_empty() {
                    self.rows.remove(gone);
                }
            }
        }
        for new in now.difference(before) {
            self.rows.entry(new.clone()).or_default().push(row.clone());
        }
    }

    /// The rows that refer to an object.
    pub(super) fn rows(&self, reference: &Reference) -> &[Key] {
        self.rows.get(reference).map_or(&[], Vec::as_slice)
    }
}
