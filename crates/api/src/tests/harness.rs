//! A server without sockets: requests go straight to the router.

use crate::explain::{Choice, ExplainedJob, ExplainedTarget, Scrapes};
use crate::rules::{Alertmanagers, RuleGroup, Rules};
use crate::state::{Boxed, Database};
use crate::{
    ActiveTarget, BuildInfo, FamilyMetadata, HeadStats, Health, Host, Metrics, NoticeBoard, Parts,
    Pool, Readiness, RuntimeInfo, Settings, State, Targets, router,
};
use axum::body::Body;
use axum::response::Response;
use exposition::Protocol;
use http::Request;
use http_body_util::BodyExt;
use model::duration::Duration;
use model::regex::Regex;
use model::{Labels, Matcher, TimeRange};
use promql::Engine;
use promql::script::{Checks, LoadedSeries, ScriptStore};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use storage::{Error, ExemplarQueryable, Querier, Queryable, SeriesExemplars};
use testkit::MemoryStore;
use tower::ServiceExt;

/// The clock of the tests, milliseconds.
pub(super) const NOW_MS: i64 = 6_000_000;

/// Settings as without any flag.
pub(crate) fn settings() -> Settings {
    Settings {
        read_timeout: std::time::Duration::from_secs(300),
        query_timeout: std::time::Duration::from_secs(120),
        query_max_concurrency: 20,
        features: promql::Features::default(),
        page_title: "test".into(),
        enable_lifecycle: false,
        enable_admin_api: false,
        cors_origin: Regex::new(".*").expect("a good pattern"),
        external_url: "http://localhost:9090".into(),
        route_prefix: String::new(),
        listen_port: 9090,
        data_dir: "data".into(),
    }
}

struct TestDatabase(MemoryStore);

impl Queryable for TestDatabase {
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        self.0.querier(range)
    }
}

impl ExemplarQueryable for TestDatabase {
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, Error> {
        self.0.exemplars(selectors, range)
    }
}

impl Database for TestDatabase {
    fn head_stats(&self, limit: usize) -> Result<HeadStats, Error> {
        Ok(HeadStats { series: u64::try_from(limit).expect("small"), ..HeadStats::default() })
    }

    fn snapshot(&self, _folder: &Path) -> Result<(), Error> {
        Ok(())
    }
}

struct TestHost;

impl Host for TestHost {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }
    fn config_yaml(&self) -> String {
        "global: {}\n".into()
    }
    fn external_labels(&self) -> Labels {
        Labels::from_pairs([("cluster", "a")])
    }
    fn flags(&self) -> BTreeMap<String, String> {
        [("log.level".to_owned(), "info".to_owned())].into()
    }
    fn runtime_info(&self) -> RuntimeInfo {
        RuntimeInfo::default()
    }
    fn build_info(&self) -> BuildInfo {
        BuildInfo { version: "3.14.0".into(), ..BuildInfo::default() }
    }
    fn reload(&self) -> Boxed<'_, Result<(), String>> {
        Box::pin(async { Err("line 7".to_owned()) })
    }
    fn quit(&self) {}
    fn metrics_page(&self, _protocol: Protocol) -> String {
        "up 1\n".into()
    }
}

struct TestTargets;

impl Targets for TestTargets {
    fn pools(&self) -> Vec<Pool> {
        let labels = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
        let active = ActiveTarget {
            discovered: labels(&[("__address__", "localhost:9100")]),
            labels: labels(&[("job", "node"), ("instance", "localhost:9100")]),
            url: "http://localhost:9100/metrics".into(),
            last_error: "a < b".into(),
            last_scrape_ns: Some(1_500_000_000_000_000_001),
            last_scrape_seconds: 0.07,
            health: Health::Down,
            interval: Duration::from_ms(90_000),
            timeout: Duration::from_ms(10_000),
            scrapes: Scrapes::default(),
            diagnosis: None,
        };
        let dropped = vec![labels(&[("__address__", "x:1")])];
        vec![Pool { name: "node".into(), active: vec![active], dropped, dropped_total: 3 }]
    }

