//! In the place of clusters where they are not built in: all that asks for one is refused.

use super::applied::Applied;
use super::front::Front;
use crate::config::Loaded;
use client::files::Vault;
use discovery::Means;
use std::path::Path;
use std::sync::Arc;

/// Whether there is a cluster around us, and this build can do something with it.
pub(super) fn is_around(_folder: &Path) -> bool {
    false
}

/// The namespace we run in: unknown.
pub(super) fn own_namespace(_folder: &Path) -> Option<String> {
    None
}

/// No way to any cluster.
pub(crate) struct Reach;

impl Reach {
    pub(crate) fn new(_folder: &Path) -> Self {
        Self
    }

    /// Without clusters, sections that ask for them are refused by who reads them.
    pub(crate) fn means(&self, means: Means) -> Means {
        means
    }

    pub(super) fn vault(&self) -> Vault {
        Vault::default()
    }
}

/// Follows no cluster.
pub(super) struct Cluster;

/// Nothing to follow.
pub(super) struct Prepared;

impl Cluster {
    pub(super) fn new(
        _front: &Front,
        _reach: Reach,
        _means: Means,
        _applied: &Arc<Applied>,
    ) -> Self {
        Self
    }

    /// # Errors
    /// When a configuration asks for a cluster.
    pub(super) fn prepare(&self, loaded: &Loaded) -> Result<Prepared, String> {
        match loaded.kubernetes {
            Some(_) => Err("kubernetes: this build knows nothing of clusters".to_owned()),
            None => Ok(Prepared),
        }
    }

    pub(super) fn abandon(&self) {}

    pub(super) fn apply(&self, _prepared: Prepared, _loaded: &Loaded) {}

    pub(super) async fn stop(&self) {}

    pub(super) async fn close(&self) {}
}
