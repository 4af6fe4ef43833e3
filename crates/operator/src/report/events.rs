//! Events about objects that are left out: one for an object and a message, and another one after an hour
//! when it still is.

use super::outcome::{Condition, INVALID, cut};
use super::{GROUP, Instance};
use crate::plan::ObjectRef;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use xxhash_rust::xxh64::xxh64;

/// The same is said again after so long; the server forgets Events after as long.
const AGAIN: Duration = Duration::from_secs(3600);
/// Events that are remembered.
const MAX_SAID: usize = 10_000;
/// Events that wait to be sent.
const MAX_WAITING: usize = 1_000;
/// Bytes of a note.
const MAX_NOTE: usize = 1024;
/// Bytes of the name of an object within the name of an Event.
const MAX_NAME: usize = 200;
/// Who says it.
const CONTROLLER: &str = "rushlight";

/// An Event to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) object: ObjectRef,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) text: String,
}

/// What became of a note that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    Waiting,
    Known,
    Dropped,
}

/// Events that were sent and that wait to be.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// When what was said about whom, by their hashes.
    said: BTreeMap<u64, Instant>,
    waiting: VecDeque<Note>,
}

impl Events {
    /// Takes an Event about an object that is left out, unless it was sent within the hour.
    pub(super) fn note(&mut self, note: Note, now: Instant) -> Noted {
        let key = key(&note);
        let is_recent = |at: &Instant| now.duration_since(*at) < AGAIN;
        if self.said.get(&key).is_some_and(is_recent) {
            return Noted::Known;
        }
        if self.said.len() >= MAX_SAID {
            self.said.retain(|_, at| is_recent(at));
        }
        if self.said.len() >= MAX_SAID || self.waiting.len() >= MAX_WAITING {
            return Noted::Dropped;
        }
        self.said.insert(key, now);
        self.waiting.push_back(note);
        Noted::Waiting
    }

    /// The next Event to send.
    pub(super) fn next(&mut self) -> Option<Note> {
        self.waiting.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// It could not be sent, so it may be tried again.
    pub(super) fn not_sent(&mut self, note: &Note) {
        self.said.remove(&key(note));
    }

    /// None can be sent for now.
    pub(super) fn give_up(&mut self) {
        for note in std::mem::take(&mut self.waiting) {
            self.said.remove(&key(&note));
        }
    }
}

fn key(note: &Note) -> u64 {
    xxh64(note.text.as_bytes(), xxh64(note.uid.as_bytes(), 0))
}

impl Note {
    pub(super) fn new(object: &ObjectRef, uid: &str, version: &str, fault: &Condition) -> Self {
        Self {
            object: object.clone(),
            uid: uid.to_owned(),
            resource_version: version.to_owned(),
            text: fault.message.clone(),
        }
    }

