//! What the API is given by the server: the parts it asks, and the settings it follows.

use crate::explain::Objects;
use crate::history::{History, Slot};
use crate::metrics::Metrics;
use crate::notifications::NoticeBoard;
use crate::query::{Gate, QueryLog};
use crate::rules::{Alertmanagers, Rules};
use crate::targets::Targets;
use arc_swap::ArcSwapOption;
use exposition::Protocol;
use model::Labels;
use model::regex::Regex;
use promql::{Engine, Features};
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use storage::{ExemplarQueryable, Queryable};

/// A number and what it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// A name, or `name=value`.
    pub name: String,
    /// The number.
    pub value: u64,
}

/// What the head holds, for people who look for the cause of a high cardinality. The lists are
/// descending by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadStats {
    /// Series in the head.
    pub series: u64,
    /// Distinct pairs of label name and value.
    pub label_pairs: u64,
    /// Chunks of those series.
    pub chunks: u64,
    /// Time of the oldest sample, in milliseconds; `i64::MAX` when there is none.
    pub min_time_ms: i64,
    /// Time of the newest sample, in milliseconds; `i64::MIN` when there is none.
    pub max_time_ms: i64,
    /// Metric names with the most series.
    pub series_by_metric: Vec<Count>,
    /// Label names with the most values.
    pub values_by_label: Vec<Count>,
    /// Label names whose values take the most memory.
    pub bytes_by_label: Vec<Count>,
    /// `name=value` with the most series.
    pub series_by_pair: Vec<Count>,
}

/// The database as the API sees it.
pub trait Database: Queryable + ExemplarQueryable {
    /// What the head holds; at most `limit` entries a list.
    ///
    /// # Errors
    /// When the engine fails.
    fn head_stats(&self, limit: usize) -> Result<HeadStats, storage::Error>;

    /// Writes all that is stored into a new folder.
    ///
    /// # Errors
    /// When the engine fails.
    fn snapshot(&self, folder: &Path) -> Result<(), storage::Error>;
}

/// Whether requests can be served: the database is set once it has been opened and taken away
/// when the process is about to end.
#[derive(Default)]
pub struct Readiness {
    database: ArcSwapOption<Arc<dyn Database>>,
    stopping: AtomicBool,
}

impl Readiness {
    /// The database is open: from now on requests are served.
    pub fn open(&self, database: Arc<dyn Database>) {
        self.database.store(Some(Arc::new(database)));
    }

    /// The process is about to end: requests are refused from now on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.database.store(None);
    }

    /// Whether [`Readiness::stop`] was called.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The database, while requests can be served.
    #[must_use]
    pub fn database(&self) -> Option<Arc<dyn Database>> {
        self.database.load_full().map(|database| Arc::clone(&*database))
    }
}

/// What was built, when and with what. The names are those of Prometheus' API.
#[derive(Clone, Debug, Default)]
pub struct BuildInfo {
    /// The version of Prometheus whose API is spoken; clients switch features by it.
    pub version: String,
    /// What this program is, with its own version.
    pub revision: String,
    /// The branch it was built from.
    pub branch: String,
    /// Who built it.
    pub build_user: String,
    /// When it was built.
    pub build_date: String,
    /// What built it.
    pub go_version: String,
}

/// The state of the process.
#[derive(Clone, Debug, Default)]
pub struct RuntimeInfo {
    /// When the process started, in milliseconds.
    pub start_time_ms: i64,
    /// Its working directory.
    pub working_directory: String,
    /// The machine's name.
    pub hostname: String,
    /// Whether the last reload of the configuration went well.
    pub reload_success: bool,
    /// When the configuration was last loaded, in milliseconds.
    pub last_config_ms: i64,
    /// Damaged places found in the log.
    pub corruptions: u64,
    /// Threads that run.
    pub threads: u64,
    /// Processors that may be used.
    pub processors: usize,
    /// Bytes of memory the process keeps to; `i64::MAX` is no bound.
    pub memory_limit: i64,
    /// For how long, or how much, is stored: `15d`.
    pub storage_retention: String,
}

/// A boxed future, for trait objects.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The process around the API.
pub trait Host: Send + Sync {
    /// The time in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
    /// The whole configuration as YAML, with defaults, without secrets.
    fn config_yaml(&self) -> String;
    /// The labels this server adds to what leaves it.
    fn external_labels(&self) -> Labels;
    /// Every flag and its value.
    fn flags(&self) -> BTreeMap<String, String>;
    /// The state of the process.
    fn runtime_info(&self) -> RuntimeInfo;
    /// What was built.
    fn build_info(&self) -> BuildInfo;
    /// Loads the configuration again; the error is for people.
    fn reload(&self) -> Boxed<'_, Result<(), String>>;
    /// Asks the process to end.
    fn quit(&self);
    /// The page of our own metrics.
    fn metrics_page(&self, protocol: Protocol) -> String;
}

