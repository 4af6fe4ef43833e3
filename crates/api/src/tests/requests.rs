//! Requests that the conformance set does not have.

use super::harness::{Answer, Api, NOW_MS, form, load, settings};
use crate::state::{Database, HeadStats};
use axum::body::Body;
use http::{Method, Request};
use model::{Labels, Matcher, TimeRange};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use storage::{
    Absence, Appendable, Error, Exemplar, ExemplarQueryable, GroupSpec, LabelQuery, Querier,
    Queryable, SampleSink, SelectHints, SeriesExemplars, SeriesSet, Source,
};
use testkit::MemoryStore;

fn house() -> Api {
    Api::new(
        load("load 1m\n  lamp{room=\"hall\"} 0+1x100\n  lamp{room=\"attic\"} 5x100\n"),
        settings(),
    )
}

fn error(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(body["status"], "error");
    (answer.status, text("errorType"), text("error"))
}

#[tokio::test]
async fn the_body_of_a_post_comes_before_the_url() {
    let api = house();
    let answer = api.post("/api/v1/query?query=2&time=5", "query=1%2B1").await;
    assert_eq!(answer.json()["data"], json!({"resultType": "scalar", "result": [5, "2"]}));
    let answer = api.post("/api/v1/series?match[]=lamp", "").await;
    assert_eq!(answer.json()["data"].as_array().map(Vec::len), Some(2));
    let answer = api.post("/api/v1/labels", "match%5B%5D=lamp").await;
    assert_eq!(answer.json()["data"], json!(["__name__", "room"]));
}

#[tokio::test]
async fn without_a_time_it_is_now() {
    let answer = house()
        .get(
            "/api/v1/query?query=lamp{room=\"hall\"}"
                .replace('"', "%22")
                .replace('{', "%7B")
                .replace('}', "%7D")
                .as_str(),
        )
        .await;
    assert_eq!(answer.json()["data"]["result"][0]["value"], json!([NOW_MS / 1000, "100"]));
}

#[tokio::test]
async fn errors_have_the_words_clients_look_for() {
    let api = house();
    let check = async |uri: &str, status: u16, kind: &str, part: &str| {
        let (got, got_kind, message) = error(&api.get(uri).await);
        assert_eq!((got, &*got_kind), (status, kind), "{uri}: {message}");
        assert!(message.contains(part), "{uri}: {message}");
    };
    check("/api/v1/query?query=sum(up", 400, "bad_data", "invalid parameter \"query\": 1:").await;
    check("/api/v1/query?query=up&time=x", 400, "bad_data", "invalid parameter \"time\"").await;
    check("/api/v1/query?query=up&timeout=x", 400, "bad_data", "invalid parameter \"timeout\"")
        .await;
    check("/api/v1/query?query=up&timeout=0", 503, "timeout", "query timed out in").await;
    check("/api/v1/query?query=up&timeout=-1", 503, "timeout", "query timed out in").await;
    let lookback = "error parsing lookback delta duration: cannot parse \"x\"";
    check("/api/v1/query?query=up&lookback_delta=x", 400, "bad_data", lookback).await;
    check("/api/v1/query?query=up&limit=-1", 400, "bad_data", "invalid parameter \"limit\"").await;
    check(
        "/api/v1/query_range?query=up&start=0&end=100000&step=1",
        400,
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries",
    )
    .await;
    check(
        "/api/v1/query_range?query=up[1m]&start=0&end=1&step=1",
        400,
        "bad_data",
        "invalid expression type \"range vector\" for range query",
    )
    .await;
    check("/api/v1/query_range?query='a'&start=0&end=1&step=1", 400, "bad_data", "string").await;
    check("/api/v1/series", 400, "bad_data", "no match[] parameter provided").await;
    check("/api/v1/series?match[]=%7B%7D", 400, "bad_data", "non-empty matcher").await;
    check("/api/v1/series?match[]=up%20offset%201m", 400, "bad_data", "match[]").await;
    check("/api/v1/labels?match[]=up&x=%zz", 400, "bad_data", "invalid URL escape").await;
    check("/api/v1/query?query=lamp%20*%20on()%20lamp", 422, "execution", "many-to-many").await;
    check("/api/v1/metadata?limit=x", 400, "bad_data", "limit must be a number").await;
    check("/api/v1/status/tsdb?limit=0", 400, "bad_data", "limit").await;
    check("/api/v1/rules?type=x", 400, "bad_data", "\"type\": not supported value \"x\"").await;
    check("/api/v1/query_exemplars?query=up&start=2&end=1", 400, "bad_data", "end timestamp").await;
}

