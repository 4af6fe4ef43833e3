//! Objects by kind, and what happened to them.

use crate::kinds::Kind;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;

/// Events that are remembered for those who watch from an earlier version.
const MAX_EVENTS: usize = 50_000;

/// A version is so old that what happened since is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) version: u64,
    pub(crate) plural: &'static str,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub(crate) what: &'static str,
    pub(crate) object: Arc<Value>,
    /// As it was before.
    pub(crate) before: Option<Arc<Value>>,
}

/// Namespace (empty for the cluster) and name.
pub(crate) type Key = (String, String);

/// Why something was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NotFound,
    AlreadyExists,
    Conflict,
    Invalid(String),
}

/// All objects.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// The newest version.
    newest: watch::Sender<u64>,
}

struct Inner {
    objects: BTreeMap<&'static str, BTreeMap<Key, Arc<Value>>>,
    events: VecDeque<Event>,
    /// The first version that all events since are known of.
    known_from: u64,
    version: u64,
    uid: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        // Versions begin somewhere, never at 0, which has a meaning of its own.
        let inner = Inner {
            objects: BTreeMap::new(),
            events: VecDeque::new(),
            known_from: 1000,
            version: 1000,
            uid: 0,
        };
        Self { inner: Mutex::new(inner), newest: watch::channel(1000).0 }
    }

    /// Tells of newer versions.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    pub(crate) fn version(&self) -> u64 {
        self.inner.lock().version
    }

    pub(crate) fn get(&self, kind: &Kind, key: &Key) -> Option<Arc<Value>> {
        self.inner.lock().objects.get(kind.plural)?.get(key).cloned()
    }

    /// All objects of a kind in the order of their names, and the version they are of.
    pub(crate) fn all(&self, kind: &Kind, namespace: Option<&str>) -> (u64, Vec<Arc<Value>>) {
        let inner = self.inner.lock();
        let all = inner.objects.get(kind.plural).into_iter().flatten();
        let chosen = all.filter(|((own, _), _)| namespace.is_none_or(|wanted| own == wanted));
        (inner.version, chosen.map(|(_, object)| Arc::clone(object)).collect())
    }

    /// What happened to objects of a kind after a version.
    pub(crate) fn since(&self, kind: &Kind, version: u64) -> Result<(u64, Vec<Event>), Gone> {
        let inner = self.inner.lock();
        if version < inner.known_from || version > inner.version {
            return Err(Gone);
        }
        let first = inner.events.partition_point(|event| event.version <= version);
        let later = inner.events.range(first..).filter(|event| event.plural == kind.plural);
        Ok((inner.version, later.cloned().collect()))
    }

    /// Forgets what happened, so that whoever watches from an earlier version is told that it is
    /// gone.
    pub(crate) fn forget(&self) {
        let mut inner = self.inner.lock();
        inner.events.clear();
        inner.version += 1;
        inner.known_from = inner.version;
        self.newest.send_replace(inner.version);
    }

    pub(crate) fn create(&self, kind: &Kind, key: Key, object: Value) -> Result<Value, Refused> {
        let mut inner = self.inner.lock();
        if inner.objects.get(kind.plural).is_some_and(|all| all.contains_key(&key)) {
            return Err(Refused::AlreadyExists);
        }
        inner.uid += 1;
        let mut object = object;
        let uid = format!("00000000-0000-4000-8000-{:012x}", inner.uid);
        let meta = meta_of(&mut object)?;
        meta.insert("uid".into(), uid.into());
        meta.insert("creationTimestamp".into(), "2024-01-01T00:00:00Z".into());
        meta.insert("generation".into(), 1.into());
        if kind.has_status && kind.is_custom {
            object.as_object_mut().map(|map| map.remove("status"));
        }
        Ok(self.put(&mut inner, kind, key, object, "ADDED"))
    }

    /// Changes an object; `is_status` says which part of it.
    pub(crate) fn change(
        &self,
        kind: &Kind,
        key: &Key,
        is_status: bool,
        change: impl FnOnce(&mut Value) -> Result<(), Refused>,
    ) -> Result<Value, Refused> {
        let mut inner = self.inner.lock();
        let old = inner.objects.get(kind.plural).and_then(|all| all.get(key)).cloned();
        let old = old.ok_or(Refused::NotFound)?;
        let mut changed = Value::clone(&old);
        change(&mut changed)?;
        let wanted = changed.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let is_old = wanted.is_some_and(|wanted| {
            !wanted.is_empty()
                && old.pointer("/metadata/resourceVersion").and_then(Value::as_str) != Some(wanted)
        });
        if is_old {
            return Err(Refused::Conflict);
        }
        let mut new = Value::clone(&old);
        let parts = changed.as_object().ok_or_else(|| Refused::Invalid("not an object".into()))?;
        let new_map = new.as_object_mut().expect("objects are kept only");
        if is_status {
            set_or_remove(new_map, "status", parts.get("status"));
        } else {
            let status = new_map.remove("status");
            *new_map = parts.clone();
            if kind.has_status && kind.is_custom {
                set_or_remove(new_map, "status", status.as_ref());
            }
        }
        let spec_changed = new.get("spec") != old.get("spec");
        let old_meta = old.get("metadata").cloned().unwrap_or_default();
        let meta = meta_of(&mut new)?;
        for field in ["uid", "creationTimestamp", "name", "namespace", "resourceVersion"] {
            set_or_remove(meta, field, old_meta.get(field));
        }
        let generation = old_meta.get("generation").and_then(Value::as_u64).unwrap_or(1);
        meta.insert("generation".into(), (generation + u64::from(spec_changed)).into());
        if new == *old {
            return Ok(new);
        }
        Ok(self.put(&mut inner, kind, key.clone(), new, "MODIFIED"))
    }

    pub(crate) fn delete(&self, kind: &Kind, key: &Key) -> Result<Value, Refused> {
        let mut inner = self.inner.lock();
        let all = inner.objects.get_mut(kind.plural).ok_or(Refused::NotFound)?;
        let before = all.remove(key).ok_or(Refused::NotFound)?;
        inner.version += 1;
        let version = inner.version;
        let mut last = Value::clone(&before);
        meta_of(&mut last)?.insert("resourceVersion".into(), version.to_string().into());
        let event = Event {
            version,
            plural: kind.plural,
            what: "DELETED",
            object: Arc::new(last.clone()),
            before: Some(before),
        };
        self.publish(&mut inner, event);
        Ok(last)
    }

    fn put(
        &self,
        inner: &mut Inner,
        kind: &Kind,
        key: Key,
        mut object: Value,
        what: &'static str,
    ) -> Value {
        inner.version += 1;
        let version = inner.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        object["kind"] = json!(kind.kind);
        object["apiVersion"] = json!(kind.api_version());
        let plural = kind.plural;
        let stored = Arc::new(object.clone());
        let before = inner.objects.entry(plural).or_default().insert(key, Arc::clone(&stored));
        self.publish(inner, Event { version, plural, what, object: stored, before });
        object
    }

    fn publish(&self, inner: &mut Inner, event: Event) {
        let version = event.version;
        inner.events.push_back(event);
        while inner.events.len() > MAX_EVENTS {
            if let Some(event) = inner.events.pop_front() {
                inner.known_from = event.version;
            }
        }
        self.newest.send_replace(version);
    }
}

fn meta_of(object: &mut Value) -> Result<&mut serde_json::Map<String, Value>, Refused> {
    let map = object.as_object_mut().ok_or_else(|| Refused::Invalid("not an object".into()))?;
    let meta = map.entry("metadata").or_insert_with(|| json!({}));
    meta.as_object_mut().ok_or_else(|| Refused::Invalid("metadata is not an object".into()))
}

fn set_or_remove(map: &mut serde_json::Map<String, Value>, key: &str, value: Option<&Value>) {
    match value {
        Some(value) => {
            map.insert(key.to_owned(), value.clone());
        }
        None => {
            map.remove(key);
        }
    }
}
