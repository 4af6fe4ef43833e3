//! ScrapeConfig: a job as `prometheus.yml` has it.

use super::http::Http;
use super::meta::KeyRef;
use super::monitors::{AttachMetadata, Limits};
use super::relabel::Relabel;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The spec of a ScrapeConfig.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScrapeConfig {
    /// The job's name.
    pub job_name: Option<String>,
    /// Targets that are written down.
    pub static_configs: Vec<StaticConfig>,
    /// Targets in files.
    #[serde(rename = "fileSDConfigs")]
    pub file_sd_configs: Vec<FileSd>,
    /// Targets listed by servers.
    #[serde(rename = "httpSDConfigs")]
    pub http_sd_configs: Vec<HttpSd>,
    /// Targets from the domain name system.
    #[serde(rename = "dnsSDConfigs")]
    pub dns_sd_configs: Vec<DnsSd>,
    /// Targets of a cluster.
    #[serde(rename = "kubernetesSDConfigs")]
    pub kubernetes_sd_configs: Vec<KubernetesSd>,
    /// Targets of Consul.
    #[serde(rename = "consulSDConfigs")]
    pub consul_sd_configs: Vec<ConsulSd>,
    /// Where the page is.
    pub metrics_path: Option<String>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// Parameters of the URL.
    pub params: BTreeMap<String, Vec<String>>,
    /// Time from scrape to scrape.
    pub scrape_interval: String,
    /// Longest time of a scrape.
    pub scrape_timeout: String,
    /// Whether labels of the page win over those of the target.
    pub honor_labels: Option<bool>,
    /// Whether times on the page count.
    pub honor_timestamps: Option<bool>,
    /// Whether series with times of their own end when they are gone.
    pub track_timestamps_staleness: Option<bool>,
    /// Whether pages may come compressed.
    pub enable_compression: Option<bool>,
    /// Which names are valid.
    pub name_validation_scheme: Option<String>,
    /// How names are escaped.
    pub name_escaping_scheme: Option<String>,
    /// Rules for the targets' labels.
    pub relabelings: Vec<Relabel>,
    /// Rules for the samples' labels.
    pub metric_relabelings: Vec<Relabel>,
    /// Limits and formats.
    #[serde(flatten)]
    pub limits: Limits,
    /// How targets are reached.
    #[serde(flatten)]
    pub http: Http,
    /// All else: discovery that is not built in among it.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// Targets that are written down.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct StaticConfig {
    /// The targets.
    pub targets: Vec<String>,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
}

/// Targets in files.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileSd {
    /// The files.
    pub files: Vec<String>,
    /// Time from look to look.
    pub refresh_interval: String,
}

/// Targets listed by a server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpSd {
    /// Where the list is.
    pub url: String,
    /// Time from look to look.
    pub refresh_interval: String,
    /// How it is reached.
    #[serde(flatten)]
    pub http: Http,
}

/// Targets from the domain name system.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DnsSd {
    /// The names.
    pub names: Vec<String>,
    /// `SRV`, `A`, `AAAA`, `MX` or `NS`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The port, where records do not say.
    pub port: Option<i64>,
    /// Time from look to look.
    pub refresh_interval: String,
}

/// Targets of a cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KubernetesSd {
    /// `Pod`, `Endpoints`, `EndpointSlice`, `Service`, `Node` or `Ingress`.
    pub role: String,
    /// The server of another cluster.
    pub api_server: Option<String>,
    /// Where.
    pub namespaces: Option<KubernetesNamespaces>,
    /// Which.
    pub selectors: Vec<KubernetesSelector>,
    /// Labels of nodes.
    pub attach_metadata: Option<AttachMetadata>,
    /// How it is reached.
    #[serde(flatten)]
    pub http: Http,
}

/// Namespaces of a cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KubernetesNamespaces {
    /// The one we run in.
    pub own_namespace: Option<bool>,
    /// These.
    pub names: Vec<String>,
}

/// Chooses objects of one role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct KubernetesSelector {
    /// The role.
    pub role: String,
    /// By labels.
    pub label: Option<String>,
    /// By fields.
    pub field: Option<String>,
}

/// Targets of Consul.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsulSd {
    /// The server.
    pub server: String,
    /// A token.
    pub token_ref: Option<KeyRef>,
    /// A path before that of the API.
    pub path_prefix: Option<String>,
    /// The data centre.
    pub datacenter: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The partition.
    pub partition: Option<String>,
    /// `http` or `https`.
    pub scheme: Option<String>,
    /// The services.
    pub services: Vec<String>,
    /// Their tags.
    pub tags: Vec<String>,
    /// Between tags.
    pub tag_separator: Option<String>,
    /// Metadata of their nodes.
    pub node_meta: BTreeMap<String, String>,
    /// A filter.
    pub filter: Option<String>,
    /// Whether stale answers will do.
    pub allow_stale: Option<bool>,
    /// Time from look to look.
    pub refresh_interval: String,
    /// How it is reached.
    #[serde(flatten)]
    pub http: Http,
}