#[tokio::test]
async fn steps_are_cut_to_milliseconds_after_points_are_counted() {
    let api = house();
    let check = async |end: &str, step: &str, status: u16| {
        let uri = format!("/api/v1/query_range?query=time()&start=0&end={end}&step={step}");
        let answer = api.get(&uri).await;
        assert_eq!(answer.status, status, "{uri}: {}", answer.text());
        answer
    };
    // 10,989 steps of 54.6 ms, though 11,111 of the 54 that are taken.
    let answer = check("600", "0.0546", 200).await.json();
    assert_eq!(answer["data"]["result"][0]["values"][1][0], json!(0.054));
    check("600", "0.0545", 400).await;
    check("0", "0.0001", 400).await;
    check("1e18", "60", 400).await;
}

#[tokio::test]
async fn a_wrong_method_is_said_in_words() {
    let answer = house().post("/api/v1/metadata", "").await;
    assert_eq!((answer.status, &*answer.text()), (405, "Method Not Allowed\n"));
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    assert_eq!(house().post("/-/healthy", "").await.text(), "Method Not Allowed\n");
}

#[tokio::test]
async fn lookback_and_stats_are_of_the_request() {
    let api = house();
    let answer = api.get("/api/v1/query?query=count(lamp)&time=6200").await;
    assert_eq!(answer.json()["data"]["result"][0]["value"][1], "2");
    let answer = api.get("/api/v1/query?query=count(lamp)&time=6200&lookback_delta=1m").await;
    assert_eq!(answer.json()["data"]["result"], json!([]));
    let answer = api.get("/api/v1/query?query=lamp&stats=all").await.json();
    assert_eq!(answer["data"]["stats"]["samples"]["totalQueryableSamples"], 2);
    assert!(answer["data"]["stats"]["timings"]["evalTotalTime"].is_number());
    let answer = api.get("/api/v1/query?query=lamp&stats=some").await.json();
    assert_eq!(answer["warnings"].as_array().map(Vec::len), Some(1));
}

#[derive(Default)]
struct Lines(std::sync::Mutex<Vec<String>>);

impl crate::QueryLog for Lines {
    fn write(&self, line: &str) -> std::io::Result<()> {
        self.0.lock().unwrap().push(line.to_owned());
        Ok(())
    }
}

#[tokio::test]
async fn queries_are_logged() {
    let api = house();
    let log = std::sync::Arc::new(Lines::default());
    api.get("/api/v1/query?query=lamp").await;
    api.state.set_query_log(Some(log.clone()));
    let mut request = Request::get("/api/v1/query_range?query=lamp&start=0&end=60&step=15")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(crate::ClientAddress([127, 0, 0, 1].into()));
    api.send(request).await;
    api.post("/api/v1/query", "query=lamp%2F0&time=6200").await;
    api.get("/api/v1/query?query=lamp%20%2F%20on()%20lamp").await;
    // What cannot be read is never evaluated.
    api.get("/api/v1/query?query=(").await;
    api.state.set_query_log(None);
    api.get("/api/v1/query?query=lamp").await;
    let lines: Vec<Value> =
        log.0.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(
        lines[0]["params"],
        json!({"end": "1970-01-01T00:01:00.000Z", "query": "lamp",
            "start": "1970-01-01T00:00:00.000Z", "step": 15})
    );
    assert_eq!(
        lines[0]["httpRequest"],
        json!({"clientIP": "127.0.0.1", "method": "GET", "path": "/api/v1/query_range"})
    );
    assert_eq!(lines[0]["ts"], "1970-01-01T01:40:00.000Z");
    assert!(lines[0]["stats"]["timings"]["execTotalTime"].is_number());
    assert_eq!(lines[1]["params"]["step"], 0);
    assert_eq!(lines[1]["httpRequest"]["method"], "POST");
    assert!(lines[1].get("error").is_none());
    assert!(lines[2]["error"].is_string(), "{}", lines[2]);
}

