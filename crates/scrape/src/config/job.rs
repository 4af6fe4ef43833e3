//! A job: every setting its loops work by, with all defaults in place.

use super::protocol::{self, DEFAULT_PROTOCOLS, Escaping};
use super::{Config, ConfigError, RelabelConfig, Written};
use client::{HttpConfig, Scalar};
use exposition::Protocol;
use model::duration::Duration;
use model::names::NameScheme;
use model::relabel::{Patterns, Rule};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The part of the `global` section that jobs inherit. `Default` is what Prometheus has when
/// nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Global {
    /// Time from scrape to scrape.
    pub scrape_interval: Duration,
    /// How long a scrape may take.
    pub scrape_timeout: Duration,
    /// Formats to ask for, best first, by their names.
    pub scrape_protocols: Option<Vec<String>>,
    /// Bytes of a body after unpacking; 0 is no limit.
    pub body_size_limit: u64,
    /// Samples of a scrape after relabeling; 0 is no limit.
    pub sample_limit: u64,
    /// Labels of a series; 0 is no limit.
    pub label_limit: u64,
    /// Bytes of a label name; 0 is no limit.
    pub label_name_length_limit: u64,
    /// Bytes of a label value; 0 is no limit.
    pub label_value_length_limit: u64,
    /// Targets of a job; 0 is no limit.
    pub target_limit: u64,
    /// Dropped targets to keep for the API; 0 is no limit.
    pub keep_dropped_targets: u64,
    /// Whether each target gets the further `scrape_*` series.
    pub extra_scrape_metrics: bool,
    /// Which names are accepted.
    pub metric_name_validation_scheme: Option<String>,
    /// How targets are asked to write odd names.
    pub metric_name_escaping_scheme: Option<String>,
    /// How histograms are read.
    pub histograms: HistogramFlags,
    /// What a scrape beyond the sample limit loses.
    pub sample_limit_mode: SampleLimitMode,
    /// Where failed scrapes are written down; relative to the working directory by now.
    pub scrape_failure_log_file: Option<PathBuf>,
    /// What `--enable-feature` turned on.
    pub features: Features,
    /// See [`Job::first_scrape_within`]. No file says it, but whoever makes the jobs.
    pub first_scrape_within: Option<std::time::Duration>,
}

/// The features of the command line that change scraping; all of them are off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `created-timestamp-zero-ingestion`: a zero sample where a series says that it began.
    pub created_timestamp_zero_ingestion: bool,
    /// `type-and-unit-labels`: the labels `__type__` and `__unit__` from the metadata of a family.
    pub type_and_unit_labels: bool,
    /// `exemplar-storage`: exemplars are stored.
    pub exemplar_storage: bool,
}

/// What happens to a scrape with more samples than `sample_limit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleLimitMode {
    /// The scrape fails and stores nothing, as with Prometheus.
    #[default]
    Hard,
    /// Series that the last scrape had go on; as many new ones as the limit leaves room for are
    /// taken, in the order of the page, and the rest is refused and counted. The scrape succeeds.
    Soft,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_ms(60_000),
            scrape_timeout: Duration::from_ms(10_000),
            scrape_protocols: None,
            body_size_limit: 0,
            sample_limit: 0,
            label_limit: 0,
            label_name_length_limit: 0,
            label_value_length_limit: 0,
            target_limit: 0,
            keep_dropped_targets: 0,
            extra_scrape_metrics: false,
            metric_name_validation_scheme: None,
            metric_name_escaping_scheme: None,
            histograms: HistogramFlags::default(),
            sample_limit_mode: SampleLimitMode::Hard,
            scrape_failure_log_file: None,
            features: Features::default(),
            first_scrape_within: None,
        }
    }
}

