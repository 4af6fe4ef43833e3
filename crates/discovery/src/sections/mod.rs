//! The sections of a configuration file that say where targets come from.
//!
//! [`SdConfigs`] are all of them, as they stand inline in a job, an Alertmanager and other
//! sections. Mechanisms that exist elsewhere and not here are known by name, so that they can be
//! refused by name; any other key is an unknown one.

mod named;
mod section;

pub(crate) use named::named;
pub(crate) use section::{List, Section, duration, label_map, null_as_default};

use crate::{
    Discoverer, DnsConfig, DnsDiscovery, DnsSystem, FileConfig, FileDiscovery, HttpDiscovery,
    HttpSdConfig, KubernetesConfig, Means, StaticConfig, StaticDiscovery,
};
use client::section::{MapAccess, Part};
use section::Unbuilt;
use serde_saphyr::Location;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Mechanisms that are built in.
const BUILT_IN: [&str; 5] = [
    "static_configs",
    "file_sd_configs",
    "http_sd_configs",
    "dns_sd_configs",
    "kubernetes_sd_configs",
];
/// Mechanisms that Prometheus has and this crate does not.
const UNBUILT: [&str; 29] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

/// All sections of discovery within another section.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SdConfigs {
    /// Targets written in place.
    pub written: Vec<StaticConfig>,
    /// Targets in files.
    pub file: Vec<FileConfig>,
    /// Targets that a server lists.
    pub http: Vec<HttpSdConfig>,
    /// Targets that are names.
    pub dns: Vec<DnsConfig>,
    /// Targets that are objects of a Kubernetes cluster.
    pub kubernetes: Vec<KubernetesConfig>,
    refused: Vec<Refused>,
    /// Line and column of the key that is read.
    place: (u64, u64),
    /// Line and column of `kubernetes_sd_configs`.
    kubernetes_place: (u64, u64),
}

/// A section whose mechanism is not built in or cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The key, such as `consul_sd_configs`.
    pub key: &'static str,
    /// The line in the file, the first being 1.
    pub line: u64,
    /// The column, the first being 1.
    pub column: u64,
    /// Why it is refused.
    pub reason: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

impl Part for SdConfigs {
    fn names(names: &mut Vec<&'static str>) {
        names.extend(BUILT_IN.iter().chain(&UNBUILT));
    }

    fn known(key: &str) -> Option<&'static str> {
        BUILT_IN.iter().chain(&UNBUILT).copied().find(|known| *known == key)
    }

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            StaticConfig::KEY => self.written = map.next_value::<List<_>>()?.0,
            FileConfig::KEY => self.file = map.next_value::<List<_>>()?.0,
            HttpSdConfig::KEY => self.http = map.next_value::<List<_>>()?.0,
            DnsConfig::KEY => self.dns = map.next_value::<List<_>>()?.0,
            KubernetesConfig::KEY => {
                self.kubernetes = map.next_value::<List<_>>()?.0;
                self.kubernetes_place = self.place;
            }
            _ => {
                let section = map.next_value::<Unbuilt>()?;
                section.check(key)?;
                if !section.is_empty() {
                    self.refused.push(not_built_in(key, self.place));
                }
            }
        }
        Ok(())
    }

    fn stands_at(&mut self, _key: &'static str, place: Location) {
        self.place = (place.line(), place.column());
    }
}

impl SdConfigs {
    /// What these sections ask for and no build can do, in the order of the file. The part of
    /// the program that knows what the sections stand in refuses them with its name.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Makes relative paths begin at a folder: that of the file in which they are written.
    pub fn set_directory(&mut self, directory: &Path) {
        for config in &mut self.file {
            config.resolve(directory);
        }
        for config in &mut self.http {
            config.keys.set_directory(directory);
        }
        for config in &mut self.kubernetes {
            config.set_directory(directory);
        }
    }

    /// What finds the targets: nothing for mechanisms that are [refused](Self::refused).
    ///
    /// # Errors
    /// When a cluster is asked for that this build does not know, or cannot reach as it is told to.
    pub fn discoverers(&self, means: &Means) -> Result<Vec<Arc<dyn Discoverer>>, Refused> {
        let metrics = || Arc::clone(&means.metrics);
        let mut all: Vec<Arc<dyn Discoverer>> = Vec::new();
        if !self.written.is_empty() {
            all.push(Arc::new(StaticDiscovery::new(self.written.clone())));
        }
        for config in &self.file {
            all.push(Arc::new(FileDiscovery::new(config.clone(), metrics())));
        }
        for config in &self.http {
            all.push(Arc::new(HttpDiscovery::new(config.clone(), means.clone())));
        }
        for config in &self.dns {
            let system = DnsSystem::default();
            all.push(Arc::new(DnsDiscovery::new(config.clone(), system, metrics())));
        }
        for config in &self.kubernetes {
            let (key, place) = (KubernetesConfig::KEY, self.kubernetes_place);
            let (line, column) = place;
            let clusters = means.kubernetes.as_ref().ok_or_else(|| not_built_in(key, place))?;
            let discoverer = clusters.discoverer(config, &means.metrics);
            all.push(discoverer.map_err(|reason| Refused { key, line, column, reason })?);
        }
        Ok(all)
    }
}

fn not_built_in(key: &'static str, (line, column): (u64, u64)) -> Refused {
    let mechanism = key.trim_end_matches("_sd_configs");
    let reason = format!("discovery by {mechanism} is not built in");
    Refused { key, line, column, reason }
}

#[cfg(test)]
mod tests;
