//! Targets that are written in the configuration itself.

use crate::{Discoverer, Group, Output, Running, StaticConfig};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

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
