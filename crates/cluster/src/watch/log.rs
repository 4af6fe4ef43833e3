//! What a watch says in the log.

use super::{Key, Kind, Scope};
use std::sync::Arc;
use std::time::Duration;

/// The log of one watch. One that is for a single object speaks low: there may be hundreds of those, and
/// whoever wants the object tells that it is not there.
#[derive(Clone, Debug)]
pub(super) struct Log {
    resource: &'static str,
    /// Empty for all.
    namespace: Arc<str>,
    is_of_one: bool,
}

impl Log {
    pub(super) fn new(kind: &Kind, namespace: Arc<str>, scope: &Scope) -> Self {
        let is_of_one = scope.fields.starts_with("metadata.name=");
        Self { resource: kind.plural, namespace, is_of_one }
    }

    pub(super) fn listed(&self, objects: usize) {
        let (resource, namespace) = (self.resource, &*self.namespace);
        tracing::debug!(component = "watch", resource, namespace, objects, "list complete");
    }

    pub(super) fn not_streamed(&self, why: &str) {
        let (resource, namespace) = (self.resource, &*self.namespace);
        tracing::debug!(component = "watch", resource, namespace, why, "lists come in pages");
    }

    pub(super) fn unreadable(&self, object: &Key, error: &str) {
        let resource = self.resource;
        tracing::warn!(component = "watch", resource, %object, error, "unreadable object");
    }

    /// Usual: not everybody has every kind.
    pub(super) fn absent(&self, error: &str) {
        let (resource, namespace) = (self.resource, &*self.namespace);
        tracing::info!(component = "watch", resource, namespace, error, "no such kind");
    }

    pub(super) fn interrupted(&self, error: &str, retry: Duration) {
        let (resource, namespace) = (self.resource, &*self.namespace);
        let retry_ms = u64::try_from(retry.as_millis()).unwrap_or(u64::MAX);
        let message = "watch interrupted";
        if self.is_of_one {
            tracing::debug!(component = "watch", resource, namespace, error, retry_ms, message);
        } else {
            tracing::warn!(component = "watch", resource, namespace, error, retry_ms, message);
        }
    }

    pub(super) fn in_sync_again(&self) {
        let (resource, namespace) = (self.resource, &*self.namespace);
        if self.is_of_one {
            tracing::debug!(component = "watch", resource, namespace, "in sync again");
        } else {
            tracing::info!(component = "watch", resource, namespace, "in sync again");
        }
    }
}
