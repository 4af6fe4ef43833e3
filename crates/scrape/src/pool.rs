//! The targets of one job, and the loops that scrape them.

use crate::Shared;
use crate::config::Job;
use crate::manager::{PoolGround, PoolView};
use crate::metrics::JobMetrics;
use crate::scrape_loop::{LoopHandle, Order};
use crate::scraper::Assignment;
use crate::soon::Batch;
use crate::target::{self, Placed, Target};
use client::Client;
use discovery::Groups;
use foldhash::{HashMap, HashSet};
use model::Labels;
use std::sync::Arc;
use tokio::time::Instant;

/// One job's pool. It outlives its job until the last of its loops has ended.
pub(crate) struct Pool {
    job: Arc<Job>,
    metrics: Arc<JobMetrics>,
    client: Client,
    groups: Groups,
    loops: HashMap<String, Held>,
    /// What the loops are to be brought to; `None` when they are there.
    plan: Option<Plan>,
    view: Arc<PoolView>,
}

/// The targets there are to be.
struct Plan {
    started: Instant,
    wanted: Wanted,
    keys: HashSet<String>,
}

/// What there is in all pools.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// The labels of targets that are there: who has those of a target that is gone goes on with its
    /// series. Only told when targets are lost.
    pub(crate) labels: HashSet<Labels>,
    /// The keys of groups that are written by loops of other targets than they were made for.
    pub(crate) groups: HashSet<Arc<str>>,
}

/// A pool's hold on the loop of a target.
pub(crate) struct Held {
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
        let (groups, loops) = (Arc::default(), HashMap::default());
        let client = shared.client(&job);
        Self { job, metrics, client, groups, loops, plan: None, view }
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
    pub(crate) fn reload(&mut self, shared: &Shared, job: Arc<Job>) {
        if !Arc::ptr_eq(&self.job, &job) && *self.job != *job {
            shared.metrics.reloads.inc();
            if self.job.http != job.http {
                self.client = shared.client(&job);
            }
            self.job = job;
            self.make_plan();
        }
    }

    /// Takes what discovery found for the job.
    pub(crate) fn set_groups(&mut self, groups: Groups) {
        if !Arc::ptr_eq(&self.groups, &groups) {
            self.groups = groups;
            self.make_plan();
        }
    }

    /// The job is configured again before its series have ended.
    pub(crate) fn revive(&mut self, shared: &Shared) {
        self.metrics = shared.metrics.job(&self.job.name);
    }

    /// Ends all loops, each in its time.
    pub(crate) fn retire(&mut self) {
        self.groups = Arc::default();
        self.make_plan();
    }

    fn make_plan(&mut self) {
        let started = Instant::now();
        let wanted = self.wanted();
        let keys = wanted.targets.iter().map(|target| target.key().to_owned()).collect();
        self.plan = Some(Plan { started, wanted, keys });
    }

    /// The targets that need a loop and have none: key and labels.
    pub(crate) fn without_loop(&self) -> impl Iterator<Item = (&str, &Labels)> {
        let targets = self.plan.iter().flat_map(|plan| &plan.wanted.targets);
        let targets = targets.map(|target| (target.key(), target.labels()));
        targets.filter(|(key, _)| !self.loops.contains_key(*key))
    }

    /// How many targets of the plan want their first scrape soon.
    pub(crate) fn wanted_soon(&self) -> usize {
        self.job.first_scrape_within.map_or(0, |_| self.without_loop().count())
    }

    /// The loops whose targets are gone, or will be when the plan is carried out: key and labels.
    pub(crate) fn without_target(&self) -> impl Iterator<Item = (&str, &Labels)> {
        let loops = self.loops.iter().filter(|(key, held)| {
            let leaves = self.plan.as_ref().is_some_and(|plan| !plan.keys.contains(*key));
            (held.gone || leaves) && !held.handle.has_ended()
        });
        loops.map(|(key, held)| (key.as_str(), held.assignment.target.labels()))
    }

    /// Whether the plan takes targets away.
    pub(crate) fn loses_targets(&self) -> bool {
        let plan = self.plan.as_ref();
        plan.is_some_and(|plan| self.loops.keys().any(|key| !plan.keys.contains(key)))
    }

    /// The labels of all targets that are there when the plan is carried out.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &Labels> {
        let planned = self.plan.iter().flat_map(|plan| &plan.wanted.targets);
        let is_planned = self.plan.is_some();
        let held = self.loops.values().filter(move |held| !is_planned && !held.gone);
        planned.map(Target::labels).chain(held.map(|held| held.assignment.target.labels()))
    }

    /// Gives a loop away.
    pub(crate) fn give(&mut self, key: &str) -> Option<Held> {
        self.loops.remove(key)
    }

    /// Takes a loop for a target of the plan.
    pub(crate) fn take(&mut self, key: String, held: Held) {
        self.loops.insert(key, held);
    }

    /// The keys of groups that loops brought along from where they came.
    pub(crate) fn foreign_groups(&self) -> impl Iterator<Item = &Arc<str>> {
        let brought = self
            .loops
            .iter()
            .filter(|(key, held)| **key != *held.assignment.group_key && !held.handle.has_ended());
        brought.map(|(_, held)| &held.assignment.group_key)
    }

    /// Brings the loops to where they are planned to be.
    pub(crate) fn carry_out(
        &mut self,
        shared: &Arc<Shared>,
        around: &Surroundings,
        soon: &mut Batch<'_>,
    ) {
        let Some(Plan { started, wanted, keys }) = self.plan.take() else { return };
        let (count, limit) = (wanted.targets.len(), self.job.target_limit);
        let refused = (limit > 0 && count as u64 > limit).then(|| {
            shared.metrics.exceeded_target_limit.inc();
            let text =
                format!("target_limit exceeded (number of targets: {count}, limit: {limit})");
            Arc::<str>::from(text)
        });
        let mut active = Vec::with_capacity(count);
        for target in wanted.targets {
            active.push(self.run(shared, target, refused.clone(), around, soon));
        }
        self.loops.retain(|key, held| {
            if !keys.contains(key) && !held.gone {
                held.gone = true;
                let is_replaced = around.labels.contains(held.assignment.target.labels());
                held.handle.order(if is_replaced { Order::Replaced } else { Order::Gone });
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
            ground: PoolGround {
                job: Some(self.job.clone()),
                groups: self.groups.clone(),
                over_limit: refused.is_some().then_some((count, limit)),
            },
        });
    }

    /// Sees to it that a loop scrapes the target; one that does so already is left alone.
    fn run(
        &mut self,
        shared: &Arc<Shared>,
        mut target: Target,
        refused: Option<Arc<str>>,
        around: &Surroundings,
        soon: &mut Batch<'_>,
    ) -> Arc<Target> {
        let mut group_key: Arc<str> = target.key().into();
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
            target.succeed(&old.target);
            group_key = old.group_key.clone();
        } else if around.groups.contains(&group_key) {
            // The loop that had the group before left with it.
            group_key = format!("{group_key}\nagain").into();
        }
        let target = Arc::new(target);
        let (job, metrics) = (self.job.clone(), self.metrics.clone());
        let client = self.client.clone();
        let assignment =
            Assignment { job, target: target.clone(), group_key, refused, metrics, client };
        if let Some(held) = held
            && held.handle.order(Order::Run(assignment.clone()))
        {
            held.assignment = assignment;
            held.gone = false;
        } else {
            let first = self.job.first_scrape_within.map(|within| soon.next(within));
            let handle = LoopHandle::spawn(shared, assignment.clone(), first);
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
