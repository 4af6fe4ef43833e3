//! The loop that writes: statuses that are to say something else, and Events, a few a second together.

use super::check::{check, somebody_else};
use super::events::{Events, Note, Noted};
use super::metrics::{EventWrite, Metrics, StatusWrite};
use super::outcome::Outcome;
use super::requests::{Failed, Requests, Told, Wrote};
use super::standing::{Standing, Writing};
use super::{Instance, Options, needs};
use crate::plan::{MonitorKind, ObjectRef, Plan};
use cluster::access::Access;
use k8s_openapi::jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Time between writes: five a second.
const APART: Duration = Duration::from_millis(200);
/// What we may do is asked for when the first plan is whole, at the latest after so long: until then
/// requests are better spent on what targets come of.
const FIRST_CHECK: Duration = Duration::from_secs(10);
/// What is missing is asked for again after so long.
const CHECK_AGAIN: Duration = Duration::from_secs(180);
/// Whether somebody else has our name is asked so often.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// What we have said is read again after so long: others may have taken it away.
const READ_AGAIN: Duration = Duration::from_secs(1800);
/// A plan that changes what is needed is waited for so long: others follow at once.
const SETTLED: Duration = Duration::from_secs(2);
/// The wait after a write that failed; twice as long after each one that follows.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

pub(super) struct Writer {
    access: Access,
    requests: Requests,
    plans: watch::Receiver<Arc<Plan>>,
    options: watch::Receiver<Options>,
    tell: watch::Sender<Arc<Standing>>,
    metrics: Arc<Metrics>,
    plan: Arc<Plan>,
    instance: Instance,
    versions: BTreeMap<MonitorKind, String>,
    /// What we have said about objects, as far as we know.
    told: HashMap<ObjectRef, Told>,
    /// Objects that are to say something else.
    queue: VecDeque<ObjectRef>,
    queued: HashSet<ObjectRef>,
    events: Events,
    next_check: Instant,
    next_look: Instant,
    next_write: Instant,
    wait: Duration,
    /// What the last check was for.
    checked_for: Option<Vec<cluster::rights::Rule>>,
    /// When what we have said was read.
    read_at: BTreeMap<MonitorKind, Instant>,
}

impl Writer {
    pub(super) fn new(
        access: Access,
        plans: watch::Receiver<Arc<Plan>>,
        options: watch::Receiver<Options>,
        tell: watch::Sender<Arc<Standing>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let now = Instant::now();
        let instance = Instance::of(&options.borrow().section, access.own_namespace());
        Self {
            requests: Requests(access.clone()),
            access,
            plans,
            options,
            tell,
            metrics,
            plan: Arc::default(),
            instance,
            versions: BTreeMap::new(),
            told: HashMap::new(),
            queue: VecDeque::new(),
            queued: HashSet::new(),
            events: Events::default(),
            next_check: now + FIRST_CHECK,
            next_look: now + LOOK_AGAIN,
            next_write: now,
            wait: FIRST_WAIT,
            checked_for: None,
            read_at: BTreeMap::new(),
        }
    }

    /// Runs until there are no more plans.
    pub(super) async fn run(mut self) {
        self.plans.mark_changed();
        self.options.borrow_and_update();
        loop {
            let has_work = !self.queue.is_empty() || !self.events.is_empty();
            tokio::select! {
                changed = self.plans.changed() => match changed {
                    Ok(()) => self.take_plan(),
                    Err(_) => return,
                },
                changed = self.options.changed() => match changed {
                    Ok(()) => self.take_options(),
                    Err(_) => return,
                },
                () = sleep_until(self.next_check) => self.check().await,
                () = sleep_until(self.next_look) => self.look().await,
                () = sleep_until(self.next_write), if has_work => self.write().await,
            }
        }
    }

    fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.tell.borrow())
    }

    fn take_options(&mut self) {
        let section = Arc::clone(&self.options.borrow_and_update().section);
        self.instance = Instance::of(&section, self.access.own_namespace());
        // What was said by another name is not ours any more.
        self.forget();
        self.tell.send_modify(|standing| {
            let standing = Arc::make_mut(standing);
            standing.is_checked = false;
            standing.statuses.clear();
        });
        self.checked_for = None;
        self.next_check = Instant::now();
    }

    fn forget(&mut self) {
        self.told.clear();
        self.read_at.clear();
        self.queue.clear();
        self.queued.clear();
        self.metrics.set_waiting(0);
    }

    fn take_plan(&mut self) {
        let before = std::mem::replace(&mut self.plan, Arc::clone(&self.plans.borrow_and_update()));
        let plan = Arc::clone(&self.plan);
        // Those that were read and that no plan has had yet may still come.
        let is_gone = |object: &ObjectRef| {
            before.objects.contains_key(object) && !plan.objects.contains_key(object)
        };
        self.told.retain(|object, _| !is_gone(object));
        for (object, state) in &plan.objects {
            if !before.objects.get(object).is_some_and(|old| Arc::ptr_eq(old, state)) {
                self.look_at(object, true);
            }
        }
        let section = Arc::clone(&self.options.borrow().section);
        let needs = needs::rules(&plan, &section, &self.instance);
        match &self.checked_for {
            None if plan.is_complete => self.next_check = Instant::now(),
            Some(old) if *old != needs => {
                self.checked_for = Some(needs);
                self.next_check = self.next_check.min(Instant::now() + SETTLED);
            }
            _ => {}
        }
    }

    /// Queues what is to be said about an object, which may have changed or not.
    fn look_at(&mut self, object: &ObjectRef, is_changed: bool) {
        let Some(state) = self.plan.objects.get(object).cloned() else { return };
        let standing = self.standing();
        let outcome = Outcome::of(&state);
        if let (Some(fault), Some(Writing::On)) = (outcome.fault(), &standing.events) {
            let note = Note::new(object, &state.uid, &state.resource_version, fault);
            match self.events.note(note, Instant::now()) {
                Noted::Waiting => {}
                Noted::Known if is_changed => self.metrics.event(EventWrite::Known),
                Noted::Known => {}
                Noted::Dropped => self.metrics.event(EventWrite::Dropped),
            }
        }
        if standing.statuses.get(&object.kind) != Some(&Writing::On) {
            return;
        }
        let told = self.told.get(object).filter(|told| told.uid == state.uid);
        let told = told.and_then(|told| told.condition.as_ref());
        let is_said = match &outcome {
            Outcome::Open => true,
            Outcome::Untold => told.is_none(),
            Outcome::Told(condition) => told == Some(condition),
        };
        if !is_said && self.queued.insert(object.clone()) {
            // Somebody looks for what is wrong; that all is well can wait.
            match outcome.fault() {
                Some(_) => self.queue.push_front(object.clone()),
                None => self.queue.push_back(object.clone()),
            }
            self.metrics.set_waiting(self.queue.len());
        }
    }

    fn look_at_all(&mut self) {
        let plan = Arc::clone(&self.plan);
        plan.objects.keys().for_each(|object| self.look_at(object, false));
    }

    /// Asks what we may do, and reads what we have said where we begin to write.
    async fn check(&mut self) {
        let (plan, section) = (Arc::clone(&self.plan), Arc::clone(&self.options.borrow().section));
        self.checked_for = Some(needs::rules(&plan, &section, &self.instance));
        let mut found = check(&self.access, &plan, &section, &self.instance).await;
        let before = self.standing();
        self.versions = found.versions;
        for (kind, writing) in &mut found.standing.statuses {
            let was_on = before.statuses.get(kind) == Some(&Writing::On);
            let is_recent = |at: &Instant| at.elapsed() < READ_AGAIN;
            let is_known = was_on && self.read_at.get(kind).is_some_and(is_recent);
            if *writing == Writing::On && !is_known {
                *writing = self.read_told(*kind).await;
            }
        }
        let standing = found.standing;
        log(&standing, &before);
        self.metrics.set_missing(standing.missing.len());
        if standing.events != Some(Writing::On) {
            self.events.give_up();
        }
        let is_fine = standing.missing.is_empty() && standing.unknown.is_none();
        let reads =
            |writing: &Writing| matches!(writing, Writing::Off(why) if why.starts_with(UNREAD));
        let is_fine = is_fine && !standing.statuses.values().any(reads);
        let now = Instant::now();
        self.next_check = now + if is_fine { READ_AGAIN } else { CHECK_AGAIN };
        self.next_look = now + LOOK_AGAIN;
        self.tell.send_replace(Arc::new(standing));
        let standing = self.standing();
        let is_on = |object: &ObjectRef| standing.statuses.get(&object.kind) == Some(&Writing::On);
        self.queue.retain(is_on);
        self.queued.retain(is_on);
        self.look_at_all();
    }

    async fn read_told(&mut self, kind: MonitorKind) -> Writing {
        let Some(version) = self.versions.get(&kind).cloned() else {
            return Writing::Off("the cluster does not know the kind".into());
        };
        let section = Arc::clone(&self.options.borrow().section);
        self.told.retain(|object, _| object.kind != kind);
        for place in needs::places(&section) {
            let told = self.requests.told(kind, &version, place.as_deref(), &self.instance).await;
            match told {
                Ok(told) => self.told.extend(told),
                Err(failed) => return Writing::Off(format!("{UNREAD}: {}", failed.text())),
            }
        }
        self.read_at.insert(kind, Instant::now());
        Writing::On
    }

    /// Looks whether somebody else has come to have our name, or has it no longer.
    async fn look(&mut self) {
        self.next_look = Instant::now() + LOOK_AGAIN;
        let standing = self.standing();
        let is_on = standing.statuses.values().any(|writing| *writing == Writing::On);
        if is_on && let Some(reason) = somebody_else(&self.access, &self.instance).await {
            tracing::warn!(component = "operator", reason, "statuses are no longer written");
            self.stop_writing(|_| true, &reason);
        }
        // What was said an hour ago is said again.
        self.look_at_all();
    }

    fn stop_writing(&mut self, which: impl Fn(MonitorKind) -> bool, reason: &str) {
        self.tell.send_modify(|standing| {
            for (kind, writing) in &mut Arc::make_mut(standing).statuses {
                if which(*kind) && *writing == Writing::On {
                    *writing = Writing::Off(reason.to_owned());
                }
            }
        });
        self.queue.retain(|object| !which(object.kind));
        self.queued.retain(|object| !which(object.kind));
        self.metrics.set_waiting(self.queue.len());
        self.next_check = self.next_check.min(Instant::now() + CHECK_AGAIN);
    }

    /// Writes one thing.
    async fn write(&mut self) {
        self.next_write = Instant::now() + APART;
        let failed = match self.events.next() {
            Some(note) => self.send(&note).await,
            None => match self.queue.pop_front() {
                Some(object) => {
                    self.queued.remove(&object);
                    self.metrics.set_waiting(self.queue.len());
                    self.write_status(&object).await
                }
                None => return,
            },
        };
        if failed {
            self.next_write = Instant::now() + self.wait;
            self.wait = (2 * self.wait).min(LONGEST_WAIT);
        } else {
            self.wait = FIRST_WAIT;
        }
    }

    /// Sends an Event; true when it failed and may go well later.
    async fn send(&mut self, note: &Note) -> bool {
        let kind = note.object.kind;
        let version = self.versions.get(&kind).map_or("v1", String::as_str);
        let event = note.event(version, &self.instance, Timestamp::now());
        let object = &note.object;
        match self.requests.event(&note.object.namespace, &event).await {
            Ok(()) => self.metrics.event(EventWrite::Sent),
            Err(Failed::Conflict) => self.metrics.event(EventWrite::Known),
            Err(Failed::Forbidden(error)) => {
                tracing::warn!(component = "operator", %object, error, "Events are no longer sent");
                self.metrics.event(EventWrite::Forbidden);
                self.events.not_sent(note);
                self.events.give_up();
                self.tell.send_modify(|standing| {
                    Arc::make_mut(standing).events = Some(Writing::Off(error));
                });
                self.next_check = self.next_check.min(Instant::now() + CHECK_AGAIN);
            }
            Err(failed @ (Failed::Refused(_) | Failed::Absent)) => {
                let error = failed.text();
                tracing::warn!(component = "operator", %object, error, "an Event was refused");
                // It would be again: within the hour nothing more is said.
                self.metrics.event(EventWrite::Failed);
            }
            Err(failed) => {
                let error = failed.text();
                tracing::warn!(component = "operator", %object, error, "an Event could not be sent");
                self.metrics.event(EventWrite::Failed);
                self.events.not_sent(note);
                return true;
            }
        }
        false
    }

    /// Writes a status; true when it failed and may go well later.
    async fn write_status(&mut self, object: &ObjectRef) -> bool {
        let Some(state) = self.plan.objects.get(object).cloned() else { return false };
        let Some(version) = self.versions.get(&object.kind).cloned() else { return false };
        let outcome = Outcome::of(&state);
        let condition = match &outcome {
            Outcome::Open => return false,
            Outcome::Untold => None,
            Outcome::Told(condition) => Some(condition.clone()),
        };
        let uid = state.uid.clone();
        let written = self.requests.write(object, &version, &uid, &self.instance, &outcome).await;
        let result = match written {
            Ok(Wrote::Written) => StatusWrite::Written,
            Ok(Wrote::Unchanged) => StatusWrite::Unchanged,
            Ok(Wrote::Gone) => {
                self.told.remove(object);
                self.metrics.status(StatusWrite::Gone);
                return false;
            }
            Err(Failed::Forbidden(error)) => {
                let kind = object.kind;
                tracing::warn!(component = "operator", kind = kind.as_str(), %object, error, "statuses of the kind are no longer written");
                self.metrics.status(StatusWrite::Forbidden);
                self.stop_writing(|other| other == kind, &error);
                return false;
            }
            Err(Failed::Refused(error)) => {
                let kind = object.kind.as_str();
                tracing::warn!(component = "operator", kind, %object, error, "status was refused");
                // It is tried again when something else is to be said.
                StatusWrite::Refused
            }
            Err(failed) => {
                let error = failed.text();
                tracing::warn!(component = "operator", kind = object.kind.as_str(), %object, error, "status could not be written");
                self.metrics.status(match failed {
                    Failed::Conflict => StatusWrite::Conflict,
                    _ => StatusWrite::Failed,
                });
                if self.queued.insert(object.clone()) {
                    self.queue.push_back(object.clone());
                    self.metrics.set_waiting(self.queue.len());
                }
                return true;
            }
        };
        self.metrics.status(result);
        self.told.insert(object.clone(), Told { uid, condition });
        false
    }
}

