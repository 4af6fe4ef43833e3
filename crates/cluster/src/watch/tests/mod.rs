//! Watches against an API server on loopback, which tells of what is asked and can be made to fail.

mod following;
mod lists;
mod reading;
mod trouble;

use super::{Changes, Following, Key, Kind, Metrics, Pace, Scope, Watches};
use crate::access::{Access, Origin};
use apiserver::ApiServer;
use client::{Dialer, HttpConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What a test waits for comes within this time, or never.
const PATIENCE: Duration = Duration::from_secs(20);

/// An object that is not read in any odd form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Thing {
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    n: u16,
    text: String,
}

/// Everything as in earnest, but fast.
fn fast() -> Pace {
    Pace {
        first: Duration::from_millis(20),
        longest: Duration::from_millis(100),
        slow: Duration::from_millis(50),
        page: 3,
        ..Pace::default()
    }
}

struct Test {
    server: ApiServer,
    watches: Watches,
    metrics: Arc<Metrics>,
}

impl Test {
    async fn new() -> Self {
        Self::with_pace(fast()).await
    }

    async fn with_pace(pace: Pace) -> Self {
        let server = ApiServer::start().await.unwrap();
        let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
        let access = Access::new(&origin, &Dialer::net(64), "rushlight/test").unwrap();
        let metrics = Arc::new(Metrics::default());
        let watches = Watches::with_pace(access.client(), Arc::clone(&metrics), pace);
        Self { server, watches, metrics }
    }

    fn pods(&self) -> Following<Thing> {
        self.watches.follow(&Kind::PODS, Scope::all())
    }

    fn monitors(&self) -> Following<Thing> {
        self.watches.follow(&Kind::SERVICE_MONITORS, Scope::all())
    }

    /// Makes or changes pods of the namespace `a`.
    fn apply(&self, pods: &[(&str, u16)]) {
        for (name, n) in pods {
            self.server.apply(&pod("a", name, &json!({"n": n})));
        }
    }

    fn delete(&self, name: &str) {
        assert!(self.server.delete("pods", "a", name));
    }

    /// How often pods were asked for by a verb.
    fn asked(&self, verb: &str) -> u64 {
        self.server.asked(verb, "pods")
    }

    fn relists(&self) -> u64 {
        self.metrics.counts(&Kind::PODS).relists.get()
    }
}

fn pod(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name},
           "spec": spec})
}

fn monitor(name: &str, n: u16) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
           "metadata": {"namespace": "a", "name": name}, "spec": {"n": n}})
}

/// Names and numbers of what is there.
fn seen(following: &Following<Thing>) -> String {
    let mut all = Vec::new();
    following.for_each(|key, held| {
        let n = held.object.as_ref().map_or("?".to_owned(), |thing| thing.spec.n.to_string());
        all.push(format!("{key}={n}"));
    });
    all.join(" ")
}

async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(PATIENCE, what).await.expect("comes in time")
}

/// Waits until this is there.
#[track_caller]
fn until<'a>(
    following: &'a mut Following<Thing>,
    expected: &'a str,
) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let come = async {
            while seen(following) != expected {
                following.changes().await;
            }
        };
        if tokio::time::timeout(PATIENCE, come).await.is_err() {
            panic!("{caller}: expected {expected:?}, not {:?}: {following:?}", seen(following));
        }
    }
}

/// Waits until something else than a follower's objects is so.
#[track_caller]
fn eventually(is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let come = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, come).await.is_ok(), "{caller}: never so");
    }
}

fn keys<'a>(names: impl IntoIterator<Item = &'a str>) -> Changes {
    Changes::Keys(names.into_iter().map(|name| Key::new("a", name)).collect::<BTreeSet<_>>())
}
