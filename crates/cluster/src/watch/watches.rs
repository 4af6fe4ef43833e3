//! All watches of one cluster.

use super::following::Lease;
use super::metrics::Watched;
use super::run::run;
use super::store::Store;
use super::{Following, Kind, Metrics, Pace, Scope};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The watches of one cluster; cheap to clone.
#[derive(Clone)]
pub struct Watches(Arc<Inner>);

struct Inner {
    client: kube::Client,
    metrics: Arc<Metrics>,
    pace: Arc<Pace>,
    running: Mutex<Running>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Running {
    leases: HashMap<Same, Weak<dyn Any + Send + Sync>>,
    /// Leases are looked through for ended ones when there are so many.
    sweep_at: usize,
}

/// Followers with an equal one share a watch.
type Same = (TypeId, Kind, Scope);

impl Watches {
    /// Of the cluster that a client leads to. Reads no network.
    #[must_use]
    pub fn new(client: kube::Client, metrics: Arc<Metrics>) -> Self {
        Self::with_pace(client, metrics, Pace::default())
    }

    pub(super) fn with_pace(client: kube::Client, metrics: Arc<Metrics>, pace: Pace) -> Self {
        Self(Arc::new(Inner {
            client,
            metrics,
            pace: Arc::new(pace),
            running: Mutex::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Follows the objects of a kind in a scope, with those who do so already. Objects are read as
    /// `T` one by one.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn follow<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        kind: &'static Kind,
        scope: Scope,
    ) -> Following<T> {
        let same: Same = (TypeId::of::<T>(), *kind, scope);
        let mut running = self.0.running.lock();
        let known = running.leases.get(&same).and_then(Weak::upgrade);
        if let Some(lease) = known.and_then(|known| known.downcast::<Lease<T>>().ok()) {
            return Following::new(lease);
        }
        let lease = Arc::new(self.begin::<T>(kind, &same.2));
        let weak: Weak<dyn Any + Send + Sync> = Arc::downgrade(&lease) as _;
        running.leases.insert(same, weak);
        if running.leases.len() > running.sweep_at {
            running.leases.retain(|_, lease| lease.strong_count() > 0);
            running.sweep_at = running.leases.len() * 2;
        }
        Following::new(lease)
    }

    fn begin<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        kind: &'static Kind,
        scope: &Scope,
    ) -> Lease<T> {
        let inner = &self.0;
        let namespaces = scope.namespaces.iter().filter(|_| kind.namespaced);
        let store = Arc::new(Store::<T>::new(
            kind,
            namespaces.map(|name| Arc::from(name.as_str())),
            Arc::clone(&inner.pace),
            inner.metrics.counts(kind),
        ));
        let watched: Weak<dyn Watched> = Arc::downgrade(&store) as _;
        inner.metrics.add(watched);
        let stop = inner.stop.child_token();
        for part in 0..store.namespaces().len() {
            let watch = run(inner.client.clone(), Arc::clone(&store), part, scope.clone());
            let stop = stop.clone();
            inner.tasks.spawn(async move { stop.run_until_cancelled(watch).await });
        }
        Lease::new(store, stop.drop_guard())
    }

    /// The watches that run.
    #[cfg(test)]
    pub(super) fn tasks(&self) -> TaskTracker {
        self.0.tasks.clone()
    }

    /// Ends all watches and waits for their ends. Stores stay as they are.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl fmt::Debug for Watches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watches").field("tasks", &self.0.tasks.len()).finish_non_exhaustive()
    }
}