#[tokio::test]
async fn there_is_no_answer_before_the_database_is_open_or_after() {
    let api = house();
    api.readiness.stop();
    let answer = api.get("/api/v1/query?query=1").await;
    assert_eq!((answer.status, &*answer.text()), (503, "Service Unavailable"));
    assert_eq!(answer.headers["x-prometheus-stopping"], "true");
    assert_eq!(api.get("/-/ready").await.status, 503);
    assert_eq!(api.get("/-/healthy").await.text(), "Prometheus Server is Healthy.\n");
    assert_eq!(api.get("/metrics").await.status, 200);
    assert_eq!(house().get("/-/ready").await.text(), "Prometheus Server is Ready.\n");
}

#[tokio::test]
async fn lifecycle_and_admin_need_their_flags() {
    let api = house();
    assert_eq!(api.post("/-/reload", "").await.status, 403);
    assert_eq!(api.get("/-/reload").await.status, 405);
    assert_eq!(error(&api.post("/api/v1/admin/tsdb/snapshot", "").await).1, "unavailable");
    let mut on = settings();
    (on.enable_lifecycle, on.enable_admin_api) = (true, true);
    let api = Api::new(MemoryStore::new(), on);
    let answer = api.post("/-/reload", "").await;
    assert_eq!((answer.status, &*answer.text()), (500, "failed to reload config: line 7\n"));
    assert_eq!(api.post("/-/quit", "").await.text(), "Requesting termination... Goodbye!");
    let answer = api.post("/api/v1/admin/tsdb/snapshot", "").await.json();
    assert!(answer["data"]["name"].as_str().is_some_and(|name| name.contains('Z')), "{answer}");
}

#[tokio::test]
async fn answers_are_packed_as_asked() {
    let api = house();
    for uri in ["/api/v1/query?query=lamp", "/api/v1/labels"] {
        let plain = api.get(uri).await;
        assert!(plain.headers.get_all("vary").iter().any(|v| v == "Accept-Encoding"));
        let request = Request::get(uri).header("Accept-Encoding", "br, gzip").body(Body::empty());
        let packed = Answer::of(api.send(request.unwrap()).await).await;
        assert_eq!(packed.headers["content-encoding"], "gzip");
        let mut body = Vec::new();
        flate2::read::GzDecoder::new(&*packed.body).read_to_end(&mut body).unwrap();
        assert_eq!(body, plain.body, "{uri}");
    }
}

#[tokio::test]
async fn long_answers_stream_whole() {
    let store = MemoryStore::new();
    for i in 0..5000 {
        store.put(&Labels::from_pairs([("__name__", "many"), ("i", &i.to_string())]), NOW_MS, 1.0);
    }
    let api = Api::new(store, settings());
    let answer = api.get("/api/v1/query?query=many").await;
    assert!(answer.body.len() > 200_000);
    assert_eq!(answer.json()["data"]["result"].as_array().map(Vec::len), Some(5000));
    let request = Request::get("/api/v1/query?query=many")
        .header("Accept-Encoding", "deflate")
        .body(Body::empty());
    let packed = Answer::of(api.send(request.unwrap()).await).await;
    let mut body = Vec::new();
    flate2::read::ZlibDecoder::new(&*packed.body).read_to_end(&mut body).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), answer.json());
}

#[tokio::test]
async fn browsers_are_answered() {
    let api = house();
    let request = Request::builder().method(Method::OPTIONS).uri("/api/v1/anything");
    let request = request.header("Origin", "http://x").body(Body::empty()).unwrap();
    let answer = Answer::of(api.send(request).await).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    assert_eq!(answer.headers["access-control-allow-methods"], "GET, POST, OPTIONS");
}

