//! One of `kubernetes_sd_configs`, running.

use super::clusters::Cluster;
use super::members::Wish;
use super::preselected::Preselected;
use super::stores::Subject;
use discovery::kubernetes::KubernetesConfig;
use discovery::{Discoverer, Metrics, Output, Running};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// A section and the table where its targets are.
pub(super) struct KubernetesDiscovery {
    config: KubernetesConfig,
    cluster: Arc<Cluster>,
    subject: Subject,
    /// Narrower than those of the table.
    namespaces: BTreeSet<String>,
    metrics: Arc<Metrics>,
    identity: String,
}

impl KubernetesDiscovery {
    pub(super) fn new(
        config: &KubernetesConfig,
        cluster: Arc<Cluster>,
        (subject, namespaces): (Subject, BTreeSet<String>),
        metrics: &Arc<Metrics>,
    ) -> Self {
        let identity = format!("kubernetes {} {subject:?} {config:?}", cluster.identity());
        let (config, metrics) = (config.clone(), Arc::clone(metrics));
        Self { config, cluster, subject, namespaces, metrics, identity }
    }
}

impl Discoverer for KubernetesDiscovery {
    fn identity(&self) -> String {
        self.identity.clone()
    }

    fn same(&self, other: &dyn Discoverer) -> bool {
        (other as &dyn Any).downcast_ref().is_some_and(|other: &Self| {
            Arc::ptr_eq(&self.cluster, &other.cluster)
                && self.config == other.config
                && self.subject == other.subject
        })
    }

    /// Changes were gathered already.
    fn is_prompt(&self) -> bool {
        true
    }

    fn run(self: Arc<Self>, output: Output, stop: CancellationToken) -> Running {
        let preselect = self.config.preselect.as_ref();
        let wish = Wish {
            namespaces: self.namespaces.clone(),
            preselected: preselect.map(Preselected::new).unwrap_or_default(),
            output,
            metrics: Arc::clone(&self.metrics),
        };
        // Taken at once: who is replaced by this one still has the table, so that it is kept.
        let seat = self.cluster.table(&self.subject).join(wish);
        Box::pin(async move {
            stop.cancelled().await;
            drop(seat);
        })
    }
}
