//! Where the configuration comes from.

use super::cluster;
use crate::config::{self, ConfigError, Loaded, Reading};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A file, or a text that stands for one.
#[derive(Clone, Debug)]
pub(super) enum ConfigSource {
    File(PathBuf),
    /// Values of kube-prometheus-stack, and what they do not tell themselves.
    Values(PathBuf, kubernetes::values::Options),
    /// `{address}` and `{prefix}` in it are filled in once the server listens.
    Text(String),
}

impl ConfigSource {
    /// What is done without a file: the server scrapes itself and, in a cluster, all that monitors
    /// name. The folder is that of the service account.
    pub(super) fn without_file(folder: &Path) -> Self {
        if cluster::is_around(folder) {
            let namespace = cluster::own_namespace(folder).unwrap_or_default();
            let what = "no configuration file, but a cluster: its monitors and rules are followed, \
                        and the server scrapes itself";
            tracing::info!(component = "config", namespace, "{what}");
            return Self::Text(config::IN_CLUSTER.to_owned());
        }
        tracing::info!(component = "config", "no configuration file: the server scrapes itself");
        Self::Text(config::SELF_SCRAPE.to_owned())
    }

    /// Fills in the server's own address and the prefix of its paths.
    pub(super) fn with_address(self, own: SocketAddr, prefix: &str) -> Self {
        match self {
            Self::File(_) | Self::Values(..) => self,
            Self::Text(text) => {
                Self::Text(text.replace("{address}", &own.to_string()).replace("{prefix}", prefix))
            }
        }
    }

    /// What changes when a file does.
    pub(super) fn fingerprint(&self) -> Result<u64, ConfigError> {
        match self {
            Self::File(path) | Self::Values(path, _) => config::fingerprint(path),
            Self::Text(_) => Ok(0),
        }
    }

    /// Reads it with its rule files, and refuses what this build cannot do.
    pub(super) fn load(&self, reading: &Reading) -> Result<Loaded, ConfigError> {
        let loaded = match self {
            Self::File(path) => config::load(path, reading),
            Self::Values(path, options) => config::load_values(path, options, reading),
            Self::Text(text) => {
                let variable = |name: &str| std::env::var(name).ok();
                config::parse(text, "built-in configuration", Path::new("."), reading, variable)
            }
        };
        loaded?.refuse_unbuilt()
    }
}
