//! The fields of a `scrape_config` as they stand in the file; what is left out is `None`.

use super::http::{Authorization, BasicAuth, HeaderValues};
use super::relabel::RelabelConfig;
use super::yaml::{DurationText, Secret, SizeText};
use discovery::{FileConfig, StaticConfig};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A key that is known but whose work is not done yet.
pub(super) type NotYet = Option<IgnoredAny>;

/// One `scrape_config`. Unknown keys are refused; a key without a value counts as left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    pub(crate) job_name: Option<String>,
    pub(crate) scrape_interval: Option<DurationText>,
    pub(crate) scrape_timeout: Option<DurationText>,
    pub(crate) scrape_protocols: Option<Vec<String>>,
    pub(crate) fallback_scrape_protocol: Option<String>,
    pub(crate) metrics_path: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) params: Option<BTreeMap<String, Option<Vec<Option<String>>>>>,
    pub(crate) honor_labels: Option<bool>,
    pub(crate) honor_timestamps: Option<bool>,
    pub(crate) track_timestamps_staleness: Option<bool>,
    pub(crate) enable_compression: Option<bool>,
    pub(crate) relabel_configs: Option<Vec<Option<RelabelConfig>>>,
    pub(crate) metric_relabel_configs: Option<Vec<Option<RelabelConfig>>>,
    pub(crate) body_size_limit: Option<SizeText>,
    pub(crate) sample_limit: Option<u64>,
    pub(crate) label_limit: Option<u64>,
    pub(crate) label_name_length_limit: Option<u64>,
    pub(crate) label_value_length_limit: Option<u64>,
    pub(crate) target_limit: Option<u64>,
    pub(crate) keep_dropped_targets: Option<u64>,
    pub(crate) native_histogram_bucket_limit: Option<u64>,
    pub(crate) native_histogram_min_bucket_factor: Option<f64>,
    pub(crate) scrape_native_histograms: Option<bool>,
    pub(crate) convert_classic_histograms_to_nhcb: Option<bool>,
    pub(crate) always_scrape_classic_histograms: Option<bool>,
    pub(crate) extra_scrape_metrics: Option<bool>,
    pub(crate) metric_name_validation_scheme: Option<String>,
    pub(crate) metric_name_escaping_scheme: Option<String>,
    pub(crate) scrape_failure_log_file: Option<String>,

    pub(crate) basic_auth: Option<BasicAuth>,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) bearer_token: Option<Secret>,
    pub(crate) bearer_token_file: Option<PathBuf>,
    pub(crate) http_headers: Option<BTreeMap<String, HeaderValues>>,
    pub(crate) follow_redirects: Option<bool>,
    /// Only speaks of TLS connections, which do not exist here yet; so either value is honoured.
    pub(crate) enable_http2: Option<bool>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) no_proxy: Option<String>,
    pub(crate) proxy_from_environment: Option<bool>,
    pub(crate) proxy_connect_header: NotYet,
    pub(crate) oauth2: NotYet,
    pub(crate) tls_config: NotYet,

    #[serde(default, deserialize_with = "discovery::static_configs")]
    pub(crate) static_configs: Vec<StaticConfig>,
    #[serde(default, deserialize_with = "discovery::file_sd_configs")]
    pub(crate) file_sd_configs: Vec<FileConfig>,
    pub(crate) aws_sd_configs: NotYet,
    pub(crate) azure_sd_configs: NotYet,
    pub(crate) consul_sd_configs: NotYet,
    pub(crate) digitalocean_sd_configs: NotYet,
    pub(crate) dns_sd_configs: NotYet,
    pub(crate) docker_sd_configs: NotYet,
    pub(crate) dockerswarm_sd_configs: NotYet,
    pub(crate) ec2_sd_configs: NotYet,
    pub(crate) ecs_sd_configs: NotYet,
    pub(crate) eureka_sd_configs: NotYet,
    pub(crate) gce_sd_configs: NotYet,
    pub(crate) hetzner_sd_configs: NotYet,
    pub(crate) http_sd_configs: NotYet,
    pub(crate) ionos_sd_configs: NotYet,
    pub(crate) kubernetes_sd_configs: NotYet,
    pub(crate) kuma_sd_configs: NotYet,
    pub(crate) lightsail_sd_configs: NotYet,
    pub(crate) linode_sd_configs: NotYet,
    pub(crate) marathon_sd_configs: NotYet,
    pub(crate) nerve_sd_configs: NotYet,
    pub(crate) nomad_sd_configs: NotYet,
    pub(crate) oci_sd_configs: NotYet,
    pub(crate) openstack_sd_configs: NotYet,
    pub(crate) outscale_sd_configs: NotYet,
    pub(crate) ovhcloud_sd_configs: NotYet,
    pub(crate) puppetdb_sd_configs: NotYet,
    pub(crate) scaleway_sd_configs: NotYet,
    pub(crate) serverset_sd_configs: NotYet,
    pub(crate) stackit_sd_configs: NotYet,
    pub(crate) triton_sd_configs: NotYet,
    pub(crate) uyuni_sd_configs: NotYet,
    pub(crate) vultr_sd_configs: NotYet,
}

