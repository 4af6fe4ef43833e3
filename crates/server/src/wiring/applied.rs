//! What is scraped and evaluated: what the configuration says, and what the objects of a cluster say.
//!
//! Each comes when it changes, and is brought together with the other here. What did not change is
//! handed on as the same pointers, so that a change costs what it changes. Where both name a job, the
//! configuration wins.

use super::alarms::Alarms;
use crate::config::{Loaded, PrintedJob};
use arc_swap::ArcSwap;
use discovery::Discoverer;
use rules::LoadedFile;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// A job of the cluster.
pub(super) struct ClusterJob {
    /// As a file would have it; secrets are named, not told.
    pub(super) text: Arc<str>,
    pub(super) job: Arc<scrape::Job>,
    /// Who finds its targets.
    pub(super) sources: Vec<Arc<dyn Discoverer>>,
}

/// All that objects of a cluster say.
#[derive(Default)]
pub(super) struct ClusterPart {
    /// In the order in which they are shown.
    pub(super) jobs: Vec<Arc<ClusterJob>>,
    pub(super) rules: Vec<LoadedFile>,
}

impl ClusterPart {
    /// The jobs that the configuration does not have itself.
    fn jobs_beside(&self, loaded: &Loaded) -> impl Iterator<Item = &Arc<ClusterJob>> {
        let taken: BTreeSet<&str> = loaded.jobs.iter().map(|job| job.name.as_str()).collect();
        self.jobs.iter().filter(move |job| !taken.contains(job.job.name.as_str()))
    }

    /// The same, to be printed.
    pub(super) fn printed(&self, loaded: &Loaded) -> Vec<PrintedJob> {
        let jobs = self.jobs_beside(loaded);
        jobs.map(|job| PrintedJob { text: job.text.clone(), job: job.job.clone() }).collect()
    }
}

/// What the configuration says.
struct FilePart {
    loaded: Arc<Loaded>,
    jobs: Vec<Arc<scrape::Job>>,
    sources: Vec<discovery::Job>,
}

/// Brings scraping, discovery and rules to what is wanted.
pub(super) struct Applied {
    scrapes: Arc<scrape::Manager>,
    alarms: Arc<Alarms>,
    discoverers: discovery::Manager,
    /// What is shown of the cluster's part.
    shown: Arc<ArcSwap<ClusterPart>>,
    /// `None` before a configuration is applied. Held while parts are brought together, so that they
    /// are in turn.
    file: Mutex<Option<FilePart>>,
}

impl Applied {
    pub(super) fn new(
        scrapes: Arc<scrape::Manager>,
        alarms: Arc<Alarms>,
        discoverers: discovery::Manager,
        shown: Arc<ArcSwap<ClusterPart>>,
    ) -> Self {
        Self { scrapes, alarms, discoverers, shown, file: Mutex::default() }
    }

    /// The groups of all jobs.
    pub(super) fn found(&self) -> tokio::sync::watch::Receiver<Arc<discovery::Snapshot>> {
        self.discoverers.snapshots()
    }

    /// Finds no more targets. Those who still hold it hold up nobody.
    pub(super) fn end_discovery(&self) {
        self.discoverers.stop();
    }

    /// Follows a configuration.
    pub(super) fn set_file(
        &self,
        loaded: Arc<Loaded>,
        targets: Vec<discovery::Job>,
        alertmanagers: Vec<discovery::Job>,
    ) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = loaded.jobs.iter().cloned().map(Arc::new).collect();
        let part = file.insert(FilePart { loaded, jobs, sources: targets });
        let cluster = self.shown.load_full();
        self.bring(part, &cluster);
        self.alarms.evaluate(&part.loaded, &cluster.rules);
        self.alarms.tell(&part.loaded, alertmanagers);
    }

    /// Follows the objects of a cluster, unless who speaks for it was told to stop meanwhile: then
    /// somebody else may have spoken already.
    pub(super) fn set_cluster(&self, cluster: ClusterPart, stopped: &CancellationToken) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.is_cancelled() {
            return;
        }
        let cluster = Arc::new(cluster);
        let before = self.shown.swap(Arc::clone(&cluster));
        let Some(part) = &*file else { return };
        self.bring(part, &cluster);
        let same = |(a, b): (&LoadedFile, &LoadedFile)| {
            a.name == b.name && Arc::ptr_eq(&a.groups, &b.groups)
        };
        let (old, new) = (&before.rules, &cluster.rules);
        if old.len() != new.len() || !old.iter().zip(new).all(same) {
            self.alarms.evaluate(&part.loaded, new);
        }
    }

    fn bring(&self, file: &FilePart, cluster: &ClusterPart) {
        let more: Vec<_> = cluster.jobs_beside(&file.loaded).collect();
        self.scrapes.apply(file.jobs.iter().chain(more.iter().map(|job| &job.job)).cloned());
        let sources = more.iter().map(|job| discovery::Job {
            name: job.job.name.clone(),
            discoverers: job.sources.clone(),
        });
        self.discoverers.apply(file.sources.iter().cloned().chain(sources).collect());
    }
}