    /// The object to create. Its name is the same within an hour, so that who starts anew repeats
    /// nothing.
    pub(super) fn event(&self, version: &str, instance: &Instance, now: Timestamp) -> Value {
        let ObjectRef { kind, namespace, name } = &self.object;
        let hour = now.as_second() / 3600;
        let unique = xxh64(&hour.to_le_bytes(), key(self));
        let start: String = name.chars().take(MAX_NAME).collect();
        // Where it is cut, there may be what no part of a name ends with.
        let start = start.trim_end_matches(['-', '.']);
        let reporter = match instance.namespace.as_str() {
            "" => instance.name.clone(),
            namespace => format!("{namespace}/{}", instance.name),
        };
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": format!("{start}.{unique:016x}"), "namespace": namespace},
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "type": "Warning",
            "reason": INVALID,
            "action": "Sync",
            "note": cut(self.text.clone(), MAX_NOTE),
            "reportingController": CONTROLLER,
            "reportingInstance": cut(reporter, 128),
            "regarding": {
                "apiVersion": format!("{GROUP}/{version}"), "kind": kind.as_str(),
                "namespace": namespace, "name": name, "uid": self.uid,
                "resourceVersion": self.resource_version,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::MonitorKind;

    fn note(uid: usize, text: &str) -> Note {
        let object = ObjectRef {
            kind: MonitorKind::Probe,
            namespace: "a".into(),
            name: format!("{}", uid).into(),
        };
        let (uid, resource_version) = (uid.to_string(), "1".to_owned());
        Note { object, uid, resource_version, text: text.to_owned() }
    }

    #[test]
    fn the_same_is_said_once_an_hour() {
        let (mut events, start) = (Events::default(), Instant::now());
        let mut check = |uid, text, minutes: u64, expected| {
            let now = start + Duration::from_secs(60 * minutes);
            assert_eq!(events.note(note(uid, text), now), expected, "{uid} {text} {minutes}");
        };
        check(1, "x", 0, Noted::Waiting);
        check(1, "x", 59, Noted::Known);
        check(1, "y", 59, Noted::Waiting);
        check(2, "x", 59, Noted::Waiting);
        check(1, "x", 60, Noted::Waiting);
        check(1, "x", 61, Noted::Known);
        assert_eq!(std::iter::from_fn(|| events.next()).count(), 4);
    }

    #[test]
    fn what_could_not_be_sent_may_be_said_again() {
        let (mut events, now) = (Events::default(), Instant::now());
        events.note(note(1, "x"), now);
        let taken = events.next().unwrap();
        events.not_sent(&taken);
        assert_eq!(events.note(note(1, "x"), now), Noted::Waiting);
        events.give_up();
        assert!(events.is_empty());
        assert_eq!(events.note(note(1, "x"), now), Noted::Waiting);
    }

    #[test]
    fn there_is_a_limit() {
        let (mut events, start) = (Events::default(), Instant::now());
        for uid in 0..MAX_WAITING {
            assert_eq!(events.note(note(uid, "x"), start), Noted::Waiting);
        }
        assert_eq!(events.note(note(MAX_SAID, "x"), start), Noted::Dropped);
        for uid in MAX_WAITING..MAX_SAID {
            events.next();
            assert_eq!(events.note(note(uid, "x"), start), Noted::Waiting);
        }
        events.next();
        assert_eq!(events.note(note(MAX_SAID, "x"), start), Noted::Dropped);
        assert_eq!(events.note(note(MAX_SAID, "x"), start + AGAIN), Noted::Waiting);
    }

    #[test]
    fn an_event_as_the_server_takes_it() {
        let instance = Instance { namespace: "mon".into(), name: "main".into() };
        let now: Timestamp = "2026-03-04T05:06:07.891234Z".parse().unwrap();
        let event = note(7, &"ü".repeat(1000)).event("v1", &instance, now);
        assert_eq!(event["eventTime"], "2026-03-04T05:06:07.891234Z");
        assert_eq!(event["regarding"]["apiVersion"], "monitoring.coreos.com/v1");
        assert_eq!(event["regarding"]["kind"], "Probe");
        assert_eq!(event["reportingInstance"], "mon/main");
        let note_text = event["note"].as_str().unwrap();
        assert!(note_text.len() <= MAX_NOTE && note_text.ends_with("ü..."), "{note_text}");
        // The same within the hour, so that it is there once; another one after it.
        let name = |text: &str, now: &str| {
            note(7, text).event("v1", &instance, now.parse().unwrap())["metadata"]["name"].clone()
        };
        let first = name("x", "2026-03-04T05:00:00Z");
        assert_eq!(first, name("x", "2026-03-04T05:59:59Z"));
        assert_ne!(first, name("x", "2026-03-04T06:00:00Z"));
        assert_ne!(first, name("y", "2026-03-04T05:00:00Z"));
    }

    #[test]
    fn long_names_are_cut_where_they_may_end() {
        let check = |name: String, start: &str| {
            let mut note = note(1, "x");
            note.object.name = name.into();
            let instance = Instance { namespace: "mon".into(), name: "main".into() };
            let event = note.event("v1", &instance, "2026-03-04T05:00:00Z".parse().unwrap());
            let name = event["metadata"]["name"].as_str().unwrap();
            assert_eq!(
                name.rsplit_once('.').map(|(start, hash)| (start, hash.len())),
                Some((start, 16))
            );
        };
        check("a.b".to_owned(), "a.b");
        check("a".repeat(253), &"a".repeat(200));
        check(format!("{}-.b", "a".repeat(198)), &"a".repeat(198));
    }
}
