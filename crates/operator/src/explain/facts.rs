//! What is known of an object.

use super::cluster::{Cluster, Watched};
use crate::plan::{MonitorKind, ObjectRef, ObjectState};
use kubernetes::resources::{PodMonitor, Probe, ScrapeConfig, ServiceMonitor};
use rules::GroupView;
use std::sync::Arc;

/// Everything an explanation is made of.
#[derive(Debug)]
pub struct Facts {
    /// Which object.
    pub object: ObjectRef,
    /// How the watch of its kind is.
    pub watched: Watched,
    /// Why none of its kind can count, if that is so.
    pub refused: Option<String>,
    /// What became of it, as far as it is known.
    pub state: Option<Arc<ObjectState>>,
    /// What it asks for, if it can be read.
    pub spec: Option<Spec>,
    /// Whether `ignoreNamespaceSelectors` holds every object to its own namespace.
    pub own_namespace_only: bool,
    /// The cluster around it.
    pub cluster: Cluster,
    /// Its jobs, in order.
    pub jobs: Vec<ScrapedJob>,
    /// Its groups of rules, in order.
    pub groups: Vec<Arc<GroupView>>,
}

impl Facts {
    /// `servicemonitor -n smallest lightning-asr`, as behind a verb of kubectl.
    pub(super) fn for_kubectl(&self) -> String {
        let ObjectRef { kind, namespace, name } = &self.object;
        format!("{} -n {namespace} {name}", kind.as_str().to_ascii_lowercase())
    }

    /// `ServiceMonitor smallest/lightning-asr`
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.object.kind, self.object)
    }
}

/// What an object asks for.
#[derive(Clone, Debug)]
pub enum Spec {
    /// Of a ServiceMonitor.
    ServiceMonitor(Box<ServiceMonitor>),
    /// Of a PodMonitor.
    PodMonitor(Box<PodMonitor>),
    /// Of a Probe.
    Probe(Box<Probe>),
    /// Of a ScrapeConfig.
    ScrapeConfig(Box<ScrapeConfig>),
    /// Of a PrometheusRule: what is in it, its state tells.
    PrometheusRule,
}

/// A job of the object.
#[derive(Debug)]
pub struct ScrapedJob {
    /// Its name.
    pub name: String,
    /// What became of its targets; `None` as long as nothing is scraped.
    pub explanation: Option<scrape::Explanation>,
}

/// The kind with a name: in any case of letters, of one or of many, or short as for kubectl.
#[must_use]
pub fn parse_kind(name: &str) -> Option<MonitorKind> {
    let short = match name.to_ascii_lowercase().as_str() {
        "smon" => MonitorKind::ServiceMonitor,
        "pmon" => MonitorKind::PodMonitor,
        "prb" => MonitorKind::Probe,
        "scfg" => MonitorKind::ScrapeConfig,
        "promrule" => MonitorKind::PrometheusRule,
        _ => return MonitorKind::parse(name),
    };
    Some(short)
}

/// The setting that selects objects by their labels.
pub(super) fn selector(kind: MonitorKind) -> &'static str {
    match kind {
        MonitorKind::ServiceMonitor => "serviceMonitorSelector",
        MonitorKind::PodMonitor => "podMonitorSelector",
        MonitorKind::Probe => "probeSelector",
        MonitorKind::ScrapeConfig => "scrapeConfigSelector",
        MonitorKind::PrometheusRule => "ruleSelector",
    }
}

/// The setting that selects objects by the labels of their namespaces.
pub(super) fn namespace_selector(kind: MonitorKind) -> &'static str {
    match kind {
        MonitorKind::ServiceMonitor => "serviceMonitorNamespaceSelector",
        MonitorKind::PodMonitor => "podMonitorNamespaceSelector",
        MonitorKind::Probe => "probeNamespaceSelector",
        MonitorKind::ScrapeConfig => "scrapeConfigNamespaceSelector",
        MonitorKind::PrometheusRule => "ruleNamespaceSelector",
    }
}
