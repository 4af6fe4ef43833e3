//! Opening connections: looking up names, and how many of everything there may be at a time.

use crate::FetchError;
use crate::body::Rooms;
use crate::files::Vault;
use crate::place::join_host_and_port;
use socket2::{SockRef, TcpKeepalive};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Names being looked up at a time, each of which takes a thread.
const MAX_LOOKUPS: usize = 16;

/// Questions without an answer after which a connection is given up.
const MAX_PROBES: u32 = 3;

/// How long an address may take before another one of the same name is tried too; Go's.
const NEXT_ADDRESS: Duration = Duration::from_millis(300);

/// What bytes go over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Connects to an address in a way of its own.
type Connect = dyn Fn(&str) -> Box<dyn Stream> + Send + Sync;

/// Opens connections, for all clients of a process.
#[derive(Clone)]
pub struct Dialer {
    way: Way,
    manner: Manner,
    /// Where those that are being read have their room.
    pub(crate) rooms: Rooms,
    /// Where files are looked for before the disk.
    pub(crate) vault: Vault,
}

#[derive(Clone)]
enum Way {
    /// Over the network, or to a socket in the file system.
    Net(Arc<Lines>),
    /// Within the process.
    Within(Arc<Connect>),
}

/// How connections are opened and kept.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// So long a connection may take to come about.
    within: Option<Duration>,
    /// So long a connection is silent before the other side is asked whether it is there.
    keep_alive: Option<Duration>,
}

/// What the process has for dialing.
struct Lines {
    connections: Arc<Semaphore>,
    max_connections: usize,
    lookups: Arc<Semaphore>,
}

/// An open connection, and its place among those there may be.
pub(crate) struct Line {
    pub(crate) stream: Box<dyn Stream>,
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    /// Over the network, with at most so many connections.
    #[must_use]
    pub fn net(max_connections: usize) -> Self {
        let max_connections = max_connections.min(Semaphore::MAX_PERMITS);
        Self::of(Way::Net(Arc::new(Lines {
            connections: Arc::new(Semaphore::new(max_connections)),
            max_connections,
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        })))
    }

    /// Within the process: the function gets `host:port` as it was asked for.
    #[must_use]
    pub fn within(connect: impl Fn(&str) -> Box<dyn Stream> + Send + Sync + 'static) -> Self {
        Self::of(Way::Within(Arc::new(connect)))
    }

    fn of(way: Way) -> Self {
        Self { way, manner: Manner::default(), rooms: Rooms::default(), vault: Vault::default() }
    }

    /// The same for those who listen for long: a connection comes about within a time or not at all,
    /// and after `silence` the system asks every half of that time whether the other side is there,
    /// and gives up after three questions.
    #[must_use]
    pub fn for_listening(&self, within: Duration, silence: Duration) -> Self {
        let manner = Manner { within: Some(within), keep_alive: Some(silence) };
        Self { manner, ..self.clone() }
    }

    /// The same for clients whose secrets stand in a vault.
    #[must_use]
    pub fn with_vault(&self, vault: &Vault) -> Self {
        Self { vault: vault.clone(), ..self.clone() }
    }

    /// Connects to a host, or to a socket in the file system.
    pub(crate) async fn dial(
        &self,
        host: &str,
        port: u16,
        unix_socket: Option<&str>,
    ) -> Result<Line, FetchError> {
        let lines = match &self.way {
            Way::Net(lines) => lines,
            Way::Within(connect) => {
                let stream = connect(&join_host_and_port(host, port));
                return Ok(Line { stream, permit: None });
            }
        };
        let permit = Arc::clone(&lines.connections).try_acquire_owned();
        let permit = permit.map_err(|_| FetchError::TooManyConnections(lines.max_connections))?;
        let dialing = async {
            match unix_socket {
                Some(path) => unix(path).await,
                None => lines.tcp(host, port, self.manner.keep_alive).await,
            }
        };
        let stream = match self.manner.within {
            None => dialing.await?,
            Some(within) => timeout(within, dialing).await.unwrap_or_else(|_| {
                let source = io::Error::from(io::ErrorKind::TimedOut);
                Err(dial_error("tcp", join_host_and_port(host, port), source))
            })?,
        };
        Ok(Line { stream, permit: Some(permit) })
    }
}

