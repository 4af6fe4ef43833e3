//! Slices by the service they are a part of.

use crate::objects::EndpointSlice;
use crate::roles::{Known, SERVICE_NAME};
use cluster::watch::{Changes, Following, Key};
use std::collections::{BTreeSet, HashMap};

/// All slices of a scope.
pub(super) struct Slices {
    pub(super) following: Following<EndpointSlice>,
    /// The slices of each service.
    by_service: HashMap<Key, BTreeSet<Key>>,
    /// The service of each slice.
    service: HashMap<Key, Key>,
}

impl Slices {
    pub(super) fn new(following: Following<EndpointSlice>) -> Self {
        Self { following, by_service: HashMap::new(), service: HashMap::new() }
    }

    /// Waits until something has changed; the keys are those of services. Cancel safe.
    pub(super) async fn changes(&mut self) -> Changes {
        match self.following.changes().await {
            Changes::All => {
                let mut keys: BTreeSet<Key> = self.service.keys().cloned().collect();
                self.following.for_each(|key, _| {
                    keys.insert(key.clone());
                });
                for key in keys {
                    self.update(key);
                }
                Changes::All
            }
            Changes::Keys(keys) => {
                Changes::Keys(keys.into_iter().flat_map(|key| self.update(key)).flatten().collect())
            }
        }
    }

    /// A slice is new, other than before, or gone: the service it was of, and the one it is of.
    fn update(&mut self, key: Key) -> [Option<Key>; 2] {
        let slice = self.following.get(&key.namespace, &key.name).and_then(Known::of);
        let now = slice.and_then(|slice| {
            let name = slice.metadata.labels.get(SERVICE_NAME)?;
            Some(Key::new(&key.namespace, name))
        });
        let before = self.service.remove(&key);
        if let Some(service) = before.as_ref().filter(|before| now.as_ref() != Some(before))
            && let Some(slices) = self.by_service.get_mut(service)
        {
            slices.remove(&key);
            if slices.is_empty() {
                self.by_service.remove(service);
            }
        }
        if let Some(service) = &now {
            self.by_service.entry(service.clone()).or_default().insert(key.clone());
            self.service.insert(key, service.clone());
        }
        [before, now]
    }

    /// The slices of a service, in order.
    pub(super) fn of(&self, service: &Key) -> impl Iterator<Item = Known<EndpointSlice>> {
        let keys = self.by_service.get(service).into_iter().flatten();
        keys.filter_map(|key| self.following.get(&key.namespace, &key.name).and_then(Known::of))
    }
}
