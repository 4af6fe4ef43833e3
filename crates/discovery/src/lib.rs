//! Discovery: whom to scrape. Target groups and the mechanisms that find them.
//!
//! A [`Discoverer`] runs as long as its configuration is in use and hands over its whole set of
//! [`Group`]s each time it changes. The [`Manager`] runs one per distinct configuration, merges the
//! sets into one list per job, and publishes a [`Snapshot`] of all jobs: at once for what is new,
//! else at most once per interval. A reload keeps what did not change running; what replaces
//! something is preceded by the old targets until it has found its own.
//!
//! Built in are targets written in the configuration ([`StaticConfig`]), in files ([`FileConfig`]),
//! listed by a server ([`HttpSdConfig`]), and records of the domain name system ([`DnsConfig`]).
//! [`SdConfigs`] are all sections of the configuration that ask for them. What finds targets in
//! clusters is brought along as [`Kubernetes`]; other crates may bring discoverers of any kind.

#![forbid(unsafe_code)]

mod dns;
mod file;
mod group;
mod http;
pub mod kubernetes;
mod listed;
mod manager;
mod means;
mod metrics;
mod refresh;
mod sections;
mod written;

pub use dns::{DnsConfig, DnsDiscovery, DnsError, DnsKind, DnsSystem};
pub use file::{FileConfig, FileDiscovery, groups_of};
pub use group::{ADDRESS, Group, Groups};
pub use http::{HttpDiscovery, HttpSdConfig};
pub use kubernetes::{Kubernetes, KubernetesConfig};
pub use manager::{Discoverer, Found, Job, Manager, Output, PROMPT, Running, Snapshot, once};
pub use means::Means;
pub use metrics::{FailedConfig, Metrics, Together};
pub use sections::{Refused, SdConfigs};
pub use written::{StaticConfig, StaticDiscovery, check_address};

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
