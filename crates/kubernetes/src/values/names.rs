//! Names that the chart gives, and templates that hold them.

use super::Options;
use crate::section::{Entry, Kind, Node};

/// What the chart calls itself.
const CHART: &str = "kube-prometheus-stack";
/// Names are cut to this, so that longer ones fit.
const MAX_NAME: usize = 26;

/// Names that the chart gives.
pub(super) struct Names {
    pub(super) release: Option<String>,
    pub(super) namespace: Option<String>,
    /// What names of its objects begin with; needs the release, or a name that is written.
    pub(super) full: Option<String>,
    /// Whether objects are called by that name alone.
    is_clean: bool,
}

impl Names {
    pub(super) fn new(values: &Node, options: &Options) -> Self {
        let text = |key: &str| {
            let text = values.get(key).and_then(Node::scalar);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (release, namespace) = (options.release.clone(), options.namespace.clone());
        let full = text("fullnameOverride").or_else(|| {
            let (release, name) = (release.as_deref()?, text("nameOverride"));
            let name = name.as_deref().unwrap_or(CHART);
            let contains = release.contains(name);
            Some(if contains { release.to_owned() } else { format!("{release}-{name}") })
        });
        let cut = |name: String| {
            let end = name.char_indices().nth(MAX_NAME).map_or(name.len(), |(end, _)| end);
            name[..end].strip_suffix('-').unwrap_or(&name[..end]).to_owned()
        };
        let clean = values.get("cleanPrometheusOperatorObjectNames").and_then(Node::scalar);
        Self {
            release,
            namespace: text("namespaceOverride").or(namespace),
            full: full.map(cut),
            is_clean: clean.and_then(model::scalar::truth) == Some(true),
        }
    }

    /// The name of the `Prometheus` object.
    pub(super) fn prometheus(&self) -> Option<String> {
        let full = self.full.as_deref()?;
        Some(if self.is_clean { full.to_owned() } else { format!("{full}-prometheus") })
    }

    /// A value with the names in place that stand in braces, as Helm puts them in.
    ///
    /// # Errors
    /// With the first template that only Helm can evaluate.
    pub(super) fn expand(&self, node: &Node) -> Result<Node, (Node, String)> {
        let kind = match &node.kind {
            Kind::Plain(text) | Kind::Text(text) if text.contains("{{") => {
                Kind::Text(self.expand_text(text).map_err(|message| (node.clone(), message))?)
            }
            Kind::List(items) => {
                Kind::List(items.iter().map(|item| self.expand(item)).collect::<Result<_, _>>()?)
            }
            Kind::Map(entries) => {
                let entry = |entry: &Entry| {
                    Ok(Entry { value: self.expand(&entry.value)?, ..entry.clone() })
                };
                Kind::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
            _ => return Ok(node.clone()),
        };
        Ok(Node { at: node.at, kind })
    }

    pub(super) fn expand_text(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(begin) = rest.find("{{") {
            let Some(end) = rest[begin..].find("}}").map(|end| begin + end) else {
                return Err("a template has no end".to_owned());
            };
            let name = rest[begin + 2..end].trim_matches('-').trim();
            let named = match name.trim_start_matches('$') {
                ".Release.Name" => self.release.as_deref().ok_or("the release"),
                ".Release.Namespace" => self.namespace.as_deref().ok_or("the release's namespace"),
                ".Chart.Name" => Ok(CHART),
                _ => {
                    let template = &rest[begin..end + 2];
                    return Err(format!("only Helm can evaluate the template {template}"));
                }
            };
            out.push_str(&rest[..begin]);
            out.push_str(named.map_err(|what| {
                format!("the template {} needs the name of {what}", &rest[begin..end + 2])
            })?);
            rest = &rest[end + 2..];
        }
        out.push_str(rest);
        Ok(out)
    }
}
