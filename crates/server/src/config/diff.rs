//! What differs between two configurations, by names only: no value is told, so no secret is.

use super::Loaded;
use super::print::{Model, Pairs};
use rules::LoadedFile;
use rules::file::Group;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The differences, each list in the order of names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Diff {
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    /// Jobs that are in both, and the keys that differ.
    pub(crate) changed: Vec<(String, Vec<String>)>,
    /// Settings outside of jobs, as paths such as `global.scrape_interval`.
    pub(crate) settings: Vec<String>,
    pub(crate) rules: RulesDiff,
}

/// The differences between rule files; a group is named as `file;group`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RulesDiff {
    pub(crate) added_files: Vec<String>,
    pub(crate) removed_files: Vec<String>,
    /// Groups of files that are in both.
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
    pub(crate) changed: Vec<String>,
}

impl Diff {
    pub(crate) fn new(old: &Loaded, new: &Loaded) -> Self {
        let rules = RulesDiff::new(&old.rule_files, &new.rule_files);
        let mut diff = Self { rules, ..Self::default() };
        let (old, new) = (Model::new(old), Model::new(new));
        let mut before: BTreeMap<_, _> = old.jobs.into_iter().collect();
        for (name, pairs) in new.jobs {
            match before.remove(&name) {
                None => diff.added.push(name),
                Some(old) => {
                    let keys = differing(&old, &pairs);
                    if !keys.is_empty() {
                        diff.changed.push((name, keys));
                    }
                }
            }
        }
        diff.removed = before.into_keys().collect();
        diff.added.sort_unstable();
        diff.changed.sort_unstable();

        let global = differing(&old.global, &new.global);
        diff.settings.extend(global.iter().map(|key| format!("global.{key}")));
        let empty = Value::Null;
        let find = |sections: &[(String, Value)], name: &str| {
            sections.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
        };
        let names: BTreeSet<_> =
            old.others.iter().chain(&new.others).map(|(name, _)| name.clone()).collect();
        for name in names {
            let (old, new) = (find(&old.others, &name), find(&new.others, &name));
            let (old, new) = (old.as_ref().unwrap_or(&empty), new.as_ref().unwrap_or(&empty));
            paths(&name, old, new, &mut diff.settings);
        }
        diff
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl RulesDiff {
    fn new(old: &[LoadedFile], new: &[LoadedFile]) -> Self {
        let mut diff = Self::default();
        let mut files: BTreeMap<_, _> = old.iter().map(|file| (&file.name, file)).collect();
        for file in new {
            match files.remove(&file.name) {
                Some(old) => diff.groups(old, file),
                None => diff.added_files.push(file.name.clone()),
            }
        }
        diff.removed_files = files.into_keys().cloned().collect();
        diff
    }

    fn groups(&mut self, old: &LoadedFile, new: &LoadedFile) {
        let name = |group: &str| format!("{};{group}", new.name);
        let before = old.groups.groups.iter();
        let mut before: BTreeMap<_, _> = before.map(|group| (&group.name, said(group))).collect();
        for group in &new.groups.groups {
            match before.remove(&group.name) {
                None => self.added.push(name(&group.name)),
                Some(old) if old != said(group) => self.changed.push(name(&group.name)),
                Some(_) => {}
            }
        }
        self.removed.extend(before.into_keys().map(|group| name(group)));
    }
}

/// All that a group says, wherever it stands and however its queries are spaced.
fn said(group: &Group) -> String {
    let Group { name: _, interval_ms, query_offset_ms, limit, labels, rules } = group;
    let mut said = format!("{interval_ms:?} {query_offset_ms:?} {limit} {labels}");
    for rule in rules {
        let (name, kind, expr, labels) = (&rule.name, &rule.kind, &rule.expr, &rule.labels);
        said.push_str(&format!("\n{name} {kind:?} {labels:?} {expr}"));
    }
    said
}

fn differing(old: &Pairs, new: &Pairs) -> Vec<String> {
    let map = |pairs: &Pairs| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    let (old, new) = (map(old), map(new));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect()
}

/// The paths of what differs; lists differ as a whole.
fn paths(at: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    if old == new {
        return;
    }
    let empty = serde_json::Map::new();
    let (old, new) = match (old, new) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        (Value::Object(old), Value::Null) => (old, &empty),
        (Value::Null, Value::Object(new)) => (&empty, new),
        _ => return found.push(at.to_owned()),
    };
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let value =
            |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        paths(&format!("{at}.{key}"), &value(old), &value(new), found);
    }
}
