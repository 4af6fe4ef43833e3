//! Where in a file the chart's values are.

use super::chart;
use super::{Importer, NoteKind};
use crate::section::{Entry, Fault, Node, join};

/// Charts within charts.
const MAX_DEPTH: usize = 4;
/// The chart, as its subcharts' users mostly call it.
const NAME: &str = "kube-prometheus-stack";

/// The chart's values.
pub(super) struct Found<'a> {
    /// The keys that lead to them; empty at the top.
    pub(super) path: String,
    pub(super) values: &'a Node,
}

/// The values of the chart: below its name, else wherever a Prometheus is specified, else the top
/// when there is any value of the chart at all.
pub(super) fn chart(tree: &Node) -> Result<Found<'_>, Fault> {
    let is_spec = |node: &Node| node.at_path(&["prometheus", "prometheusSpec"]).is_some();
    if is_spec(tree) {
        return Ok(Found { path: String::new(), values: tree });
    }
    let named = |entry: &Entry| entry.key == NAME && !entry.value.entries().is_empty();
    if let Some(found) = search(tree, "", 0, &named) {
        return Ok(found);
    }
    if let Some(found) = search(tree, "", 0, &|entry| is_spec(&entry.value)) {
        return Ok(found);
    }
    if tree.entries().is_empty() || tree.entries().iter().any(|entry| chart::is_top(&entry.key)) {
        return Ok(Found { path: String::new(), values: tree });
    }
    let message = format!("no values of {NAME} are in it");
    Err(Fault { place: tree.at, path: String::new(), message })
}

fn search<'a>(
    node: &'a Node,
    path: &str,
    depth: usize,
    is_it: &dyn Fn(&Entry) -> bool,
) -> Option<Found<'a>> {
    let below = |entry: &Entry| join(path, &entry.key);
    let entries = node.entries();
    if let Some(entry) = entries.iter().find(|entry| is_it(entry)) {
        return Some(Found { path: below(entry), values: &entry.value });
    }
    if depth == MAX_DEPTH {
        return None;
    }
    entries.iter().find_map(|entry| search(&entry.value, &below(entry), depth + 1, is_it))
}

impl Importer {
    /// Notes what stands beside the chart's values, in a file for several charts.
    pub(super) fn beside(&mut self, tree: &Node, found: &Found<'_>) {
        let mut node = tree;
        let mut path = String::new();
        while path != found.path {
            let on_the_way = |entry: &&Entry| {
                let path = join(&path, &entry.key);
                found.path == path || found.path.starts_with(&format!("{path}."))
            };
            let Some(next) = node.entries().iter().find(on_the_way) else { return };
            for entry in node.entries().iter().filter(|entry| entry.key != next.key) {
                let (path, text) = (join(&path, &entry.key), "not a value of this chart");
                self.note(entry.at, &path, NoteKind::Meaningless, text);
            }
            path = join(&path, &next.key);
            node = &next.value;
        }
    }
}
