//! Clusters by how they are reached, and their tables.

use super::discoverer::KubernetesDiscovery;
use super::metrics::Metrics;
use super::role::{
    self, OfEndpoints, OfIngresses, OfMerged, OfNodes, OfPods, OfServices, OfSlices,
};
use super::stores::Subject;
use super::table::{Rest, Run, Table};
use client::Dialer;
use cluster::access::{Access, Origin};
use cluster::watch::Watches;
use discovery::Discoverer;
use discovery::kubernetes::{Kubernetes, KubernetesConfig, Role};
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use tokio_util::task::TaskTracker;

/// The cluster that is meant when a section names none: the one we run in, or are told to follow.
#[derive(Clone, Debug)]
pub struct Own {
    /// How it is reached.
    pub access: Access,
    /// Where objects are looked for on behalf of monitors; everywhere when empty.
    pub namespaces: BTreeSet<String>,
}

/// All clusters in which targets are looked for, each watched once whoever asks.
pub struct Clusters {
    dialer: Dialer,
    user_agent: Arc<str>,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    own: Option<(Arc<Cluster>, BTreeSet<String>)>,
    /// By the identity of the way there.
    all: HashMap<String, Weak<Cluster>>,
}

impl fmt::Debug for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock();
        let own = known.own.as_ref().map(|(cluster, _)| cluster.identity().to_owned());
        f.debug_struct("Clusters").field("own", &own).finish_non_exhaustive()
    }
}

impl Clusters {
    /// No cluster of our own yet. Those that sections name are reached by this dialer.
    #[must_use]
    pub fn new(
        dialer: Dialer,
        user_agent: &str,
        watch_metrics: Arc<cluster::watch::Metrics>,
    ) -> Self {
        Self {
            dialer,
            user_agent: user_agent.into(),
            metrics: Arc::new(Metrics::new(watch_metrics)),
            tasks: TaskTracker::new(),
            known: Mutex::default(),
        }
    }

    /// What is counted of all of them.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// The cluster that sections mean which name none, from now on. Discoverers that were made before
    /// keep theirs.
    pub fn set_own(&self, own: Option<Own>) {
        let mut known = self.known.lock();
        known.own = own.map(|own| (self.cluster(&mut known, own.access), own.namespaces));
    }

    /// What is watched of our own cluster.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    #[must_use]
    pub fn watches(&self) -> Option<Watches> {
        let known = self.known.lock();
        known.own.as_ref().map(|(cluster, _)| cluster.watches().clone())
    }

    fn cluster(&self, known: &mut Known, access: Access) -> Arc<Cluster> {
        let there = known.all.get(access.identity()).and_then(Weak::upgrade);
        if let Some(there) = there {
            return there;
        }
        known.all.retain(|_, cluster| cluster.strong_count() > 0);
        let identity = access.identity().to_owned();
        let cluster = Arc::new(Cluster {
            access,
            watches: OnceLock::new(),
            tables: Mutex::default(),
            metrics: Arc::clone(&self.metrics),
            tasks: self.tasks.clone(),
        });
        known.all.insert(identity, Arc::downgrade(&cluster));
        cluster
    }

    /// The cluster of a section, and where monitors look for objects there.
    fn of(&self, config: &KubernetesConfig) -> Result<(Arc<Cluster>, BTreeSet<String>), String> {
        let origin = match (&config.kubeconfig_file, &config.api_server) {
            (Some(path), _) => Origin::Kubeconfig(path.clone()),
            (None, Some(url)) => Origin::At { url: url.clone(), http: config.keys.config()? },
            (None, None) => {
                let none =
                    "not in a cluster: api_server or kubeconfig_file has to say where one is";
                return self.known.lock().own.clone().ok_or_else(|| none.to_owned());
            }
        };
        let access = Access::new(&origin, &self.dialer, &self.user_agent);
        let access = access.map_err(|error| error.to_string())?;
        Ok((self.cluster(&mut self.known.lock(), access), BTreeSet::new()))
    }

