//! What a reload changes, for the log. Names only: values may be secrets.

use crate::config::Loaded;
use crate::config::diff::{Diff, RulesDiff};

/// Beyond so many names of one kind only their number is told.
const MAX_NAMES: usize = 20;

/// Tells what differs between the configuration in use and the next one.
pub(super) fn tell(old: &Loaded, new: &Loaded) {
    let diff = Diff::new(old, new);
    if diff.is_empty() {
        tracing::info!(component = "config", "nothing changed but targets in files");
        return;
    }
    if !diff.settings.is_empty() {
        let settings = list(&diff.settings);
        tracing::info!(component = "config", %settings, "settings changed");
    }
    let flags = |loaded: &Loaded| {
        let section = loaded.kubernetes.as_ref();
        section.map(|section| section.flags()).unwrap_or_default()
    };
    let (before, after) = (flags(old), flags(new));
    let changed = after.iter().filter(|flag| !before.contains(flag));
    let gone = before.iter().filter(|(name, _)| after.iter().all(|(other, _)| other != name));
    let mut changed: Vec<_> = changed.chain(gone).map(|(name, _)| format!("--{name}")).collect();
    changed.dedup();
    if !changed.is_empty() {
        let flags = list(&changed);
        tracing::warn!(component = "config", %flags, "what is a flag changes with the next start");
    }
    tell_rules(&diff.rules);
    if !diff.added.is_empty() {
        tracing::info!(component = "config", jobs = %list(&diff.added), "jobs were added");
    }
    if !diff.removed.is_empty() {
        tracing::info!(component = "config", jobs = %list(&diff.removed), "jobs were removed");
    }
    for (job, keys) in diff.changed.iter().take(MAX_NAMES) {
        tracing::info!(component = "config", %job, keys = %list(keys), "a job changed");
    }
    if let Some(more) = diff.changed.len().checked_sub(MAX_NAMES).filter(|more| *more > 0) {
        tracing::info!(component = "config", more, "further jobs changed");
    }
}

fn tell_rules(diff: &RulesDiff) {
    let RulesDiff { added_files, removed_files, added, removed, changed } = diff;
    for (files, what) in [(added_files, "were added"), (removed_files, "were removed")] {
        if !files.is_empty() {
            tracing::info!(component = "config", files = %list(files), "rule files {what}");
        }
    }
    for (groups, what) in [(added, "were added"), (removed, "were removed"), (changed, "changed")] {
        if !groups.is_empty() {
            tracing::info!(component = "config", groups = %list(groups), "rule groups {what}");
        }
    }
}

fn list(names: &[String]) -> String {
    let mut list = names[..names.len().min(MAX_NAMES)].join(", ");
    if let Some(more) = names.len().checked_sub(MAX_NAMES).filter(|more| *more > 0) {
        list.push_str(&format!(" and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = (0..23).map(|i| i.to_string()).collect();
        assert_eq!(list(&names[..2]), "0, 1");
        assert!(list(&names).ends_with("18, 19 and 3 more"), "{}", list(&names));
    }
}
