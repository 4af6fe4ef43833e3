//! Against a server with sockets.

use super::*;
use crate::access::{Origin, in_cluster};
use apiserver::ApiServer;
use futures_util::TryStreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}})
}

fn access_to(server: &ApiServer, max_connections: usize) -> Access {
    access(&server.url(), HttpConfig::default(), &Dialer::net(max_connections))
}

fn pods(access: &Access) -> Api<Pod> {
    Api::namespaced(access.client(), "a")
}

#[tokio::test]
async fn lists_and_watches() {
    let server = ApiServer::start().await.unwrap();
    server.apply(&pod("x"));
    let access = access_to(&server, 2);
    let pods = pods(&access);
    let list = pods.list(&ListParams::default()).await.unwrap();
    let version = list.metadata.resource_version.unwrap();
    assert_eq!(list.items[0].metadata.name.as_deref(), Some("x"));
    let mut watch = Box::pin(pods.watch(&WatchParams::default(), &version).await.unwrap());
    for name in ["y", "z"] {
        server.apply(&pod(name));
        let event = timeout(PATIENCE, watch.try_next()).await.unwrap().unwrap();
        let Some(WatchEvent::Added(added)) = event else { panic!("{event:?}") };
        assert_eq!(added.metadata.name.as_deref(), Some(name));
    }
    server.hang_up();
    assert!(timeout(PATIENCE, watch.try_next()).await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_watch_that_is_dropped_gives_up_its_connection() {
    let server = ApiServer::start().await.unwrap();
    let access = access_to(&server, 1);
    let watch = pods(&access).watch(&WatchParams::default(), "0").await.unwrap();
    let error = get(&access, PODS).await.unwrap_err().to_string();
    assert!(error.contains("all 1 connections"), "{error}");
    drop(watch);
    let freed = async { while get(&access, PODS).await.is_err() {} };
    timeout(PATIENCE, freed).await.unwrap();
}

#[tokio::test]
async fn a_token_that_changes_is_used_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "old\n").unwrap();
    let server = ApiServer::start().await.unwrap();
    server.trouble().tokens(["old"]);
    let access = access(&server.url(), with_token(&file), &Dialer::net(2));
    assert_eq!(code(get(&access, PODS).await), 200);
    server.trouble().tokens(["new"]);
    assert_eq!(code(get(&access, PODS).await), 401);
    // As the kubelet does it: another file in its place.
    let next = folder.path().join("next");
    std::fs::write(&next, "new\n").unwrap();
    std::fs::rename(&next, &file).unwrap();
    assert_eq!(code(get(&access, PODS).await), 200);
    std::fs::remove_file(&file).unwrap();
    let error = get(&access, PODS).await.unwrap_err().to_string();
    assert!(
        error.contains("authorization credentials file") && error.contains("no such file"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_may_go_and_come_back() {
    let server = ApiServer::start().await.unwrap();
    let url = server.url();
    let access = access_to(&server, 4);
    assert_eq!(code(get(&access, PODS).await), 200);
    let watch = pods(&access).watch(&WatchParams::default(), "0").await.unwrap();
    drop(server);
    let events: Vec<_> = timeout(PATIENCE, watch.try_collect()).await.unwrap().unwrap();
    assert!(events.is_empty());
    let gone = async { while get(&access, PODS).await.is_ok() {} };
    timeout(PATIENCE, gone).await.unwrap();
    let address = url.strip_prefix("http://").unwrap().parse().unwrap();
    let _server = ApiServer::start_on(address).await.unwrap();
    assert_eq!(code(get(&access, PODS).await), 200);
}

#[tokio::test]
async fn a_kubeconfig_leads_there() {
    let server = ApiServer::start().await.unwrap();
    server.trouble().tokens(["word"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "word").unwrap();
    let file = folder.path().join("config");
    let text = json!({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u", "namespace": "mine"}}],
        "clusters": [{"name": "k", "cluster": {"server": server.url()}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    });
    std::fs::write(&file, text.to_string()).unwrap();
    let access = Access::new(&Origin::Kubeconfig(file), &Dialer::net(2), "test").unwrap();
    assert_eq!(access.own_namespace(), Some("mine"));
    assert_eq!(access.client().default_namespace(), "mine");
    assert_eq!(code(get(&access, PODS).await), 200);
}

#[tokio::test]
async fn a_service_account_leads_there() {
    let server = ApiServer::start_tls().await.unwrap();
    server.trouble().tokens(["word"]);
    let folder = tempfile::tempdir().unwrap();
    server.service_account(folder.path(), "mine", "word").unwrap();
    let (host, port) = server
        .url()
        .strip_prefix("https://")
        .and_then(|at| at.split_once(':'))
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    let variable = |name: &str| match name {
        "KUBERNETES_SERVICE_HOST" => Some(host.clone()),
        "KUBERNETES_SERVICE_PORT" => Some(port.clone()),
        _ => None,
    };
    let way = in_cluster::way(folder.path(), variable).unwrap();
    let access = Access::by(way, &Dialer::net(4), "test").unwrap();
    assert_eq!(access.own_namespace(), Some("mine"));
    assert_eq!(code(get(&access, PODS).await), 200);
    // Whoever is signed by somebody else is not the server.
    let other = ApiServer::start_tls().await.unwrap();
    std::fs::write(folder.path().join("ca.crt"), other.ca_pem()).unwrap();
    let error = get(&access, PODS).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    std::fs::write(folder.path().join("ca.crt"), server.ca_pem()).unwrap();
    assert_eq!(code(get(&access, PODS).await), 200);
}
