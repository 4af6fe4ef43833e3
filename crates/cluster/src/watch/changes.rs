//! What changed since a follower asked last.

use super::Key;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use tokio::sync::Notify;

/// What changed since a follower asked last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These objects: they are new, other than before, or gone. When there are none, only the state of
    /// the watch has changed.
    Keys(BTreeSet<Key>),
    /// Any of them: the follower is new, or there was too much to tell.
    All,
}

/// A follower's place in the changes.
#[derive(Debug)]
pub(super) struct Place {
    pending: Mutex<Pending>,
    news: Notify,
    max: usize,
}

#[derive(Debug, Default)]
struct Pending {
    keys: BTreeSet<Key>,
    all: bool,
    state: bool,
    /// Whether there is something to see yet: the first list is complete, or was refused.
    is_settled: bool,
}

impl Place {
    /// A place before everything.
    pub(super) fn new(is_settled: bool, max: usize) -> Self {
        let pending = Pending { all: true, is_settled, ..Pending::default() };
        Self { pending: Mutex::new(pending), news: Notify::new(), max }
    }

    pub(super) fn changed(&self, key: &Key) {
        let mut pending = self.pending.lock();
        if pending.all {
            return;
        }
        if pending.keys.len() >= self.max && !pending.keys.contains(key) {
            pending.all = true;
            pending.keys.clear();
        } else {
            pending.keys.insert(key.clone());
        }
        drop(pending);
        self.news.notify_one();
    }

    pub(super) fn settled(&self) {
        self.pending.lock().is_settled = true;
        self.news.notify_one();
    }

    pub(super) fn state_changed(&self) {
        self.pending.lock().state = true;
        self.news.notify_one();
    }

    /// Waits for changes and takes them. Cancel safe.
    pub(super) async fn take(&self) -> Changes {
        loop {
            if let Some(changes) = self.take_now() {
                return changes;
            }
            self.news.notified().await;
        }
    }

    fn take_now(&self) -> Option<Changes> {
        let mut pending = self.pending.lock();
        if !pending.is_settled || !(pending.all || pending.state || !pending.keys.is_empty()) {
            return None;
        }
        pending.state = false;
        let keys = std::mem::take(&mut pending.keys);
        if std::mem::take(&mut pending.all) {
            return Some(Changes::All);
        }
        Some(Changes::Keys(keys))
    }
}