#[tokio::test]
async fn what_is_not_built_is_not_there() {
    let api = house();
    for path in ["/api/v1/write", "/api/v1/read", "/api/v1/nonsense", "/nonsense", "/query"] {
        assert_eq!(api.get(path).await.status, 404, "{path}");
    }
    assert_eq!(api.get("/api/v1/rules").await.json()["data"], json!({"groups": []}));
    assert_eq!(api.get("/api/v1/alerts").await.json()["data"], json!({"alerts": []}));
}

#[tokio::test]
async fn a_prefix_stands_before_everything() {
    let mut prefixed = settings();
    prefixed.route_prefix = "/prom".into();
    let api = Api::new(MemoryStore::new(), prefixed);
    assert_eq!(api.get("/prom/api/v1/query?query=1").await.status, 200);
    assert_eq!(api.get("/prom/-/healthy").await.status, 200);
    assert_eq!(api.get("/api/v1/query?query=1").await.status, 404);
    let sent_on = api.get("/").await;
    assert_eq!(sent_on.status, 302);
    assert_eq!(sent_on.headers["location"], "/prom/");
    for home in ["/prom", "/prom/"] {
        assert_eq!(api.get(home).await.status, 200, "{home}");
    }
}

#[tokio::test]
async fn targets_are_told() {
    let api = house();
    let data = &api.get("/api/v1/targets").await.json()["data"];
    assert_eq!(
        data["activeTargets"][0],
        json!({
            "discoveredLabels": {"__address__": "localhost:9100"},
            "labels": {"job": "node", "instance": "localhost:9100"},
            "scrapePool": "node",
            "scrapeUrl": "http://localhost:9100/metrics",
            "globalUrl": "http://localhost:9100/metrics",
            "lastError": "a < b",
            "lastScrape": "2017-07-14T02:40:00.000000001Z",
            "lastScrapeDuration": 0.07,
            "health": "down",
            "scrapeInterval": "1m30s",
            "scrapeTimeout": "10s",
        })
    );
    assert_eq!(data["droppedTargets"][0]["scrapePool"], "node");
    assert_eq!(data["droppedTargetCounts"], json!({"node": 3}));
    let counts = async |query: &str| {
        let data = &api.get(&format!("/api/v1/targets?{query}")).await.json()["data"];
        let len = |key: &str| data[key].as_array().map(Vec::len).unwrap();
        (len("activeTargets"), len("droppedTargets"))
    };
    assert_eq!(counts("state=Active").await, (1, 0));
    assert_eq!(counts("state=dropped").await, (0, 1));
    assert_eq!(counts("state=any").await, (1, 1));
    assert_eq!(counts("state=else").await, (0, 0));
    assert_eq!(counts("scrapePool=other").await, (0, 0));
    let pools = api.get("/api/v1/scrape_pools").await.json();
    assert_eq!(pools["data"], json!({"scrapePools": ["node"]}));
}

