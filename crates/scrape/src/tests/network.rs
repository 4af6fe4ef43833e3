//! Real sockets, real time: waits for conditions, with a deadline.

use super::world::samples;
use crate::{Manager, Metrics, Options};
use discovery::{ADDRESS, Group, Snapshot};
use model::Labels;
use std::sync::Arc;
use std::time::Duration;
use testkit::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

const DEADLINE: Duration = Duration::from_secs(30);

async fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "{what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Answers every request with the page.
async fn exporter(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let page = page.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while stream.read_buf(&mut request).await.is_ok_and(|n| n > 0) {
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                            page.len()
                        );
                        stream.write_all(head.as_bytes()).await.unwrap();
                        stream.write_all(page.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_targets_go_on_beside_hanging_ones() {
    let long: String = (0..100).map(|i| format!("m{{number=\"{i}\"}} {i}\n")).collect();
    let long = long + &"# comment\n".repeat(120_000);
    assert!(long.len() > 1 << 20);
    let healthy = exporter("a 1\n".into()).await;
    let large = exporter(long).await;
    // Accepts by its backlog and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_address = silent.local_addr().unwrap().to_string();
    let store = MemoryStore::new();
    let manager =
        Manager::new(Arc::new(store.clone()), Arc::<Metrics>::default(), Options::default());
    manager.apply(super::world::jobs(
        "- {job_name: j, scrape_interval: 500ms, scrape_timeout: 500ms}",
    ));
    let target = |address: &String| Labels::from_pairs([(ADDRESS, address)]);
    let group = Group {
        source: "test".into(),
        labels: Labels::empty(),
        targets: [&healthy, &large, &silent_address].into_iter().map(target).collect(),
    };
    let jobs = [("j".to_owned(), [Arc::new(group)].into())].into();
    manager.set_targets(Arc::new(Snapshot { jobs }));
    let count = |address: &str, value| {
        samples(&store, "up", address).iter().filter(|(_, up)| *up == Some(value)).count()
    };
    wait_for("the healthy one is scraped", || count(&healthy, 1.0) >= 3).await;
    wait_for("the silent one is found out", || count(&silent_address, 0.0) >= 2).await;
    wait_for("the large one is read", || count(&large, 1.0) >= 1).await;
    assert!(manager.shutdown(DEADLINE).await);
    assert_eq!(count(&silent_address, 1.0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_behind_a_socket_in_the_file_system() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("target.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while stream.read_buf(&mut request).await.is_ok_and(|n| n > 0) {
            if request.ends_with(b"\r\n\r\n") {
                assert!(request.starts_with(b"GET /metrics HTTP/1.1\r\nHost: named:1\r\n"));
                request.clear();
                let answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\
                               Content-Length: 4\r\n\r\na 1\n";
                stream.write_all(answer).await.unwrap();
            }
        }
    });
    let store = MemoryStore::new();
    let manager =
        Manager::new(Arc::new(store.clone()), Arc::<Metrics>::default(), Options::default());
    manager.apply(super::world::jobs("- {job_name: j, scrape_interval: 500ms}"));
    let own = [(ADDRESS, "named:1"), ("__unix_socket__", path.to_str().unwrap())];
    let targets = vec![Labels::from_pairs(own)];
    let group = Group { source: "test".into(), labels: Labels::empty(), targets };
    let jobs = [("j".to_owned(), [Arc::new(group)].into())].into();
    manager.set_targets(Arc::new(Snapshot { jobs }));
    let good = || samples(&store, "a", "named:1").iter().any(|(_, a)| *a == Some(1.0));
    wait_for("it is scraped", good).await;
    assert!(manager.shutdown(DEADLINE).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_that_leads_to_itself_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(async move {
        for requests in 1_usize.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut request).await.unwrap();
            }
            let answer = b"HTTP/1.1 302 Found\r\nLocation: /m\r\nContent-Length: 0\r\n\
                           Connection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            println!("{requests} requests");
        }
    });
    let store = MemoryStore::new();
    let manager =
        Manager::new(Arc::new(store.clone()), Arc::<Metrics>::default(), Options::default());
    manager.apply(super::world::jobs("- {job_name: j, scrape_interval: 2s}"));
    let targets = vec![Labels::from_pairs([(ADDRESS, &address)])];
    let group = Group { source: "test".into(), labels: Labels::empty(), targets };
    let jobs = [("j".to_owned(), [Arc::new(group)].into())].into();
    manager.set_targets(Arc::new(Snapshot { jobs }));
    let error = || manager.snapshot().pools[0].active[0].status().last_error;
    wait_for("it is scraped", || error().is_some()).await;
    assert!(error().unwrap().contains("stopped after 10 redirects"), "{:?}", error());
    server.abort();
    assert!(manager.shutdown(DEADLINE).await);
}
