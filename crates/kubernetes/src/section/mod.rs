//! What the key `kubernetes` of our configuration file means.
//!
//! Most of it are the settings of a `Prometheus` object under their own names; the rest is about the
//! cluster and about ourselves. Where a `Prometheus` object would choose no object, this section
//! chooses all: a selector that is not written selects everything.

mod fields;
mod file;
mod flags;
mod read;
mod shape;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub(crate) use fields::{
    ALERTMANAGERS, MEANINGLESS, NESTED, OF_PROMETHEUS, OURS, POD, RULES_MAP, UNBUILT,
};
pub use file::Surroundings;
pub(crate) use read::{KEY, without_indices};
pub use shape::Fault;
pub(crate) use shape::{Field, Reader, Shape, field, join, unknown};
pub use tree::Place;
pub(crate) use tree::{Entry, Kind, Node};
pub(crate) use write::Written;

use crate::resources::Settings;
use crate::resources::settings::FileAccess;
use serde_json::Value;
use std::path::PathBuf;

/// The section.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// What a `Prometheus` object says. Monitors may name no files unless it is written that they
    /// may: see [`FileAccess`]. Additional jobs and Alertmanagers that are written in place are
    /// read by who reads the file; those of Secrets and ConfigMaps are not.
    pub settings: Settings,
    /// How the cluster is reached, and how much of it is looked at.
    pub connection: Connection,
    /// Who we are in the cluster.
    pub instance: Instance,
    /// Whether objects are told what became of them.
    pub write_back: WriteBack,
    /// Whether the good groups of a PrometheusRule count when others are not valid.
    pub partial_rules: bool,
    /// Rules that are written in place, in the order of their names.
    pub additional_rules: Vec<AdditionalRules>,
}

impl Default for Section {
    fn default() -> Self {
        let files = FileAccess { deny: true, ..FileAccess::default() };
        Self {
            settings: Settings { files, ..Settings::default() },
            connection: Connection::default(),
            instance: Instance::default(),
            write_back: WriteBack::default(),
            partial_rules: false,
            additional_rules: Vec::new(),
        }
    }
}

/// How the cluster is reached: the one we run in, unless something is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The URL of its API server.
    pub api_server: Option<String>,
    /// The file that says where the cluster answers and who we are.
    pub kubeconfig: Option<PathBuf>,
    /// The only namespaces that are looked at; all when there are none.
    pub namespaces: Vec<String>,
}

/// Who we are in the cluster: what a `Prometheus` object would be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Its namespace; empty for the one we run in.
    pub namespace: String,
    /// Its name; empty when nobody gave it one.
    pub name: String,
}

/// Whether objects are told what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteBack {
    /// When we may.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// Rules that are written in place: what a PrometheusRule of this name would hold.
#[derive(Clone, Debug, PartialEq)]
pub struct AdditionalRules {
    /// The name.
    pub name: String,
    /// `{groups: [..]}`, as a rule file has it.
    pub file: Value,
    /// Where they stand: line and column from 1.
    pub place: Option<Place>,
}
