//! The `Prometheus` object: our own settings, as the Operator's users write them.

use super::alerting::Alerting;
use super::http::{Authorization, TlsConfig};
use super::meta::{KeyRef, LabelSelector};
use super::monitors::AttachMetadata;
use super::relabel::Relabel;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The part of its spec that means something here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Time from scrape to scrape.
    pub scrape_interval: String,
    /// Longest time of a scrape.
    pub scrape_timeout: String,
    /// Time from evaluation to evaluation.
    pub evaluation_interval: String,
    /// How far in the past rules are evaluated.
    pub rule_query_offset: String,
    /// Labels of this server.
    pub external_labels: BTreeMap<String, String>,
    /// The name of the label with its own name; empty for none.
    pub prometheus_external_label_name: Option<String>,
    /// The name of the label with the replica's name; empty for none.
    pub replica_external_label_name: Option<String>,
    /// Which ServiceMonitors count, by their labels; all without it.
    pub service_monitor_selector: Option<LabelSelector>,
    /// In which namespaces, by the namespaces' labels; in all without it.
    pub service_monitor_namespace_selector: Option<LabelSelector>,
    /// Which PodMonitors count, by their labels; all without it.
    pub pod_monitor_selector: Option<LabelSelector>,
    /// In which namespaces, by the namespaces' labels; in all without it.
    pub pod_monitor_namespace_selector: Option<LabelSelector>,
    /// Which Probes count, by their labels; all without it.
    pub probe_selector: Option<LabelSelector>,
    /// In which namespaces, by the namespaces' labels; in all without it.
    pub probe_namespace_selector: Option<LabelSelector>,
    /// Which ScrapeConfigs count, by their labels; all without it.
    pub scrape_config_selector: Option<LabelSelector>,
    /// In which namespaces, by the namespaces' labels; in all without it.
    pub scrape_config_namespace_selector: Option<LabelSelector>,
    /// Which PrometheusRules count, by their labels; all without it.
    pub rule_selector: Option<LabelSelector>,
    /// In which namespaces, by the namespaces' labels; in all without it.
    pub rule_namespace_selector: Option<LabelSelector>,
    /// Into how many parts targets are divided.
    pub shards: Option<u64>,
    /// Labels of Pods that all targets get.
    pub pod_target_labels: Vec<String>,
    /// `Endpoints` or `EndpointSlice`, unless a monitor says.
    pub service_discovery_role: Option<String>,
    /// Whether labels of targets always win.
    pub override_honor_labels: bool,
    /// Whether times on pages never count.
    pub override_honor_timestamps: bool,
    /// Whether monitors see their own namespace only.
    pub ignore_namespace_selectors: bool,
    /// The label that always has the namespace of the object.
    pub enforced_namespace_label: String,
    /// Objects that are spared.
    pub excluded_from_enforcement: Vec<Excluded>,
    /// Settings that objects choose by name.
    pub scrape_classes: Vec<ScrapeClass>,
    /// Formats, the best first.
    pub scrape_protocols: Vec<String>,
    /// Further jobs.
    pub additional_scrape_configs: Option<Additional>,
    /// Whom to tell of alerts.
    pub alerting: Alerting,
    /// Further Alertmanagers.
    pub additional_alert_manager_configs: Option<Additional>,
    /// What becomes of each alert before it is sent.
    pub additional_alert_relabel_configs: Option<Additional>,
    /// How queries are evaluated.
    pub query: Query,
    /// How alerts behave.
    pub rules: Rules,
    /// How long samples are kept.
    pub retention: String,
    /// How much is kept.
    pub retention_size: String,
    /// The database.
    pub tsdb: Tsdb,
    /// Exemplars.
    pub exemplars: Exemplars,
    /// Names of features that are switched on.
    pub enable_features: Vec<String>,
    /// Under which URL people reach this server.
    pub external_url: String,
    /// What stands before the paths of this server.
    pub route_prefix: String,
    /// Whether the API may delete.
    #[serde(rename = "enableAdminAPI")]
    pub enable_admin_api: bool,
    /// The server for people and programs.
    pub web: Web,
    /// Where queries are written down.
    pub query_log_file: String,
    /// Where failed scrapes are written down.
    pub scrape_failure_log_file: String,
    /// From which level on is logged.
    pub log_level: String,
    /// How logs look.
    pub log_format: String,
    /// Whether only this machine reaches this server.
    pub listen_local: bool,
    /// Further flags.
    pub additional_args: Vec<Argument>,
    /// `UTF8` or `Legacy`.
    pub name_validation_scheme: Option<String>,
    /// `AllowUTF8`, `Underscores`, `Dots` or `Values`.
    pub name_escaping_scheme: Option<String>,
    /// Whether native histograms are taken.
    pub scrape_native_histograms: Option<bool>,
    /// Whether classic histograms are taken beside native ones.
    pub scrape_classic_histograms: Option<bool>,
    /// Whether classic histograms become native ones with custom buckets.
    #[serde(rename = "convertClassicHistogramsToNHCB")]
    pub convert_classic_histograms_to_nhcb: Option<bool>,
    /// Files on this machine that monitors may not name.
    #[serde(rename = "arbitraryFSAccessThroughSMs")]
    pub files: FileAccess,
    /// Samples of a page.
    pub sample_limit: Option<u64>,
    /// Targets of a job.
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
    /// As `sampleLimit`, for every job.
    pub enforced_sample_limit: Option<u64>,
    /// As `targetLimit`, for every job.
    pub enforced_target_limit: Option<u64>,
    /// As `labelLimit`, for every job.
    pub enforced_label_limit: Option<u64>,
    /// As `labelNameLengthLimit`, for every job.
    pub enforced_label_name_length_limit: Option<u64>,
    /// As `labelValueLengthLimit`, for every job.
    pub enforced_label_value_length_limit: Option<u64>,
    /// As `keepDroppedTargets`, for every job.
    pub enforced_keep_dropped_targets: Option<u64>,
    /// As `bodySizeLimit`, for every job.
    pub enforced_body_size_limit: Option<String>,
}

