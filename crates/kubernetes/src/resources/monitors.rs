//! ServiceMonitor, PodMonitor and Probe.

use super::http::Http;
use super::meta::{KeyRef, LabelSelector, NameOrNumber, NamespaceSelector};
use super::relabel::Relabel;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What every kind says of its whole job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// Samples of a page.
    pub sample_limit: Option<u64>,
    /// Targets of the job.
    pub target_limit: Option<u64>,
    /// Labels of a sample.
    pub label_limit: Option<u64>,
    /// Bytes of a label's name.
    pub label_name_length_limit: Option<u64>,
    /// Bytes of a label's value.
    pub label_value_length_limit: Option<u64>,
    /// Dropped targets that are remembered.
    pub keep_dropped_targets: Option<u64>,
    /// Bytes of a page.
    pub body_size_limit: Option<String>,
    /// Formats, the best first.
    pub scrape_protocols: Vec<String>,
    /// The format of a page that does not say.
    pub fallback_scrape_protocol: Option<String>,
    /// Whether native histograms are taken.
    pub scrape_native_histograms: Option<bool>,
    /// Whether classic histograms are taken beside native ones.
    pub scrape_classic_histograms: Option<bool>,
    /// Buckets of a native histogram.
    pub native_histogram_bucket_limit: Option<u64>,
    /// The smallest factor between its buckets.
    pub native_histogram_min_bucket_factor: Option<Value>,
    /// Whether classic histograms become native ones with custom buckets.
    #[serde(rename = "convertClassicHistogramsToNHCB")]
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    /// The scrape class.
    pub scrape_class: Option<String>,
}

/// What is attached to targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AttachMetadata {
    /// The labels of their node.
    pub node: Option<bool>,
}

/// The spec of a ServiceMonitor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceMonitor {
    /// The Services.
    pub selector: LabelSelector,
    /// `RelabelConfig` or `RoleSelector`.
    pub selector_mechanism: Option<String>,
    /// Where they are.
    pub namespace_selector: NamespaceSelector,
    /// The label of the Service that names the job.
    pub job_label: String,
    /// Labels of the Service that targets get.
    pub target_labels: Vec<String>,
    /// Labels of the Pod that targets get.
    pub pod_target_labels: Vec<String>,
    /// What is scraped of them.
    pub endpoints: Vec<Endpoint>,
    /// Labels of nodes.
    pub attach_metadata: Option<AttachMetadata>,
    /// `Endpoints` or `EndpointSlice`.
    pub service_discovery_role: Option<String>,
    /// Limits and formats.
    #[serde(flatten)]
    pub limits: Limits,
}

/// The spec of a PodMonitor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodMonitor {
    /// The Pods.
    pub selector: LabelSelector,
    /// `RelabelConfig` or `RoleSelector`.
    pub selector_mechanism: Option<String>,
    /// Where they are.
    pub namespace_selector: NamespaceSelector,
    /// The label of the Pod that names the job.
    pub job_label: String,
    /// Labels of the Pod that targets get.
    pub pod_target_labels: Vec<String>,
    /// What is scraped of them.
    pub pod_metrics_endpoints: Vec<Endpoint>,
    /// Labels of nodes.
    pub attach_metadata: Option<AttachMetadata>,
    /// Limits and formats.
    #[serde(flatten)]
    pub limits: Limits,
}

/// One page of each Service or Pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    /// The port's name: the Service's for a ServiceMonitor, the container's for a PodMonitor.
    pub port: Option<String>,
    /// The container's port by name or number.
    pub target_port: Option<NameOrNumber>,
    /// The container's port by number (PodMonitor).
    pub port_number: Option<i64>,
    /// Where the page is.
    pub path: String,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Parameters of the URL.
    pub params: BTreeMap<String, Vec<String>>,
    /// Time from scrape to scrape.
    pub interval: String,
    /// Longest time of a scrape.
    pub scrape_timeout: String,
    /// Whether labels of the page win over those of the target.
    pub honor_labels: bool,
    /// Whether times on the page count.
    pub honor_timestamps: Option<bool>,
    /// Whether series with times of their own end when they are gone.
    pub track_timestamps_staleness: Option<bool>,
    /// Whether Pods that ended are left out.
    pub filter_running: Option<bool>,
    /// Rules for the targets' labels.
    pub relabelings: Vec<Relabel>,
    /// Rules for the samples' labels.
    pub metric_relabelings: Vec<Relabel>,
    /// A token (deprecated).
    pub bearer_token_secret: Option<KeyRef>,
    /// A file with a token (deprecated).
    pub bearer_token_file: String,
    /// How it is reached.
    #[serde(flatten)]
    pub http: Http,
}

/// The spec of a Probe.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Probe {
    /// The job's name.
    pub job_name: String,
    /// Who probes.
    pub prober: Prober,
    /// How: `module` of the prober.
    pub module: String,
    /// What.
    pub targets: ProbeTargets,
    /// Further parameters.
    pub params: Vec<ProbeParam>,
    /// Time from probe to probe.
    pub interval: String,
    /// Longest time of a probe.
    pub scrape_timeout: String,
    /// A token (deprecated).
    pub bearer_token_secret: Option<KeyRef>,
    /// Rules for the samples' labels.
    pub metric_relabelings: Vec<Relabel>,
    /// Limits and formats.
    #[serde(flatten)]
    pub limits: Limits,
    /// How the prober is reached.
    #[serde(flatten)]
    pub http: Http,
}

/// A parameter of a prober.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ProbeParam {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A prober, such as the blackbox exporter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Prober {
    /// `host` or `host:port`.
    pub url: String,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Where it answers.
    pub path: String,
    /// A proxy between.
    #[serde(flatten)]
    pub proxy: super::http::Proxy,
}

/// What is probed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProbeTargets {
    /// What is written here.
    pub static_config: Option<ProbeStatic>,
    /// The hosts of Ingresses.
    pub ingress: Option<ProbeIngress>,
}

/// Targets that are written down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProbeStatic {
    /// The targets.
    #[serde(rename = "static")]
    pub targets: Vec<String>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// Rules for their labels.
    pub relabeling_configs: Vec<Relabel>,
}

/// Ingresses as targets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProbeIngress {
    /// Which.
    pub selector: LabelSelector,
    /// Where.
    pub namespace_selector: NamespaceSelector,
    /// Rules for their labels.
    pub relabeling_configs: Vec<Relabel>,
}
