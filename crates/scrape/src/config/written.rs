//! The fields of a `scrape_config` as they stand in the file; what is left out is `None`.

use super::SampleLimitMode;
use super::relabel::RelabelConfig;
use client::{DurationText, Scalar, SizeText};
use discovery::SdConfigs;
use std::collections::BTreeMap;
use std::path::PathBuf;

client::section! {
    /// One `scrape_config`. Unknown keys are refused; a key without a value counts as left out.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) struct Written {
        keys {
            pub(crate) job_name: Option<String>,
            pub(crate) scrape_interval: Option<DurationText>,
            pub(crate) scrape_timeout: Option<DurationText>,
            pub(crate) scrape_protocols: Option<Vec<String>>,
            pub(crate) fallback_scrape_protocol: Option<String>,
            pub(crate) metrics_path: Option<String>,
            pub(crate) scheme: Option<String>,
            pub(crate) params: Option<BTreeMap<String, Option<Vec<Option<String>>>>>,
            pub(crate) honor_labels: Option<Scalar<bool>>,
            pub(crate) honor_timestamps: Option<Scalar<bool>>,
            pub(crate) track_timestamps_staleness: Option<Scalar<bool>>,
            pub(crate) enable_compression: Option<Scalar<bool>>,
            pub(crate) relabel_configs: Option<Vec<Option<RelabelConfig>>>,
            pub(crate) metric_relabel_configs: Option<Vec<Option<RelabelConfig>>>,
            pub(crate) body_size_limit: Option<SizeText>,
            pub(crate) sample_limit: Option<Scalar<u64>>,
            pub(crate) label_limit: Option<Scalar<u64>>,
            pub(crate) label_name_length_limit: Option<Scalar<u64>>,
            pub(crate) label_value_length_limit: Option<Scalar<u64>>,
            pub(crate) target_limit: Option<Scalar<u64>>,
            pub(crate) keep_dropped_targets: Option<Scalar<u64>>,
            pub(crate) native_histogram_bucket_limit: Option<Scalar<u64>>,
            pub(crate) native_histogram_min_bucket_factor: Option<Scalar<f64>>,
            pub(crate) scrape_native_histograms: Option<Scalar<bool>>,
            pub(crate) convert_classic_histograms_to_nhcb: Option<Scalar<bool>>,
            pub(crate) always_scrape_classic_histograms: Option<Scalar<bool>>,
            pub(crate) extra_scrape_metrics: Option<Scalar<bool>>,
            pub(crate) metric_name_validation_scheme: Option<String>,
            pub(crate) metric_name_escaping_scheme: Option<String>,
            pub(crate) scrape_failure_log_file: Option<PathBuf>,
            /// Our own.
            pub(crate) sample_limit_mode: Option<SampleLimitMode>,
        }
        parts {
            pub(crate) http: client::HttpKeys,
            pub(crate) sd: SdConfigs,
        }
    }
}
