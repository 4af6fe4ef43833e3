//! The loop of one group: waits, evaluates, and ends the series when the group is gone.
//!
//! A loop lives as long as its group's key: a change of the group, or its return while its end is
//! still being waited for, is a new order to the same loop. So no rule ever has two writers.

use super::schedule::{self, Schedule};
use super::watch::Watch;
use super::{Shared, Workers, say_the_same, shown_key};
use crate::file::Group;
use crate::group::{ActiveGroup, Identity};
use crate::metrics::GroupMetrics;
use crate::settings::{Means, Settings};
use crate::view::GroupView;
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// Evaluations after which `for` is restored: recording rules and targets have had their turn then.
const EVALUATIONS_BEFORE_RESTORE: u32 = 2;

/// A group as it is to be evaluated.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) file: String,
    pub(super) group: Group,
    /// The group's own.
    pub(super) settings: Settings,
    /// Whether it is one of the first after the start.
    pub(super) is_first: bool,
    /// Rules that moved to other groups, and how often those are evaluated, in milliseconds.
    pub(super) moved: Vec<(Identity, i64)>,
}

impl Assignment {
    /// Whether nothing would change.
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        self.settings == other.settings && say_the_same(&self.group, &other.group)
    }

    /// What is shown before the loop has begun.
    pub(super) fn first_view(&self) -> GroupView {
        ActiveGroup::new(&self.file, &self.group, &self.settings).view()
    }

    fn hash(&self) -> u64 {
        schedule::hash(&self.file, &self.group.name)
    }
}

/// What a loop is told.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Evaluate.
    Run(Arc<Assignment>),
    /// The group is gone: wait, then end its series. Others may go on with them, evaluated so often.
    Gone { patience_ms: i64 },
}

/// The manager's hold on a loop.
#[derive(Debug)]
pub(super) struct LoopHandle {
    orders: watch::Sender<Order>,
    /// Set by the loop when it takes no more orders; held while an order is given.
    ended: Arc<Mutex<bool>>,
}

impl LoopHandle {
    /// Starts a loop.
    pub(super) fn spawn(
        shared: &Arc<Shared>,
        assignment: Arc<Assignment>,
        view: Arc<ArcSwap<GroupView>>,
    ) -> Self {
        let group = GroupLoop::new(shared.clone(), &assignment, view);
        let (orders, told) = watch::channel(Order::Run(assignment));
        let ended = Arc::new(Mutex::new(false));
        shared.loops.spawn(group.run(told, ended.clone()));
        Self { orders, ended }
    }

