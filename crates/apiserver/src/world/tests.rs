use super::{App, Scenario, World};
use crate::ApiServer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn app() -> App {
    let ports = BTreeMap::from([("metrics".to_owned(), 2269)]);
    let pages = BTreeMap::from([("metrics".to_owned(), "up_of{pod=\"$POD\"} 1\n".to_owned())]);
    App { namespace: "a".into(), name: "asr".into(), pods: 3, ports, pages, ..App::default() }
}

async fn world() -> World {
    let server = Arc::new(ApiServer::start().await.unwrap());
    World::new(server, Scenario { nodes: 2, apps: vec![app()] })
}

/// Addresses in slices: ready ones, and others.
fn in_slices(world: &World) -> (usize, usize) {
    let slice = world.server().get("endpointslices", "a", "asr-00000").unwrap();
    let endpoints = slice["endpoints"].as_array().unwrap().clone();
    let ready = endpoints.iter().filter(|one| one["conditions"]["ready"] == true).count();
    (ready, endpoints.len() - ready)
}

async fn ask(world: &World) -> String {
    let address = world.address("a", "asr", "metrics");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = "GET /metrics?m=1 HTTP/1.1\r\nAuthorization: Bearer x\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"1\n") {
        assert_ne!(stream.read_buf(&mut text).await.unwrap(), 0);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn objects_follow_pods() {
    let world = world().await;
    assert_eq!(in_slices(&world), (3, 0));
    world.set_ready("a", "asr", false);
    assert_eq!(in_slices(&world), (0, 3));
    let endpoints = world.server().get("endpoints", "a", "asr").unwrap();
    assert_eq!(endpoints["subsets"][0]["notReadyAddresses"].as_array().map(Vec::len), Some(3));
    world.set_ready("a", "asr", true);
    let before = world.pods("a", "asr");
    world.roll("a", "asr", Duration::ZERO).await;
    let after = world.pods("a", "asr");
    assert_eq!((after.len(), in_slices(&world)), (3, (3, 0)));
    assert!(after.iter().all(|new| before.iter().all(|old| old.name != new.name)));
    assert_eq!(world.server().get("pods", "a", &before[0].name), None);
    world.scale("a", "asr", 150);
    assert_eq!(in_slices(&world), (100, 0), "the rest is in another slice");
    world.scale("a", "asr", 1);
    assert_eq!(world.server().get("endpointslices", "a", "asr-00001"), None);
    let set = world.server().get("deployments", "a", "asr").unwrap();
    assert_eq!(set["status"]["readyReplicas"], Value::from(1));
    world.delete("a", "asr");
    assert_eq!(world.server().get("services", "a", "asr"), None);
    assert_eq!(world.server().get("endpointslices", "a", "asr-00000"), None);
}

#[tokio::test]
async fn exporters_answer_and_remember() {
    let world = world().await;
    let pod = world.pods("a", "asr")[0].name.clone();
    let text = ask(&world).await;
    assert!(text.contains(&format!("up_of{{pod=\"{pod}\"}} 1")), "{text}");
    let address = world.address("a", "asr", "metrics");
    let scrapes = world.pages().scrapes(address);
    assert_eq!((scrapes.count, scrapes.authorization.as_deref()), (1, Some("Bearer x")));
    assert!(world.pages().scrapes_of("/metrics?m=1").first.is_some());
    world.pages().set(address, "other 1\n");
    assert!(ask(&world).await.contains("other 1"));
    world.scale("a", "asr", 0);
    assert_eq!(world.pages().scrapes(address).count, 0);

    // One socket for all pods.
    let port = world.pages().everywhere("all 1\n").unwrap();
    let ports = BTreeMap::from([("metrics".to_owned(), port)]);
    world.deploy(App { ports, pages: BTreeMap::new(), ..app() });
    assert!(ask(&world).await.contains("all 1"));
}
