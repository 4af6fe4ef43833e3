//! How we stand in the cluster: what we may do there, and what we do.

use crate::plan::MonitorKind;
use cluster::rights::{Missing, missing_yaml};
use std::collections::BTreeMap;

/// What may be done in the cluster, and what is done there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether it was asked for at all yet.
    pub is_checked: bool,
    /// Permissions that the configuration needs and that we lack.
    pub missing: Vec<Missing>,
    /// Why some of it is not known, when that is so.
    pub unknown: Option<String>,
    /// Whether statuses are written, by kind.
    pub statuses: BTreeMap<MonitorKind, Writing>,
    /// Whether Events are sent.
    pub events: Option<Writing>,
}

/// Whether something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// It is.
    On,
    /// It is not, and why.
    Off(String),
}

impl Standing {
    /// The rules to add to roles so that nothing is missing.
    #[must_use]
    pub fn yaml(&self) -> String {
        missing_yaml(&self.missing)
    }
}
