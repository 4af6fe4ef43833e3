//! Targets that a server lists as JSON.
//!
//! Only a whole and well-formed list counts; whatever else comes is told, counted, and leaves the
//! targets as they were.

mod answer;
mod config;
#[cfg(test)]
mod tests;

pub use config::HttpSdConfig;

use crate::refresh::{self, Refresh};
use crate::{Discoverer, Group, Metrics, Output, Running};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The most that is read of a list.
const MAX_BODY_BYTES: usize = 64 << 20;

/// One of `http_sd_configs`, running.
#[derive(Clone, Debug)]
pub struct HttpDiscovery {
    config: HttpSdConfig,
    metrics: Arc<Metrics>,
}

impl HttpDiscovery {
    /// Paths must be resolved: relative ones begin at the working directory.
    #[must_use]
    pub fn new(config: HttpSdConfig, metrics: Arc<Metrics>) -> Self {
        Self { config, metrics }
    }
}

impl Discoverer for HttpDiscovery {
    /// Without secrets.
    fn identity(&self) -> String {
        format!("{:?}", self.config)
    }

    fn same(&self, other: &dyn Discoverer) -> bool {
        (other as &dyn Any).downcast_ref().is_some_and(|other: &Self| other.config == self.config)
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        Box::pin(async move {
            let every = Duration::from_millis(self.config.refresh_interval.ms.unsigned_abs());
            let (config, metrics) = (self.config.clone(), Arc::clone(&self.metrics));
            let server = Server { config, metrics, complaint: String::new() };
            let metrics = Arc::clone(&self.metrics);
            let name = ("http", self.config.url.as_str());
            refresh::run(server, name, every, metrics, output, stop).await;
        })
    }
}

struct Server {
    config: HttpSdConfig,
    metrics: Arc<Metrics>,
    complaint: String,
}

impl Refresh for Server {
    async fn refresh(&mut self) -> Option<Vec<Group>> {
        None
    }
}
