//! One connection, from its first byte to its last.

use super::patience::{Activity, Counted, Watched};
use crate::web::Current;
use api::ClientAddress;
use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// How long a handshake may take: whoever says nothing has a place under the cap meanwhile.
const MAX_HANDSHAKE: Duration = Duration::from_secs(10);
/// Requests at once over one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;
/// Bytes of headers that a request of HTTP/2 may bring.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// How long a client is waited for.
pub(super) struct Patience {
    /// For the next request of a connection.
    pub(super) idle: Duration,
    /// How many wait for a place.
    pub(super) crowd: watch::Receiver<usize>,
}

/// Speaks with a client until one of both has had enough.
pub(super) async fn run(
    stream: TcpStream,
    router: Router,
    web: &Arc<Current>,
    patience: Patience,
    watcher: Watcher,
    stop: CancellationToken,
) {
    let client = stream.peer_addr().ok().map(|peer| ClientAddress(peer.ip()));
    let routes = Routes { router: TowerToHyperService::new(router), client };
    let spoken = if web.is_tls() {
        let most = patience.idle.min(MAX_HANDSHAKE);
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(most, handshake(stream, web)) => shaken,
            () = stop.cancelled() => return,
        };
        match shaken {
            Err(_) => Err("the handshake took too long".into()),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(stream)) => match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => speak_2(stream, routes, patience, watcher).await,
                _ => speak_1(stream, routes, patience, watcher).await,
            },
        }
    } else {
        speak_1(stream, routes, patience, watcher).await
    };
    if let Err(error) = spoken {
        tracing::debug!(component = "web", %error, "a connection ended early");
    }
}

/// The router, which is told who asks.
#[derive(Clone)]
struct Routes {
    router: TowerToHyperService<Router>,
    client: Option<ClientAddress>,
}

impl Service<Request<Incoming>> for Routes {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        if let Some(client) = self.client {
            request.extensions_mut().insert(client);
        }
        self.router.call(request)
    }
}

type Spoken = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a client that speaks plain HTTP is told before the connection is closed.
const WRONG_SCHEME: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n\
    This server speaks HTTPS; the request was one of HTTP.\n";

async fn handshake(mut stream: TcpStream, web: &Arc<Current>) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    // A method begins with a letter, a record of TLS never does.
    if first[0].is_ascii_uppercase() {
        // Closing on unread bytes would take the answer away again.
        let _taken = stream.read(&mut [0; 4096]).await?;
        stream.write_all(WRONG_SCHEME).await?;
        stream.shutdown().await?;
        return Err(io::Error::other("plain HTTP where TLS is spoken"));
    }
    let config = web.get().await;
    let tls = config.tls.clone().ok_or_else(|| io::Error::other("no TLS"))?;
    TlsAcceptor::from(tls).accept(stream).await
}

async fn speak_1<S>(stream: S, routes: Routes, patience: Patience, watcher: Watcher) -> Spoken
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let service = counted_service(routes, Arc::clone(&activity));
    let stream = Watched { stream, activity: Arc::clone(&activity), reads_are_requests: true };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Ours is shorter, and tells an idle connection from half a head.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        spoken = watcher.watch(connection) => Ok(spoken?),
        () = activity.ended(patience.idle, patience.crowd) => Ok(()),
    }
}

async fn speak_2<S>(stream: S, routes: Routes, patience: Patience, watcher: Watcher) -> Spoken
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let activity = Activity::new();
    let service = counted_service(routes, Arc::clone(&activity));
    let stream = Watched { stream, activity: Arc::clone(&activity), reads_are_requests: false };
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        spoken = watcher.watch(connection) => Ok(spoken?),
        () = activity.ended(patience.idle, patience.crowd) => Ok(()),
    }
}

/// The router, with its requests counted while they and their answers are on the way.
fn counted_service(
    routes: Routes,
    activity: Arc<Activity>,
) -> impl Service<
    Request<Incoming>,
    Response = http::Response<Counted<Body>>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> {
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let (answer, begun) = (routes.call(request), Activity::begin(&activity));
        async move { Ok(answer.await?.map(|body| Counted::new(body, begun))) }
    })
}
