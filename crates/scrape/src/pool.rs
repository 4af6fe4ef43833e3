//! The targets of one job, and the loops that scrape them.

use crate::Shared;
use crate::config::Job;
use crate::manager::PoolView;
use crate::metrics::JobMetrics;
use crate::scrape_loop::{LoopHandle, Order};
use crate::scraper::Assignment;
use crate::target::{self, Placed, Target};
use discovery::Group;
use foldhash::{HashMap, HashSet};
use model::Labels;
use std::sync::Arc;
use tokio::time::Instant;

/// One job's pool. It outlives its job until the last of its loops has ended.
pub(crate) struct Pool {
    job: Arc<Job>,
    metrics: Arc<JobMetrics>,
    groups: Arc<[Group]>,
    loops: HashMap<String, Held>,
    view: Arc<PoolView>,
}

struct Held {
    handle: LoopHandle,
    assignment: Assignment,
    gone: bool,
}

/// What discovery's groups come to.
#[derive(Default)]
struct Wanted {
    /// In the order of discovery, each key once.
    targets: Vec<Target>,
    dropped: Vec<Labels>,
    dropped_total: usize,
}

impl Pool {
    pub(crate) fn new(shared: &Shared, job: Arc<Job>) -> Self {
        shared.metrics.pools.inc();
        let metrics = shared.metrics.job(&job.name);
        let view = Arc::new(PoolView::empty(&job.name));
        Self { job, metrics, groups: Arc::default(), loops: HashMap::default(), view }
    }

    /// What the API shows.
    pub(crate) fn view(&self) -> Arc<PoolView> {
        self.view.clone()
    }

    /// Whether nothing is left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.loops.values().all(|held| held.gone && held.handle.has_ended())
    }

    /// Goes on under another configuration; nothing happens when it is the same.
    pub(crate) fn reload(&mut self, shared: &Arc<Shared>, job: Arc<Job>) {
        if *self.job != *job {
            shared.metrics.reloads.inc();
            self.job = job;
            self.sync(shared);
        }
    }

    /// Takes what discovery found for the job.
    pub(crate) fn set_groups(&mut self, shared: &Arc<Shared>, groups: Arc<[Group]>) {
        if !Arc::ptr_eq(&self.groups, &groups) {
            self.groups = groups;
            self.sync(shared);
        }
    }

    /// The job is configured again before its series have ended.
    pub(crate) fn revive(&mut self, shared: &Arc<Shared>) {
        self.metrics = shared.metrics.job(&self.job.name);
    }

    /// Ends all loops, each in its time.
    pub(crate) fn retire(&mut self, shared: &Arc<Shared>) {
        self.groups = Arc::default();
        self.sync(shared);
    }

    fn sync(&mut self, shared: &Arc<Shared>) {
        let started = Instant::now();
        let wanted = self.wanted();
        let (count, limit) = (wanted.targets.len(), self.job.target_limit);
        let refused = (limit > 0 && count as u64 > limit).then(|| {
            shared.metrics.exceeded_target_limit.inc();
            let text =
                format!("target_limit exceeded (number of targets: {count}, limit: {limit})");
            Arc::<str>::from(text)
        });
        let mut active = Vec::with_capacity(count);
        let mut keys = HashSet::default();
        for target in wanted.targets {
            keys.insert(target.key().to_owned());
            active.push(self.run(shared, target, refused.clone()));
        }
        self.loops.retain(|key, held| {
            if !keys.contains(key) && !held.gone {
                held.gone = true;
                held.handle.order(Order::Gone);
            }
            !(held.gone && held.handle.has_ended())
        });
        self.metrics.syncs.inc();
        self.metrics.targets.set(count as f64);
        self.metrics.target_limit.set(limit as f64);
        self.metrics.observe_sync(started.elapsed().as_secs_f64());
        self.view = Arc::new(PoolView {
            job: self.job.name.clone(),
            active,
            dropped: wanted.dropped,
            dropped_total: wanted.dropped_total,
        });
    }

    /// Sees to it that a loop scrapes the target; one that does so already is left alone.
    fn run(
        &mut self,
        shared: &Arc<Shared>,
        target: Target,
        refused: Option<Arc<str>>,
    ) -> Arc<Target> {
        let held = self.loops.get_mut(target.key());
        if let Some(held) = &held {
            let old = &held.assignment;
            let same = !held.gone
                && old.target.same_as(&target)
                && Arc::ptr_eq(&old.job, &self.job)
                && old.refused == refused;
            if same {
                return old.target.clone();
            }
            target.status.store(old.target.status());
            target.families.store(old.target.families());
        }
        let target = Arc::new(target);
        let assignment = Assignment { job: self.job.clone(), target: target.clone(), refused };
        if let Some(held) = held
            && held.handle.order(Order::Run(assignment.clone()))
        {
            held.assignment = assignment;
            held.gone = false;
        } else {
            let handle = LoopHandle::spawn(shared, assignment.clone());
            let held = Held { handle, assignment, gone: false };
            self.loops.insert(target.key().to_owned(), held);
        }
        target
    }

    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        let mut keys = HashSet::default();
        for group in &*self.groups {
            for (i, own) in group.targets.iter().enumerate() {
                let discovered = target::discovered_labels(&self.job, &group.labels, own);
                let target = match target::place(&self.job, &discovered) {
                    Ok(Placed::Dropped) => {
                        let keep = self.job.keep_dropped_targets;
                        wanted.dropped_total += 1;
                        if keep == 0 || (wanted.dropped.len() as u64) < keep {
                            wanted.dropped.push(discovered);
                        }
                        continue;
                    }
                    Ok(Placed::Kept(all)) => Target::new(&self.job, discovered, &all),
                    Err(error) => Err(error),
                };
                match target {
                    Ok(target) => {
                        if keys.insert(target.key().to_owned()) {
                            wanted.targets.push(target);
                        }
                    }
                    Err(error) => {
                        self.metrics.syncs_failed.inc();
                        let (job, group) = (&self.job.name, &group.source);
                        tracing::warn!(job, group, instance = i, %error, "target left out");
                    }
                }
            }
        }
        wanted
    }
}
