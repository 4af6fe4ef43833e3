//! The objects that a table is made of, and a look at them that remembers what was looked at.

use super::references::{Reference, Referred};
use super::role::Role;
use super::slices::Slices;
use crate::objects::{EndpointSlice, Namespace, Node, Owned, Pod, Service};
use crate::roles::{Cluster, Known};
use cluster::watch::{Changes, Following, Held, Key, Kind, Scope, WatchState, Watches};
use discovery::kubernetes::{AttachMetadata, Role as Name, Selector};
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a table is about: discoverers with an equal one share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub(super) role: Name,
    /// Empty for all.
    pub(super) namespaces: BTreeSet<String>,
    /// Those that select something, in order.
    pub(super) selectors: Vec<Selector>,
    pub(super) attach: AttachMetadata,
}

impl Subject {
    fn scope(&self, kind: &Kind, role: Option<Name>) -> Scope {
        let selector =
            self.selectors.iter().find(|selector| role.is_some() && selector.role == role);
        let (labels, fields) = selector
            .map(|selector| (selector.label.clone(), selector.field.clone()))
            .unwrap_or_default();
        let namespaces = if kind.namespaced { self.namespaces.clone() } else { BTreeSet::new() };
        Scope { namespaces, labels, fields }
    }

    fn is_attached(&self, kind: Referred) -> bool {
        let has_pods = matches!(self.role, Name::Pod | Name::Endpoints | Name::EndpointSlice);
        match kind {
            Referred::Node => has_pods && self.attach.node,
            Referred::Namespace => self.role != Name::Node && self.attach.namespace,
            Referred::ReplicaSet => has_pods && self.attach.deployment,
            // The job's name stands on the pod; only its maker is looked up.
            Referred::Job => has_pods && self.attach.cronjob,
            Referred::Pod | Referred::Service | Referred::Slices => false,
        }
    }
}

/// All that rows are made of.
pub(super) struct Stores<R: Role> {
    objects: Following<R::Object>,
    others: Others,
}

/// What rows refer to; those that the role does not need are not watched.
#[derive(Default)]
struct Others {
    pods: Option<Following<Pod>>,
    services: Option<Following<Service>>,
    slices: Option<Slices>,
    nodes: Option<Following<Node>>,
    namespaces: Option<Following<Namespace>>,
    replica_sets: Option<Following<Owned>>,
    jobs: Option<Following<Owned>>,
}

/// What has changed in one of the stores.
pub(super) struct Changed {
    /// The kind of what rows refer to; the rows' own objects without.
    pub(super) kind: Option<Referred>,
    pub(super) changes: Changes,
}