impl Global {
    /// Sets interval and timeout as the file has them; what is left out or 0 has its default, and
    /// the default timeout is never above the interval.
    ///
    /// # Errors
    /// When the timeout does not fit into the interval.
    pub fn set_timing(
        &mut self,
        interval: Option<Duration>,
        timeout: Option<Duration>,
    ) -> Result<(), ConfigError> {
        let nonzero = |d: Option<Duration>| d.filter(|d| d.ms > 0);
        let default = Self::default();
        self.scrape_interval = nonzero(interval).unwrap_or(default.scrape_interval);
        if nonzero(timeout).is_some_and(|timeout| timeout > self.scrape_interval) {
            let text = "global scrape timeout greater than scrape interval";
            return Err(ConfigError::Global(text.into()));
        }
        self.scrape_timeout =
            nonzero(timeout).unwrap_or(default.scrape_timeout.min(self.scrape_interval));
        Ok(())
    }

    /// Checks what jobs inherit, also when there is none.
    ///
    /// # Errors
    /// When formats or naming schemes are unknown or contradict each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(names) = &self.scrape_protocols {
            let protocols = protocol::parse_list(names);
            protocols.map_err(|text| ConfigError::Global(format!("{text} for global config")))?;
        }
        let inherits = Written::default();
        let scheme = inherits.name_scheme(self).map_err(ConfigError::Global)?;
        inherits.escaping(self, scheme).map(|_| ()).map_err(ConfigError::Global)
    }
}

/// What a scrape may hold at most; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body after unpacking.
    pub body_bytes: u64,
    /// Samples after relabeling.
    pub samples: u64,
    /// Labels of a series, the name among them.
    pub labels: u64,
    /// Bytes of a label name.
    pub label_name_bytes: u64,
    /// Bytes of a label value.
    pub label_value_bytes: u64,
    /// Buckets of a native histogram; one with more is made coarser, if it can be.
    pub buckets: u64,
}

/// The defaults of the three labels that say how histograms are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramFlags {
    /// `__scrape_native_histograms__`
    pub scrape_native: bool,
    /// `__convert_classic_histograms_to_nhcb__`
    pub convert_classic: bool,
    /// `__always_scrape_classic_histograms__`
    pub always_classic: bool,
}

/// One job. Equal when it was written the same under the same `global` section.
#[derive(Clone, Debug)]
pub struct Job {
    /// The job's name; also the value of the label `job` unless discovery or a rule sets another.
    pub name: String,
    /// Time from scrape to scrape, unless a target's labels say otherwise.
    pub interval: Duration,
    /// How long a scrape may take, unless a target's labels say otherwise.
    pub timeout: Duration,
    /// The formats that are asked for, best first.
    pub protocols: Vec<Protocol>,
    /// The `Accept` header.
    pub accept: String,
    /// How a body of unknown type is read.
    pub fallback: Option<Protocol>,
    /// Path of the page.
    pub metrics_path: String,
    /// `http` or `https`
    pub scheme: String,
    /// Parameters of the URL.
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether labels of the page win over those of the target.
    pub honor_labels: bool,
    /// Whether timestamps of the page are taken.
    pub honor_timestamps: bool,
    /// Whether series with timestamps of their own end when they are missing.
    pub track_timestamps_staleness: bool,
    /// Whether the page may come packed.
    pub enable_compression: bool,
    /// Rules for targets.
    pub relabel: Vec<Rule>,
    /// Rules for series.
    pub metric_relabel: Vec<Rule>,
    /// What a scrape may hold.
    pub limits: Limits,
    /// What a scrape beyond the sample limit loses.
    pub sample_limit_mode: SampleLimitMode,
    /// The finest schema that native histograms are stored in.
    pub max_schema: i32,
    /// Where failed scrapes are written down.
    pub failure_log: Option<PathBuf>,
    /// What `--enable-feature` turned on.
    pub features: Features,
    /// How many targets there may be; 0 is no limit.
    pub target_limit: u64,
    /// How many dropped targets are kept for the API; 0 is no limit.
    pub keep_dropped_targets: u64,
    /// Whether each target gets the further `scrape_*` series.
    pub extra_scrape_metrics: bool,
    /// Which names are accepted.
    pub name_scheme: NameScheme,
    /// Defaults of the labels about histograms.
    pub histograms: HistogramFlags,
    /// How soon a target that is found is scraped for the first time, before its place in the
    /// interval; spread over this time, and over more when very many are found at once. `None`: at
    /// its place.
    pub first_scrape_within: Option<std::time::Duration>,
    /// How targets are connected to and greeted.
    pub http: HttpConfig,
    written: Written,
    global: Global,
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written && self.global == other.global
    }
}

