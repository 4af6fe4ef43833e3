//! Clusters: targets are found in any, and the monitors and rules of our own become jobs and groups.
//!
//! [`Reach`] is how clusters are reached, with or without a section `kubernetes` in the configuration.
//! [`Cluster`] follows the one that such a section means: its watches feed a planner, whose plans
//! [`follow`] brings to scraping and rules and whose verdicts a reporter tells the objects. While the
//! API server is away everything goes on as it was; a start without it takes the targets that were
//! saved ([`snapshot`]).

mod explained_objects;
mod follow;
mod provisional;
mod reach;
mod rights;
mod running;
mod snapshot;

pub(crate) use reach::Reach;

use super::GRACE;
use super::applied::{Applied, ClusterPart};
use super::front::Front;
use super::host::Server;
use super::settings;
use crate::config::Loaded;
use crate::flags::Serve;
use api::State;
use cluster::access::Access;
use discovery::Means;
use explained_objects::Views;
use kubernetes::Section;
use kubernetes::targets::Own;
use running::Running;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Whether there is a cluster around us. The folder is that of the service account.
pub(super) fn is_around(folder: &Path) -> bool {
    cluster::access::is_in_cluster(folder)
}

/// The namespace we run in, if any.
pub(super) fn own_namespace(folder: &Path) -> Option<String> {
    reach::own_namespace(folder)
}

/// Follows the cluster that the configuration means.
pub(super) struct Cluster {
    reach: Reach,
    means: Means,
    applied: Arc<Applied>,
    server: Arc<Server>,
    state: State,
    views: Views,
    flags: Serve,
    metrics: Metrics,
    running: Mutex<Option<Running>>,
    /// Those that were replaced, until they have ended.
    ending: TaskTracker,
}

/// What the parts count, whichever cluster they follow.
#[derive(Clone, Default)]
struct Metrics {
    plan: Arc<operator::plan::Metrics>,
    report: Arc<operator::report::Metrics>,
    follow: Arc<follow::Metrics>,
    snapshot: Arc<snapshot::Metrics>,
}

/// A section that can be followed: nothing can go wrong any more.
pub(super) struct Prepared(Option<Wanted>);

/// What is to be followed.
struct Wanted {
    section: Arc<Section>,
    access: Access,
}

impl Wanted {
    fn own(&self) -> Own {
        let namespaces = self.section.connection.namespaces.iter().cloned().collect();
        Own { access: self.access.clone(), namespaces }
    }
}

impl Cluster {
    /// Follows nothing yet. The means are those of the jobs of the cluster.
    pub(super) fn new(front: &Front, reach: Reach, means: Means, applied: &Arc<Applied>) -> Self {
        let metrics = Metrics::default();
        let server = Arc::clone(&front.server);
        server.show(reach.clusters().metrics() as _);
        server.show(Arc::clone(reach.watch_metrics()) as _);
        server.show(Arc::clone(&metrics.plan) as _);
        server.show(Arc::clone(&metrics.report) as _);
        server.show(Arc::clone(&metrics.follow) as _);
        server.show(Arc::clone(&metrics.snapshot) as _);
        Self {
            reach,
            means,
            applied: Arc::clone(applied),
            server,
            state: front.state.clone(),
            views: Views {
                targets: Arc::clone(&front.views.targets),
                rules: Arc::clone(&front.views.rules),
            },
            flags: front.flags.clone(),
            metrics,
            running: Mutex::default(),
            ending: TaskTracker::new(),
        }
    }

    /// Looks whether the cluster of a configuration can be followed. Sections that name no cluster mean
    /// this one from now on, so this comes before their discoverers are made.
    ///
    /// # Errors
    /// When it is not known how the cluster is reached.
    pub(super) fn prepare(&self, loaded: &Loaded) -> Result<Prepared, String> {
        let wanted = match &loaded.kubernetes {
            Some(section) => {
                let access = self.reach.access(&section.connection)?;
                Some(Wanted { section: Arc::clone(section), access })
            }
            None => None,
        };
        self.reach.follow(wanted.as_ref().map(Wanted::own));
        Ok(Prepared(wanted))
    }

    /// A configuration that was prepared is not applied: all is meant as before.
    pub(super) fn abandon(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.reach.follow(running.as_ref().map(Running::own));
    }

    /// Follows the cluster that was prepared, under a configuration.
    pub(super) fn apply(&self, prepared: Prepared, loaded: &Loaded) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(wanted) = prepared.0 else {
            if let Some(old) = running.take() {
                self.ending.spawn(old.stop());
                self.applied.set_cluster(ClusterPart::default(), &CancellationToken::new());
                self.state.set_objects(None);
                tracing::info!(component = "kubernetes", "no cluster is followed any more");
            }
            return;
        };
        let options = operator::plan::Options {
            section: Arc::clone(&wanted.section),
            namespace: wanted.access.own_namespace().unwrap_or_default().to_owned(),
            global: settings::cluster_global(loaded),
            rules: settings::rule_options(&self.flags, loaded),
            shard: settings::shard(&self.flags, &self.server.hostname).unwrap_or(0),
            taken: Arc::new(loaded.jobs.iter().map(|job| job.name.clone()).collect()),
        };
        match &mut *running {
            Some(running) if running.is_of(&wanted) => running.apply(options),
            _ => {
                let old = running.take();
                let is_first = old.is_none();
                if let Some(old) = old {
                    self.ending.spawn(old.stop());
                }
                *running = Some(Running::start(self, wanted, options, is_first));
            }
        }
    }

    /// Ends what follows the cluster. What was applied stays.
    pub(super) async fn stop(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            self.ending.spawn(running.stop());
        }
        self.ending.close();
        if tokio::time::timeout(GRACE, self.ending.wait()).await.is_err() {
            tracing::warn!(component = "kubernetes", "a cluster was still followed at the end");
        }
    }

    /// Ends the watches, after those who look at them.
    pub(super) async fn close(&self) {
        self.reach.follow(None);
        if tokio::time::timeout(GRACE, self.reach.clusters().shutdown()).await.is_err() {
            tracing::warn!(component = "kubernetes", "watches were still running at the end");
        }
    }
}