#[tokio::test]
async fn metadata_is_told_once_each() {
    let api = house();
    let gauge = |help: &str| json!({"type": "gauge", "help": help, "unit": ""});
    let check = async |query: &str, expected: Value| {
        let answer = api.get(&format!("/api/v1/metadata?{query}")).await;
        assert_eq!(answer.json()["data"], expected, "{query}");
    };
    let threads = json!([gauge("Threads."), gauge("Number of threads.")]);
    check("metric=go_threads", json!({ "go_threads": threads })).await;
    check("", json!({ "go_threads": threads, "go_info": [gauge("About Go.")] })).await;
    check("limit=1", json!({ "go_info": [gauge("About Go.")] })).await;
    check("metric=none", json!({})).await;
    check("metric=go_threads&limit_per_metric=1", json!({"go_threads": [gauge("Threads.")]})).await;
    let query = form(&[("match_target", "{job=\"b\"}"), ("metric", "go_threads")]);
    let answer = api.get(&format!("/api/v1/targets/metadata?{query}")).await;
    let expected = json!([{
        "target": {"job": "b"}, "type": "gauge", "help": "Number of threads.", "unit": ""
    }]);
    assert_eq!(answer.json()["data"], expected);
    let answer = api.get("/api/v1/targets/metadata?limit=1").await.json();
    assert_eq!(answer["data"][0]["metric"], "go_threads");
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn queries_are_formatted_and_parsed() {
    let api = house();
    let answer = api.get("/api/v1/format_query?query=sum(rate(a[1m]))by(b)").await;
    assert_eq!(answer.json()["data"], "sum by (b) (rate(a[1m]))");
    let query =
        form(&[("query", "-foo{a!=\"b\"} offset 5m * on(x) group_left(y) sum(rate(bar[1h:1m]))")]);
    let tree = &api.get(&format!("/api/v1/parse_query?{query}")).await.json()["data"];
    assert_eq!(tree["type"], "binaryExpr");
    assert_eq!(tree["matching"]["card"], "many-to-one");
    assert_eq!(tree["lhs"]["expr"]["offset"], 300_000);
    assert_eq!(
        tree["lhs"]["expr"]["matchers"][0],
        json!({"name": "a", "value": "b", "type": "!="})
    );
    assert_eq!(tree["rhs"]["expr"]["func"]["name"], "rate");
    assert_eq!(tree["rhs"]["expr"]["args"][0]["range"], 3_600_000);
    let deep = form(&[("query", &("(".repeat(2000) + "1" + &")".repeat(2000)))]);
    let answer = api.get(&format!("/api/v1/parse_query?{deep}")).await;
    assert!(answer.status >= 400, "{}", answer.status);
}

#[tokio::test]
async fn exemplars_of_every_selector() {
    let store = load("load 1m\n  lamp{room=\"hall\"} 1\n  lamp{room=\"attic\"} 1\n");
    let spec = GroupSpec {
        source: Source::Scrape,
        key: "house".into(),
        common: Labels::default(),
        absence: Absence::EndsSeries,
    };
    for room in ["hall", "attic"] {
        let labels = Labels::from_pairs([("__name__", "lamp"), ("room", room)]);
        let mut group = store.open_group(&spec).unwrap();
        let (column, _) = group.column(&labels).unwrap();
        let exemplar = |value, t_ms| Exemplar {
            labels: Labels::from_pairs([("trace_id", room)]),
            value,
            t_ms,
        };
        group
            .add_exemplars(column, &[exemplar(0.5, 1_000), exemplar(f64::INFINITY, 2_500)])
            .unwrap();
    }
    let api = Api::new(store, settings());
    let get = async |query: &str, more: &str| {
        let query = form(&[("query", query)]);
        api.get(&format!("/api/v1/query_exemplars?{query}{more}")).await.json()["data"].clone()
    };
    let hall = json!([{
        "seriesLabels": {"__name__": "lamp", "room": "hall"},
        "exemplars": [{"labels": {"trace_id": "hall"}, "value": "+Inf", "timestamp": 2.5}],
    }]);
    assert_eq!(get("sum(rate(lamp{room='hall'}[5m]))", "&start=2&end=3").await, hall);
    let both = get("lamp{room='hall'} / lamp{room='attic'}", "").await;
    assert_eq!(both.as_array().map(Vec::len), Some(2), "{both}");
    assert_eq!(both[0]["seriesLabels"]["room"], "attic");
    assert_eq!(both[0]["exemplars"][0]["value"], "0.5");
    assert_eq!(get("lamp", "&start=10").await, json!([]));
    assert_eq!(api.get("/api/v1/query_exemplars?query=up").await.json()["data"], json!([]));
    assert_eq!(api.get("/api/v1/query_exemplars?query=1").await.status, 204);
}

#[tokio::test]
async fn federation_tells_the_newest() {
    let api = house();
    let answer = api.get("/federate?match[]=lamp").await;
    let attic = "lamp{room=\"attic\",cluster=\"a\",instance=\"\"} 5 6000000\n";
    let hall = "lamp{room=\"hall\",cluster=\"a\",instance=\"\"} 100 6000000\n";
    assert_eq!(answer.text(), format!("# TYPE lamp untyped\n{attic}{hall}"));
    assert_eq!(api.get("/federate").await.text(), "");
    assert_eq!(api.get("/federate?match[]=(").await.status, 400);
}

/// A database that hangs or panics when it is read.
struct Trouble {
    panics: bool,
    /// Set when the reader was told to stop.
    stopped: Arc<AtomicBool>,
}

impl Queryable for Trouble {
    fn querier(&self, _range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        assert!(!self.panics, "on purpose");
        Ok(Arc::new(Slow(Arc::clone(&self.stopped))))
    }
}

impl ExemplarQueryable for Trouble {
    fn exemplars(
        &self,
        _selectors: &[Vec<Matcher>],
        _range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, Error> {
        Err(Error::NotReady)
    }
}

impl Database for Trouble {
    fn head_stats(&self, _limit: usize) -> Result<HeadStats, Error> {
        Err(Error::NotReady)
    }

    fn snapshot(&self, _folder: &Path) -> Result<(), Error> {
        Err(Error::NotReady)
    }
}

/// Many series; reading one takes a moment. Dropped when the query has ended.
struct Slow(Arc<AtomicBool>);

impl Drop for Slow {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Querier for Slow {
    fn select(&self, _: &[Matcher], _: &SelectHints) -> Result<Box<dyn SeriesSet>, Error> {
        Ok(Box::new(SlowSet))
    }

    fn label_names(&self, _query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    fn label_values(&self, _name: &str, _query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}

struct SlowSet;

impl SeriesSet for SlowSet {
    fn len(&self) -> usize {
        100_000
    }

    fn labels(&self, series: usize) -> Labels {
        Labels::from_pairs([("__name__", "slow"), ("i", &series.to_string())])
    }

    fn read(&self, _: usize, _: TimeRange, sink: &mut dyn SampleSink) -> Result<(), Error> {
        std::thread::park_timeout(Duration::from_millis(1));
        sink.floats(&[NOW_MS], &[1.0]);
        Ok(())
    }
}

fn trouble(panics: bool) -> (Api, Arc<AtomicBool>) {
    let stopped = Arc::new(AtomicBool::new(false));
    let database = Trouble { panics, stopped: Arc::clone(&stopped) };
    (Api::over(Arc::new(database), settings()), stopped)
}

#[tokio::test]
async fn a_panic_ends_its_query_only() {
    let (api, _) = trouble(true);
    let (status, kind, _) = error(&api.get("/api/v1/query?query=up").await);
    assert_eq!((status, &*kind), (500, "internal"));
    assert_eq!(api.metrics().panics.get(), 1);
    assert_eq!(api.get("/api/v1/query?query=1").await.status, 500);
    assert_eq!(error(&api.get("/api/v1/labels").await).1, "internal");
    assert_eq!(api.metrics().panics.get(), 3);
}

#[tokio::test]
async fn a_slow_query_times_out() {
    let (api, _) = trouble(false);
    let (status, kind, message) =
        error(&api.get("/api/v1/query?query=sum(slow)&timeout=100ms").await);
    assert_eq!((status, &*kind), (503, "timeout"));
    assert!(message.contains("query timed out in"), "{message}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_query() {
    let (api, stopped) = trouble(false);
    let request = Request::get("/api/v1/query?query=sum(slow)").body(Body::empty()).unwrap();
    let left = tokio::time::timeout(Duration::from_millis(50), api.send(request)).await;
    assert!(left.is_err(), "the query was not slow");
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !stopped.load(Ordering::SeqCst) {
        assert!(std::time::Instant::now() < deadline, "the query went on without its client");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn notifications_are_a_list() {
    let api = house();
    assert_eq!(api.get("/api/v1/notifications").await.json()["data"], json!([]));
    api.state.notices().post("it rains", 1_000);
    let expected = json!([{"text": "it rains", "date": "1970-01-01T00:00:01Z", "active": true}]);
    assert_eq!(api.get("/api/v1/notifications").await.json()["data"], expected);
}