    /// Waits for all tables to be given up; they are, once nobody looks at them. Then ends all watches,
    /// those of our own cluster too.
    pub async fn shutdown(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        let all: Vec<_> = self.known.lock().all.values().filter_map(Weak::upgrade).collect();
        for watches in all.iter().filter_map(|cluster| cluster.watches.get()) {
            watches.shutdown().await;
        }
    }
}

impl Kubernetes for Clusters {
    fn discoverer(
        &self,
        config: &KubernetesConfig,
        metrics: &Arc<discovery::Metrics>,
    ) -> Result<Arc<dyn Discoverer>, String> {
        let (cluster, wide) = self.of(config)?;
        let mut namespaces: BTreeSet<String> = config.namespaces.names.iter().cloned().collect();
        if config.namespaces.own_namespace {
            let own = cluster.access.own_namespace();
            let own = own.ok_or("could not determine the pod's namespace")?;
            namespaces.insert(own.to_owned());
        }
        // Those of monitors look at the same objects, each for its own.
        let (scope, narrow) = match config.preselect {
            Some(_) => (wide, namespaces),
            None => (namespaces, BTreeSet::new()),
        };
        let mut selectors = config.selectors.clone();
        selectors.retain(|selector| !(selector.label.is_empty() && selector.field.is_empty()));
        selectors.sort();
        let mut subject = Subject {
            role: config.role,
            namespaces: scope,
            selectors,
            attach: config.attach_metadata,
        };
        let mut narrow = narrow;
        if config.role == Role::Node {
            // Machines are in no namespace.
            subject.namespaces.clear();
            narrow.clear();
        }
        let found = (subject, narrow);
        Ok(Arc::new(KubernetesDiscovery::new(config, cluster, found, metrics)))
    }
}

/// A cluster, its watches and its tables.
pub(super) struct Cluster {
    access: Access,
    watches: OnceLock<Watches>,
    /// Those that somebody looks at.
    tables: Mutex<HashMap<Subject, Weak<Table>>>,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
}

impl Cluster {
    pub(super) fn identity(&self) -> &str {
        self.access.identity()
    }

    fn watches(&self) -> &Watches {
        let metrics = || Arc::clone(self.metrics.watches());
        self.watches.get_or_init(|| Watches::new(self.access.client(), metrics()))
    }

    /// The table of a subject; a new one is kept by a task of its own.
    pub(super) fn table(&self, subject: &Subject) -> Arc<Table> {
        let mut tables = self.tables.lock();
        if let Some(table) = tables.get(subject).and_then(Weak::upgrade) {
            return table;
        }
        tables.retain(|_, table| table.strong_count() > 0);
        let (table, keeping) = Table::new();
        tables.insert(subject.clone(), Arc::downgrade(&table));
        let (subject, watches, metrics) =
            (subject.clone(), self.watches().clone(), Arc::clone(&self.metrics));
        macro_rules! keep {
            ($role:ty) => {
                self.tasks.spawn(keep::<$role>(subject, watches, (keeping, Vec::new()), metrics))
            };
        }
        match subject.role {
            Role::Node => keep!(OfNodes),
            Role::Pod => keep!(OfPods),
            Role::Service => keep!(OfServices),
            Role::Endpoints => self.tasks.spawn(async move {
                let (again, rest) = (subject.clone(), (keeping, Vec::new()));
                let run = Run::<OfEndpoints>::new(subject, &watches, rest, Arc::clone(&metrics));
                if let Some(rest) = run.run().await {
                    keep::<OfMerged>(again, watches, rest, metrics).await;
                }
            }),
            Role::EndpointSlice => keep!(OfSlices),
            Role::Ingress => keep!(OfIngresses),
        };
        table
    }
}

async fn keep<R: role::Role>(
    subject: Subject,
    watches: Watches,
    rest: Rest,
    metrics: Arc<Metrics>,
) {
    // Only one kind of table is ever left before its time, and not here.
    Run::<R>::new(subject, &watches, rest, metrics).run().await;
}