impl Written {
    /// The name of the first option that asks for something this build cannot do.
    pub(super) fn not_built_in(&self) -> Option<String> {
        let on = |flag: Option<bool>| flag == Some(true);
        let text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let asked = [
            ("proxy_url", text(&self.proxy_url)),
            ("no_proxy", text(&self.no_proxy)),
            ("proxy_from_environment", on(self.proxy_from_environment)),
            ("proxy_connect_header", self.proxy_connect_header.is_some()),
            ("oauth2", self.oauth2.is_some()),
            ("tls_config", self.tls_config.is_some()),
            ("scrape_native_histograms", on(self.scrape_native_histograms)),
            ("convert_classic_histograms_to_nhcb", on(self.convert_classic_histograms_to_nhcb)),
            ("always_scrape_classic_histograms", on(self.always_scrape_classic_histograms)),
            (
                "native_histogram_bucket_limit",
                self.native_histogram_bucket_limit.is_some_and(|limit| limit > 0),
            ),
            (
                "native_histogram_min_bucket_factor",
                self.native_histogram_min_bucket_factor.is_some_and(|factor| factor != 0.0),
            ),
            ("scrape_failure_log_file", text(&self.scrape_failure_log_file)),
            ("aws_sd_configs", self.aws_sd_configs.is_some()),
            ("azure_sd_configs", self.azure_sd_configs.is_some()),
            ("consul_sd_configs", self.consul_sd_configs.is_some()),
            ("digitalocean_sd_configs", self.digitalocean_sd_configs.is_some()),
            ("dns_sd_configs", self.dns_sd_configs.is_some()),
            ("docker_sd_configs", self.docker_sd_configs.is_some()),
            ("dockerswarm_sd_configs", self.dockerswarm_sd_configs.is_some()),
            ("ec2_sd_configs", self.ec2_sd_configs.is_some()),
            ("ecs_sd_configs", self.ecs_sd_configs.is_some()),
            ("eureka_sd_configs", self.eureka_sd_configs.is_some()),
            ("gce_sd_configs", self.gce_sd_configs.is_some()),
            ("hetzner_sd_configs", self.hetzner_sd_configs.is_some()),
            ("http_sd_configs", self.http_sd_configs.is_some()),
            ("ionos_sd_configs", self.ionos_sd_configs.is_some()),
            ("kubernetes_sd_configs", self.kubernetes_sd_configs.is_some()),
            ("kuma_sd_configs", self.kuma_sd_configs.is_some()),
            ("lightsail_sd_configs", self.lightsail_sd_configs.is_some()),
            ("linode_sd_configs", self.linode_sd_configs.is_some()),
            ("marathon_sd_configs", self.marathon_sd_configs.is_some()),
            ("nerve_sd_configs", self.nerve_sd_configs.is_some()),
            ("nomad_sd_configs", self.nomad_sd_configs.is_some()),
            ("oci_sd_configs", self.oci_sd_configs.is_some()),
            ("openstack_sd_configs", self.openstack_sd_configs.is_some()),
            ("outscale_sd_configs", self.outscale_sd_configs.is_some()),
            ("ovhcloud_sd_configs", self.ovhcloud_sd_configs.is_some()),
            ("puppetdb_sd_configs", self.puppetdb_sd_configs.is_some()),
            ("scaleway_sd_configs", self.scaleway_sd_configs.is_some()),
            ("serverset_sd_configs", self.serverset_sd_configs.is_some()),
            ("stackit_sd_configs", self.stackit_sd_configs.is_some()),
            ("triton_sd_configs", self.triton_sd_configs.is_some()),
            ("uyuni_sd_configs", self.uyuni_sd_configs.is_some()),
            ("vultr_sd_configs", self.vultr_sd_configs.is_some()),
        ];
        asked.iter().find(|(_, asked)| *asked).map(|(name, _)| (*name).to_owned())
    }
}
