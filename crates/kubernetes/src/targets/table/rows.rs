//! The rows of a table: for each object its group, what it was made of, and whose it is.

use super::super::members::{MemberId, Members, Wish};
use super::super::metrics::Metrics;
use super::super::preselected::{self, Labels};
use super::super::references::{Reference, References};
use super::super::role::Role;
use super::super::stores::Stores;
use crate::roles::{Cluster, Known};
use cluster::watch::Key;
use discovery::kubernetes::AttachMetadata;
use discovery::{Group, Groups};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All rows, and all who look at them.
pub(super) struct Rows<R: Role> {
    attach: AttachMetadata,
    pub(super) stores: Stores<R>,
    rows: BTreeMap<Key, Row>,
    references: References,
    pub(super) members: Members,
    /// Members whose groups are others than they were told.
    untold: BTreeSet<MemberId>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Row {
    /// There when somebody wants it.
    group: Option<Arc<Group>>,
    /// All objects that were looked up for it.
    made_of: BTreeSet<Reference>,
    /// Who wants it, in order.
    members: Vec<MemberId>,
}

impl<R: Role> Rows<R> {
    pub(super) fn new(attach: AttachMetadata, stores: Stores<R>, metrics: Arc<Metrics>) -> Self {
        let (rows, references) = (BTreeMap::new(), References::default());
        let (members, untold) = (Members::default(), BTreeSet::new());
        Self { attach, stores, rows, references, members, untold, metrics }
    }

    /// The rows that refer to an object.
    pub(super) fn referring(&self, reference: &Reference) -> &[Key] {
        self.references.rows(reference)
    }

    /// The keys of all rows and of all objects.
    pub(super) fn all(&self) -> BTreeSet<Key> {
        let mut keys = self.stores.keys();
        keys.extend(self.rows.keys().cloned());
        keys
    }

    /// New members, each of which is told its groups even if there are none.
    pub(super) fn join(&mut self, joining: Vec<(MemberId, Wish)>) {
        for (id, wish) in joining {
            self.members.join(id, wish);
            self.untold.insert(id);
        }
    }

    pub(super) fn leave(&mut self, id: MemberId) {
        self.untold.remove(&id);
        for key in self.members.leave(id) {
            let Some(row) = self.rows.get_mut(&key) else { continue };
            row.members.retain(|other| *other != id);
            if row.members.is_empty() {
                row.group = None;
            }
        }
    }

    /// Looks whose row it is, after members have joined; a group that nobody wanted before is made.
    pub(super) fn assign(&mut self, key: &Key) {
        let Some(object) = self.stores.object(key) else { return };
        let look = self.stores.look();
        let service = service::<R>(&object, &look);
        let wanting = self.members.wanting(&key.namespace, &labels::<R>(&object, &service));
        if !wanting.is_empty() && self.rows.get(key).is_none_or(|row| row.group.is_none()) {
            self.remake(key);
        } else {
            self.give(key, wanting);
        }
    }

    /// Makes a row again, after its object or one that it refers to has changed. When that leaves its
    /// group as it was, nobody is told.
    pub(super) fn remake(&mut self, key: &Key) {
        let Some(object) = self.stores.object(key) else { return self.remove(key) };
        let look = self.stores.look();
        let service = service::<R>(&object, &look);
        let wanting = self.members.wanting(&key.namespace, &labels::<R>(&object, &service));
        let group = (!wanting.is_empty()).then(|| {
            self.metrics.built(R::NAME).inc();
            R::group(&object, self.attach, &look)
        });
        let made_of = look.seen();
        let row = self.rows.entry(key.clone()).or_default();
        self.references.change(key, &row.made_of, &made_of);
        row.made_of = made_of;
        if row.group.as_deref() != group.as_ref() {
            row.group = group.map(Arc::new);
            self.untold.extend(&row.members);
        }
        self.give(key, wanting);
    }

    fn remove(&mut self, key: &Key) {
        self.give(key, Vec::new());
        if let Some(row) = self.rows.remove(key) {
            self.references.change(key, &row.made_of, &BTreeSet::new());
        }
    }

    /// The row is theirs from now on.
    fn give(&mut self, key: &Key, wanting: Vec<MemberId>) {
        let Some(row) = self.rows.get_mut(key) else { return };
        let gone = row.members.iter().filter(|id| wanting.binary_search(id).is_err());
        for id in gone {
            if let Some(member) = self.members.get_mut(*id) {
                member.keys.remove(key);
                self.untold.insert(*id);
            }
        }
        let new = wanting.iter().filter(|id| row.members.binary_search(id).is_err());
        for id in new {
            if let Some(member) = self.members.get_mut(*id) {
                member.keys.insert(key.clone());
                self.untold.insert(*id);
            }
        }
        row.members = wanting;
    }

    /// Tells all who were not told yet that there is nothing.
    pub(super) fn tell_nothing(&mut self) {
        for id in std::mem::take(&mut self.untold) {
            if let Some(member) = self.members.get_mut(id) {
                member.wish.output.send_shared(Groups::default());
            }
        }
    }

    /// Tells all whose groups have changed.
    pub(super) fn tell(&mut self) {
        for id in std::mem::take(&mut self.untold) {
            let Some(member) = self.members.get_mut(id) else { continue };
            let rows = member.keys.iter().filter_map(|key| self.rows.get(key)?.group.clone());
            // A group without targets is nothing to anybody.
            let groups: Groups = rows.filter(|group| !group.targets.is_empty()).collect();
            self.metrics.told(R::NAME).inc();
            member.wish.output.send_shared(groups);
        }
    }
}

/// The service of an object, for those roles that look at it.
fn service<R: Role>(
    object: &Known<R::Object>,
    cluster: &dyn Cluster,
) -> Option<Known<crate::objects::Service>> {
    cluster.service(&R::meta(object).namespace, R::service(object)?)
}

/// The labels that preselections look at.
fn labels<'a, R: Role>(
    object: &'a Known<R::Object>,
    service: &'a Option<Known<crate::objects::Service>>,
) -> Labels<'a> {
    let meta = match service {
        Some(service) => &service.metadata,
        None if R::BY_SERVICE => return Labels::new(),
        None => R::meta(object),
    };
    preselected::labels(meta.labels.iter())
}
