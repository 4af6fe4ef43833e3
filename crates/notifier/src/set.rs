//! Alertmanagers that share their settings.

use crate::address::{self, Addresses};
use crate::alertmanager::Alertmanager;
use crate::queue::Queue;
use crate::rewrite;
use crate::{AlertmanagerSet, Shared};
use client::Client;
use discovery::Groups;
use model::Alert;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What waited for Alertmanagers that are gone from their sets, by their URLs.
pub(crate) type LeftBehind = HashMap<String, Vec<Arc<Alert>>>;

/// One set: its settings, and who is in it.
pub(crate) struct Set {
    config: AlertmanagerSet,
    client: Client,
    /// What discovery found last, if anything.
    groups: Option<Groups>,
    /// Whether the settings are newer than the Alertmanagers.
    is_changed: bool,
    /// Whether a configuration was applied and discovery has not told yet what it finds under it.
    is_settling: bool,
    alertmanagers: Vec<Arc<Alertmanager>>,
    dropped: Vec<String>,
    /// What is to be told to those that come next, while there is none or it is not yet clear whom
    /// the configuration means.
    unaddressed: Queue,
    plan: Option<Plan>,
}

/// Who is to be in a set, and what waited for those who are not any more.
struct Plan {
    found: Addresses,
    gone: Vec<Arc<Alert>>,
}

impl Set {
    pub(crate) fn new(shared: &Shared, config: AlertmanagerSet) -> Self {
        Self {
            client: client(shared, &config),
            config,
            groups: None,
            is_changed: false,
            is_settling: true,
            alertmanagers: Vec::new(),
            dropped: Vec::new(),
            unaddressed: Queue::new(shared.options.queue_capacity),
            plan: None,
        }
    }

    pub(crate) fn config(&self) -> &AlertmanagerSet {
        &self.config
    }

    /// Who is told.
    pub(crate) fn active(&self) -> impl Iterator<Item = &str> {
        self.alertmanagers.iter().map(|alertmanager| alertmanager.url())
    }

    /// Who was dropped by a rule.
    pub(crate) fn dropped(&self) -> &[String] {
        &self.dropped
    }

    /// Takes other settings. Those it has are used until discovery has told what it finds under the
    /// new ones: under the same name, there may have been others before.
    pub(crate) fn reconfigure(&mut self, shared: &Shared, config: AlertmanagerSet) {
        let is_same =
            AlertmanagerSet { name: config.name.clone(), ..self.config.clone() } == config;
        if !is_same {
            self.client = client(shared, &config);
            self.is_changed = true;
        }
        self.config = config;
        self.is_settling = true;
    }

    /// Takes what discovery found, and lets go of those that are gone: what waited for them is left
    /// behind. Who is new comes with [`carry_out`](Self::carry_out), when all sets have done this:
    /// one that is gone here may be new in another set.
    pub(crate) fn plan(&mut self, groups: &Groups, left_behind: &mut LeftBehind) {
        self.is_settling = false;
        let is_known = self.groups.as_ref().is_some_and(|known| Arc::ptr_eq(known, groups));
        if is_known && !self.is_changed {
            if !self.alertmanagers.is_empty() {
                self.unaddressed.drain();
            }
            return;
        }
        let found = address::of_groups(&self.config, groups);
        let urls: HashSet<_> = found.active.iter().map(|address| address.url.as_str()).collect();
        let mut gone = Vec::new();
        self.alertmanagers.retain(|known| {
            let stays = urls.contains(known.url());
            if !stays {
                let waiting = known.close();
                gone.extend(waiting.iter().cloned());
                left_behind.insert(known.url().to_owned(), waiting);
            }
            stays
        });
        self.groups = Some(Arc::clone(groups));
        self.plan = Some(Plan { found, gone });
    }

    /// Brings in those that are new. One that was elsewhere before goes on with what waited for it;
    /// to others is told what waited for those that are gone. The rest keep their queues.
    pub(crate) fn carry_out(&mut self, shared: &Arc<Shared>, left_behind: &mut LeftBehind) {
        let Some(Plan { found, gone }) = self.plan.take() else { return };
        let before = std::mem::take(&mut self.alertmanagers);
        let mut before: HashMap<_, _> =
            before.into_iter().map(|known| (known.url().to_owned(), known)).collect();
        let unaddressed = if found.active.is_empty() { vec![] } else { self.unaddressed.drain() };
        for address in found.active {
            let start = |address| Alertmanager::start(shared, &self.config, &self.client, address);
            let alertmanager = match before.remove(&address.url) {
                Some(known) if !self.is_changed => known,
                Some(known) => {
                    let started = start(address);
                    started.push(&known.close());
                    started
                }
                None => {
                    let waited = left_behind.remove(&address.url);
                    let started = start(address);
                    started.push(waited.as_deref().unwrap_or(&gone));
                    started.push(&unaddressed);
                    started
                }
            };
            self.alertmanagers.push(alertmanager);
        }
        if self.alertmanagers.is_empty() {
            self.keep(shared, &gone);
        }
        self.dropped = found.dropped;
        self.is_changed = false;
    }

    /// Hands alerts to all of them, or keeps them for the first to come.
    pub(crate) fn push(&mut self, shared: &Shared, alerts: &[Arc<Alert>]) {
        let alerts = match self.config.alert_relabel.as_slice() {
            [] => Cow::Borrowed(alerts),
            rules => Cow::Owned(rewrite::for_set(alerts, rules)),
        };
        for alertmanager in &self.alertmanagers {
            alertmanager.push(&alerts);
        }
        if self.alertmanagers.is_empty() || self.is_settling {
            self.keep(shared, &alerts);
        }
    }

    fn keep(&mut self, shared: &Shared, alerts: &[Arc<Alert>]) {
        let dropped = alerts.iter().map(|alert| self.unaddressed.push(Arc::clone(alert)));
        let dropped: usize = dropped.sum();
        if self.alertmanagers.is_empty() {
            shared.metrics.dropped.add(dropped as u64);
        }
    }

    /// Ends all of it: what waited for whom.
    pub(crate) fn close(self) -> impl Iterator<Item = (String, Vec<Arc<Alert>>)> {
        let alertmanagers = self.alertmanagers.into_iter();
        alertmanagers.map(|gone| (gone.url().to_owned(), gone.close()))
    }

    /// Gives up what was not told, at the end; how much.
    pub(crate) fn give_up(&mut self, shared: &Shared) -> usize {
        let is_alone = self.alertmanagers.is_empty();
        let unaddressed = if is_alone { self.unaddressed.drain().len() } else { 0 };
        if unaddressed > 0 {
            shared.metrics.dropped.add(unaddressed as u64);
            let (set, count) = (&self.config.name, unaddressed);
            tracing::warn!(set, count, "alerts dropped, no Alertmanager was found before the end");
        }
        self.alertmanagers.iter().map(|known| known.give_up()).sum::<usize>() + unaddressed
    }
}

fn client(shared: &Shared, config: &AlertmanagerSet) -> Client {
    Client::new(&config.http, &shared.options.dialer, &shared.options.user_agent)
}
