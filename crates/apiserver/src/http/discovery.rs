//! What the server serves.

use crate::kinds::{KINDS, Kind};
use crate::trouble::Trouble;
use serde_json::{Value, json};

/// The answer to a question about the server itself.
pub(super) fn answer(path: &str, trouble: &Trouble) -> Option<Value> {
    let kinds = || KINDS.iter().filter(|kind| trouble.is_defined(kind));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["healthz" | "readyz" | "livez"] => Some(json!("ok")),
        ["version"] => Some(json!({"major": "1", "minor": "32", "gitVersion": "v1.32.0",
                                   "platform": "linux/amd64"})),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => Some(groups(kinds())),
        ["api", version] => versions("", version, kinds()),
        ["apis", group, version] => versions(group, version, kinds()),
        _ => None,
    }
}

fn groups<'a>(kinds: impl Iterator<Item = &'a Kind>) -> Value {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in kinds.filter(|kind| !kind.group.is_empty()) {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            Some((_, versions)) if versions.contains(&kind.version) => {}
            Some((_, versions)) => versions.push(kind.version),
            None => groups.push((kind.group, vec![kind.version])),
        }
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|version| {
                    json!({"groupVersion": format!("{group}/{version}"), "version": version})
                })
                .collect();
            json!({"name": group, "preferredVersion": versions[0], "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn versions<'a>(
    group: &str,
    version: &str,
    kinds: impl Iterator<Item = &'a Kind>,
) -> Option<Value> {
    let mut resources = Vec::new();
    let mut api_version = None;
    for kind in kinds.filter(|kind| kind.group == group && kind.version == version) {
        api_version = Some(kind.api_version());
        resources.push(json!({
            "name": kind.plural, "singularName": kind.kind.to_ascii_lowercase(),
            "namespaced": kind.is_namespaced, "kind": kind.kind, "shortNames": kind.short,
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        }));
        if kind.has_status {
            resources.push(json!({
                "name": format!("{}/status", kind.plural), "singularName": "",
                "namespaced": kind.is_namespaced, "kind": kind.kind,
                "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let api_version = api_version?;
    Some(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version,
                "resources": resources}))
}