impl Job {
    /// Lets rules share their patterns with those of other jobs.
    pub fn share_patterns(&mut self, patterns: &mut Patterns) {
        patterns.share(&mut self.relabel);
        patterns.share(&mut self.metric_relabel);
    }
}

impl Config {
    /// The job that this section means under a `global` section.
    ///
    /// # Errors
    /// When values contradict each other or are out of range.
    pub fn resolve(&self, global: &Global) -> Result<Job, ConfigError> {
        self.0.resolve(global)
    }
}

impl Written {
    pub(crate) fn resolve(&self, global: &Global) -> Result<Job, ConfigError> {
        let name = self.job_name().to_owned();
        let other = |text: String| ConfigError::Other { text, job: name.clone() };
        let nonzero = |d: Option<super::DurationText>| d.map(|d| d.0).filter(|d| d.ms > 0);
        let interval = nonzero(self.scrape_interval).unwrap_or(global.scrape_interval);
        let timeout = nonzero(self.scrape_timeout);
        if timeout.is_some_and(|timeout| timeout > interval) {
            return Err(ConfigError::TimeoutAboveInterval(name));
        }
        let name_scheme = self.name_scheme(global).map_err(other)?;
        let escaping = self.escaping(global, name_scheme).map_err(other)?;
        let protocols = self.protocols(global)?;
        let params = self.params.iter().flatten().map(|(key, values)| {
            let values = values.iter().flatten().map(|v| v.clone().unwrap_or_default());
            (key.clone(), values.collect())
        });
        Ok(Job {
            interval,
            timeout: timeout.unwrap_or(global.scrape_timeout.min(interval)),
            accept: protocol::accept_header(&protocols, escaping),
            protocols,
            fallback: self.fallback()?,
            metrics_path: self.metrics_path.clone().unwrap_or_else(|| "/metrics".into()),
            scheme: self.scheme.clone().filter(|s| !s.is_empty()).unwrap_or_else(|| "http".into()),
            params: params.collect(),
            honor_labels: Scalar::value(self.honor_labels).unwrap_or(false),
            honor_timestamps: Scalar::value(self.honor_timestamps).unwrap_or(true),
            track_timestamps_staleness: Scalar::value(self.track_timestamps_staleness)
                .unwrap_or(false),
            enable_compression: Scalar::value(self.enable_compression).unwrap_or(true),
            relabel: rules(self.relabel_configs.as_deref(), name_scheme).map_err(other)?,
            metric_relabel: rules(self.metric_relabel_configs.as_deref(), name_scheme)
                .map_err(other)?,
            limits: Limits {
                body_bytes: or_global(self.body_size_limit.map(|s| s.0), global.body_size_limit),
                samples: or_global(Scalar::value(self.sample_limit), global.sample_limit),
                labels: or_global(Scalar::value(self.label_limit), global.label_limit),
                label_name_bytes: or_global(
                    Scalar::value(self.label_name_length_limit),
                    global.label_name_length_limit,
                ),
                label_value_bytes: or_global(
                    Scalar::value(self.label_value_length_limit),
                    global.label_value_length_limit,
                ),
                buckets: Scalar::value(self.native_histogram_bucket_limit).unwrap_or(0),
            },
            sample_limit_mode: self.sample_limit_mode.unwrap_or(global.sample_limit_mode),
            max_schema: max_schema(
                Scalar::value(self.native_histogram_min_bucket_factor).unwrap_or(0.0),
            ),
            failure_log: match &self.scrape_failure_log_file {
                Some(path) if !path.as_os_str().is_empty() => Some(path.clone()),
                _ => global.scrape_failure_log_file.clone(),
            },
            features: global.features,
            target_limit: or_global(Scalar::value(self.target_limit), global.target_limit),
            keep_dropped_targets: or_global(
                Scalar::value(self.keep_dropped_targets),
                global.keep_dropped_targets,
            ),
            extra_scrape_metrics: Scalar::value(self.extra_scrape_metrics)
                .unwrap_or(global.extra_scrape_metrics),
            name_scheme,
            histograms: self.histograms(global),
            first_scrape_within: global.first_scrape_within,
            http: self.http.config().map_err(other)?,
            // Other targets alone do not make another job.
            written: Self { sd: discovery::SdConfigs::default(), ..self.clone() },
            global: global.clone(),
            name,
        })
    }