    fn metadata(&self, metric: &str, tell: &mut dyn FnMut(&Labels, &FamilyMetadata) -> bool) {
        let families = [
            ("a", "go_threads", "gauge", "Threads."),
            ("b", "go_threads", "gauge", "Number of threads."),
            ("b", "go_info", "gauge", "About Go."),
            ("c", "go_threads", "gauge", "Threads."),
        ];
        for (job, name, kind, help) in families {
            let family = FamilyMetadata {
                metric: name.into(),
                kind: kind.into(),
                help: help.into(),
                unit: String::new(),
            };
            let labels = Labels::from_pairs([("job", job)]);
            if (metric.is_empty() || metric == name) && !tell(&labels, &family) {
                return;
            }
        }
    }

    fn explain(&self, asked: &str, choice: &Choice) -> Result<Vec<ExplainedJob>, String> {
        if asked != "node" {
            return Err(format!("no job is called {asked:?}"));
        }
        let target = ExplainedTarget {
            state: "dropped".into(),
            reason: Some("rule 1 did".into()),
            source: "http://u:secret@h/<0>".into(),
            discovered_labels: [("a".into(), "b".into())].into(),
            ..ExplainedTarget::default()
        };
        // What was chosen stands where it can be seen.
        let states = [(choice.state.clone(), choice.limit)].into();
        let job = ExplainedJob {
            job: "node".into(),
            discovered: 1,
            states,
            targets: vec![target],
            left_out: 0,
        };
        Ok(vec![job])
    }
}

/// Rules and Alertmanagers that never change.
#[derive(Default)]
pub(crate) struct TestRules {
    pub(crate) groups: Vec<RuleGroup>,
    pub(crate) active: Vec<String>,
    pub(crate) dropped: Vec<String>,
}

impl Rules for TestRules {
    fn groups(&self) -> Vec<RuleGroup> {
        self.groups.clone()
    }
}

impl Alertmanagers for TestRules {
    fn active(&self) -> Vec<String> {
        self.active.clone()
    }
    fn dropped(&self) -> Vec<String> {
        self.dropped.clone()
    }
}

/// Puts the series of a `load` block into memory.
struct Loader(MemoryStore);

impl ScriptStore for Loader {
    fn clear(&mut self) -> Result<(), String> {
        self.0 = MemoryStore::new();
        Ok(())
    }

    fn load(&mut self, series: &[LoadedSeries]) -> Result<(), String> {
        for series in series {
            for (t_ms, value) in &series.samples {
                self.0.put(&series.labels, *t_ms, *value);
            }
        }
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        &self.0
    }
}

/// A store with the series of a script in Prometheus' test language.
pub(super) fn load(script: &str) -> MemoryStore {
    let mut loader = Loader(MemoryStore::new());
    let report = promql::script::run(script, &mut loader, Checks::default());
    assert!(report.failures.is_empty(), "{:?}", report.failures);
    loader.0
}

/// An API over a store.
pub(crate) struct Api {
    pub(crate) state: State,
    pub(crate) readiness: Arc<Readiness>,
}

impl Api {
    pub(crate) fn new(store: MemoryStore, settings: Settings) -> Self {
        Self::over(Arc::new(TestDatabase(store)), settings)
    }

    pub(crate) fn over(database: Arc<dyn Database>, settings: Settings) -> Self {
        Self::with(database, TestRules::default(), settings)
    }

    pub(crate) fn with(database: Arc<dyn Database>, rules: TestRules, settings: Settings) -> Self {
        let readiness = Arc::new(Readiness::default());
        readiness.open(database);
        let rules = Arc::new(rules);
        let parts = Parts {
            host: Arc::new(TestHost),
            targets: Arc::new(TestTargets),
            rules: Arc::clone(&rules) as _,
            alertmanagers: rules,
        };
        let state = State::new(
            Arc::clone(&readiness),
            Engine::default(),
            parts,
            settings,
            Arc::new(Metrics::new()),
            Arc::new(NoticeBoard::new(16)),
        );
        Self { state, readiness }
    }

    /// An API of rules without a sample.
    pub(crate) fn of_rules(rules: TestRules) -> Self {
        Self::with(Arc::new(TestDatabase(MemoryStore::new())), rules, settings())
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.state.metrics
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        router(&self.state).oneshot(request).await.expect("the router always answers")
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        Answer::of(self.send(Request::get(uri).body(Body::empty()).expect("a good URI")).await)
            .await
    }

    pub(crate) async fn post(&self, uri: &str, form: &str) -> Answer {
        let request = Request::post(uri)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()));
        Answer::of(self.send(request.expect("a good URI")).await).await
    }
}

/// A response, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes().to_vec();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

/// A query string of pairs.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