/// What the flags say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Longest time a request's body may take to come in.
    pub read_timeout: Duration,
    /// Longest time a query may take.
    pub query_timeout: Duration,
    /// Queries that run at once; others wait.
    pub query_max_concurrency: usize,
    /// Which parts of the query language are switched on.
    pub features: Features,
    /// The title of the start page.
    pub page_title: String,
    /// Whether `/-/reload` and `/-/quit` work.
    pub enable_lifecycle: bool,
    /// Whether the endpoints below `/api/v1/admin` work.
    pub enable_admin_api: bool,
    /// Which origins a browser may call from.
    pub cors_origin: Regex,
    /// Where people reach us, without a slash at the end.
    pub external_url: String,
    /// What comes before every path; empty or `/prefix`.
    pub route_prefix: String,
    /// The port we listen on, for links to targets on this machine.
    pub listen_port: u16,
    /// Where snapshots go: the data directory.
    pub data_dir: std::path::PathBuf,
}

/// The parts of the process that requests ask.
pub struct Parts {
    /// The process itself.
    pub host: Arc<dyn Host>,
    /// Who is scraped.
    pub targets: Arc<dyn Targets>,
    /// What is evaluated.
    pub rules: Arc<dyn Rules>,
    /// Who is told of alerts.
    pub alertmanagers: Arc<dyn Alertmanagers>,
}

/// Everything the router needs; clones share it.
#[derive(Clone)]
pub struct State {
    pub(crate) readiness: Arc<Readiness>,
    engine: Arc<Engine>,
    /// The step of subqueries that name none; follows the configuration.
    default_step_ms: Arc<AtomicI64>,
    /// Where queries are written down; follows the configuration.
    query_log: Arc<ArcSwapOption<Arc<dyn QueryLog>>>,
    pub(crate) gate: Gate,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) targets: Arc<dyn Targets>,
    pub(crate) rules: Arc<dyn Rules>,
    pub(crate) alertmanagers: Arc<dyn Alertmanagers>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) notices: Arc<NoticeBoard>,
    pub(crate) history: Arc<Slot>,
    /// The objects of the cluster that is followed, if one is.
    objects: Arc<ArcSwapOption<Arc<dyn Objects>>>,
}

impl State {
    /// Puts the parts together.
    pub fn new(
        readiness: Arc<Readiness>,
        engine: Engine,
        parts: Parts,
        settings: Settings,
        metrics: Arc<Metrics>,
        notices: Arc<NoticeBoard>,
    ) -> Self {
        metrics.concurrent_max(settings.query_max_concurrency);
        Self {
            readiness,
            default_step_ms: Arc::new(AtomicI64::new(engine.options.default_step_ms)),
            engine: Arc::new(engine),
            query_log: Arc::default(),
            gate: Gate::new(settings.query_max_concurrency),
            host: parts.host,
            targets: parts.targets,
            rules: parts.rules,
            alertmanagers: parts.alertmanagers,
            notices,
            settings: Arc::new(settings),
            metrics,
            history: Arc::default(),
            objects: Arc::default(),
        }
    }

    /// What people are told by `/notifications`.
    #[must_use]
    pub fn notices(&self) -> &Arc<NoticeBoard> {
        &self.notices
    }

    /// From now on rules can be evaluated over history.
    pub fn set_history(&self, history: Arc<dyn History>) {
        self.history.set(history);
    }

    /// The objects of a cluster can be explained from now on, or no longer.
    pub fn set_objects(&self, objects: Option<Arc<dyn Objects>>) {
        self.objects.store(objects.map(Arc::new));
    }

    pub(crate) fn objects(&self) -> Option<Arc<dyn Objects>> {
        self.objects.load_full().map(|objects| Arc::clone(&*objects))
    }

    /// Stops an evaluation over history and waits for its end; none begins any more.
    pub async fn close_history(&self) {
        self.history.close().await;
    }

    /// Changes the step of subqueries that name none.
    pub fn set_default_step_ms(&self, ms: i64) {
        self.default_step_ms.store(ms, Ordering::Relaxed);
    }

    /// Queries are written down there from now on, or nowhere.
    pub fn set_query_log(&self, log: Option<Arc<dyn QueryLog>>) {
        self.metrics.query_log_enabled.set(if log.is_some() { 1.0 } else { 0.0 });
        self.query_log.store(log.map(Arc::new));
    }

    pub(crate) fn query_log(&self) -> Option<Arc<dyn QueryLog>> {
        self.query_log.load_full().map(|log| Arc::clone(&*log))
    }

    /// The engine as it is set now.
    pub(crate) fn engine(&self) -> Engine {
        let mut engine = Engine::clone(&self.engine);
        engine.options.default_step_ms = self.default_step_ms.load(Ordering::Relaxed);
        engine
    }
}