    fn name_scheme(&self, global: &Global) -> Result<NameScheme, String> {
        let own = self.metric_name_validation_scheme.as_deref().filter(|s| !s.is_empty());
        let scheme = own.or(global.metric_name_validation_scheme.as_deref());
        match scheme.unwrap_or("") {
            "" | "utf8" => Ok(NameScheme::Utf8),
            "legacy" => Ok(NameScheme::Legacy),
            other => Err(format!("unrecognized ValidationScheme: {other:?}")),
        }
    }

    /// A job that sets only the naming scheme gets the escaping that goes with it.
    fn escaping(&self, global: &Global, scheme: NameScheme) -> Result<Escaping, String> {
        let own = self.metric_name_escaping_scheme.as_deref().filter(|s| !s.is_empty());
        let own_scheme =
            self.metric_name_validation_scheme.as_deref().is_some_and(|s| !s.is_empty());
        let inherited = global.metric_name_escaping_scheme.as_deref().filter(|_| !own_scheme);
        let escaping = match own.or(inherited) {
            Some(name) if !name.is_empty() => Escaping::parse(name)?,
            _ => Escaping::of_scheme(scheme),
        };
        if escaping == Escaping::AllowUtf8 && scheme == NameScheme::Legacy {
            return Err(
                "utf8 metric names requested but validation scheme is not set to UTF8".into()
            );
        }
        Ok(escaping)
    }

    fn histograms(&self, global: &Global) -> HistogramFlags {
        let inherited = global.histograms;
        HistogramFlags {
            scrape_native: Scalar::value(self.scrape_native_histograms)
                .unwrap_or(inherited.scrape_native),
            convert_classic: Scalar::value(self.convert_classic_histograms_to_nhcb)
                .unwrap_or(inherited.convert_classic),
            always_classic: Scalar::value(self.always_scrape_classic_histograms)
                .unwrap_or(inherited.always_classic),
        }
    }

    /// A list of the `global` section wins over the default, which depends on what is asked for.
    fn protocols(&self, global: &Global) -> Result<Vec<Protocol>, ConfigError> {
        let names = self.scrape_protocols.as_ref().or(global.scrape_protocols.as_ref());
        if let Some(names) = names {
            return protocol::parse_list(names).map_err(|text| {
                let job = self.job_name().to_owned();
                ConfigError::Protocols { text, job }
            });
        }
        let protobuf_first = global.features.created_timestamp_zero_ingestion
            || self.histograms(global).scrape_native;
        let first = protobuf_first.then_some(Protocol::Protobuf);
        Ok(first.into_iter().chain(DEFAULT_PROTOCOLS).collect())
    }

    fn fallback(&self) -> Result<Option<Protocol>, ConfigError> {
        let name = self.fallback_scrape_protocol.as_deref().unwrap_or("");
        if name.is_empty() {
            return Ok(None);
        }
        let job = self.job_name().to_owned();
        protocol::parse(name).map(Some).map_err(|text| ConfigError::Fallback { text, job })
    }
}

/// Schemas of native histograms, coarsest and finest.
pub(crate) const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;

/// The finest schema whose buckets grow at least by this factor.
fn max_schema(min_bucket_factor: f64) -> i32 {
    if min_bucket_factor.is_nan() || min_bucket_factor <= 1.0 {
        return *SCHEMAS.end();
    }
    let exact = -min_bucket_factor.log2().log2();
    SCHEMAS.rev().find(|schema| f64::from(*schema) <= exact).unwrap_or(*SCHEMAS.start())
}

fn or_global(own: Option<u64>, global: u64) -> u64 {
    own.filter(|own| *own > 0).unwrap_or(global)
}

fn rules(
    configs: Option<&[Option<RelabelConfig>]>,
    scheme: NameScheme,
) -> Result<Vec<Rule>, String> {
    configs.into_iter().flatten().flatten().map(|config| config.rule(scheme)).collect()
}
