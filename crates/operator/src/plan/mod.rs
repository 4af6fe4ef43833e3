//! The plan: which custom resources count, and the jobs and rules they mean.
//!
//! A [`Plan`] is the state of all objects at one time. Every object is selected, checked and mapped by
//! itself; what did not change keeps its jobs (the same [`Arc`]) from plan to plan.

mod book;
mod follow;
mod load;
mod log;
mod mapping;
mod metrics;
mod own;
mod planner;
mod references;
mod resource;
mod rule_file;
mod select;
mod state;
#[cfg(test)]
mod tests;
mod veil;

pub use metrics::Metrics;
pub use planner::Planner;
pub use state::{
    Accepted, KindState, LabelMiss, Missing, MissingReason, MonitorKind, ObjectRef, ObjectState,
    Reason, Rejected, Selection, Verdict, Waiting, Warning, WarningKind,
};

use kubernetes::Section;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What plans are made by.
#[derive(Clone)]
pub struct Options {
    /// The settings: selectors, limits, classes and the like.
    pub section: Arc<Section>,
    /// The namespace that we run in, where Secrets of the settings are.
    pub namespace: String,
    /// What jobs inherit.
    pub global: scrape::Global,
    /// How rules are read.
    pub rules: rules::file::Options,
    /// Which part of the targets is ours, from 0.
    pub shard: u64,
    /// Names of jobs that are there already.
    pub taken: Arc<BTreeSet<String>>,
}

impl Options {
    /// Whether the same plans would be made: then nothing is mapped again.
    fn is_same(&self, other: &Self) -> bool {
        let rules = |options: &rules::file::Options| {
            (options.features, options.legacy_names, options.ignore_unknown_fields)
        };
        self.section == other.section
            && self.namespace == other.namespace
            && self.global == other.global
            && rules(&self.rules) == rules(&other.rules)
            && self.shard == other.shard
            && self.taken == other.taken
    }
}

/// What all objects mean, and what became of each.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order of the Operator: by kind, namespace and name; then those of our own settings.
    pub jobs: Vec<Arc<PlannedJob>>,
    /// One virtual file for each PrometheusRule, named `<namespace>-<name>-<uid>.yaml`.
    pub rules: Vec<rules::LoadedFile>,
    /// Each object of the kinds that are followed, selected or not.
    pub objects: BTreeMap<ObjectRef, Arc<ObjectState>>,
    /// How it stands with each kind.
    pub kinds: BTreeMap<MonitorKind, KindState>,
    /// What is wrong with our own settings, such as with `additionalScrapeConfigs`.
    pub troubles: Vec<String>,
    /// Whether everything that counts was read: all kinds that there are and that may be read, and
    /// what their objects refer to. Before that, jobs may be missing.
    pub is_complete: bool,
}

/// A job, as written and with its defaults.
pub struct PlannedJob {
    /// As `prometheus.yml` would have it. Secrets are named by their paths in the vault.
    pub config: scrape::Config,
    /// The same with every default in place.
    pub job: Arc<scrape::Job>,
    /// The text that it was read from: one line of JSON, which is YAML, too. It can be shown and
    /// written down: secrets are named by their paths, and what has no form as a file is not in it.
    pub text: Arc<str>,
    /// Whose it is; `None` for those of our own settings (`additionalScrapeConfigs`).
    pub object: Option<ObjectRef>,
}

/// By its name only: what has no form as a file stands in its configuration.
impl fmt::Debug for PlannedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PlannedJob").field(&self.config.job_name()).finish()
    }
}
