//! The objects of one watch, and who follows them.

use super::changes::Place;
use super::metrics::{Counts, Figures, Watched};
use super::object::Read;
use super::{Held, Key, Kind, Pace, WatchState};
use crate::Text;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::sync::watch;
use tokio::time::Instant;

/// The objects of one kind and scope.
pub(super) struct Store<T> {
    kind: &'static Kind,
    pace: Arc<Pace>,
    counts: Arc<Counts>,
    /// Locked before the pending changes of a place.
    inner: RwLock<Inner<T>>,
    settled: watch::Sender<bool>,
}

struct Inner<T> {
    /// By namespace and name.
    objects: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Entry<T>>>,
    len: usize,
    unreadable: usize,
    parts: Vec<Part>,
    places: Vec<Weak<Place>>,
}

struct Entry<T> {
    held: Arc<Held<T>>,
    /// The list in which it was seen last.
    round: u32,
}

/// One watch of several behind a store.
struct Part {
    /// None for all.
    namespace: Option<Arc<str>>,
    standing: Standing,
    error: Option<String>,
    /// Whether its first list is complete.
    is_listed: bool,
    round: u32,
    /// Objects there was no room for since its last list began.
    left_out: usize,
    /// When it was in sync last and no longer is, or when it began.
    since: Instant,
}

/// How a watch is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Starting,
    InSync,
    Behind,
    Forbidden,
    Absent,
}

impl<T> Store<T> {
    /// A store of watches of some namespaces; of one of all when there are none.
    pub(super) fn new(
        kind: &'static Kind,
        namespaces: impl IntoIterator<Item = Arc<str>>,
        pace: Arc<Pace>,
        counts: Arc<Counts>,
    ) -> Self {
        let part = |namespace| Part {
            namespace,
            standing: Standing::Starting,
            error: None,
            is_listed: false,
            round: 0,
            left_out: 0,
            since: Instant::now(),
        };
        let mut parts: Vec<Part> = namespaces.into_iter().map(|name| part(Some(name))).collect();
        if parts.is_empty() {
            parts.push(part(None));
        }
        let inner =
            Inner { objects: BTreeMap::new(), len: 0, unreadable: 0, parts, places: Vec::new() };
        Self { kind, pace, counts, inner: RwLock::new(inner), settled: watch::channel(false).0 }
    }

    pub(super) fn kind(&self) -> &'static Kind {
        self.kind
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The namespaces of the watches.
    pub(super) fn namespaces(&self) -> Vec<Option<Arc<str>>> {
        self.inner.read().parts.iter().map(|part| part.namespace.clone()).collect()
    }