/// How it is told that what we have said could not be read.
const UNREAD: &str = "statuses could not be read";

/// Tells what is new about what we may do.
fn log(standing: &Standing, before: &Standing) {
    if let Some(error) = &standing.unknown
        && before.unknown.as_ref() != Some(error)
    {
        tracing::warn!(
            component = "operator",
            error,
            "it is not known what we may do in the cluster"
        );
    }
    if standing.missing != before.missing {
        for missing in &standing.missing {
            let (permission, reason) = (missing.rule.to_string(), missing.reason.as_deref());
            tracing::warn!(component = "operator", permission, reason, "a permission is missing");
        }
        match standing.missing.is_empty() {
            true => tracing::info!(component = "operator", "no permission is missing any more"),
            false => {
                let rules = standing.yaml();
                tracing::warn!(
                    component = "operator",
                    rules,
                    "rules to add so that none is missing"
                );
            }
        }
    }
    for (kind, writing) in &standing.statuses {
        if before.statuses.get(kind) == Some(writing) {
            continue;
        }
        let kind = kind.as_str();
        match writing {
            Writing::On => tracing::info!(component = "operator", kind, "statuses are written"),
            Writing::Off(reason) => {
                tracing::info!(component = "operator", kind, reason, "statuses are not written");
            }
        }
    }
}
