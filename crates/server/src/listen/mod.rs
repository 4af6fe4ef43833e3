//! Connections: accepted up to a cap, spoken HTTP with, over TLS if the web configuration says so,
//! drained at the end.
//!
//! Accepting never waits for a client: a handshake runs in the task of its connection, which has
//! its place under the cap from the first moment, and ten seconds for it. How long a client may
//! hold its place without a request stands in `patience`.

mod connection;
mod patience;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use socket::bind;

use crate::web::Current;
use axum::Router;
use connection::Patience;
use hyper_util::server::graceful::GracefulShutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Time between two tries when the process has run out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What connections must keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_connections: usize,
    /// For an idle connection.
    pub(crate) read_timeout: Duration,
    /// How long running requests may take once the process is to end.
    pub(crate) drain: Duration,
}

/// The connections there may be.
struct Places {
    free: Arc<Semaphore>,
    /// How many wait for one.
    crowd: watch::Sender<usize>,
}

impl Places {
    /// Waits for a place; idle connections give way meanwhile, and for good when it is dropped.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        self.crowd.send_modify(|waiting| *waiting += 1);
        let place = Arc::clone(&self.free).acquire_owned().await.ok();
        self.crowd.send_modify(|waiting| *waiting -= 1);
        place
    }
}

/// Serves until the token is cancelled and requests are drained.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    web: Arc<Current>,
    limits: Limits,
    stop: CancellationToken,
) {
    let places = Arc::new(Places {
        free: Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS))),
        crowd: watch::Sender::new(0),
    });
    let acceptors = TaskTracker::new();
    for listener in listeners {
        let (router, places, stop) = (router.clone(), Arc::clone(&places), stop.clone());
        let web = Arc::clone(&web);
        acceptors.spawn(async move { accept(listener, &router, &web, limits, places, stop).await });
    }
    acceptors.close();
    acceptors.wait().await;
}

async fn accept(
    listener: TcpListener,
    router: &Router,
    web: &Arc<Current>,
    limits: Limits,
    places: Arc<Places>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    while let Some((stream, place)) = next(&listener, &places, &stop).await {
        // Answers are small and complete; waiting for more only delays them.
        stream.set_nodelay(true).ok();
        let (router, web, watcher) = (router.clone(), Arc::clone(web), graceful.watcher());
        let stop = stop.clone();
        let patience = Patience { idle: limits.read_timeout, crowd: places.crowd.subscribe() };
        connections.spawn(async move {
            connection::run(stream, router, &web, patience, watcher, stop).await;
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(component = "web", "requests were still running at the end");
    }
}

/// A connection and its place; `None` when the process is to end. Cancel safe.
async fn next(
    listener: &TcpListener,
    places: &Places,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let place = places.take().await?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
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
