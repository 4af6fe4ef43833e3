//! From objects to jobs, in the form of a `prometheus.yml`.
//!
//! Order, names and relabeling are those of the Prometheus Operator. A job of each object is built by
//! the file of its kind; what they have in common stands beside: credentials and certificates
//! (`http`), limits (`limits`), scrape classes (`classes`), relabeling (`steps`). An object that is not
//! valid is rejected with a reason, and hurts no other.

mod additional;
mod assets;
mod classes;
mod global;
mod http;
mod limits;
mod mapper;
pub(crate) mod own;
mod pod_monitor;
mod probe;
mod scrape_config;
mod selector;
mod service_monitor;
mod steps;
#[cfg(test)]
mod tests;
mod validate;

pub use assets::{Assets, Given, Written};
pub use mapper::{Invalid, Mapped, Mapper, SHARD};

use crate::resources::meta::Meta;
use crate::resources::{Object, Resources, Settings};
use crate::yaml::{Fields, Yaml};
use classes::Classes;
use client::files::Vault;
use std::cell::Cell;
use std::fmt::Display;
use std::path::Path;

/// Why an object has no jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {namespace}/{name}: {reason}")]
pub struct Rejected {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Names the field.
    pub reason: String,
}

/// A configuration, and what is not in it.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The `global` section.
    pub global: Fields,
    /// The jobs, in order.
    pub jobs: Vec<Fields>,
    /// Objects without jobs.
    pub rejected: Vec<Rejected>,
    /// What was left out of objects that have jobs.
    pub warnings: Vec<String>,
}

/// Why one object is not valid.
type Reason = String;

/// What all jobs depend on.
struct Context<'a> {
    settings: &'a Settings,
    classes: Classes<'a>,
    assets: &'a dyn Assets,
    /// Set when an object names a file that it may not.
    is_file_denied: Cell<bool>,
    /// Whether jobs have the holes of the Operator's, too.
    is_faithful: bool,
}

impl Context<'_> {
    /// The label that always has the object's namespace, unless the object is spared.
    fn enforced_label(&self, resource: &str, meta: &Meta) -> Option<&str> {
        let label = self.settings.enforced_namespace_label.as_str();
        let spared = self.settings.excluded_from_enforcement.iter().any(|excluded| {
            excluded.resource == resource
                && excluded.namespace == meta.namespace
                && (excluded.name.is_empty() || excluded.name == meta.name)
        });
        (!label.is_empty() && !spared).then_some(label)
    }

    /// Refuses files that objects may not name.
    fn may_name(&self, field: &str, file: &str) -> Result<(), Reason> {
        let path = Path::new(file);
        if file.is_empty() || (self.settings.files.allows(path) && !Vault::holds(path)) {
            return Ok(());
        }
        self.is_file_denied.set(true);
        let folders: Vec<_> = self.settings.files.below.iter().map(|f| f.display()).collect();
        Err(match folders.is_empty() || self.settings.files.deny {
            true => format!("{field}: files of this machine may not be named"),
            false => format!("{field}: {file} is not in {}", list(&folders)),
        })
    }

    /// Into how many parts targets are divided.
    fn shards(&self) -> u64 {
        self.settings.shards.unwrap_or(1).max(1)
    }
}

/// The configuration that the Operator would make of the objects. Every object counts as selected.
///
/// # Errors
/// When our own settings are not valid.
pub fn render(resources: &Resources, assets: &dyn Assets) -> Result<Rendered, String> {
    let default = Object::<Settings>::default();
    let own = resources.settings.as_ref().unwrap_or(&default);
    let settings = &own.spec;
    let mapper = Mapper::as_the_operator(settings, assets)?;
    let mut out = Rendered { global: global::section(own), ..Rendered::default() };
    let mut add = |kind, meta: &Meta, mapped: Result<Mapped, Invalid>| match mapped {
        Ok(mapped) => {
            out.jobs.extend(mapped.jobs);
            let left_out =
                mapped.left_out.iter().map(|list| format!("{list} is not built in, and left out"));
            let warnings = mapped.notes.iter().cloned().chain(left_out);
            out.warnings.extend(warnings.map(|warning| format!("{kind} {meta}: {warning}")));
        }
        Err(invalid) => out.rejected.push(Rejected {
            kind,
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            reason: invalid.message,
        }),
    };
    for monitor in in_order(&resources.service_monitors) {
        add("ServiceMonitor", &monitor.metadata, mapper.service_monitor(monitor));
    }
    for monitor in in_order(&resources.pod_monitors) {
        add("PodMonitor", &monitor.metadata, mapper.pod_monitor(monitor));
    }
    for probe in in_order(&resources.probes) {
        add("Probe", &probe.metadata, mapper.probe(probe));
    }
    for config in in_order(&resources.scrape_configs) {
        add("ScrapeConfig", &config.metadata, mapper.scrape_config(config));
    }
    if let Some(written) = &settings.additional_scrape_configs {
        out.jobs.extend(mapper.additional(written, &own.metadata.namespace)?);
    }
    Ok(out)
}

fn list(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn in_order<S>(objects: &[Object<S>]) -> Vec<&Object<S>> {
    let mut objects: Vec<_> = objects.iter().collect();
    objects.sort_by_key(|object| (&object.metadata.namespace, &object.metadata.name));
    objects
}

impl Rendered {
    /// The text of the configuration.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut all = Fields::default();
        all.set_fields("global", self.global.clone());
        let jobs: Vec<Yaml> = self.jobs.iter().cloned().map(Yaml::Map).collect();
        all.set("scrape_configs", jobs);
        serde_saphyr::to_string(&all).expect("a tree of texts and numbers is YAML")
    }
}