impl<R: Role> Stores<R> {
    /// Begins to watch what is needed and is not watched yet.
    pub(super) fn follow(subject: &Subject, watches: &Watches) -> Self {
        let needs = |kind| R::NEEDS.contains(&kind) || subject.is_attached(kind);
        fn other<T: DeserializeOwned + Send + Sync + 'static>(
            (subject, watches): (&Subject, &Watches),
            is_needed: bool,
            kind: &'static Kind,
            role: Option<Name>,
        ) -> Option<Following<T>> {
            is_needed.then(|| watches.follow(kind, subject.scope(kind, role)))
        }
        let by = (subject, watches);
        Self {
            objects: watches.follow(R::KIND, subject.scope(R::KIND, Some(R::CHOSEN_AS))),
            others: Others {
                pods: other(by, needs(Referred::Pod), &Kind::PODS, Some(Name::Pod)),
                services: other(by, needs(Referred::Service), &Kind::SERVICES, Some(Name::Service)),
                slices: other(by, needs(Referred::Slices), &Kind::ENDPOINT_SLICES, None)
                    .map(Slices::new),
                nodes: other(by, needs(Referred::Node), &Kind::NODES, Some(Name::Node)),
                namespaces: other(by, needs(Referred::Namespace), &Kind::NAMESPACES, None),
                replica_sets: other(by, needs(Referred::ReplicaSet), &Kind::REPLICA_SETS, None),
                jobs: other(by, needs(Referred::Job), &Kind::JOBS, None),
            },
        }
    }

    /// Waits until something has changed. Cancel safe.
    pub(super) async fn changes(&mut self) -> Changed {
        let others = &mut self.others;
        let (kind, changes) = tokio::select! {
            changes = self.objects.changes() => (None, changes),
            changes = of(&mut others.pods) => (Some(Referred::Pod), changes),
            changes = of(&mut others.services) => (Some(Referred::Service), changes),
            changes = of_slices(&mut others.slices) => (Some(Referred::Slices), changes),
            changes = of(&mut others.nodes) => (Some(Referred::Node), changes),
            changes = of(&mut others.namespaces) => (Some(Referred::Namespace), changes),
            changes = of(&mut others.replica_sets) => (Some(Referred::ReplicaSet), changes),
            changes = of(&mut others.jobs) => (Some(Referred::Job), changes),
        };
        Changed { kind, changes }
    }

    /// How the watches are doing.
    pub(super) fn states(&self) -> Vec<(&'static Kind, WatchState)> {
        fn state<T>(following: &Option<Following<T>>) -> Option<(&'static Kind, WatchState)> {
            following.as_ref().map(|following| (following.kind(), following.state()))
        }
        let others = &self.others;
        let mut states = vec![(self.objects.kind(), self.objects.state())];
        states.extend(state(&others.pods));
        states.extend(state(&others.services));
        let slices = others.slices.as_ref().map(|slices| &slices.following);
        states.extend(slices.map(|following| (following.kind(), following.state())));
        states.extend(state(&others.nodes));
        states.extend(state(&others.namespaces));
        states.extend(state(&others.replica_sets));
        states.extend(state(&others.jobs));
        states
    }

    /// The object of a row.
    pub(super) fn object(&self, key: &Key) -> Option<Known<R::Object>> {
        self.objects.get(&key.namespace, &key.name).and_then(Known::of)
    }

    /// Whether a pod is there that rows may refer to.
    pub(super) fn has_pod(&self, key: &Key) -> bool {
        let pods = self.others.pods.as_ref();
        pods.is_some_and(|pods| pods.get(&key.namespace, &key.name).is_some())
    }

    /// The keys of all rows' objects.
    pub(super) fn keys(&self) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        self.objects.for_each(|key, _| {
            keys.insert(key.clone());
        });
        keys
    }

    /// Looks at what a row refers to.
    pub(super) fn look(&self) -> Look<'_> {
        Look { others: &self.others, seen: RefCell::default() }
    }
}

async fn of<T>(following: &mut Option<Following<T>>) -> Changes {
    match following {
        Some(following) => following.changes().await,
        None => std::future::pending().await,
    }
}

async fn of_slices(slices: &mut Option<Slices>) -> Changes {
    match slices {
        Some(slices) => slices.changes().await,
        None => std::future::pending().await,
    }
}

/// A look at objects that remembers which ones were asked for, whether they were there or not.
pub(super) struct Look<'a> {
    others: &'a Others,
    seen: RefCell<BTreeSet<Reference>>,
}

impl Look<'_> {
    /// All slices of a service, in order.
    pub(super) fn slices(&self, namespace: &str, service: &str) -> Vec<Known<EndpointSlice>> {
        let Some(slices) = &self.others.slices else { return Vec::new() };
        let key = Key::new(namespace, service);
        let all = slices.of(&key).collect();
        self.seen.borrow_mut().insert(Reference { kind: Referred::Slices, key });
        all
    }

    /// What was asked for.
    pub(super) fn seen(self) -> BTreeSet<Reference> {
        self.seen.into_inner()
    }

    fn at<T>(
        &self,
        following: &Option<Following<T>>,
        kind: Referred,
        (namespace, name): (&str, &str),
    ) -> Option<Known<T>> {
        let following = following.as_ref()?;
        self.seen.borrow_mut().insert(Reference { kind, key: Key::new(namespace, name) });
        let held: Option<Arc<Held<T>>> = following.get(namespace, name);
        held.and_then(Known::of)
    }
}

impl Cluster for Look<'_> {
    fn pod(&self, namespace: &str, name: &str) -> Option<Known<Pod>> {
        self.at(&self.others.pods, Referred::Pod, (namespace, name))
    }

    fn service(&self, namespace: &str, name: &str) -> Option<Known<Service>> {
        self.at(&self.others.services, Referred::Service, (namespace, name))
    }

    fn node(&self, name: &str) -> Option<Known<Node>> {
        self.at(&self.others.nodes, Referred::Node, ("", name))
    }

    fn namespace(&self, name: &str) -> Option<Known<Namespace>> {
        self.at(&self.others.namespaces, Referred::Namespace, ("", name))
    }

    fn replica_set(&self, namespace: &str, name: &str) -> Option<Known<Owned>> {
        self.at(&self.others.replica_sets, Referred::ReplicaSet, (namespace, name))
    }

    fn job(&self, namespace: &str, name: &str) -> Option<Known<Owned>> {
        self.at(&self.others.jobs, Referred::Job, (namespace, name))
    }
}
