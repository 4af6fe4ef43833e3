//! HTTP/2, where both sides can.

use super::bodies::gzip;
use super::*;
use bytes::Bytes;

/// Answers over HTTP/2 by the path; counts connections and keeps the heads of requests.
async fn serve_http2(config: rustls::ServerConfig) -> Server {
    let mut config = config;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = Server { address, requests: Arc::default(), connections: Arc::default() };
    let (requests, connections) = (server.requests.clone(), server.connections.clone());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            *connections.lock().unwrap() += 1;
            let (acceptor, requests) = (acceptor.clone(), requests.clone());
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.unwrap();
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    requests.lock().unwrap().push(format!("{request:?}"));
                    let path = request.uri().path().to_owned();
                    let response = http::Response::builder();
                    let (response, body) = match path.as_str() {
                        "/big" => (response, vec![b'x'; 3 << 20]),
                        "/gzip" => {
                            (response.header("content-encoding", "gzip"), gzip(&[b'x'; 500_000]))
                        }
                        "/missing" => (response.status(404), b"no".to_vec()),
                        "/moved" => (response.status(302).header("location", "/big"), Vec::new()),
                        "/reset" => {
                            respond.send_reset(h2::Reason::INTERNAL_ERROR);
                            continue;
                        }
                        "/away" => {
                            connection.graceful_shutdown();
                            (response, b"last".to_vec())
                        }
                        _ => (response, b"small".to_vec()),
                    };
                    let sent = respond.send_response(response.body(()).unwrap(), false);
                    sent.unwrap().send_data(Bytes::from(body), true).unwrap();
                }
            });
        }
    });
    server
}

#[test]
fn all_over_one_connection() {
    run(async {
        let authority = Authority::new("ca");
        let server = serve_http2(authority.issue(&["localhost"], |_| {}).server()).await;
        let pem = serde_json::to_string(&authority.pem).unwrap();
        let keys = format!("{{bearer_token: t0ken, tls_config: {{ca: {pem}}}}}");
        let mut session = client(&keys).session();
        let get = |path: &str| server.https() + path;
        assert_eq!(fetch(&mut session, &get(""), 100).await.unwrap(), "small");
        assert_eq!(fetch(&mut session, &get("big"), 10 << 20).await.unwrap().len(), 3 << 20);
        assert_eq!(fetch(&mut session, &get("gzip"), 10 << 20).await.unwrap().len(), 500_000);
        let error = fetch(&mut session, &get("missing"), 100).await.unwrap_err().to_string();
        assert_eq!(error, "server returned HTTP status 404 Not Found");
        let error = fetch(&mut session, &get("big"), 1 << 20).await.unwrap_err();
        assert!(matches!(error, FetchError::BodyLimit(_)), "{error}");
        let error = fetch(&mut session, &get("gzip"), 1 << 18).await.unwrap_err();
        assert!(matches!(error, FetchError::BodyLimit(_)), "{error}");
        assert_eq!(fetch(&mut session, &get("moved"), 10 << 20).await.unwrap().len(), 3 << 20);
        let error = fetch(&mut session, &get("reset"), 100).await.unwrap_err().to_string();
        assert!(error.starts_with("http2: "), "{error}");
        assert_eq!(fetch(&mut session, &get(""), 100).await.unwrap(), "small");
        assert_eq!(server.connections(), 1);
        let request = &server.requests()[0];
        assert!(
            request.contains("\"authorization\": ") && request.contains("HTTP/2.0"),
            "{request}"
        );
        assert_eq!(fetch(&mut session, &get("away"), 100).await.unwrap(), "last");
        assert_eq!(fetch(&mut session, &get(""), 100).await.unwrap(), "small");
        assert_eq!(server.connections(), 2);
        let told = client(&keys).post(&get("told"), &[], b"something", 100).await.unwrap();
        assert_eq!(told.body, b"small");
    });
}

#[test]
fn only_when_allowed() {
    run(async {
        let authority = Authority::new("ca");
        let identity = authority.issue(&["localhost"], |_| {});
        let server = serve(Some(Arc::new(identity.server())), |_, _| known("", b"one")).await;
        let keys = |http2: bool| {
            let pem = serde_json::to_string(&authority.pem).unwrap();
            format!("{{enable_http2: {http2}, tls_config: {{ca: {pem}}}}}")
        };
        assert_eq!(fetch_once(&keys(true), &server.https()).await.unwrap(), "one");
        let mut both = identity.server();
        both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let server = serve(Some(Arc::new(both)), |_, _| known("", b"one")).await;
        assert_eq!(fetch_once(&keys(false), &server.https()).await.unwrap(), "one");
        assert!(server.requests()[0].contains("HTTP/1.1"));
    });
}
