//! Targets that are records of the domain name system.
//!
//! Each name is looked up at each refresh, by the servers and search domains of the system's
//! `resolv.conf` as it then is. A name that does not exist has no targets; one for which no server
//! had an answer keeps those it last had.

mod config;
mod lookup;
mod targets;
#[cfg(test)]
mod tests;

pub use config::{DnsConfig, DnsError, DnsKind};

use crate::refresh::{self, Refresh};
use crate::{Discoverer, Group, Metrics, Output, Running};
use lookup::Servers;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How many names are looked up at a time.
const MAX_LOOKUPS: usize = 16;
/// The most that is read of a `resolv.conf`.
const MAX_RESOLV_CONF_BYTES: u64 = 1 << 20;

/// Where the servers to ask are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSystem {
    /// The file with servers, search domains and options.
    pub resolv_conf: PathBuf,
    /// The port of all servers.
    pub port: u16,
}

impl Default for DnsSystem {
    fn default() -> Self {
        Self { resolv_conf: "/etc/resolv.conf".into(), port: 53 }
    }
}

/// One of `dns_sd_configs`, running.
#[derive(Clone, Debug)]
pub struct DnsDiscovery {
    config: DnsConfig,
    system: DnsSystem,
    metrics: Arc<Metrics>,
}

impl DnsDiscovery {
    /// Asks the servers that `system` names.
    #[must_use]
    pub fn new(config: DnsConfig, system: DnsSystem, metrics: Arc<Metrics>) -> Self {
        Self { config, system, metrics }
    }
}

impl Discoverer for DnsDiscovery {
    fn identity(&self) -> String {
        format!("{:?} {:?}", self.config, self.system)
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        Box::pin(async move {
            let every = Duration::from_millis(self.config.refresh_interval.ms.unsigned_abs());
            let metrics = Arc::clone(&self.metrics);
            let name = self.config.names.first().cloned().unwrap_or_default();
            let source = Names { discovery: self, servers: None, known: BTreeMap::new() };
            refresh::run(source, ("dns", &name), every, metrics, output, stop).await;
        })
    }
}

struct Names {
    discovery: Arc<DnsDiscovery>,
    servers: Option<Arc<Servers>>,
    known: BTreeMap<String, Known>,
}

/// What is known of a name.
#[derive(Default)]
struct Known {
    group: Option<Group>,
    /// What was wrong the last time, so that it is logged once.
    complaint: String,
}

impl Refresh for Names {
    async fn refresh(&mut self) -> Option<Vec<Group>> {
        let servers = self.servers().await;
        let discovery = Arc::clone(&self.discovery);
        let mut names = discovery.config.names.iter();
        let mut lookups = JoinSet::new();
        let mut answered = false;
        loop {
            while lookups.len() < MAX_LOOKUPS
                && let Some(name) = names.next()
            {
                let (discovery, name) = (Arc::clone(&discovery), name.clone());
                let servers = servers.clone();
                lookups.spawn(async move {
                    let answer = match servers {
                        Ok(servers) => servers.lookup(&name, discovery.config.kind).await,
                        Err(error) => Err(error),
                    };
                    let group = answer
                        .map(|records| targets::group(&name, discovery.config.port, &records));
                    (name, group)
                });
            }
            match lookups.join_next().await {
                None => break,
                Some(Ok((name, group))) => answered |= self.take(name, group),
                // A panic while looking up is a bug; the next refresh tries again.
                Some(Err(error)) => tracing::error!(%error, "looking up a name"),
            }
        }
        let groups = self.known.values().filter_map(|known| known.group.clone());
        answered.then(|| groups.collect())
    }
}

impl Names {
    /// Takes what came of a lookup; whether it was an answer.
    fn take(&mut self, name: String, group: Result<Group, String>) -> bool {
        self.discovery.metrics.dns_lookups.inc();
        let known = self.known.entry(name).or_default();
        match group {
            Ok(group) => {
                *known = Known { group: Some(group), complaint: String::new() };
                true
            }
            Err(error) => {
                self.discovery.metrics.dns_lookup_failures.inc();
                if known.complaint != error {
                    tracing::warn!(error, "name not resolved, its targets stay");
                }
                known.complaint = error;
                false
            }
        }
    }

    /// The servers as the file now names them; the same as before if it did not change.
    async fn servers(&mut self) -> Result<Arc<Servers>, String> {
        let path = self.discovery.system.resolv_conf.clone();
        let read = move || client::files::read_file(&path, MAX_RESOLV_CONF_BYTES);
        let content = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).flatten();
        let text = content.map(|content| content.bytes);
        let path = self.discovery.system.resolv_conf.display();
        let text = text.map_err(|error| format!("could not load {path}: {error}"))?;
        if let Some(servers) = self.servers.as_ref().filter(|servers| servers.text == text) {
            return Ok(Arc::clone(servers));
        }
        let servers = Servers::new(text, self.discovery.system.port)
            .map_err(|error| format!("could not load {path}: {error}"))?;
        Ok(Arc::clone(self.servers.insert(Arc::new(servers))))
    }
}
