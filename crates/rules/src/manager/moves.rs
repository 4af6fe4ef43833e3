//! Rules that move from group to group in a reload.
//!
//! Their series go on in the other group, from its next evaluation on. The end of them in the group
//! that they left is written late, at a time between two evaluations of the other: readers pass over
//! such an end.

use crate::file::Group;
use crate::group::Identity;
use foldhash::{HashMap, HashMapExt as _};

/// Where rules are to be evaluated: the longest interval of the groups that have them.
pub(super) struct Places(HashMap<Identity, i64>);

impl Places {
    /// Of groups with their intervals in milliseconds.
    pub(super) fn of<'a>(groups: impl IntoIterator<Item = (&'a Group, i64)>) -> Self {
        let mut places = HashMap::new();
        for (group, interval_ms) in groups {
            for rule in &group.rules {
                let longest = places.entry(Identity::of(group, rule)).or_insert(interval_ms);
                *longest = interval_ms.max(*longest);
            }
        }
        Self(places)
    }

    /// The rules of a group that its newer version does not have and others do, and how often those
    /// are evaluated.
    pub(super) fn moved(&self, old: &Group, new: Option<&Group>) -> Vec<(Identity, i64)> {
        let identities = |group: &Group| {
            group.rules.iter().map(|rule| Identity::of(group, rule)).collect::<Vec<_>>()
        };
        let kept = new.map(identities).unwrap_or_default();
        let gone = identities(old).into_iter().filter(|rule| !kept.contains(rule));
        gone.filter_map(|rule| self.0.get(&rule).map(|interval_ms| (rule, *interval_ms))).collect()
    }
}
