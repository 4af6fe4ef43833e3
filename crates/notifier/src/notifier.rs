//! All sets: follows the configuration and discovery, and takes alerts.

use crate::rewrite;
use crate::set::{LeftBehind, Set};
use crate::{AlertmanagerSet, Metrics, Options, Settings, Shared};
use arc_swap::ArcSwap;
use discovery::Snapshot;
use model::relabel::Rule;
use model::{Alert, Labels};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Discovery that was told of a configuration publishes what it finds at once. After this time,
/// what it found last is taken to be that.
const SETTLED: Duration = Duration::from_secs(5);

/// The Alertmanagers there are, as URLs. Immutable; a new one is published at every change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Those that are told of alerts, set by set.
    pub active: Vec<String>,
    /// Those that a rule dropped, as they were before it.
    pub dropped: Vec<String>,
}

/// Tells Alertmanagers of alerts. Its methods are called within a tokio runtime, on which the tasks
/// then run.
pub struct Notifier {
    shared: Arc<Shared>,
    state: Mutex<State>,
    known: ArcSwap<Known>,
    /// Settings were applied.
    applied: Notify,
    following: CancellationToken,
}

/// Locked before the queue of an Alertmanager, if both.
#[derive(Default)]
struct State {
    external_labels: Labels,
    alert_relabel: Vec<Rule>,
    sets: Vec<Set>,
    left_behind: LeftBehind,
    is_ended: bool,
}

impl Notifier {
    /// No Alertmanagers yet.
    #[must_use]
    pub fn new(options: Options, metrics: Arc<Metrics>) -> Self {
        metrics.capacity.set(options.queue_capacity.max(1) as f64);
        let shared = Shared {
            options,
            metrics,
            draining: CancellationToken::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Self {
            shared: Arc::new(shared),
            state: Mutex::default(),
            known: ArcSwap::default(),
            applied: Notify::new(),
            following: CancellationToken::new(),
        }
    }

    /// Puts alerts on their way to all Alertmanagers. Never waits; of an alert that still waits to be
    /// told, the newer state replaces the older one.
    pub fn send(&self, alerts: Vec<Alert>) {
        let mut state = self.state();
        let State { external_labels, alert_relabel, sets, is_ended, .. } = &mut *state;
        if *is_ended {
            self.shared.metrics.dropped.add(alerts.len() as u64);
            return;
        }
        if sets.is_empty() {
            return;
        }
        let alerts = rewrite::outgoing(alerts, external_labels, alert_relabel);
        if alerts.is_empty() {
            return;
        }
        for set in sets {
            set.push(&self.shared, &alerts);
        }
    }

    /// Follows a configuration. Sets that did not change go on undisturbed, also under another name;
    /// others take effect with the next snapshot of discovery, which is therefore told of the
    /// configuration after this.
    pub fn apply(&self, settings: Settings) {
        let mut state = self.state();
        if state.is_ended {
            return;
        }
        let Settings { external_labels, alert_relabel, sets } = settings;
        let mut before = std::mem::take(&mut state.sets);
        let mut successors: Vec<_> = sets.into_iter().map(|config| (config, None)).collect();
        for is_successor in SUCCESSIONS {
            for (config, successor) in successors.iter_mut().filter(|(_, set)| set.is_none()) {
                let found = before.iter().position(|set| is_successor(set.config(), config));
                *successor = found.map(|at| before.remove(at));
            }
        }
        let sets = successors.into_iter().map(|(config, set)| match set {
            Some(mut set) => {
                set.reconfigure(&self.shared, config);
                set
            }
            None => Set::new(&self.shared, config),
        });
        state.sets = sets.collect();
        state.left_behind.extend(before.into_iter().flat_map(Set::close));
        (state.external_labels, state.alert_relabel) = (external_labels, alert_relabel);
        self.publish(&state);
        drop(state);
        self.applied.notify_one();
    }

    /// Takes what discovery found; sets that it does not name keep what they have.
    pub fn set_targets(&self, found: &Snapshot) {
        let mut state = self.state();
        if state.is_ended {
            return;
        }
        let State { sets, left_behind, .. } = &mut *state;
        for set in &mut *sets {
            if let Some(groups) = found.jobs.get(&set.config().name) {
                set.plan(groups, left_behind);
            }
        }
        for set in sets {
            set.carry_out(&self.shared, left_behind);
        }
        left_behind.clear();
        self.publish(&state);
    }

    /// Follows discovery until it ends or [`shutdown`](Self::shutdown) begins.
    pub async fn follow(&self, mut found: watch::Receiver<Arc<Snapshot>>) {
        loop {
            let newest = found.borrow_and_update().clone();
            self.set_targets(&newest);
            tokio::select! {
                () = self.following.cancelled() => return,
                changed = found.changed() => if changed.is_err() { return },
                () = self.settled() => {}
            }
        }
    }

    async fn settled(&self) {
        self.applied.notified().await;
        sleep(SETTLED).await;
    }

    /// The Alertmanagers as they are now.
    #[must_use]
    pub fn alertmanagers(&self) -> Arc<Known> {
        self.known.load_full()
    }

    /// Ends all of it. What waits is told first if the options say so: an Alertmanager that takes no
    /// alerts is tried three times, and all of it takes no longer than the grace. False when
    /// something was not told.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        self.following.cancel();
        self.state().is_ended = true;
        self.shared.tasks.close();
        if self.shared.options.drain_on_shutdown {
            self.shared.draining.cancel();
            // In time or not: what was told counts.
            timeout(grace, self.shared.tasks.wait()).await.ok();
        }
        self.shared.stop.cancel();
        self.shared.tasks.wait().await;
        let mut state = self.state();
        let lost: usize = state.sets.iter_mut().map(|set| set.give_up(&self.shared)).sum();
        lost == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Rules must go on to be heard, and what a panic left half done is a set at most.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, state: &State) {
        let active = state.sets.iter().flat_map(Set::active).map(str::to_owned);
        let dropped = state.sets.iter().flat_map(Set::dropped).cloned();
        let known = Known { active: active.collect(), dropped: dropped.collect() };
        self.shared.metrics.discovered.set(known.active.len() as f64);
        self.known.store(Arc::new(known));
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Which of the sets before goes on as which of the new ones, the surest first.
type Succession = fn(&AlertmanagerSet, &AlertmanagerSet) -> bool;
const SUCCESSIONS: [Succession; 3] = [
    |before, now| before == now,
    // Another one was added or removed before it in the file.
    |before, now| AlertmanagerSet { name: now.name.clone(), ..before.clone() } == *now,
    |before, now| before.name == now.name,
];
