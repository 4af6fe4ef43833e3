//! Bounds of connections.

use super::{connection, idle::Activity};
use crate::web::Current;
use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_connection_with_a_request_is_not_idle() {
    let span = Duration::from_millis(20);
    let activity = Arc::new(Activity::default());
    let begun = Activity::begin(&activity);
    let waited = tokio::time::timeout(span * 10, activity.idle(span)).await;
    assert!(waited.is_err(), "idle while a request runs");
    drop(begun);
    tokio::time::timeout(Duration::from_secs(10), activity.idle(span)).await.expect("idle");
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
    let begin = tokio::time::Instant::now();
    let watcher = GracefulShutdown::new().watcher();
    let (minutes, stop) = (Duration::from_secs(300), CancellationToken::new());
    connection::run(stream, Router::new(), &web, minutes, watcher, stop).await;
    assert!(begin.elapsed() < Duration::from_secs(11), "{:?}", begin.elapsed());
}
