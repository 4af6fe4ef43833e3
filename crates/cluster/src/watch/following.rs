//! The view a follower has of a store.

use super::changes::Place;
use super::store::Store;
use super::{Changes, Held, Key, Kind};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::DropGuard;

/// Objects of one kind and scope, kept up to date, and a place in what changes there.
///
/// A clone sees the same objects and has a place of its own, before everything.
pub struct Following<T> {
    lease: Arc<Lease<T>>,
    place: Arc<Place>,
}

/// Keeps a watch running for as long as somebody has it.
pub(super) struct Lease<T> {
    pub(super) store: Arc<Store<T>>,
    _running: DropGuard,
}

impl<T> Lease<T> {
    pub(super) fn new(store: Arc<Store<T>>, running: DropGuard) -> Self {
        Self { store, _running: running }
    }
}

/// How a watch is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchState {
    /// Whether all objects are known that may be read: the first list is complete, in each namespace
    /// that is not forbidden, and there is one. Stays so when the API server goes away.
    pub synced: bool,
    /// Whether nothing more is to come before [`Self::synced`] says how it stands: each namespace's first
    /// list is complete or was refused.
    pub settled: bool,
    /// How long it has not been in sync with the API server; zero while it is.
    pub behind: Duration,
    /// What went wrong last, until it is in sync again.
    pub error: Option<String>,
    /// The namespaces whose objects may not be read; an empty one stands for all of the cluster.
    pub forbidden: Vec<String>,
    /// Whether the API server does not know the kind.
    pub absent: bool,
    /// Objects that are known.
    pub objects: usize,
    /// Those of them that cannot be read.
    pub unreadable: usize,
    /// Objects that are left out because there are too many.
    pub left_out: usize,
}

impl<T> Following<T> {
    pub(super) fn new(lease: Arc<Lease<T>>) -> Self {
        let place = lease.store.place();
        Self { lease, place }
    }

    /// The kind of the objects.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        self.lease.store.kind()
    }

    /// An object.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<Held<T>>> {
        self.lease.store.get(namespace, name)
    }

    /// All objects as they are at one time, in the order of namespace and name. Nothing is locked
    /// meanwhile.
    pub fn for_each(&self, mut f: impl FnMut(&Key, &Arc<Held<T>>)) {
        for (key, held) in &self.lease.store.all() {
            f(key, held);
        }
    }

    /// Waits until something has changed since the last call, objects or [`Self::state`]. At first all
    /// has changed, as soon as the first list is complete or was refused. Cancel safe.
    pub async fn changes(&mut self) -> Changes {
        self.place.take().await
    }

    /// How the watch is doing.
    #[must_use]
    pub fn state(&self) -> WatchState {
        self.lease.store.state()
    }

    /// Waits until the first list is complete, or refused: then the state says why. Cancel safe.
    pub async fn synced(&mut self) {
        // The store is here, so it is not dropped meanwhile.
        self.lease.store.settled().wait_for(|is_settled| *is_settled).await.ok();
    }
}

impl<T> Clone for Following<T> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.lease))
    }
}

impl<T> fmt::Debug for Following<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following")
            .field("kind", self.kind())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