/// Whether monitors may name files. Without a word they may: that is the Operator's default, not
/// that of a [`Section`](crate::Section).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FileAccess {
    /// They may not.
    pub deny: bool,
    /// Below these folders only, unless there are none.
    #[serde(skip)]
    pub below: Vec<PathBuf>,
}

impl FileAccess {
    /// Whether a monitor may name a file. Below folders, it is named without `..`.
    #[must_use]
    pub fn allows(&self, path: &Path) -> bool {
        let plain = || path.components().all(|part| part != Component::ParentDir);
        let is_below = || plain() && self.below.iter().any(|folder| path.starts_with(folder));
        !self.deny && (self.below.is_empty() || is_below())
    }
}

/// A piece of configuration in the form of a `prometheus.yml`.
#[derive(Clone, Debug, PartialEq)]
pub enum Additional {
    /// Written in place: a list.
    Inline(Vec<Value>),
    /// The key of a Secret, in our own namespace.
    Secret(KeyRef),
    /// The key of a ConfigMap, in our own namespace.
    ConfigMap(KeyRef),
}

impl<'de> Deserialize<'de> for Additional {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = |value| serde_json::from_value(value).map_err(D::Error::custom);
        match Value::deserialize(deserializer)? {
            Value::Array(list) => Ok(Self::Inline(list)),
            Value::Object(mut map) => match (map.remove("secret"), map.remove("configMap")) {
                (Some(_), Some(_)) => {
                    Err(D::Error::custom("secret and configMap exclude each other"))
                }
                (Some(secret), None) => key(secret).map(Self::Secret),
                (None, Some(config_map)) => key(config_map).map(Self::ConfigMap),
                (None, None) => key(Value::Object(map)).map(Self::Secret),
            },
            _ => Err(D::Error::custom("expected a list, or the key of a Secret or a ConfigMap")),
        }
    }
}

/// How queries are evaluated; what is empty has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Query {
    /// How far back a sample is looked for.
    pub lookback_delta: String,
    /// Queries at a time.
    pub max_concurrency: Option<u64>,
    /// Samples of a query.
    pub max_samples: Option<u64>,
    /// Longest time of a query.
    pub timeout: String,
}

/// How alerts behave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rules {
    /// Times of alerts.
    pub alert: AlertTimes,
}

/// Times of alerts; what is empty has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AlertTimes {
    /// After how long an outage alerts begin anew.
    pub for_outage_tolerance: String,
    /// How short a `for` is not restored.
    pub for_grace_period: String,
    /// How often an alert is told again.
    pub resend_delay: String,
}

/// The database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tsdb {
    /// How much older than the newest a sample may be.
    pub out_of_order_time_window: String,
}

/// Exemplars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exemplars {
    /// How many are kept.
    pub max_size: Option<i64>,
}

/// The server for people and programs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Web {
    /// The title of its pages.
    pub page_title: String,
    /// Connections at a time.
    pub max_connections: Option<u64>,
}

/// A flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Argument {
    /// Without dashes.
    pub name: String,
    /// Empty for a switch.
    pub value: String,
}

/// Objects that a rule for all does not concern.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Excluded {
    /// `servicemonitors`, `podmonitors`, `probes`, `scrapeconfigs` or `prometheusrules`.
    pub resource: String,
    /// Where.
    pub namespace: String,
    /// Which; all when it is empty.
    pub name: String,
}

/// Settings that objects choose by name.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScrapeClass {
    /// Its name.
    pub name: String,
    /// Whether objects that choose none get it.
    pub default: bool,
    /// The format of a page that does not say.
    pub fallback_scrape_protocol: Option<String>,
    /// Certificates.
    pub tls_config: Option<TlsConfig>,
    /// A header with credentials.
    pub authorization: Option<Authorization>,
    /// Rules before those of the object.
    pub relabelings: Vec<Relabel>,
    /// Rules before those of the object.
    pub metric_relabelings: Vec<Relabel>,
    /// Labels of nodes.
    pub attach_metadata: Option<AttachMetadata>,
}
