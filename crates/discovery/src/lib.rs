//! Discovery: whom to scrape. Target groups and the mechanisms that find them.
//!
//! A [`Discoverer`] runs as long as its configuration is in use and hands over its whole set of
//! [`Group`]s each time it changes. The [`Manager`] runs one per distinct configuration, merges the
//! sets into one list per job, and publishes a [`Snapshot`] of all jobs: at once for what is new,
//! else at most once per interval. A reload keeps what did not change running; what replaces
//! something is preceded by the old targets until it has found its own.
//!
//! Built in are targets written in the configuration ([`StaticConfig`]) and in files
//! ([`FileConfig`]). Other crates bring their mechanisms as discoverers.

#![forbid(unsafe_code)]

mod config;
mod file;
mod group;
mod manager;
mod metrics;
mod written;

pub use config::{
    FileConfig, StaticConfig, UNSUPPORTED, check_address, file_sd_configs, static_configs,
};
pub use file::FileDiscovery;
pub use group::{ADDRESS, Group};
pub use manager::{Discoverer, Job, Manager, Output, Running, Snapshot};
pub use metrics::Metrics;
pub use written::StaticDiscovery;

/// Why a discovery configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A target is not `host` or `host:port`.
    #[error("{0:?} is not a valid hostname")]
    Address(String),
    /// File discovery without files.
    #[error("file service discovery config must contain at least one path name")]
    NoFiles,
    /// Not a JSON or YAML file, or a `*` before the last element of the path.
    #[error("path name {0:?} is not valid for file discovery")]
    Path(String),
    /// Nothing can be read every 0 seconds.
    #[error("refresh_interval of file service discovery must be greater than 0")]
    NoInterval,
}
