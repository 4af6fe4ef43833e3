//! Runs discoverers and merges what they find into one snapshot of all jobs.

mod once;

pub use once::{Found, once};

use crate::{Group, Groups, Metrics};
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a discoverer does until it is stopped.
pub type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Shortest time between two snapshots for those who are [prompt](Discoverer::is_prompt).
pub const PROMPT: Duration = Duration::from_millis(250);

/// A source of target groups.
pub trait Discoverer: Any + Send + Sync {
    /// The mechanism and its configuration, as text without secrets: equal for those that find the
    /// same.
    fn identity(&self) -> String;

    /// Whether another one with an equal identity finds the same: not so if their secrets differ.
    /// Two jobs with the same share one run, and a reload leaves it alone.
    fn same(&self, _other: &dyn Discoverer) -> bool {
        true
    }

    /// Whether what it finds is wanted within [`PROMPT`], rather than after the interval between
    /// snapshots: so for one that is told of changes, and tells them as they come.
    fn is_prompt(&self) -> bool {
        false
    }

    /// Finds groups until it is done or told to stop. Each set handed over replaces the one before;
    /// the first one, even an empty one, ends the wait for this discoverer.
    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running;
}

/// A job and where its targets come from.
#[derive(Clone)]
pub struct Job {
    /// Distinct among jobs.
    pub name: String,
    /// Their groups are listed in this order.
    pub discoverers: Vec<Arc<dyn Discoverer>>,
}

/// The groups of every job, at one time. Lists that did not change stay the same `Arc`.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// By the name of the job. A job is here as soon as it is applied, maybe without groups.
    pub jobs: BTreeMap<String, Groups>,
}

/// Where a discoverer puts its groups.
#[derive(Clone)]
pub struct Output {
    found: Arc<Mutex<Option<Groups>>>,
    is_prompt: bool,
    shared: Arc<Shared>,
}

impl Output {
    /// Replaces all groups of this discoverer. Never waits: a set that was not looked at yet is
    /// replaced too.
    pub fn send(&self, groups: Vec<Group>) {
        self.send_shared(groups.into_iter().map(Arc::new).collect());
    }

    /// The same, with groups that others may have too.
    pub fn send_shared(&self, groups: Groups) {
        let first = lock(&self.found).replace(groups).is_none();
        self.shared.metrics.received_updates.inc();
        self.shared.changed(match () {
            () if first => Haste::Now,
            () if self.is_prompt => Haste::Promptly,
            () => Haste::InTime,
        });
    }
}

/// When a change is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Haste {
    /// With the next snapshot after the interval.
    InTime,
    /// With one after [`PROMPT`], if that is shorter.
    Promptly,
    /// With one that does not wait.
    Now,
}

struct Shared {
    metrics: Arc<Metrics>,
    /// Something was found or applied since the last snapshot.
    changed: Notify,
    /// That something is new, so the next snapshot does not wait.
    urgent: AtomicBool,
    /// Some of that comes from one who is prompt.
    prompt: AtomicBool,
    state: Mutex<State>,
}

impl Shared {
    fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            changed: Notify::new(),
            urgent: AtomicBool::new(false),
            prompt: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    fn changed(&self, haste: Haste) {
        match haste {
            Haste::Now => self.urgent.store(true, Ordering::Release),
            Haste::Promptly => self.prompt.store(true, Ordering::Release),
            Haste::InTime => {}
        }
        self.changed.notify_one();
    }
}

/// Locked before the groups of a discoverer, if both.
#[derive(Default)]
struct State {
    runs: HashMap<Identity, Run>,
    jobs: BTreeMap<String, JobState>,
}

/// A discoverer as the key of its run.
#[derive(Clone)]
struct Identity {
    text: Arc<str>,
    discoverer: Arc<dyn Discoverer>,
}

impl From<Arc<dyn Discoverer>> for Identity {
    fn from(discoverer: Arc<dyn Discoverer>) -> Self {
        Self { text: discoverer.identity().into(), discoverer }
    }
}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl Identity {
    /// The same discoverer as before needs no new text.
    fn again(discoverer: Arc<dyn Discoverer>, before: &[Self]) -> Self {
        let is_same =
            |old: &&Self| std::ptr::addr_eq(Arc::as_ptr(&old.discoverer), Arc::as_ptr(&discoverer));
        before.iter().find(is_same).cloned().unwrap_or_else(|| discoverer.into())
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.discoverer.same(&*other.discoverer)
    }
}

impl Eq for Identity {}

/// A running discoverer.
struct Run {
    found: Arc<Mutex<Option<Groups>>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct JobState {
    /// Its discoverers.
    runs: Vec<Identity>,
    /// Groups of discoverers that a reload took away, kept until their successors found something.
    held: Vec<Groups>,
    /// What the merged list was made of, and the list.
    parts: Vec<Groups>,
    merged: Groups,
}

/// A panic under these locks is a bug in this file; what they guard may then be half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this lock")
}

