//! Rules as a Role or ClusterRole has them.

use super::{Missing, Rule};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The rules to add for what is missing; the empty text when nothing is.
#[must_use]
pub fn missing_yaml(missing: &[Missing]) -> String {
    yaml(missing.iter().map(|missing| &missing.rule))
}

/// Permissions as YAML: for each place a comment that names the role, and below it the list to add to its
/// `rules`. Resources that are treated alike stand together.
#[must_use]
pub fn yaml<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> String {
    // By place; then what is allowed with each resource, or with one object of it.
    let mut places: BTreeMap<Option<&str>, BTreeMap<_, BTreeSet<&str>>> = BTreeMap::new();
    for rule in rules {
        let what = (rule.group.as_str(), rule.name.as_deref(), rule.whole_resource());
        let place = places.entry(rule.namespace.as_deref()).or_default();
        place.entry(what).or_default().insert(&rule.verb);
    }
    let mut text = String::new();
    let mut push =
        |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("a string takes text");
    for (namespace, resources) in places {
        match namespace {
            None => push(format_args!("# ClusterRole, rules:\n")),
            Some(namespace) => push(format_args!("# Role in namespace {namespace}, rules:\n")),
        }
        let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for ((group, name, resource), verbs) in resources {
            alike.entry((group, verbs, name)).or_default().push(resource);
        }
        // Names of objects of one resource go together, too.
        let mut grouped: BTreeMap<_, Vec<&str>> = BTreeMap::new();
        for ((group, verbs, name), resources) in alike {
            grouped.entry((group, resources, verbs)).or_default().extend(name);
        }
        for ((group, resources, verbs), names) in grouped {
            push(format_args!("- apiGroups: {}\n", list([group])));
            push(format_args!("  resources: {}\n", list(resources.iter().map(String::as_str))));
            if !names.is_empty() {
                push(format_args!("  resourceNames: {}\n", list(names)));
            }
            push(format_args!("  verbs: {}\n", list(verbs)));
        }
    }
    text
}

/// A list in YAML's short form; a quoted text of JSON is one of YAML.
fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let quoted: Vec<String> =
        texts.into_iter().map(|text| serde_json::Value::from(text).to_string()).collect();
    format!("[{}]", quoted.join(", "))
}
