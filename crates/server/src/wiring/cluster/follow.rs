//! From plans to what is scraped and evaluated.

use super::super::applied::{Applied, ClusterJob, ClusterPart};
use super::provisional::{self, ProvisionalJob};
use super::snapshot::Keeper;
use crate::clock;
use api::NoticeBoard;
use api::history::rfc3339;
use discovery::Means;
use model::metrics::{Collect, Gauge, Kind, Visitor};
use operator::plan::{Plan, PlannedJob};
use rules::LoadedFile;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long the API server may take to tell all before saved targets are scraped.
const PATIENCE: Duration = Duration::from_secs(5);
/// Shortest time between two writes of the snapshot.
const SAVE: Duration = Duration::from_secs(60);
/// For people.
const PROVISIONAL: &str = "The API server of the cluster does not answer: the targets of monitors are \
                           those that were saved before the start.";

/// What is told of the cluster's part.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    jobs: Gauge,
    provisional: Gauge,
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        for (name, help, gauge) in [
            ("rushlight_kubernetes_jobs", "Jobs of objects of the cluster.", &self.jobs),
            (
                "rushlight_kubernetes_provisional_jobs",
                "Jobs that were saved before the start, as the API server does not answer.",
                &self.provisional,
            ),
        ] {
            visitor.family(name, Kind::Gauge, help);
            visitor.sample("", &[], gauge.get());
        }
    }
}

/// What is needed to follow plans.
pub(super) struct Followed {
    pub(super) applied: Arc<Applied>,
    pub(super) means: Means,
    pub(super) notices: Arc<NoticeBoard>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) keeper: Arc<Mutex<Keeper>>,
    /// Which cluster it is.
    pub(super) cluster: String,
    /// What to scrape until the cluster is known.
    pub(super) before: Before,
    /// When to end. Nothing is applied from then on.
    pub(super) stop: CancellationToken,
}

/// What there is before anything is known of the cluster.
pub(super) enum Before {
    /// The file of a former process, if it takes long.
    Snapshot { path: PathBuf, global: scrape::Global },
    /// What another way to a cluster found.
    Jobs(Vec<Arc<ClusterJob>>),
}

/// Follows plans.
pub(super) struct Follower {
    to: Followed,
    /// The jobs of plans, by their names, and what was made of them.
    made: BTreeMap<String, (Arc<PlannedJob>, Arc<ClusterJob>)>,
    provisional: Vec<ProvisionalJob>,
    /// When to look for saved targets.
    look_at: Option<Instant>,
    jobs: Vec<Arc<ClusterJob>>,
    rules: Vec<LoadedFile>,
    /// Whether all that counts was read, so that it may be saved.
    is_complete: bool,
}

impl Follower {
    pub(super) fn new(to: Followed) -> Self {
        let (mut provisional, mut look_at) = (Vec::new(), None);
        match &to.before {
            Before::Snapshot { .. } => look_at = Some(Instant::now() + PATIENCE),
            Before::Jobs(jobs) => {
                provisional = jobs.iter().cloned().map(ProvisionalJob::new).collect();
            }
        }
        let jobs = provisional.iter().map(|job| Arc::clone(&job.job)).collect();
        Self {
            to,
            made: BTreeMap::new(),
            provisional,
            look_at,
            jobs,
            rules: Vec::new(),
            is_complete: false,
        }
    }

