//! The plan: which custom resources count, and the jobs and rules they mean.
//!
//! A [`Plan`] is the state of all objects at one time. Every object is selected, checked and mapped by
//! itself; what did not change keeps its jobs (the same [`Arc`]) from plan to plan.

mod state;

pub use state::{
    Accepted, KindState, LabelMiss, Missing, MissingReason, MonitorKind, ObjectRef, ObjectState,
    Reason, Rejected, Selection, Verdict, Waiting, Warning, WarningKind,
};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What all objects mean, and what became of each.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// In the order of the Operator: by kind, namespace and name; then those of our own settings.
    pub jobs: Vec<Arc<PlannedJob>>,
    /// One virtual file for each PrometheusRule, named `<namespace>-<name>-<uid>.yaml`; then those of
    /// our own settings.
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
    pub job: scrape::Job,
    /// Whose it is; `None` for those of our own settings (`additionalScrapeConfigs`).
    pub object: Option<ObjectRef>,
}

/// By its name only: what has no form as a file stands in its configuration.
impl fmt::Debug for PlannedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PlannedJob").field(&self.config.job_name()).finish()
    }
}
