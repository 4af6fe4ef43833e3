//! The flags of a server that do something here, by what they are about.
//!
//! The doc comment of a field is its help; that of flags that Prometheus hides is seen by
//! `--help-long` only.

use super::values;
use super::{FeatureList, ListenAddress};
use clap::{ArgAction, Args};
use model::duration::Duration;
use model::regex::Regex;
use std::path::PathBuf;

const CONFIG: &str = "Configuration file";
const WEB: &str = "Web";
const STORAGE: &str = "Storage";
const QUERY: &str = "Queries";
const SCRAPE: &str = "Scraping";
const KUBERNETES: &str = "Kubernetes";
const RULES: &str = "Rules and alerts";
const PROCESS: &str = "Process";

/// Where a pod has the files of its service account.
pub(crate) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The flags of a server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file. Without this flag and without a prometheus.yml the server scrapes
    /// itself and, in a Kubernetes cluster, what monitors name.
    #[arg(long = "config.file", value_name = "FILE", default_value = "prometheus.yml",
        help_heading = CONFIG)]
    pub(crate) config_file: PathBuf,
    /// Instead of a configuration file: values of the chart kube-prometheus-stack. Scrape, evaluate,
    /// alert and store as they say; rushlight check kps-values tells what each means here.
    #[arg(long = "from-kps-values", value_name = "FILE", conflicts_with = "config_file",
        help_heading = CONFIG)]
    pub(crate) kps_values: Option<PathBuf>,
    /// The name of the release of these values: where they name no selector, objects are selected
    /// that have the label release with this value. Without it all are.
    #[arg(long = "kps.release", value_name = "NAME", help_heading = CONFIG)]
    pub(crate) kps_release: Option<String>,
    /// Load the configuration again when it, or a file it names, changes.
    #[arg(long = "config.auto-reload", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = ArgAction::Set,
        help_heading = CONFIG)]
    pub(crate) auto_reload: bool,
    /// Time between two looks for changes, at least 1s.
    #[arg(long = "config.auto-reload-interval", value_name = "DURATION", default_value = "30s",
        value_parser = values::duration_of_a_second, help_heading = CONFIG)]
    pub(crate) auto_reload_interval: Duration,

    /// Where to listen for the API and the metrics; may be repeated.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = "0.0.0.0:9090",
        help_heading = WEB)]
    pub(crate) listen_address: Vec<ListenAddress>,
    /// A file with certificates, users and headers for the HTTP server; read again when it or a
    /// certificate changes.
    #[arg(long = "web.config.file", value_name = "FILE", default_value = "", help_heading = WEB)]
    pub(crate) web_config_file: String,
    /// Longest time until the body of a request is read, and until an idle connection is closed; 0s
    /// is a day. For a handshake and for the head of a request it is ten seconds at most.
    #[arg(long = "web.read-timeout", value_name = "DURATION", default_value = "5m",
        value_parser = values::duration, help_heading = WEB)]
    pub(crate) read_timeout: Duration,
    /// Most connections at once, over all addresses.
    #[arg(long = "web.max-connections", value_name = "N", default_value_t = 512,
        value_parser = values::count, help_heading = WEB)]
    pub(crate) max_connections: usize,
    /// Most clients at once that follow /api/v1/notifications/live.
    #[arg(long = "web.max-notifications-subscribers", value_name = "N", default_value_t = 16,
        help_heading = WEB)]
    pub(crate) max_notification_subscribers: usize,
    /// The URL under which people reach this server.
    #[arg(long = "web.external-url", value_name = "URL", default_value = "",
        value_parser = values::url, help_heading = WEB)]
    pub(crate) external_url: String,
    /// What stands before every path; by default the path of the external URL.
    #[arg(long = "web.route-prefix", value_name = "PATH", default_value = "", help_heading = WEB)]
    pub(crate) route_prefix: String,
    /// Reload and end by HTTP request: POST /-/reload, POST /-/quit.
    #[arg(long = "web.enable-lifecycle", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = ArgAction::Set,
        help_heading = WEB)]
    pub(crate) enable_lifecycle: bool,
    /// Enable the API for administration, such as snapshots.
    #[arg(long = "web.enable-admin-api", num_args = 0..=1, require_equals = true,
        default_value_t = false, default_missing_value = "true", action = ArgAction::Set,
        help_heading = WEB)]
    pub(crate) enable_admin_api: bool,
    /// Which origins browsers may call from, a regular expression for the whole origin.
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = ".*",
        value_parser = values::regex, help_heading = WEB)]
    pub(crate) cors_origin: Regex,
    /// The title of the start page.
    #[arg(long = "web.page-title", value_name = "TEXT",
        default_value = "Prometheus Time Series Collection and Processing Server",
        help_heading = WEB)]
    pub(crate) page_title: String,

    /// Where the data is.
    #[arg(long = "storage.tsdb.path", value_name = "FOLDER", default_value = "data/",
        help_heading = STORAGE)]
    pub(crate) data_path: PathBuf,
    /// How long samples are kept: 15d if neither this nor a size is given.
    #[arg(long = "storage.tsdb.retention.time", value_name = "DURATION",
        value_parser = values::duration, help_heading = STORAGE)]
    pub(crate) retention_time: Option<Duration>,
    /// How many bytes are kept, such as 512MB.
    #[arg(long = "storage.tsdb.retention.size", value_name = "SIZE", value_parser = values::size,
        help_heading = STORAGE)]
    pub(crate) retention_size: Option<u64>,

    /// How far an instant query looks back for a sample.
    #[arg(long = "query.lookback-delta", value_name = "DURATION", default_value = "5m",
        value_parser = values::duration, help_heading = QUERY)]
    pub(crate) lookback_delta: Duration,
    /// Longest time of a query.
    #[arg(long = "query.timeout", value_name = "DURATION", default_value = "2m",
        value_parser = values::duration, help_heading = QUERY)]
    pub(crate) query_timeout: Duration,
    /// Most queries at once; others wait.
    #[arg(long = "query.max-concurrency", value_name = "N", default_value_t = 20,
        value_parser = values::count, help_heading = QUERY)]
    pub(crate) query_max_concurrency: usize,
    /// Most samples a query may hold in memory. Unless it is written, a small memory budget lowers
    /// it.
    #[arg(long = "query.max-samples", value_name = "N", default_value_t = 50_000_000,
        value_parser = values::count, help_heading = QUERY)]
    pub(crate) query_max_samples: usize,

    /// Move a scrape's time onto the regular grid when it is close.
    #[arg(long = "scrape.adjust-timestamps", hide = true, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = ArgAction::Set,
        help_heading = SCRAPE)]
    pub(crate) adjust_timestamps: bool,
    /// How close.
    #[arg(long = "scrape.timestamp-tolerance", value_name = "DURATION", hide = true,
        default_value = "2ms", value_parser = values::duration, help_heading = SCRAPE)]
    pub(crate) timestamp_tolerance: Duration,
    /// Shortest time between two changes of the targets.
    #[arg(long = "scrape.discovery-reload-interval", value_name = "DURATION", hide = true,
        default_value = "5s", value_parser = values::duration, help_heading = SCRAPE)]
    pub(crate) discovery_reload_interval: Duration,

    /// The folder of the service account by which the cluster around this process is reached.
    #[arg(long = "kubernetes.service-account-dir", value_name = "FOLDER", hide = true,
        default_value = SERVICE_ACCOUNT, help_heading = KUBERNETES)]
    pub(crate) kubernetes_folder: PathBuf,
    /// Which part of the targets is ours where they are divided into shards, the first being 0. By
    /// default the number at the end of the name of the host.
    #[arg(long = "kubernetes.shard", value_name = "N", help_heading = KUBERNETES)]
    pub(crate) kubernetes_shard: Option<u64>,

    /// Longest time without evaluations after which alerts go on to wait where they were, instead of
    /// beginning anew.
    #[arg(long = "rules.alert.for-outage-tolerance", value_name = "DURATION",
        default_value = "1h", value_parser = values::duration, help_heading = RULES)]
    pub(crate) for_outage_tolerance: Duration,
    /// Shortest time that an alert waits after such a pause before it fires; only for alerts that
    /// wait longer than that anyway.
    #[arg(long = "rules.alert.for-grace-period", value_name = "DURATION",
        default_value = "10m", value_parser = values::duration, help_heading = RULES)]
    pub(crate) for_grace_period: Duration,
    /// Shortest time until an alert that has not changed is sent to Alertmanagers again.
    #[arg(long = "rules.alert.resend-delay", value_name = "DURATION",
        default_value = "1m", value_parser = values::duration, help_heading = RULES)]
    pub(crate) resend_delay: Duration,
    /// Most rules of groups that are evaluated beside each other, with the feature
    /// concurrent-rule-eval.
    #[arg(long = "rules.max-concurrent-evals", value_name = "N", default_value_t = 4,
        value_parser = values::count, help_heading = RULES)]
    pub(crate) max_concurrent_evals: usize,
    /// Most alerts that wait to be sent to an Alertmanager; beyond, the oldest are dropped.
    #[arg(long = "alertmanager.notification-queue-capacity", value_name = "N",
        default_value_t = 10_000, value_parser = values::count, help_heading = RULES)]
    pub(crate) notification_queue_capacity: usize,
    /// Most alerts in one request to an Alertmanager.
    #[arg(long = "alertmanager.notification-batch-size", value_name = "N",
        default_value_t = 256, value_parser = values::count, help_heading = RULES)]
    pub(crate) notification_batch_size: usize,
    /// Send the alerts that wait before ending, as far as there is time for it.
    #[arg(long = "alertmanager.drain-notification-queue-on-shutdown", num_args = 0..=1,
        require_equals = true, default_value_t = true, default_missing_value = "true",
        action = ArgAction::Set, help_heading = RULES)]
    pub(crate) drain_notifications: bool,

    /// Keep to a memory budget: the limit of the container (cgroup), or the memory of the machine
    /// where there is none, times the ratio. It bounds the number of series and the samples a query
    /// may hold.
    #[arg(long = "auto-gomemlimit", num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", action = ArgAction::Set,
        help_heading = PROCESS)]
    pub(crate) memory_budget: bool,
    /// Which part of that memory is the budget, above 0 and at most 1.
    #[arg(long = "auto-gomemlimit.ratio", value_name = "RATIO", default_value = "0.9",
        value_parser = values::ratio, help_heading = PROCESS)]
    pub(crate) memory_ratio: f64,
    /// Features, separated by commas; may be repeated. The list is below.
    #[arg(long = "enable-feature", value_name = "NAMES", value_parser = super::features::parse,
        help_heading = PROCESS)]
    pub(crate) features: Vec<FeatureList>,
    #[command(flatten)]
    pub(crate) log: Log,
}

impl Serve {
    /// What values of kube-prometheus-stack do not tell themselves. They count where we run.
    pub(crate) fn kps(&self) -> kubernetes::values::Options {
        let namespace = std::fs::read_to_string(self.kubernetes_folder.join("namespace"));
        let namespace = namespace.ok().map(|name| name.trim().to_owned());
        kubernetes::values::Options {
            release: self.kps_release.clone().filter(|name| !name.is_empty()),
            namespace: namespace.filter(|name| !name.is_empty()),
        }
    }
}

/// How the log is written.
#[derive(Clone, Debug, Args)]
pub(crate) struct Log {
    /// Only log messages of this severity or above.
    #[arg(long = "log.level", value_name = "LEVEL", default_value = "info", help_heading = PROCESS)]
    pub(crate) level: LogLevel,
    /// Form of log messages.
    #[arg(long = "log.format", value_name = "FORMAT", default_value = "logfmt",
        help_heading = PROCESS)]
    pub(crate) format: LogFormat,
}

impl Log {
    /// Only what goes wrong, for commands that print something else.
    pub(crate) fn warnings() -> Self {
        Self { level: LogLevel::Warn, format: LogFormat::Logfmt }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Logfmt,
    Json,
}
