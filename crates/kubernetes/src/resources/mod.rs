//! Objects as people write them.
//!
//! What an object says beyond what is read here is passed over, as the API server does it. A null
//! is the same as nothing.

pub mod alerting;
mod custom;
pub mod http;
pub mod meta;
pub mod monitors;
mod read;
pub mod relabel;
pub mod rules;
pub mod scrape_config;
pub mod settings;

pub use custom::{Custom, Unread};
pub use meta::{Meta, Object};
pub use monitors::{PodMonitor, Probe, ServiceMonitor};
pub use rules::PrometheusRule;
pub use scrape_config::ScrapeConfig;
pub use settings::Settings;

use std::collections::BTreeMap;

/// The objects of one cluster, or of some files.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Our own settings.
    pub settings: Option<Object<Settings>>,
    /// In the order in which they came.
    pub service_monitors: Vec<Object<ServiceMonitor>>,
    /// In the order in which they came.
    pub pod_monitors: Vec<Object<PodMonitor>>,
    /// In the order in which they came.
    pub probes: Vec<Object<Probe>>,
    /// In the order in which they came.
    pub scrape_configs: Vec<Object<ScrapeConfig>>,
    /// Texts by key, by namespace and name.
    pub secrets: BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>,
    /// Texts by key, by namespace and name.
    pub config_maps: BTreeMap<(String, String), BTreeMap<String, Vec<u8>>>,
    /// Objects that could not be read: kind, name and why.
    pub unreadable: Vec<Unreadable>,
    /// Objects of kinds that have no jobs: how often.
    pub others: BTreeMap<String, usize>,
}

/// An object that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {namespace}/{name}: {message}")]
pub struct Unreadable {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Why.
    pub message: String,
}

impl Resources {
    /// Takes the objects of a text: YAML documents, or JSON; lists are taken apart.
    ///
    /// # Errors
    /// When the text is not YAML; what is wrong with one object stands in
    /// [`Resources::unreadable`].
    pub fn add_text(&mut self, text: &str) -> Result<(), String> {
        read::add(self, text)
    }
}
