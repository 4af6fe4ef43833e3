//! Targets that are written in the configuration itself.

use crate::sections::{Section, label_map, null_as_default};
use crate::{ADDRESS, Discoverer, Error, Group, Output, Running};
use model::Labels;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Checks that an address is `host` or `host:port`: people write URLs there.
///
/// # Errors
/// When the address contains a `/`.
pub fn check_address(address: &str) -> Result<(), Error> {
    if address.contains('/') { Err(Error::Address(address.to_owned())) } else { Ok(()) }
}

/// One of `static_configs`, also one item of a discovery file: addresses and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticConfig {
    /// `host` or `host:port`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub targets: Vec<String>,
    /// Labels of all these targets.
    #[serde(default, deserialize_with = "label_map")]
    pub labels: BTreeMap<String, String>,
}

impl Section for StaticConfig {
    const KEY: &str = "static_configs";
}

impl StaticConfig {
    /// The group it describes.
    #[must_use]
    pub fn group(&self, source: String) -> Group {
        let target = |address: &String| Labels::from_pairs([(ADDRESS, address)]);
        Group {
            source,
            labels: Labels::from_pairs(&self.labels),
            targets: self.targets.iter().map(target).collect(),
        }
    }
}

/// The `static_configs` of one job; hands its groups over and is done.
#[derive(Clone, Debug)]
pub struct StaticDiscovery {
    configs: Vec<StaticConfig>,
}

impl StaticDiscovery {
    /// Groups are numbered in the order of the configurations.
    #[must_use]
    pub fn new(configs: Vec<StaticConfig>) -> Self {
        Self { configs }
    }

    /// The groups.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        self.configs.iter().enumerate().map(|(i, config)| config.group(i.to_string()))
    }
}

impl Discoverer for StaticDiscovery {
    fn identity(&self) -> String {
        format!("{self:?}")
    }

    fn run(self: Arc<Self>, output: Output, _stop: CancellationToken) -> Running {
        Box::pin(async move { output.send(self.groups().collect()) })
    }
}
