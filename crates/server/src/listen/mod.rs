//! Connections: accepted up to a cap, spoken HTTP with, over TLS if the web configuration says so,
//! drained at the end.
//!
//! Accepting never waits for a client: a handshake runs in the task of its connection, which has
//! its place under the cap from the first moment, and ten seconds for it.

mod connection;
mod idle;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use socket::bind;

use crate::web::Current;
use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Time between two tries when the process has run out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What connections must keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    /// For the head of a request, and for an idle connection.
    pub(crate) read_timeout: Duration,
    /// How long running requests may take once the process is to end.
    pub(crate) drain: Duration,
}

/// Serves until the token is cancelled and requests are drained.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    web: Arc<Current>,
    limits: Limits,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let acceptors = TaskTracker::new();
    for listener in listeners {
        let (router, slots, stop) = (router.clone(), Arc::clone(&slots), stop.clone());
        let web = Arc::clone(&web);
        acceptors.spawn(async move { accept(listener, &router, &web, limits, slots, stop).await });
    }
    acceptors.close();
    acceptors.wait().await;
}

async fn accept(
    listener: TcpListener,
    router: &Router,
    web: &Arc<Current>,
    limits: Limits,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    while let Some((stream, slot)) = next(&listener, &slots, &stop).await {
        // Answers are small and complete; waiting for more only delays them.
        stream.set_nodelay(true).ok();
        let (router, web, watcher) = (router.clone(), Arc::clone(web), graceful.watcher());
        let stop = stop.clone();
        connections.spawn(async move {
            connection::run(stream, router, &web, limits.read_timeout, watcher, stop).await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(component = "web", "requests were still running at the end");
    }
}

/// A connection and its slot; `None` when the process is to end. Cancel safe.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let slot = Arc::clone(slots).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, slot)),
                Err(error) => {
                    tracing::warn!(component = "web", %error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => None,
        accepted = accepted => accepted,
    }
}
