//! All objects and what became of them: told of changes, it maps what they concern, and nothing else.

use super::mapping::{Mapping, Means};
use super::own::Own;
use super::references::{Reference, Shelf, Standing, Uses};
use super::resource::Resource;
use super::select::{self, Namespaces};
use super::{
    KindState, Metrics, MonitorKind, ObjectRef, ObjectState, Options, Plan, Selection, Verdict, log,
};
use client::files::Vault;
use model::relabel::Patterns;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a secret that nobody needs stays: scrapes that began before may still read it.
const LINGER: Duration = Duration::from_secs(60);
/// Mappings after which patterns of rules are gathered anew, so that old ones go.
const PATTERNS_FOR: u32 = 10_000;

/// All objects and what became of them.
pub(super) struct Book {
    metrics: Arc<Metrics>,
    vault: Vault,
    options: Arc<Options>,
    /// Counts the settings there were.
    epoch: u64,
    entries: BTreeMap<ObjectRef, Entry>,
    own: Own,
    namespaces: Namespaces,
    kinds: BTreeMap<MonitorKind, KindState>,
    shelf: Shelf,
    users: BTreeMap<Reference, BTreeSet<User>>,
    patterns: Patterns,
    patterns_for: u32,
    /// Files of the vault; and since when those are not needed that are not.
    in_vault: BTreeMap<PathBuf, Option<Instant>>,
    /// What the last plan was made without.
    given_up: BTreeSet<Awaited>,
    are_uses_new: bool,
    has_news: bool,
}

/// An answer that jobs depend on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Awaited {
    Namespaces,
    Kind(MonitorKind),
    Reference(Reference),
}

struct Entry {
    resource: Resource,
    mapping: Option<Mapping>,
    state: Arc<ObjectState>,
}

/// Who refers to something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    Object(ObjectRef),
    Settings,
}

/// Something that the book is told.
pub(super) enum News {
    /// These objects are new, other than before or gone.
    Objects(Vec<(ObjectRef, Option<Resource>)>),
    /// These are all objects of a kind.
    All(MonitorKind, Vec<(ObjectRef, Resource)>),
    Kind(MonitorKind, KindState),
    Namespaces(Namespaces),
    Reference(Reference, Standing),
    Options(Arc<Options>),
}

impl Book {
    pub(super) fn new(options: Arc<Options>, vault: Vault, metrics: Arc<Metrics>) -> Self {
        let mut book = Self {
            metrics,
            vault,
            options,
            epoch: 1,
            entries: BTreeMap::new(),
            own: Own::default(),
            namespaces: Namespaces::Known(BTreeMap::new()),
            kinds: MonitorKind::ALL.map(|kind| (kind, KindState::default())).into(),
            shelf: Shelf::default(),
            users: BTreeMap::new(),
            patterns: Patterns::default(),
            patterns_for: 0,
            in_vault: BTreeMap::new(),
            given_up: BTreeSet::new(),
            are_uses_new: false,
            has_news: false,
        };
        book.review_own(Instant::now());
        book
    }

    /// Whether there is something that the last plan does not say.
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// Whether answers are awaited that jobs depend on.
    fn is_pending(&self) -> bool {
        self.awaited().next().is_some()
    }

    /// Whether some of them may come soon: who was waited for in vain delays nobody again.
    pub(super) fn is_worth_waiting(&self) -> bool {
        self.awaited().any(|awaited| !self.given_up.contains(&awaited))
    }

