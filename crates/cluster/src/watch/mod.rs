//! Watching: for each kind of object and scope one store that is kept like the API server's own.
//!
//! [`Watches::follow`] gives a [`Following`]: a view of a store, shared by all who follow the same
//! objects in the same scope, and a place of its own in what changes there. The watch ends when the
//! last of them is dropped. A scope of several namespaces is one watch each behind one store.
//!
//! Objects come by kube's watcher, streamed where the server can do that, else listed in pages, and
//! are read one by one: one that cannot be read is kept as such with the reason. What fails is tried
//! again, later and later. While the API server is away the store stays as it is; objects vanish only
//! when the server says so. What may not be read, or is of a kind the server does not know, is a
//! state and not an error: it is tried again now and then.
//!
//! Behaviour: <https://kubernetes.io/docs/reference/using-api/api-concepts/>.

mod backoff;
mod changes;
mod following;
mod kind;
mod log;
mod metrics;
mod object;
mod observed;
mod run;
mod store;
#[cfg(test)]
mod tests;
mod trouble;
mod watches;

pub use changes::Changes;
pub use following::{Following, WatchState};
pub use kind::Kind;
pub use metrics::Metrics;
pub use object::{Held, ObjectVersion, without_nulls};
pub use watches::Watches;

use crate::Text;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Which objects of a kind are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Those of these namespaces; empty for all. Kinds of the whole cluster have none.
    pub namespaces: BTreeSet<String>,
    /// A selector of labels as the API takes it; empty for all.
    pub labels: String,
    /// A selector of fields as the API takes it; empty for all.
    pub fields: String,
}

impl Scope {
    /// All objects.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// All objects of some namespaces; of all when there are none.
    #[must_use]
    pub fn of_namespaces<S: Into<String>>(namespaces: impl IntoIterator<Item = S>) -> Self {
        Self { namespaces: namespaces.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// One object.
    #[must_use]
    pub fn one(namespace: &str, name: &str) -> Self {
        let fields = format!("metadata.name={name}");
        Self { fields, ..Self::of_namespaces([namespace]) }
    }
}

/// Names an object among those of its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Empty for objects of the whole cluster.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

impl Key {
    /// The key of an object, sharing its texts with others that have the same.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: Text::from(namespace).into(), name: Text::from(name).into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return self.name.fmt(f);
        }
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How fast things go, and how much is kept.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// The first wait after a failure; each one after it is twice as long.
    first: Duration,
    /// No wait is longer.
    longest: Duration,
    /// After so long without a failure the next wait is the first one again.
    healthy: Duration,
    /// What is forbidden, or of an unknown kind, is tried again so often.
    slow: Duration,
    /// A list that is streamed and brings nothing for so long is asked for in pages.
    stalled: Duration,
    /// Objects in a page.
    page: u32,
    /// Objects in a store.
    max_objects: usize,
    /// Changes that are told one by one; when there are more, everything may have changed.
    max_changes: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(800),
            longest: Duration::from_secs(30),
            healthy: Duration::from_secs(120),
            slow: Duration::from_secs(60),
            stalled: Duration::from_secs(30),
            page: 500,
            max_objects: 500_000,
            max_changes: 1024,
        }
    }
}
