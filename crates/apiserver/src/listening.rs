//! Connections: taken, secured, served, and cut.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A listener and its connections.
pub(crate) struct Listening {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Listening {
    pub(crate) fn begin(listener: TcpListener, app: Router, tls: Option<TlsAcceptor>) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (stopped, connections) = (stop.clone(), tasks.clone());
        tasks.spawn(async move {
            let accept = async {
                // A connection that could not be taken is its client's to try again.
                loop {
                    if let Ok((stream, _)) = listener.accept().await {
                        stream.set_nodelay(true).ok(); // slower without
                        let serve = connection(stream, app.clone(), tls.clone());
                        let stopped = stopped.clone();
                        connections.spawn(async move {
                            stopped.run_until_cancelled_owned(serve).await;
                        });
                    }
                }
            };
            stopped.run_until_cancelled(accept).await;
        });
        tasks.close();
        Self { stop, tasks }
    }

    /// Ends all; who waits for the tasks knows that the port is free.
    pub(crate) fn stop(&self) -> TaskTracker {
        self.stop.cancel();
        self.tasks.clone()
    }
}

async fn connection(stream: tokio::net::TcpStream, app: Router, tls: Option<TlsAcceptor>) {
    match tls {
        None => serve(stream, app).await,
        Some(tls) => {
            // Who does not get through the handshake is told so by it.
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, app).await;
            }
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, app: Router) {
    let builder = Builder::new(TokioExecutor::new());
    let service = TowerToHyperService::new(app);
    builder.serve_connection(TokioIo::new(stream), service).await.ok(); // the client may be gone
}
