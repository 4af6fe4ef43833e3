//! The `Prometheus` object: our own settings, as the Operator's users write them.

use super::http::{Authorization, TlsConfig};
use super::meta::KeyRef;
use super::monitors::AttachMetadata;
use super::relabel::Relabel;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The part of its spec that has to do with scraping.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Settings {
    /// Time from scrape to scrape.
    pub scrape_interval: String,
    /// Longest time of a scrape.
    pub scrape_timeout: String,
    /// Time from evaluation to evaluation.
    pub evaluation_interval: String,
    /// Labels of this server.
    pub external_labels: BTreeMap<String, String>,
    /// The name of the label with its own name; empty for none.
    pub prometheus_external_label_name: Option<String>,
    /// The name of the label with the replica's name; empty for none.
    pub replica_external_label_name: Option<String>,
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
    /// Jobs of a Secret.
    pub additional_scrape_configs: Option<KeyRef>,
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

/// Whether monitors may name files.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct FileAccess {
    /// They may not.
    pub deny: bool,
}

/// Objects that a rule for all does not concern.
#[derive(Clone, Debug, Default, Deserialize)]
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
#[derive(Clone, Debug, Default, Deserialize)]
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