/// Runs the discoverers of all jobs. Dropping it stops them; [`shutdown`](Self::shutdown) also
/// waits for them.
pub struct Manager {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Manager {
    /// Starts without jobs, on the current tokio runtime. Snapshots follow each other after
    /// `interval` at the earliest, unless a discoverer found its first set or jobs were applied.
    #[must_use]
    pub fn start(interval: Duration, metrics: Arc<Metrics>) -> Self {
        let shared = Arc::new(Shared::new(metrics));
        let (sender, snapshots) = watch::channel(Arc::default());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(publish(Arc::clone(&shared), sender, interval, stop.child_token()));
        Self { shared, snapshots, stop, tasks }
    }

    /// The newest snapshot and a wait for the next.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Replaces all jobs. Discoverers that are still wanted keep running, others stop. One that is the
    /// same `Arc` as before costs next to nothing.
    pub fn apply(&self, jobs: Vec<Job>) {
        let mut state = lock(&self.shared.state);
        let mut old = std::mem::take(&mut *state);
        for job in jobs {
            let before = old.jobs.remove(&job.name).unwrap_or_default();
            let identities: Vec<_> = job
                .discoverers
                .into_iter()
                .map(|discoverer| Identity::again(discoverer, &before.runs))
                .collect();
            for identity in &identities {
                if state.runs.contains_key(identity) {
                    continue;
                }
                let run = match old.runs.remove(identity) {
                    Some(run) => run,
                    None => self.run(Arc::clone(&identity.discoverer)),
                };
                state.runs.insert(identity.clone(), run);
            }
            let gone = before.runs.iter().filter(|identity| !identities.contains(identity));
            // Runs are looked up in both: another job may have taken one over.
            let groups_of = |identity: &Identity| {
                let run = old.runs.get(identity).or_else(|| state.runs.get(identity));
                run.and_then(|run| lock(&run.found).clone())
            };
            let mut held = before.held;
            held.extend(gone.filter_map(groups_of));
            let job_state = JobState { runs: identities, held, ..before };
            state.jobs.insert(job.name, job_state);
        }
        for run in old.runs.into_values() {
            run.stop.cancel();
        }
        drop(state);
        self.shared.changed(Haste::Now);
    }

    fn run(&self, discoverer: Arc<dyn Discoverer>) -> Run {
        let found = Arc::default();
        let stop = self.stop.child_token();
        let (found_too, shared) = (Arc::clone(&found), Arc::clone(&self.shared));
        let output = Output { found: found_too, is_prompt: discoverer.is_prompt(), shared };
        self.tasks.spawn(discoverer.run(output, stop.clone()));
        Run { found, stop }
    }

    /// Stops all discoverers; no snapshot follows.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops all discoverers and waits for them to end.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Publishes a snapshot when something changed, but not too often.
async fn publish(
    shared: Arc<Shared>,
    sender: watch::Sender<Arc<Snapshot>>,
    interval: Duration,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.changed.notified() => {}
        }
        shared.urgent.store(false, Ordering::Release);
        shared.prompt.store(false, Ordering::Release);
        let snapshot = snapshot(&mut lock(&shared.state));
        let counts = snapshot.jobs.iter().map(|(job, groups)| {
            (job.clone(), groups.iter().map(|group| group.targets.len()).sum())
        });
        shared.metrics.set_discovered(counts.collect());
        shared.metrics.updates.inc();
        sender.send_replace(Arc::new(snapshot));
        let published = Instant::now();
        let mut waiting = false;
        loop {
            let is_prompt = shared.prompt.load(Ordering::Acquire);
            let wait = if is_prompt { interval.min(PROMPT) } else { interval };
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(published + wait) => break,
                () = shared.changed.notified() => waiting = true,
            }
            if shared.urgent.load(Ordering::Acquire) {
                break;
            }
        }
        if waiting {
            // What was taken from the notification above is still to be published.
            shared.changed.notify_one();
        }
    }
}

fn snapshot(state: &mut State) -> Snapshot {
    let State { runs, jobs } = state;
    let mut snapshot = Snapshot::default();
    for (name, job) in jobs {
        let mut found: Vec<_> =
            job.runs.iter().map(|identity| lock(&runs[identity].found).clone()).collect();
        if found.iter().all(Option::is_some) {
            job.held.clear();
        }
        let parts: Vec<_> =
            found.iter_mut().filter_map(Option::take).chain(job.held.iter().cloned()).collect();
        let same = parts.len() == job.parts.len()
            && parts.iter().zip(&job.parts).all(|(a, b)| Arc::ptr_eq(a, b));
        if !same {
            job.merged = match parts.as_slice() {
                [one] => Arc::clone(one),
                several => several.iter().flat_map(|part| part.iter().cloned()).collect(),
            };
            job.parts = parts;
        }
        snapshot.jobs.insert(name.clone(), Arc::clone(&job.merged));
    }
    snapshot
}

#[cfg(test)]
mod tests;