    /// A new place in the changes.
    pub(super) fn place(&self) -> Arc<Place> {
        let mut inner = self.inner.write();
        let place = Arc::new(Place::new(inner.is_settled(), self.pace.max_changes));
        inner.places.retain(|place| place.strong_count() > 0);
        inner.places.push(Arc::downgrade(&place));
        place
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Held<T>>> {
        let inner = self.inner.read();
        Some(Arc::clone(&inner.objects.get(namespace)?.get(name)?.held))
    }

    /// All objects at one time.
    pub(super) fn all(&self) -> Vec<(Key, Arc<Held<T>>)> {
        let inner = self.inner.read();
        let mut all = Vec::with_capacity(inner.len);
        for (namespace, objects) in &inner.objects {
            all.extend(objects.iter().map(|(name, entry)| {
                let key = Key { namespace: Arc::clone(namespace), name: Arc::clone(name) };
                (key, Arc::clone(&entry.held))
            }));
        }
        all
    }

    pub(super) fn settled(&self) -> watch::Receiver<bool> {
        self.settled.subscribe()
    }

    pub(super) fn state(&self) -> WatchState {
        let inner = self.inner.read();
        let parts = &inner.parts;
        let is = |part: &&Part, standing| part.standing == standing;
        let forbidden = parts.iter().filter(|part| is(part, Standing::Forbidden));
        let behind = parts.iter().map(Part::behind).max();
        WatchState {
            settled: inner.is_settled(),
            synced: inner.is_settled() && parts.iter().any(|part| part.is_listed),
            behind: behind.unwrap_or_default(),
            error: parts.iter().find_map(|part| part.error.clone()),
            forbidden: forbidden
                .map(|part| part.namespace.as_deref().unwrap_or_default().to_owned())
                .collect(),
            absent: parts.iter().any(|part| is(&part, Standing::Absent)),
            objects: inner.len,
            unreadable: inner.unreadable,
            left_out: parts.iter().map(|part| part.left_out).sum(),
        }
    }

    /// A list of a part begins: true when it is not the first one.
    pub(super) fn begin(&self, part: usize) -> bool {
        let mut inner = self.inner.write();
        let part = &mut inner.parts[part];
        part.round = part.round.wrapping_add(1);
        part.left_out = 0;
        part.is_listed
    }

    /// An object is there. What is kept of it, when it is new or other than before.
    pub(super) fn apply(&self, part: usize, object: &Read<T>) -> Option<Arc<Held<T>>> {
        if object.name().is_empty() {
            return None;
        }
        let mut inner = self.inner.write();
        let round = inner.parts[part].round;
        let namespace = inner.namespace_of(part, object);
        let held = self.shown(&object.held);
        let known = inner.objects.get_mut(&*namespace).and_then(|all| all.get_mut(object.name()));
        if let Some(entry) = known {
            entry.round = round;
            if entry.held.meta == held.meta {
                return None;
            }
            let (was, is) = (entry.held.object.is_err(), held.object.is_err());
            entry.held = Arc::clone(&held);
            inner.unreadable = inner.unreadable + usize::from(is) - usize::from(was);
            self.counts.modified.inc();
        } else if inner.len >= self.pace.max_objects {
            self.leave_out(&mut inner, part);
            return None;
        } else {
            let name = name_of(object);
            inner.len += 1;
            inner.unreadable += usize::from(held.object.is_err());
            let all = inner.objects.entry(Arc::clone(&namespace)).or_default();
            all.insert(Arc::clone(&name), Entry { held: Arc::clone(&held), round });
            self.counts.added.inc();
        }
        inner.changed(&Key { namespace, name: name_of(object) });
        Some(held)
    }

    /// An object is gone.
    pub(super) fn delete(&self, part: usize, object: &Read<T>) {
        let mut inner = self.inner.write();
        let namespace = inner.namespace_of(part, object);
        if let Some(key) = inner.remove(&namespace, object.name()) {
            self.counts.deleted.inc();
            inner.changed(&key);
        }
    }

    /// The list of a part is complete: what was not in it is gone. True when it was out of sync.
    pub(super) fn complete(&self, part: usize) -> bool {
        let mut inner = self.inner.write();
        let round = inner.parts[part].round;
        let gone = inner.remove_all(part, |entry| entry.round != round);
        self.counts.deleted.add(gone as u64);
        inner.parts[part].is_listed = true;
        self.in_sync(&mut inner, part)
    }

    /// A part goes on from its last version. True when it was out of sync.
    pub(super) fn connected(&self, part: usize) -> bool {
        let mut inner = self.inner.write();
        inner.parts[part].is_listed && self.in_sync(&mut inner, part)
    }

    fn in_sync(&self, inner: &mut Inner<T>, part: usize) -> bool {
        let was_out = inner.parts[part].error.is_some();
        self.stand(inner, part, Standing::InSync, None);
        was_out
    }

    /// A part cannot go on. True when this is news.
    pub(super) fn failed(&self, part: usize, standing: Standing, error: String) -> bool {
        let mut inner = self.inner.write();
        self.stand(&mut inner, part, standing, Some(error))
    }

    /// The kind of a part is gone, and so are its objects.
    pub(super) fn absent(&self, part: usize, error: String) -> bool {
        let mut inner = self.inner.write();
        let gone = inner.remove_all(part, |_| true);
        self.counts.deleted.add(gone as u64);
        inner.parts[part].is_listed = false;
        self.stand(&mut inner, part, Standing::Absent, Some(error))
    }

    /// Whether the first list of a part is complete.
    pub(super) fn is_listed(&self, part: usize) -> bool {
        self.inner.read().parts[part].is_listed
    }

    /// Whether a part has left out objects for which there is room by now.
    pub(super) fn has_room_again(&self, part: usize) -> bool {
        let inner = self.inner.read();
        let left_out = inner.parts[part].left_out;
        // Some room, so that it is not a list for each object that comes and goes.
        left_out > 0 && inner.len <= self.pace.max_objects - self.pace.max_objects / 10
    }

    fn stand(
        &self,
        inner: &mut Inner<T>,
        part: usize,
        standing: Standing,
        error: Option<String>,
    ) -> bool {
        let part = &mut inner.parts[part];
        let is_news = (part.standing, &part.error) != (standing, &error);
        if part.standing == Standing::InSync && standing != Standing::InSync {
            part.since = Instant::now();
        }
        (part.standing, part.error) = (standing, error);
        if is_news {
            inner.each_place(Place::state_changed);
        }
        if inner.is_settled() && !self.settled.send_replace(true) {
            inner.each_place(Place::settled);
        }
        is_news
    }

    fn leave_out(&self, inner: &mut Inner<T>, part: usize) {
        inner.parts[part].left_out += 1;
        self.counts.left_out.inc();
        if inner.parts[part].left_out == 1 {
            tracing::error!(
                component = "watch",
                resource = self.kind.plural,
                max = self.pace.max_objects,
                "too many objects to keep: further ones are left out"
            );
        }
    }

    /// What is kept of an object. Why a secret cannot be read may show it.
    fn shown(&self, held: &Arc<Held<T>>) -> Arc<Held<T>> {
        if *self.kind == Kind::SECRETS && held.object.is_err() {
            let object = Err("is not as the API has it".to_owned());
            return Arc::new(Held { meta: held.meta.clone(), object });
        }
        Arc::clone(held)
    }
}

/// The name of an object: most objects say it, too.
fn name_of<T>(object: &Read<T>) -> Arc<str> {
    Text::from(object.name()).into()
}

impl<T> Inner<T> {
    fn is_settled(&self) -> bool {
        self.parts.iter().all(|part| part.is_listed || part.is_refused())
    }

