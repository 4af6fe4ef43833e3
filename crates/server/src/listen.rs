//! Connections: accepted up to a cap, spoken HTTP/1.1 with, drained at the end.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections wait in the kernel until one of ours ends.
const BACKLOG: i32 = 1024;
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

/// Opens all sockets, or none.
pub(crate) fn bind(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    addresses.iter().map(|address| bind_one(*address)).collect()
}

/// Opens a socket; `[::]` takes both families, or the old one where there is no other.
fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
    let any_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    match open(address) {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && no_such_family(&error) => {
            open(any_v4).map_err(named)
        }
        opened => opened.map_err(named),
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Whether a kernel without IPv6 said so.
fn no_such_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let without = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| without.contains(&code))
}

/// Serves until the token is cancelled and requests are drained.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let acceptors = TaskTracker::new();
    for listener in listeners {
        let (router, slots, stop) = (router.clone(), Arc::clone(&slots), stop.clone());
        acceptors.spawn(async move { accept(listener, &router, limits, slots, stop).await });
    }
    acceptors.close();
    acceptors.wait().await;
}

async fn accept(
    listener: TcpListener,
    router: &Router,
    limits: Limits,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let connections = TaskTracker::new();
    while let Some((stream, slot)) = next(&listener, &slots, &stop).await {
        // Answers are small and complete; waiting for more only delays them.
        stream.set_nodelay(true).ok();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.read_timeout)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(component = "web", %error, "a connection ended early");
            }
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