    fn awaited(&self) -> impl Iterator<Item = Awaited> + '_ {
        let namespaces = matches!(self.namespaces, Namespaces::NotRead(_));
        let kinds = self.kinds.iter().filter(|(_, state)| !state.is_settled());
        let references = self.users.keys().filter(|reference| self.shelf.is_pending(reference));
        let references = references.cloned().map(Awaited::Reference);
        let kinds = kinds.map(|(kind, _)| Awaited::Kind(*kind));
        namespaces.then_some(Awaited::Namespaces).into_iter().chain(kinds).chain(references)
    }

    /// All that somebody refers to and that can be there.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Reference> {
        self.users.keys().filter(|reference| reference.can_be())
    }

    /// Takes news, one after another.
    pub(super) fn take(&mut self, all: Vec<News>, now: Instant) {
        for news in all {
            self.take_one(news, now);
        }
        self.expire(now);
        self.tend_vault(now);
    }

    fn take_one(&mut self, news: News, now: Instant) {
        match news {
            News::Objects(objects) => {
                for (object, resource) in objects {
                    self.review(&object, resource, now);
                }
            }
            News::All(kind, objects) => {
                let present: BTreeSet<_> = objects.iter().map(|(object, _)| object).collect();
                let known = self.entries.keys();
                let gone = known.filter(|known| known.kind == kind && !present.contains(known));
                let gone: Vec<ObjectRef> = gone.cloned().collect();
                for (object, resource) in objects {
                    self.review(&object, Some(resource), now);
                }
                gone.iter().for_each(|object| self.review(object, None, now));
            }
            News::Kind(kind, state) => {
                let known = self.kinds.insert(kind, state.clone());
                self.has_news |= known.is_none_or(|known| known != state);
            }
            News::Namespaces(namespaces) => {
                self.namespaces = namespaces;
                self.review_all(now);
            }
            News::Reference(reference, standing) => {
                self.shelf.set(&reference, standing);
                self.are_uses_new = true;
                let users = self.users.get(&reference).cloned().unwrap_or_default();
                for user in users {
                    match user {
                        User::Object(object) => {
                            let known = self.entries.get(&object);
                            let resource = known.map(|entry| entry.resource.clone());
                            self.review(&object, resource, now);
                        }
                        User::Settings => self.review_own(now),
                    }
                }
            }
            News::Options(options) => {
                self.options = options;
                self.epoch += 1;
                self.patterns = Patterns::default();
                self.has_news = true;
                self.review_own(now);
                self.review_all(now);
            }
        }
    }

    fn review_all(&mut self, now: Instant) {
        let all = self.entries.iter();
        let all: Vec<_> =
            all.map(|(object, entry)| (object.clone(), entry.resource.clone())).collect();
        for (object, resource) in all {
            self.review(&object, Some(resource), now);
        }
    }

    /// Looks at one object again.
    fn review(&mut self, object: &ObjectRef, resource: Option<Resource>, now: Instant) {
        let before = self.entries.remove(object);
        let Some(resource) = resource else {
            if let Some(before) = before {
                self.set_uses(&User::Object(object.clone()), before.mapping.map(|m| m.uses), None);
                log::gone(object, &before.state);
                self.has_news = true;
            }
            return;
        };
        let labels = resource.labels();
        let settings = &self.options.section.settings;
        let namespace = &object.namespace;
        let selection = match resource.unreadable() {
            // Without its labels nobody can say; it is better heard of than passed over.
            Some(_) if labels.is_empty() => Selection::Selected,
            _ => select::select(settings, object.kind, namespace, &labels, &self.namespaces),
        };
        let (was, before_state) = match before {
            Some(entry) => (entry.mapping, Some(entry.state)),
            None => (None, None),
        };
        let mapping = (selection == Selection::Selected)
            .then(|| self.mapped(object, &resource, was.as_ref(), now));
        let (mapping, old_uses) = match mapping {
            // The one there was is kept.
            Some(None) => (was, None),
            Some(Some(new)) => (Some(new), Some(was.map(|was| was.uses))),
            None => (None, Some(was.map(|was| was.uses))),
        };
        if let Some(old_uses) = old_uses {
            let uses = mapping.as_ref().map(|mapping| &mapping.uses);
            self.set_uses(&User::Object(object.clone()), old_uses, uses.cloned().as_ref());
        }
        let version = resource.version();
        let state = Arc::new(ObjectState {
            uid: version.uid.to_string(),
            generation: version.generation,
            resource_version: version.resource_version.to_string(),
            labels,
            selection,
            verdict: mapping.as_ref().map(Mapping::verdict),
        });
        let is_news = match &before_state {
            Some(before) => !before.says_the_same(&state),
            None => true,
        };
        if is_news {
            log::changed(object, before_state.as_deref(), &state);
        }
        self.has_news |= is_news;
        self.entries.insert(object.clone(), Entry { resource, mapping, state });
    }

    /// The object's new mapping, or `None` when the one it has will do.
    fn mapped(
        &mut self,
        object: &ObjectRef,
        resource: &Resource,
        before: Option<&Mapping>,
        now: Instant,
    ) -> Option<Mapping> {
        let mut means = Means {
            options: &self.options,
            shelf: &self.shelf,
            patterns: &mut self.patterns,
            epoch: self.epoch,
            now,
        };
        if before.is_some_and(|before| before.is_current(resource, &means)) {
            return None;
        }
        self.metrics.mappings.inc();
        let mapping = Mapping::new(object, resource, before, &mut means);
        self.patterns_for += 1;
        if self.patterns_for >= PATTERNS_FOR {
            (self.patterns, self.patterns_for) = (Patterns::default(), 0);
        }
        // The same object may mean other jobs by now, without its state saying so.
        self.has_news = true;
        Some(mapping)
    }

    /// Looks at our own settings again.
    fn review_own(&mut self, now: Instant) {
        let mut means = Means {
            options: &self.options,
            shelf: &self.shelf,
            patterns: &mut self.patterns,
            epoch: self.epoch,
            now,
        };
        if self.own.is_current(&means) {
            return;
        }
        let own = Own::new(&self.own, &mut means);
        own.troubles
            .iter()
            .filter(|trouble| !self.own.troubles.contains(trouble))
            .for_each(|trouble| tracing::warn!(component = "operator", "{trouble}"));
        let before = std::mem::replace(&mut self.own, own);
        let uses = self.own.uses.clone();
        self.set_uses(&User::Settings, Some(before.uses), Some(&uses));
        self.has_news = true;
    }

    fn set_uses(&mut self, user: &User, before: Option<Uses>, now: Option<&Uses>) {
        let references = |uses: Option<&Uses>| -> BTreeSet<Reference> {
            uses.into_iter().flat_map(BTreeMap::keys).map(|used| used.reference.clone()).collect()
        };
        let (before, now) = (references(before.as_ref()), references(now));
        self.are_uses_new |= !before.is_empty() || !now.is_empty();
        for reference in before.difference(&now) {
            if let Some(users) = self.users.get_mut(reference) {
                users.remove(user);
                if users.is_empty() {
                    self.users.remove(reference);
                }
            }
        }
        for reference in now.difference(&before) {
            self.users.entry(reference.clone()).or_default().insert(user.clone());
        }
    }

    /// Ends what was kept for long enough.
    fn expire(&mut self, now: Instant) {
        let is_over = |until: Instant| until <= now;
        let mut over = Vec::new();
        for (object, entry) in &mut self.entries {
            if let Some(mapping) = &mut entry.mapping
                && mapping.kept.as_ref().is_some_and(|(_, until)| is_over(*until))
            {
                mapping.kept = None;
                let state =
                    ObjectState { verdict: Some(mapping.verdict()), ..(*entry.state).clone() };
                over.push((object.clone(), std::mem::replace(&mut entry.state, Arc::new(state))));
            }
        }
        for (object, before) in over {
            log::changed(&object, Some(&before), &self.entries[&object].state);
            (self.has_news, self.are_uses_new) = (true, true);
        }
        if self.own.kept_until.is_some_and(is_over) {
            self.own.kept_until = None;
            self.own.jobs.clear();
            self.has_news = true;
        }
    }

    /// When something happens next by itself.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let mappings = self.entries.values().filter_map(|entry| entry.mapping.as_ref());
        let kept = mappings.filter_map(|mapping| Some(mapping.kept.as_ref()?.1));
        let leaving = self.in_vault.values().filter_map(|since| Some((*since)? + LINGER));
        kept.chain(self.own.kept_until).chain(leaving).min()
    }

    /// Puts into the vault what jobs name, and takes away what none has named for a while.
    fn tend_vault(&mut self, now: Instant) {
        if std::mem::take(&mut self.are_uses_new) {
            let mut needed = BTreeSet::new();
            for mapping in self.entries.values().filter_map(|entry| entry.mapping.as_ref()) {
                for used in mapping.uses.keys().filter(|used| used.by_path) {
                    let path = used.path();
                    if let Ok(bytes) = self.shelf.value(used) {
                        self.vault.put(&path, bytes);
                        needed.insert(path);
                    } else if mapping.kept.is_some() {
                        needed.insert(path);
                    }
                }
            }
            self.in_vault.iter_mut().for_each(|(path, since)| {
                *since = (!needed.contains(path)).then(|| since.unwrap_or(now));
            });
            for path in needed {
                self.in_vault.entry(path).or_default();
            }
            let users = &self.users;
            self.shelf.retain(|reference| users.contains_key(reference));
        }
        let vault = &self.vault;
        self.in_vault.retain(|path, since| {
            let is_needed = since.is_none_or(|since| now < since + LINGER);
            if !is_needed {
                vault.remove(path);
            }
            is_needed
        });
    }

    /// The plan as of now.
    pub(super) fn plan(&mut self) -> Plan {
        self.has_news = false;
        self.given_up = self.awaited().collect();
        let mut plan = Plan {
            kinds: self.kinds.clone(),
            troubles: self.own.troubles.clone(),
            is_complete: !self.is_pending(),
            ..Plan::default()
        };
        for (object, entry) in &self.entries {
            plan.objects.insert(object.clone(), entry.state.clone());
            if let Some(product) = entry.mapping.as_ref().and_then(Mapping::product) {
                plan.jobs.extend(product.jobs.iter().cloned());
                plan.rules.extend(product.file.clone());
            }
        }
        let names: BTreeSet<&str> = plan.jobs.iter().map(|job| job.config.job_name()).collect();
        let (own, doubles): (Vec<_>, Vec<_>) =
            self.own.jobs.iter().partition(|job| !names.contains(job.config.job_name()));
        let doubles = doubles.iter().map(|job| job.config.job_name());
        plan.troubles.extend(doubles.map(|name| {
            format!("additionalScrapeConfigs: an object of the cluster has a job {name:?} already")
        }));
        plan.jobs.extend(own.into_iter().cloned());
        self.metrics.published(&plan);
        plan
    }
}

impl ObjectState {
    /// Whether nothing has changed that anybody is told.
    fn says_the_same(&self, other: &Self) -> bool {
        let version = other.resource_version.clone();
        Self { resource_version: version, ..self.clone() } == *other
    }
}

impl Verdict {
    /// In a word.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Rejected(_) => "rejected",
            Self::Waiting(_) => "waiting",
        }
    }
}