    fn each_place(&self, tell: impl Fn(&Place)) {
        self.places.iter().filter_map(Weak::upgrade).for_each(|place| tell(&place));
    }

    fn changed(&self, key: &Key) {
        self.each_place(|place| place.changed(key));
    }

    /// The namespace of an object, the same `Arc` for all objects of it.
    fn namespace_of(&self, part: usize, object: &Read<T>) -> Arc<str> {
        if let Some(namespace) = &self.parts[part].namespace {
            return Arc::clone(namespace);
        }
        let known = self.objects.get_key_value(object.namespace());
        known.map_or_else(
            || Text::from(object.namespace()).into(),
            |(namespace, _)| Arc::clone(namespace),
        )
    }

    fn remove(&mut self, namespace: &Arc<str>, name: &str) -> Option<Key> {
        let all = self.objects.get_mut(namespace)?;
        let (name, entry) = all.remove_entry(name)?;
        if all.is_empty() {
            self.objects.remove(namespace);
        }
        self.len -= 1;
        self.unreadable -= usize::from(entry.held.object.is_err());
        Some(Key { namespace: Arc::clone(namespace), name })
    }

    /// Removes objects of a part: how many.
    fn remove_all(&mut self, part: usize, which: impl Fn(&Entry<T>) -> bool) -> usize {
        let own = self.parts[part].namespace.clone();
        let objects =
            self.objects.iter().filter(|(name, _)| own.as_ref().is_none_or(|own| own == *name));
        let gone: Vec<(Arc<str>, Arc<str>)> = objects
            .flat_map(|(namespace, all)| {
                all.iter().map(move |(name, entry)| (namespace, name, entry))
            })
            .filter(|(_, _, entry)| which(entry))
            .map(|(namespace, name, _)| (Arc::clone(namespace), Arc::clone(name)))
            .collect();
        for (namespace, name) in &gone {
            if let Some(key) = self.remove(namespace, name) {
                self.changed(&key);
            }
        }
        gone.len()
    }
}

impl Part {
    fn is_refused(&self) -> bool {
        matches!(self.standing, Standing::Forbidden | Standing::Absent)
    }

    /// How long it has not been in sync; what is refused is not waited for.
    fn behind(&self) -> std::time::Duration {
        match self.standing {
            Standing::Starting | Standing::Behind => self.since.elapsed(),
            Standing::InSync | Standing::Forbidden | Standing::Absent => std::time::Duration::ZERO,
        }
    }
}

impl<T: Send + Sync> Watched for Store<T> {
    fn figures(&self) -> Figures {
        let inner = self.inner.read();
        let behind = inner.parts.iter().map(Part::behind).max();
        Figures {
            resource: self.kind.plural,
            objects: inner.len,
            unreadable: inner.unreadable,
            behind: behind.unwrap_or_default(),
            standings: inner.parts.iter().map(|part| part.standing).collect(),
        }
    }
}