    /// Follows until told to stop, and saves what is known then.
    pub(super) async fn run(mut self, mut plans: watch::Receiver<Arc<Plan>>) {
        let stop = self.to.stop.clone();
        let mut saves = interval_at(Instant::now() + SAVE, SAVE);
        saves.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let plan = plans.borrow_and_update().clone();
            self.take(&plan);
            loop {
                let look_at = self.look_at.unwrap_or_else(Instant::now);
                tokio::select! {
                    () = stop.cancelled() => return self.end().await,
                    changed = plans.changed() => match changed {
                        Ok(()) => break,
                        // The planner ended first.
                        Err(_) => {
                            stop.cancelled().await;
                            return self.end().await;
                        }
                    },
                    () = sleep_until(look_at), if self.look_at.is_some() => {
                        self.look_back().await;
                        self.take(&plan);
                    }
                    _ = saves.tick() => self.begin_to_save(),
                }
            }
        }
    }

    async fn end(self) {
        // After who still writes, if anybody does.
        let mut keeper = self.to.keeper.lock().await;
        if self.is_complete {
            let found = self.to.applied.found().borrow().clone();
            keeper.save(&self.to.cluster, &self.jobs, &found).await;
        }
        self.to.notices.remove(PROVISIONAL);
    }

    /// Begins to save what is known, unless somebody is still at it. Plans do not wait for the disk.
    fn begin_to_save(&self) {
        let Ok(mut keeper) = Arc::clone(&self.to.keeper).try_lock_owned() else { return };
        if self.is_complete {
            let found = self.to.applied.found().borrow().clone();
            let (cluster, jobs) = (self.to.cluster.clone(), self.jobs.clone());
            tokio::spawn(async move { keeper.save(&cluster, &jobs, &found).await });
        }
    }

    /// The API server does not answer: takes the jobs of the former process.
    async fn look_back(&mut self) {
        self.look_at = None;
        let Before::Snapshot { path, global } = &self.to.before else { return };
        let (path, global, cluster) = (path.clone(), global.clone(), self.to.cluster.clone());
        let read =
            tokio::task::spawn_blocking(move || provisional::load(&path, &cluster, &global)).await;
        let Ok((saved_at_ms, jobs)) = read else { return };
        if !jobs.is_empty() {
            let (jobs, saved_at) = (jobs.len(), rfc3339::text(saved_at_ms));
            let what = "the API server does not answer: saved targets are scraped until it does";
            tracing::warn!(component = "kubernetes", jobs, %saved_at, "{what}");
            self.to.notices.post(PROVISIONAL, clock::now_ms());
        }
        self.provisional = jobs;
    }

    /// Brings scraping and rules to what a plan says.
    fn take(&mut self, plan: &Plan) {
        if plan.is_complete && !std::mem::replace(&mut self.is_complete, true) {
            self.look_at = None;
            let (objects, jobs, rules) = (plan.objects.len(), plan.jobs.len(), plan.rules.len());
            let what = "all monitors and rules of the cluster are known";
            tracing::info!(component = "kubernetes", objects, jobs, rules, "{what}");
        }
        let had_provisional = !self.provisional.is_empty();
        self.provisional.retain(|job| job.outlives(plan));
        if had_provisional && self.provisional.is_empty() {
            self.to.notices.remove(PROVISIONAL);
        }
        let jobs = self.jobs_of(plan);
        let is_same = jobs.len() == self.jobs.len()
            && jobs.iter().zip(&self.jobs).all(|(a, b)| Arc::ptr_eq(a, b))
            && plan.rules.len() == self.rules.len()
            && plan.rules.iter().zip(&self.rules).all(|(a, b)| Arc::ptr_eq(&a.groups, &b.groups));
        if is_same {
            return;
        }
        self.tell(&jobs);
        self.to.metrics.jobs.set(jobs.len() as f64);
        self.to.metrics.provisional.set(self.provisional.len() as f64);
        (self.jobs, self.rules) = (jobs.clone(), plan.rules.clone());
        let part = ClusterPart { jobs, rules: plan.rules.clone() };
        self.to.applied.set_cluster(part, &self.to.stop);
    }

    fn jobs_of(&mut self, plan: &Plan) -> Vec<Arc<ClusterJob>> {
        let mut old = std::mem::take(&mut self.made);
        let mut jobs = Vec::with_capacity(plan.jobs.len() + self.provisional.len());
        for planned in &plan.jobs {
            let name = planned.job.name.as_str();
            let job = match old.remove(name) {
                Some((before, job)) if Arc::ptr_eq(&before, planned) => job,
                _ => self.make(planned),
            };
            jobs.push(Arc::clone(&job));
            self.made.insert(name.to_owned(), (Arc::clone(planned), job));
        }
        let provisional = self.provisional.iter().map(|job| &job.job);
        let missing = provisional.filter(|job| !self.made.contains_key(&job.job.name));
        jobs.extend(missing.cloned());
        jobs
    }

    fn make(&self, planned: &PlannedJob) -> Arc<ClusterJob> {
        let job = Arc::clone(&planned.job);
        let sources = planned.config.sd().discoverers(&self.to.means).unwrap_or_else(|error| {
            let object = planned.object.as_ref().map(ToString::to_string).unwrap_or_default();
            let (job, what) = (&job.name, "a job has no targets");
            tracing::warn!(component = "kubernetes", object, job, %error, "{what}");
            Vec::new()
        });
        Arc::new(ClusterJob { text: Arc::clone(&planned.text), job, sources })
    }

    /// How much changes, for the log; which objects do is told by who knows them.
    fn tell(&self, jobs: &[Arc<ClusterJob>]) {
        let before: BTreeMap<_, _> = self.jobs.iter().map(|job| (&job.job.name, job)).collect();
        let known = jobs.iter().filter_map(|job| Some((job, before.get(&job.job.name)?)));
        let (mut kept, mut changed) = (0, 0);
        for (now, before) in known {
            kept += 1;
            changed += usize::from(!Arc::ptr_eq(now, before));
        }
        let (added, removed) = (jobs.len() - kept, before.len() - kept);
        let all = jobs.len();
        tracing::info!(
            component = "kubernetes",
            jobs = all,
            added,
            changed,
            removed,
            "jobs of the cluster changed"
        );
    }
}
