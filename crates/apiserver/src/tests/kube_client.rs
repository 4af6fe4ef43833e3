//! kube's own client and watcher as the judge.

use super::monitor;
use crate::{ApiServer, Fit};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::events::v1::Event as Told;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client};
use serde_json::json;
use std::time::Duration;

fn client(server: &ApiServer) -> Client {
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
    let (http, address) = (http.build_http::<kube::client::Body>(), server.address());
    let service = tower::service_fn(move |mut request: http::Request<kube::client::Body>| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = format!("http://{address}{path}").parse().unwrap();
        http.request(request)
    });
    Client::new(service, "a")
}

fn monitors(client: Client) -> Api<DynamicObject> {
    let kind = GroupVersionKind::gvk("monitoring.coreos.com", "v1", "ServiceMonitor");
    Api::default_namespaced_with(client, &ApiResource::from_gvk(&kind))
}

/// Tries again without much ado.
struct Soon;

impl Iterator for Soon {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

impl Backoff for Soon {
    fn reset(&mut self) {}
}

/// What a watcher saw, as text.
struct Seen(BoxStream<'static, Result<Event<DynamicObject>, watcher::Error>>);

impl Seen {
    fn new(server: &ApiServer, config: Config) -> Self {
        Self(watch(monitors(client(server)), config).backoff(Soon).boxed())
    }

    /// The next event; errors with their first words.
    async fn next(&mut self) -> String {
        let next = tokio::time::timeout(Duration::from_secs(20), self.0.next());
        let name = |object: DynamicObject| object.metadata.name.unwrap();
        match next.await.expect("something happens").expect("it goes on") {
            Ok(Event::Init) => "init".into(),
            Ok(Event::InitApply(object)) => format!("there {}", name(object)),
            Ok(Event::InitDone) => "done".into(),
            Ok(Event::Apply(object)) => format!("apply {}", name(object)),
            Ok(Event::Delete(object)) => format!("delete {}", name(object)),
            Err(watcher::Error::WatchError(status)) => format!("status {}", status.code),
            Err(watcher::Error::InitialListFailed(_)) => "list failed".into(),
            Err(watcher::Error::WatchStartFailed(_)) => "start failed".into(),
            Err(watcher::Error::WatchFailed(_)) => "watch failed".into(),
            Err(error) => format!("{error}"),
        }
    }

    async fn expect(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.next().await, *expected);
        }
    }

    /// Waits for an event that comes after any number of others.
    async fn until(&mut self, expected: &str) {
        while self.next().await != expected {}
    }
}

async fn with_three() -> ApiServer {
    let server = ApiServer::start().await.unwrap();
    for name in ["m0", "m1", "m2"] {
        server.apply(&monitor(name, "x"));
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watcher_pages_follows_and_recovers() {
    let server = with_three().await;
    let mut seen = Seen::new(&server, Config::default().page_size(2));
    let all = ["init", "there m0", "there m1", "there m2", "done"];
    seen.expect(&all).await;
    assert_eq!(server.asked("list", "servicemonitors"), 2, "two pieces");
    server.apply(&monitor("m1", "y"));
    server.delete("servicemonitors", "a", "m0");
    seen.expect(&["apply m1", "delete m0"]).await;
    // Bookmarks keep it in the present, so that an end costs no list.
    server.hang_up();
    server.apply(&monitor("m3", "x"));
    seen.expect(&["apply m3"]).await;
    server.trouble().tell_twice(true);
    server.apply(&monitor("m4", "x"));
    seen.expect(&["apply m4", "apply m4"]).await;
    server.trouble().tell_twice(false);
    server.trouble().fit(Fit::HalfLine);
    server.apply(&monitor("m5", "x"));
    seen.until("apply m5").await;
    server.trouble().fit(Fit::Garbage);
    server.apply(&monitor("m6", "x"));
    seen.until("apply m6").await;
    server.trouble().fit(Fit::Error(500, "InternalError".into()));
    seen.until("status 500").await;
    server.apply(&monitor("m7", "x"));
    seen.until("apply m7").await;
    server.trouble().hang_watches(true);
    server.apply(&monitor("m8", "x"));
    let silent = tokio::time::timeout(Duration::from_millis(100), seen.next()).await;
    assert!(silent.is_err(), "{silent:?}");
    server.trouble().hang_watches(false);
    seen.expect(&["apply m8"]).await;
    assert_eq!(server.asked("list", "servicemonitors"), 2, "no list since");

    server.trouble().fit(Fit::Error(410, "Expired".into()));
    seen.expect(&["status 410", "init"]).await;
    seen.until("done").await;
    server.forget();
    server.apply(&monitor("m9", "x"));
    seen.until("there m9").await;
    seen.until("done").await;

    server.stop_listening().await;
    seen.until("start failed").await;
    server.apply(&monitor("n0", "x"));
    server.listen_again().await.unwrap();
    seen.until("apply n0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_watcher_streams_the_list_where_it_may() {
    let server = with_three().await;
    let mut seen = Seen::new(&server, Config::default().streaming_lists());
    seen.expect(&["init", "there m0", "there m1", "there m2", "done"]).await;
    assert_eq!(server.asked("list", "servicemonitors"), 0);
    server.apply(&monitor("m3", "x"));
    seen.expect(&["apply m3"]).await;
    server.trouble().no_initial_events(true);
    let mut refused = Seen::new(&server, Config::default().streaming_lists());
    refused.until("start failed").await;
    server.trouble().no_initial_events(false);
    server.trouble().answer_garbage(1);
    let mut late = Seen::new(&server, Config::default());
    late.until("list failed").await;
    late.until("done").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_writes_status_and_events() {
    let server = with_three().await;
    let api = monitors(client(&server));
    assert!(api.get_opt("none").await.unwrap().is_none());
    let first = api.get("m0").await.unwrap();
    let status = json!({"status": {"bindings": [{"name": "here", "conditions": []}]}});
    let params = PatchParams::default();
    let patched = api.patch_status("m0", &params, &Patch::Merge(&status)).await.unwrap();
    assert_eq!(patched.data["status"]["bindings"][0]["name"], "here");
    let generations = (first.metadata.generation, patched.metadata.generation);
    assert_eq!(generations, (Some(1), Some(1)));
    let steps = json!([{"op": "test", "path": "/status/bindings/0/name", "value": "there"}]);
    let request = http::Request::patch(format!("{}/m0/status", super::MONITORS))
        .header("content-type", "application/json-patch+json")
        .body(steps.to_string().into_bytes())
        .unwrap();
    let refused = client(&server).request::<serde_json::Value>(request).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 422));
    let refused = api.replace("m0", &PostParams::default(), &first).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.is_conflict()));
    let listed = api.list(&ListParams::default().labels("app=x").limit(2)).await.unwrap();
    assert_eq!((listed.items.len(), listed.metadata.remaining_item_count), (2, Some(1)));

    let events: Api<Told> = Api::default_namespaced(client(&server));
    let told = json!({"metadata": {"generateName": "m0."}, "reason": "InvalidConfiguration",
                      "action": "Sync", "type": "Warning", "note": "no", "eventTime": null});
    let told: Told = serde_json::from_value(told).unwrap();
    let made = events.create(&PostParams::default(), &told).await.unwrap();
    assert!(made.metadata.name.unwrap().starts_with("m0."));
    server.trouble().forbid_in("a", "create", "events");
    let refused = events.create(&PostParams::default(), &told).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.is_forbidden()));
}