async fn unix(path: &str) -> Result<Box<dyn Stream>, FetchError> {
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(source) => Err(dial_error("unix", path.to_owned(), source)),
    }
}

fn dial_error(network: &'static str, address: String, source: io::Error) -> FetchError {
    FetchError::Dial { network, address, source: Arc::new(source) }
}

/// Connects to whichever address answers first. The next one is tried when one has failed, or has
/// not answered for a while: one of two families may lead nowhere. Else, why the first one failed.
async fn first_of(
    addresses: Vec<SocketAddr>,
) -> Result<TcpStream, Option<(SocketAddr, io::Error)>> {
    if let [address] = addresses[..] {
        return TcpStream::connect(address).await.map_err(|error| Some((address, error)));
    }
    let (mut rest, mut tries) = (addresses.into_iter(), JoinSet::new());
    let mut failure = None;
    loop {
        if let Some(address) = rest.next() {
            tries.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        let tried = match rest.len() {
            0 => tries.join_next().await,
            _ => match timeout(NEXT_ADDRESS, tries.join_next()).await {
                Ok(tried) => tried,
                Err(_) => continue,
            },
        };
        match tried {
            Some(Ok((_, Ok(stream)))) => return Ok(stream),
            Some(Ok((address, Err(error)))) => {
                failure.get_or_insert((address, error));
            }
            // A task that panicked has nothing to tell.
            Some(Err(_)) => {}
            None if rest.len() == 0 => return Err(failure),
            None => {}
        }
    }
}

impl Lines {
    async fn tcp(
        &self,
        host: &str,
        port: u16,
        keep_alive: Option<Duration>,
    ) -> Result<Box<dyn Stream>, FetchError> {
        let lookup_error =
            |source| FetchError::Lookup { host: host.to_owned(), source: Arc::new(source) };
        match first_of(self.look_up(host, port).await.map_err(lookup_error)?).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                if let Some(silence) = keep_alive {
                    let questions = TcpKeepalive::new()
                        .with_time(silence)
                        .with_interval(silence / 2)
                        .with_retries(MAX_PROBES);
                    SockRef::from(&stream).set_tcp_keepalive(&questions)?;
                }
                Ok(Box::new(stream))
            }
            Err(Some((address, source))) => Err(dial_error("tcp", address.to_string(), source)),
            Err(None) => Err(lookup_error(io::Error::other("no such host"))),
        }
    }

    /// A look-up takes a thread until it is answered, also when nobody waits for it any more.
    async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let turn = Arc::clone(&self.lookups).acquire_owned().await.expect("never closed");
        let host = host.to_owned();
        let looked_up = tokio::spawn(async move {
            let addresses = lookup_host((host, port)).await.map(Iterator::collect);
            drop(turn);
            addresses
        });
        looked_up.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::net::{TcpListener, TcpSocket};

    #[tokio::test]
    async fn an_address_that_leads_nowhere_is_not_waited_for() {
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        // With its queue full, the system does not answer.
        let silent = socket.listen(1).unwrap();
        let (good, silent_address) = (good.local_addr().unwrap(), silent.local_addr().unwrap());
        let mut queue = Vec::new();
        while let Ok(connected) =
            timeout(Duration::from_millis(200), TcpStream::connect(silent_address)).await
        {
            queue.push(connected.unwrap());
        }
        let refused = "127.0.0.1:1".parse().unwrap();
        let begin = Instant::now();
        let stream = first_of(vec![silent_address, refused, good]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        let also_refused = "127.0.0.1:2".parse().unwrap();
        let (address, _) = first_of(vec![refused, also_refused]).await.unwrap_err().unwrap();
        assert_eq!(address, refused);
        assert!(first_of(Vec::new()).await.unwrap_err().is_none());
    }
}
