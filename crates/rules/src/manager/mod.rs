//! All groups: follows the rule files, runs a loop for each group, and shows what there is.

mod clock;
mod group_loop;
mod moves;
pub(crate) mod schedule;
mod threads;
mod watch;

use crate::file::{Group, RuleFile};
use crate::group::of_group;
use crate::metrics::Metrics;
use crate::settings::{Helpers, Outbox, Settings};
use crate::view::{GroupView, Snapshot};
use arc_swap::ArcSwap;
pub(crate) use clock::Clock;
use group_loop::{Assignment, LoopHandle, Order};
use moves::Places;
use promql::Engine;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{Appendable, Queryable};
use threads::Threads;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long loops may take to end once their queries were canceled.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How rules are evaluated, whatever the files say.
#[derive(Clone)]
pub struct Options {
    /// Gives the engine of the next evaluation.
    pub engine: Arc<dyn Fn() -> Engine + Send + Sync>,
    /// How long a rule may take.
    pub query_timeout: Duration,
    /// How many rules that are independent may be evaluated beside the first ones of their groups;
    /// `None` evaluates all rules of a group in order.
    pub concurrent_evals: Option<usize>,
}

impl Default for Options {
    /// Prometheus' own.
    fn default() -> Self {
        Self {
            engine: Arc::new(Engine::default),
            query_timeout: Duration::from_secs(120),
            concurrent_evals: None,
        }
    }
}

/// A rule file that was read.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its path as shown.
    pub name: String,
    /// What it says.
    pub groups: Arc<RuleFile>,
}

/// Owns the loops of groups. Its methods are called within a tokio runtime, on which the loops then
/// wait for their times; evaluations have threads of their own.
pub struct Manager {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

/// What all loops share.
struct Shared {
    store: Arc<dyn Queryable>,
    sink: Arc<dyn Appendable>,
    outbox: Arc<dyn Outbox>,
    metrics: Arc<Metrics>,
    options: Options,
    helpers: Option<Helpers>,
    clock: Clock,
    workers: Workers,
    stop: CancellationToken,
    /// Cancels the queries that run.
    cut: CancellationToken,
    loops: TaskTracker,
    views: ArcSwap<Vec<Arc<ArcSwap<GroupView>>>>,
}

/// Who evaluates.
pub(crate) enum Workers {
    Threads(Threads),
    /// Those of the runtime, whose clock stands still meanwhile.
    #[cfg(test)]
    Runtime,
}

#[derive(Default)]
struct State {
    /// By file and name.
    slots: BTreeMap<(String, String), Slot>,
    /// Whether rules were applied before: only groups of the first time look for what was before them.
    was_applied: bool,
}

struct Slot {
    handle: LoopHandle,
    assignment: Arc<Assignment>,
    view: Arc<ArcSwap<GroupView>>,
    /// False when the group is gone and its series only wait for their end.
    is_wanted: bool,
}

impl Manager {
    /// No groups yet. The store must be open: what was stored before is read from it.
    #[must_use]
    pub fn new(
        store: Arc<dyn Queryable>,
        sink: Arc<dyn Appendable>,
        outbox: Arc<dyn Outbox>,
        metrics: Arc<Metrics>,
        options: Options,
    ) -> Self {
        let workers = Workers::Threads(Threads::default());
        Self::with(store, sink, outbox, metrics, options, Clock::System, workers)
    }

    pub(crate) fn with(
        store: Arc<dyn Queryable>,
        sink: Arc<dyn Appendable>,
        outbox: Arc<dyn Outbox>,
        metrics: Arc<Metrics>,
        options: Options,
        clock: Clock,
        workers: Workers,
    ) -> Self {
        let shared = Shared {
            store,
            sink,
            outbox,
            metrics,
            helpers: options.concurrent_evals.map(Helpers::new),
            options,
            clock,
            workers,
            stop: CancellationToken::new(),
            cut: CancellationToken::new(),
            loops: TaskTracker::new(),
            views: ArcSwap::default(),
        };
        Self { shared: Arc::new(shared), state: Mutex::default() }
    }

