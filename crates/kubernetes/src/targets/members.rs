//! Who looks at a table, and which of its rows are whose.

use super::preselected::{Labels, Preselected};
use cluster::watch::Key;
use discovery::Output;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Names a member among those of its table; later ones have higher numbers.
pub(super) type MemberId = u64;

/// What a discoverer wants of a table.
pub(super) struct Wish {
    /// In which namespaces; empty for all that the table knows.
    pub(super) namespaces: BTreeSet<String>,
    /// Which objects; all when it requires nothing.
    pub(super) preselected: Preselected,
    /// Where the groups go.
    pub(super) output: Output,
    /// Where it is counted when the objects may not be read.
    pub(super) metrics: Arc<discovery::Metrics>,
}

/// A discoverer that looks at the table.
pub(super) struct Member {
    pub(super) wish: Wish,
    /// The objects that are its.
    pub(super) keys: BTreeSet<Key>,
    /// There, as long as its objects may not be read.
    pub(super) failed: Option<discovery::FailedConfig>,
}

/// All members, and where to look for those who want an object.
#[derive(Default)]
pub(super) struct Members {
    all: BTreeMap<MemberId, Member>,
    /// By namespace, an empty one standing for all.
    places: HashMap<String, Place>,
}

#[derive(Default)]
struct Place {
    /// By a label and its value.
    by_label: HashMap<String, HashMap<String, Vec<MemberId>>>,
    /// Those who have to be asked for each object.
    others: Vec<MemberId>,
}

impl Members {
    pub(super) fn join(&mut self, id: MemberId, wish: Wish) {
        let everywhere = [String::new()];
        let namespaces: Vec<&String> = if wish.namespaces.is_empty() {
            everywhere.iter().collect()
        } else {
            wish.namespaces.iter().collect()
        };
        for namespace in namespaces {
            let place = self.places.entry(namespace.clone()).or_default();
            match wish.preselected.handle() {
                None => place.others.push(id),
                Some((name, values)) => {
                    let by_value = place.by_label.entry(name.to_owned()).or_default();
                    for value in values {
                        by_value.entry(value.clone()).or_default().push(id);
                    }
                }
            }
        }
        self.all.insert(id, Member { wish, keys: BTreeSet::new(), failed: None });
    }

    /// The member leaves; the objects that were its.
    pub(super) fn leave(&mut self, id: MemberId) -> BTreeSet<Key> {
        let Some(member) = self.all.remove(&id) else { return BTreeSet::new() };
        // Rare, and members are few beside objects.
        for place in self.places.values_mut() {
            place.others.retain(|other| *other != id);
            for by_value in place.by_label.values_mut() {
                by_value.values_mut().for_each(|ids| ids.retain(|other| *other != id));
                by_value.retain(|_, ids| !ids.is_empty());
            }
            place.by_label.retain(|_, by_value| !by_value.is_empty());
        }
        self.places.retain(|_, place| !place.others.is_empty() || !place.by_label.is_empty());
        member.keys
    }

    /// Those who want an object, each once, in order.
    pub(super) fn wanting(&self, namespace: &str, labels: &Labels<'_>) -> Vec<MemberId> {
        let mut wanting = Vec::new();
        let own = Some(namespace).filter(|namespace| !namespace.is_empty());
        let places = [Some(""), own].into_iter().flatten();
        for place in places.filter_map(|namespace| self.places.get(namespace)) {
            wanting.extend(&place.others);
            // Labels are few; the members behind one may be many.
            for (name, value) in labels {
                let by_value = place.by_label.get(name);
                wanting.extend(by_value.and_then(|ids| ids.get(*value)).into_iter().flatten());
            }
        }
        wanting.retain(|id| {
            self.all.get(id).is_some_and(|member| member.wish.preselected.accepts(labels))
        });
        wanting.sort_unstable();
        wanting.dedup();
        wanting
    }

    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.all.get_mut(&id)
    }

    /// Everybody, to be brought to another table.
    pub(super) fn into_wishes(self) -> Vec<(MemberId, Wish)> {
        self.all.into_iter().map(|(id, member)| (id, member.wish)).collect()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.all.values_mut()
    }
}
