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
use crate::{Discoverer, Group, Means, Output, Running};
use client::{Client, without_password};
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The most that is read of a list.
const MAX_BODY_BYTES: u64 = 64 << 20;

/// One of `http_sd_configs`, running.
#[derive(Clone, Debug)]
pub struct HttpDiscovery {
    config: HttpSdConfig,
    means: Means,
}

impl HttpDiscovery {
    /// Paths must be resolved: relative ones begin at the working directory.
    #[must_use]
    pub fn new(config: HttpSdConfig, means: Means) -> Self {
        Self { config, means }
    }

    fn every(&self) -> Duration {
        Duration::from_millis(self.config.refresh_interval.ms.unsigned_abs())
    }
}

impl Discoverer for HttpDiscovery {
    fn identity(&self) -> String {
        format!("{:?}", self.config)
    }

    fn same(&self, other: &dyn Discoverer) -> bool {
        (other as &dyn Any).downcast_ref().is_some_and(|other: &Self| other.config == self.config)
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        Box::pin(async move {
            let (every, metrics) = (self.every(), Arc::clone(&self.means.metrics));
            let url = self.config.url.clone();
            let server = match Server::new(self) {
                Ok(server) => server,
                Err(error) => {
                    let url = &*without_password(&url);
                    return tracing::error!(url, error, "a list cannot be asked for");
                }
            };
            refresh::run(server, ("http", &url), every, metrics, output, stop).await;
        })
    }
}

/// Who is asked.
struct Server {
    discovery: Arc<HttpDiscovery>,
    client: Client,
    /// What was wrong the last time, so that it is logged once.
    complaint: String,
}

impl Refresh for Server {
    async fn refresh(&mut self) -> Option<Vec<Group>> {
        // Who does not answer until the next time does not answer.
        let asked = timeout(self.discovery.every(), self.ask()).await;
        match asked.unwrap_or_else(|_| Err("no answer within the refresh interval".to_owned())) {
            Ok(groups) => {
                self.complaint.clear();
                Some(groups)
            }
            Err(error) => {
                let url = &*without_password(&self.discovery.config.url);
                self.discovery.means.metrics.http_failures.inc();
                if self.complaint != error {
                    tracing::warn!(url, error, "no list of targets came, they stay");
                }
                self.complaint = error;
                None
            }
        }
    }
}

impl Server {
    fn new(discovery: Arc<HttpDiscovery>) -> Result<Self, String> {
        let config = discovery.config.keys.config()?;
        let Means { dialer, user_agent, .. } = &discovery.means;
        let client = Client::new(&config, dialer, user_agent);
        Ok(Self { discovery, client, complaint: String::new() })
    }

    async fn ask(&self) -> Result<Vec<Group>, String> {
        let url = &self.discovery.config.url;
        let seconds = self.discovery.every().as_secs_f64().to_string();
        let headers = [
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
            ("X-Prometheus-Refresh-Interval-Seconds", &seconds),
        ];
        let response = self.client.get(url, &headers, MAX_BODY_BYTES).await;
        let response = response.map_err(|error| error.to_string())?;
        let url = without_password(url).into_owned();
        let groups = tokio::task::spawn_blocking(move || answer::groups(&url, &response)).await;
        groups.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }
}