    /// Gives an order; false when the loop has ended.
    pub(super) fn order(&self, order: Order) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            self.orders.send_replace(order);
        }
        !*ended
    }

    pub(super) fn has_ended(&self) -> bool {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct GroupLoop {
    shared: Arc<Shared>,
    view: Arc<ArcSwap<GroupView>>,
    /// `None` before the first order, and when a bug took it away.
    group: Option<ActiveGroup>,
    metrics: Arc<GroupMetrics>,
    /// The time of the last evaluation.
    last_ms: Option<i64>,
    evaluations: u32,
    /// Whether since when alerts hold is still to be read.
    wants_restore: bool,
}

/// What a thread does with a group.
type Work<T> = Box<dyn FnOnce(&mut ActiveGroup, &Means<'_>) -> T + Send>;

impl GroupLoop {
    fn new(shared: Arc<Shared>, assignment: &Assignment, view: Arc<ArcSwap<GroupView>>) -> Self {
        let metrics = shared.metrics.group(&shown_key(&assignment.file, &assignment.group.name));
        Self {
            shared,
            view,
            group: None,
            metrics,
            last_ms: None,
            evaluations: 0,
            wants_restore: assignment.is_first,
        }
    }

    async fn run(mut self, mut told: watch::Receiver<Order>, ended: Arc<Mutex<bool>>) {
        let stop = self.shared.stop.clone();
        loop {
            let order = told.borrow_and_update().clone();
            match order {
                Order::Run(assignment) => {
                    self.assign(&assignment);
                    if !self.evaluate_until_told(&assignment, &mut told).await {
                        return;
                    }
                }
                Order::Gone { patience_ms } => {
                    let end_ms = self.now_ms().saturating_add(patience_ms);
                    let wait_ms = patience_ms.saturating_mul(2).saturating_add(patience_ms / 10);
                    let wait = Duration::from_millis(wait_ms.unsigned_abs());
                    tokio::select! {
                        () = stop.cancelled() => return,
                        // Others may go on with the series, from their next evaluation on; the
                        // end is written when they have had one before and one after it.
                        () = sleep(wait) => {}
                        changed = told.changed() => match changed {
                            Ok(()) => continue,
                            Err(_) => return,
                        },
                    }
                    self.work(Box::new(move |group, means| group.end(end_ms, means))).await;
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    if !told.has_changed().unwrap_or(false) {
                        // Lets go of storage first: whoever sees the end may open it again.
                        drop(self);
                        *ended = true;
                        return;
                    }
                }
            }
        }
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now_ns().div_euclid(1_000_000)
    }

    /// Goes on under another version of the group.
    fn assign(&mut self, assignment: &Assignment) {
        let mut group = ActiveGroup::new(&assignment.file, &assignment.group, &assignment.settings);
        if let Some(older) = self.group.take() {
            group.take_over_moved(older, &assignment.moved);
        } else if self.wants_restore {
            group.hold_back();
        }
        // The group may have been gone for a while, and its metrics with it.
        let key = shown_key(&assignment.file, &assignment.group.name);
        self.metrics = self.shared.metrics.group(&key);
        self.metrics.interval.set(group.interval_ms() as f64 / 1000.0);
        self.metrics.rules.set(assignment.group.rules.len() as f64);
        self.view.store(Arc::new(group.view()));
        self.group = Some(group);
    }

    /// Evaluates on schedule until there is another order; false when the loop is to end.
    async fn evaluate_until_told(
        &mut self,
        assignment: &Assignment,
        told: &mut watch::Receiver<Order>,
    ) -> bool {
        let (interval_ms, hash) = (assignment.settings.interval_ms, assignment.hash());
        let mut schedule = Schedule::new(interval_ms, hash, self.now_ms(), self.last_ms);
        let stop = self.shared.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return false,
                changed = told.changed() => return changed.is_ok(),
                () = sleep(schedule.wait(self.shared.clock.now_ns())) => {}
            }
            self.evaluate(assignment, schedule.next_ms()).await;
            let missed = schedule.advance(self.now_ms());
            if missed > 0 {
                self.metrics.missed.add(missed);
                self.metrics.iterations.add(missed);
                let (file, group) = (&assignment.file, &assignment.group.name);
                tracing::warn!(component = "rules", file, group, missed, "a group was too slow");
            }
        }
    }

    async fn evaluate(&mut self, assignment: &Assignment, at_ms: i64) {
        let evaluated = self
            .work(Box::new(move |group, means| (group.evaluate(at_ms, means), group.view())))
            .await;
        self.last_ms = Some(at_ms);
        let Some((evaluated, view)) = evaluated else {
            self.metrics.iterations.inc();
            return self.assign(assignment);
        };
        let began_ns = view.last_evaluation_ns.unwrap_or_default();
        self.metrics.last_evaluation.set(began_ns as f64 / 1e9);
        let delay_ns = began_ns.saturating_sub(at_ms.saturating_mul(1_000_000));
        self.shared.metrics.count(&self.metrics, delay_ns as f64 / 1e9, &evaluated);
        self.view.store(Arc::new(view));
        self.evaluations = self.evaluations.saturating_add(1);
        if self.wants_restore && self.evaluations >= EVALUATIONS_BEFORE_RESTORE {
            let begin = Instant::now();
            let now_ms = self.now_ms();
            let restored = self.work(Box::new(move |group, means| {
                group.restore(now_ms, means);
                group.view()
            }));
            if let Some(view) = restored.await {
                self.view.store(Arc::new(view));
            }
            self.wants_restore = false;
            self.metrics.last_restore.set(begin.elapsed().as_secs_f64());
        }
    }

    /// Has a thread do something with the group; `None` when that panicked, and the group is lost.
    async fn work<T: Send + 'static>(&mut self, work: Work<T>) -> Option<T> {
        let mut group = self.group.take()?;
        let shared = self.shared.clone();
        let watch = Arc::new(Watch::new(shared.options.query_timeout));
        let watched = watch.clone();
        let (reply, mut result) = oneshot::channel();
        let job = Box::new(move || {
            let engine = (shared.options.engine)();
            let means = Means {
                engine: &engine,
                store: &*shared.store,
                sink: &*shared.sink,
                control: &*watched,
                outbox: Some(&*shared.outbox),
                helpers: shared.helpers.as_ref(),
                started_ns: Some(shared.clock.now_ns()),
                past: None,
            };
            let done = work(&mut group, &means);
            // Nobody waits any more when the runtime is gone.
            reply.send((group, done)).ok();
        });
        let left = match &self.shared.workers {
            Workers::Threads(threads) => threads.run(job).err(),
            #[cfg(test)]
            Workers::Runtime => Some(job as _),
        };
        if let Some(job) = left {
            drop(tokio::task::spawn_blocking(job));
        }
        let (cut, mut is_cut, mut wait) = (self.shared.cut.clone(), false, watch.look());
        let done = loop {
            tokio::select! {
                biased;
                done = &mut result => break done,
                () = cut.cancelled(), if !is_cut => {
                    is_cut = true;
                    watch.cancel();
                }
                () = sleep(wait) => wait = watch.look(),
            }
        };
        match done {
            Ok((group, done)) => {
                self.group = Some(group);
                Some(done)
            }
            Err(_) => {
                tracing::error!(component = "rules", "a group was lost by a bug and begins anew");
                None
            }
        }
    }
}
