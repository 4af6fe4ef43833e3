//! Bounds of connections.

use super::patience::{Activity, CROWDED, HEAD, Watched};
use super::{Limits, Patience, connection, serve};
use crate::web::Current;
use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

const MINUTES: Duration = Duration::from_secs(300);

/// How long a client is waited for.
async fn waited(activity: &Activity, crowd: &watch::Sender<usize>) -> Duration {
    let begin = Instant::now();
    activity.ended(MINUTES, crowd.subscribe()).await;
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_client_has_seconds_for_a_head_and_minutes_between_requests() {
    let crowd = watch::Sender::new(0);
    let near = |found: Duration, expected: Duration| {
        assert!(found >= expected && found < expected + HEAD / 5, "{found:?}, not {expected:?}");
    };
    let activity = Activity::new();
    near(waited(&activity, &crowd).await, HEAD);

    let begun = Activity::begin(&activity);
    let hour = Duration::from_secs(3600);
    timeout(hour, waited(&activity, &crowd)).await.expect_err("idle while a request runs");
    drop(begun);
    near(waited(&activity, &crowd).await, MINUTES);

    // Half a head on a connection that was idle.
    let activity = Activity::new();
    drop(Activity::begin(&activity));
    let (ours, mut theirs) = tokio::io::duplex(64);
    let mut watched =
        Watched { stream: ours, activity: Arc::clone(&activity), reads_are_requests: true };
    theirs.write_all(b"GET").await.unwrap();
    watched.read_exact(&mut [0; 3]).await.unwrap();
    near(waited(&activity, &crowd).await, HEAD);

    // An answer that nobody takes.
    let begun = Activity::begin(&activity);
    timeout(hour, watched.write_all(&[0; 1000])).await.expect_err("nobody reads");
    near(waited(&activity, &crowd).await, Duration::ZERO);
    drop(begun);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_gives_way_to_a_crowd() {
    let crowd = watch::Sender::new(0);
    let activity = Activity::new();
    drop(Activity::begin(&activity));
    let waiting = async {
        tokio::time::sleep(CROWDED * 10).await;
        crowd.send_modify(|waiting| *waiting += 1);
        std::future::pending::<()>().await
    };
    let found = tokio::select! {
        found = waited(&activity, &crowd) => found,
        () = waiting => unreachable!(),
    };
    assert!(found >= CROWDED * 10 && found < CROWDED * 12, "{found:?}");
}

/// Starts a server of few places, where everything is found nowhere.
async fn server(max_connections: usize, stop: &CancellationToken) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { max_connections, read_timeout: MINUTES, drain: Duration::ZERO };
    let web = Arc::new(Current::plain());
    tokio::spawn(serve(vec![listener], Router::new(), web, limits, stop.clone()));
    address
}

async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn clients_that_keep_their_places_do_not_lock_others_out() {
    let stop = CancellationToken::new();
    let address = server(8, &stop).await;
    let mut kept = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert_eq!(ask(&mut stream).await, "HTTP/1.1 404");
        kept.push(stream);
    }
    let mut late = TcpStream::connect(address).await.unwrap();
    let answer = timeout(HEAD, ask(&mut late)).await.expect("a place");
    assert_eq!(answer, "HTTP/1.1 404");
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn clients_that_say_half_a_head_do_not_lock_others_out() {
    let stop = CancellationToken::new();
    let address = server(512, &stop).await;
    let mut slow = Vec::new();
    for _ in 0..512 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n").await.unwrap();
        slow.push(stream);
    }
    let begin = Instant::now();
    let mut late = TcpStream::connect(address).await.unwrap();
    assert_eq!(ask(&mut late).await, "HTTP/1.1 404");
    assert!(begin.elapsed() < HEAD * 2, "{:?}", begin.elapsed());
    stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let path = folder.path().join("web.yml");
    std::fs::write(&path, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}").unwrap();
    let web = Arc::new(Current::open(&path, |_| {}).unwrap());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let begin = Instant::now();
    let watcher = GracefulShutdown::new().watcher();
    let patience = Patience { idle: MINUTES, crowd: watch::Sender::new(0).subscribe() };
    let stop = CancellationToken::new();
    connection::run(stream, Router::new(), &web, patience, watcher, stop).await;
    assert!(begin.elapsed() < Duration::from_secs(11), "{:?}", begin.elapsed());
}
