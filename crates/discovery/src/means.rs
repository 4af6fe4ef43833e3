//! What discoverers work with.

use crate::Metrics;
use crate::kubernetes::Kubernetes;
use client::Dialer;
use std::sync::Arc;

/// What discoverers work with, whatever their configuration.
#[derive(Clone, Debug)]
pub struct Means {
    /// Where they count.
    pub metrics: Arc<Metrics>,
    /// Opens the connections of those who ask over HTTP.
    pub dialer: Dialer,
    /// Who asks, in the words of HTTP.
    pub user_agent: Arc<str>,
    /// Finds targets in clusters, if that is built in.
    pub kubernetes: Option<Arc<dyn Kubernetes>>,
}

impl Means {
    /// All of it but clusters.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>, dialer: Dialer, user_agent: &str) -> Self {
        Self { metrics, dialer, user_agent: user_agent.into(), kubernetes: None }
    }

    /// The same, with clusters.
    #[must_use]
    pub fn with_kubernetes(self, kubernetes: Arc<dyn Kubernetes>) -> Self {
        Self { kubernetes: Some(kubernetes), ..self }
    }
}
