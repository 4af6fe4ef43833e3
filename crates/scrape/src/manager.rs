//! All pools: follows the configuration and discovery, and shows the API what there is.

use crate::config::Job;
use crate::pool::{Pool, Surroundings};
use crate::soon::FirstScrapes;
use crate::target::Target;
use crate::{Metrics, Options, Shared};
use discovery::Groups;
use foldhash::HashMap;
use model::Labels;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::Appendable;
use tokio::sync::watch;
use tokio::time::Instant;

/// What the API shows of all pools, by name. Immutable; a new one is published at every change.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// In the order of their names.
    pub pools: Vec<Arc<PoolView>>,
}

/// One pool as the API shows it.
#[derive(Debug)]
pub struct PoolView {
    /// The job's name.
    pub job: String,
    /// Targets that are scraped.
    pub active: Vec<Arc<Target>>,
    /// The discovered labels of targets that a rule dropped, as many as are kept.
    pub dropped: Vec<Labels>,
    /// How many targets rules dropped.
    pub dropped_total: usize,
    pub(crate) ground: PoolGround,
}

/// From what a pool's targets came, to explain them by.
#[derive(Debug, Default)]
pub(crate) struct PoolGround {
    /// `None` before the first targets.
    pub(crate) job: Option<Arc<Job>>,
    /// What discovery found.
    pub(crate) groups: Groups,
    /// The number of targets and their limit, when it is passed.
    pub(crate) over_limit: Option<(usize, u64)>,
}

impl PoolView {
    pub(crate) fn empty(job: &str) -> Self {
        Self {
            job: job.into(),
            active: Vec::new(),
            dropped: Vec::new(),
            dropped_total: 0,
            ground: PoolGround::default(),
        }
    }
}

/// Owns the pools. Its methods are called within a tokio runtime, on which the loops then run.
pub struct Manager {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: BTreeMap<String, Slot>,
    /// What discovery found last.
    found: Arc<discovery::Snapshot>,
    first_scrapes: FirstScrapes,
}

struct Slot {
    pool: Pool,
    /// False when the job is no longer configured and its series only wait for their end.
    configured: bool,
}

impl Manager {
    /// No pools yet.
    #[must_use]
    pub fn new(store: Arc<dyn Appendable>, metrics: Arc<Metrics>, options: Options) -> Self {
        Self::with_shared(Shared::new(store, metrics, options))
    }

    pub(crate) fn with_shared(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), state: Mutex::default() }
    }

    /// Follows a configuration, whose jobs have distinct names. Jobs that did not change go on
    /// undisturbed; changed ones keep what they know of their targets; the series of removed ones end
    /// after one more interval. A job that is the same `Arc` as before costs next to nothing.
    pub fn apply<J: Into<Arc<Job>>>(&self, jobs: impl IntoIterator<Item = J>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = jobs.into_iter().map(Into::into);
        let mut jobs: BTreeMap<String, Arc<Job>> =
            jobs.map(|job| (job.name.clone(), job)).collect();
        let logs = jobs.values().filter_map(|job| job.failure_log.as_deref());
        self.shared.failure_logs.reopen(logs);
        for (name, slot) in &mut state.slots {
            match jobs.remove(name) {
                Some(job) => {
                    if !std::mem::replace(&mut slot.configured, true) {
                        slot.pool.revive(&self.shared);
                    }
                    slot.pool.reload(&self.shared, job);
                }
                None if slot.configured => {
                    slot.configured = false;
                    slot.pool.retire();
                    self.shared.metrics.forget_job(name);
                }
                None => {}
            }
        }
        for (name, job) in jobs {
            let pool = Pool::new(&self.shared, job);
            state.slots.insert(name, Slot { pool, configured: true });
        }
        self.sync(&mut state);
    }

    /// Moves the places of targets that are scraped for the first time, or under other settings, from
    /// now on; those of others stay.
    pub fn set_offset_seed(&self, seed: u64) {
        self.shared.offset_seed.store(seed, Relaxed);
    }

    /// Takes what discovery found; jobs that it does not name keep what they have.
    pub fn set_targets(&self, found: Arc<discovery::Snapshot>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.found = found;
        self.sync(&mut state);
    }

    /// Follows discovery until it ends or [`shutdown`](Self::shutdown) begins.
    pub async fn follow(&self, mut found: watch::Receiver<Arc<discovery::Snapshot>>) {
        loop {
            let newest = found.borrow_and_update().clone();
            self.set_targets(newest);
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                changed = found.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The pools as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.metrics.snapshot.load_full()
    }

    /// Ends all loops, without ending their series: the next start goes on with them. Waits for
    /// scrapes that are storing, at most for the grace; false when some did not end in time.
    pub async fn shutdown(&self, grace: Duration) -> bool {
        self.shared.stop.cancel();
        self.shared.loops.close();
        tokio::time::timeout(grace, self.shared.loops.wait()).await.is_ok()
    }

    fn sync(&self, state: &mut State) {
        let State { slots, found, first_scrapes } = state;
        for (name, slot) in slots.iter_mut().filter(|(_, slot)| slot.configured) {
            if let Some(groups) = found.jobs.get(name) {
                slot.pool.set_groups(groups.clone());
            }
        }
        hand_over(slots);
        let mut around = Surroundings::default();
        around.groups.extend(slots.values().flat_map(|slot| slot.pool.foreign_groups()).cloned());
        if slots.values().any(|slot| slot.pool.loses_targets()) {
            around.labels.extend(slots.values().flat_map(|slot| slot.pool.labels()).cloned());
        }
        let new = slots.values().map(|slot| slot.pool.wanted_soon()).sum();
        let mut soon = first_scrapes.batch(new, Instant::now());
        for slot in slots.values_mut() {
            slot.pool.carry_out(&self.shared, &around, &mut soon);
        }
        slots.retain(|_, slot| slot.configured || !slot.pool.is_over());
        let configured = slots.values().filter(|slot| slot.configured);
        let pools = configured.map(|slot| slot.pool.view()).collect();
        self.shared.metrics.snapshot.store(Arc::new(Snapshot { pools }));
    }
}

/// Loops whose targets are gone go on with new targets of the same labels, in whichever pool: so a
/// target moves between jobs without a gap in its series.
fn hand_over(slots: &mut BTreeMap<String, Slot>) {
    let wanted = slots.iter().flat_map(|(pool, slot)| {
        slot.pool
            .without_loop()
            .map(|(key, labels)| (labels.clone(), (pool.clone(), key.to_owned())))
    });
    let wanted: Vec<_> = wanted.collect();
    if wanted.is_empty() {
        return;
    }
    let mut free: HashMap<Labels, (String, String)> = HashMap::default();
    for (pool, slot) in &*slots {
        for (key, labels) in slot.pool.without_target() {
            free.insert(labels.clone(), (pool.clone(), key.to_owned()));
        }
    }
    for (labels, (to, key)) in wanted {
        let Some((from, old_key)) = free.remove(&labels) else { continue };
        let held = slots.get_mut(&from).and_then(|slot| slot.pool.give(&old_key));
        if let (Some(held), Some(slot)) = (held, slots.get_mut(&to)) {
            slot.pool.take(key, held);
        }
    }
}