    /// Follows rule files. Groups that did not change go on undisturbed; changed ones keep the state of
    /// rules that are the same; the series of removed ones end some intervals later, unless they come
    /// back or others go on with their series. Waits for no evaluation.
    pub fn apply(&self, files: Vec<LoadedFile>, settings: Settings) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !std::mem::replace(&mut state.was_applied, true);
        let mut wanted = BTreeMap::new();
        for file in &files {
            for group in &file.groups.groups {
                wanted.insert((file.name.clone(), group.name.clone()), group);
            }
        }
        let interval_ms = |group: &Group| of_group(&settings, group).interval_ms;
        let places = Places::of(wanted.values().map(|group| (*group, interval_ms(group))));
        for (key, slot) in &mut state.slots {
            if slot.is_wanted && !wanted.contains_key(key) {
                slot.is_wanted = false;
                let old = &slot.assignment;
                let elsewhere = places.moved(&old.group, None);
                let intervals_ms = elsewhere.iter().map(|(_, interval_ms)| *interval_ms);
                let own_ms = old.settings.interval_ms;
                let patience_ms = intervals_ms.max().unwrap_or(0).max(own_ms);
                slot.handle.order(Order::Gone { patience_ms });
                self.shared.metrics.forget_group(&shown_key(&key.0, &key.1));
            }
        }
        state.slots.retain(|_, slot| slot.is_wanted || !slot.handle.has_ended());
        for ((file, name), group) in wanted {
            let key = (file, name);
            let mut assignment = Assignment {
                file: key.0.clone(),
                group: group.clone(),
                settings: of_group(&settings, group),
                is_first,
                moved: Vec::new(),
            };
            match state.slots.get_mut(&key) {
                Some(slot) if slot.is_wanted && slot.assignment.is_the_same(&assignment) => {}
                slot => {
                    if let Some(slot) = &slot {
                        assignment.moved = places.moved(&slot.assignment.group, Some(group));
                    }
                    let assignment = Arc::new(assignment);
                    let order = Order::Run(assignment.clone());
                    match slot {
                        Some(slot) if slot.handle.order(order) => {
                            (slot.assignment, slot.is_wanted) = (assignment, true);
                        }
                        _ => {
                            let slot = self.start(assignment);
                            state.slots.insert(key, slot);
                        }
                    }
                }
            }
        }
        let wanted = state.slots.values().filter(|slot| slot.is_wanted);
        self.shared.views.store(Arc::new(wanted.map(|slot| slot.view.clone()).collect()));
    }

    fn start(&self, assignment: Arc<Assignment>) -> Slot {
        let view = Arc::new(ArcSwap::from_pointee(assignment.first_view()));
        let handle = LoopHandle::spawn(&self.shared, assignment.clone(), view.clone());
        Slot { handle, assignment, view, is_wanted: true }
    }

    /// The groups as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        let views = self.shared.views.load();
        Arc::new(Snapshot { groups: views.iter().map(|view| view.load_full()).collect() })
    }

    /// Ends all loops, without ending their series: the next start goes on with them. Waits for
    /// evaluations that run, at most for the grace; then their queries are canceled. False when some
    /// did not end all the same.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        self.shared.stop.cancel();
        self.shared.loops.close();
        if tokio::time::timeout(grace, self.shared.loops.wait()).await.is_ok() {
            return true;
        }
        self.shared.cut.cancel();
        tokio::time::timeout(STOP_GRACE, self.shared.loops.wait()).await.is_ok()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.cut.cancel();
    }
}

/// How metrics name a group.
fn shown_key(file: &str, group: &str) -> String {
    format!("{file};{group}")
}

/// Whether two groups say the same, wherever in their files.
fn say_the_same(a: &Group, b: &Group) -> bool {
    a.name == b.name
        && a.limit == b.limit
        && a.labels == b.labels
        && a.rules.len() == b.rules.len()
        && a.rules.iter().zip(&b.rules).all(|(a, b)| {
            a.name == b.name
                && a.kind == b.kind
                && a.labels == b.labels
                && a.expr.text() == b.expr.text()
        })
}
