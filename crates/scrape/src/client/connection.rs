//! One connection: dialing, sending a request, reading the head of the answer.

use super::error::FetchError;
use super::request::Place;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of the head of an answer.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
/// Answers 1xx before the real one.
const MAX_ANNOUNCEMENTS: usize = 5;
/// Bytes asked of a socket while the head is read.
const READ: usize = 4 << 10;
/// Names being looked up at a time, each of which takes a thread.
const MAX_LOOKUPS: usize = 16;
/// How much of a bad answer is shown.
const SHOWN: usize = 60;

/// What bytes go over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Connects to an address within a test.
#[cfg(test)]
type Connect = dyn Fn(&str) -> Box<dyn Stream> + Send + Sync;

/// What the process has for dialing.
pub(crate) struct Lines {
    connections: Arc<Semaphore>,
    max_connections: usize,
    lookups: Arc<Semaphore>,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) enum Dialer {
    /// Over the network, or to a socket in the file system.
    Net(Arc<Lines>),
    /// Within a test.
    #[cfg(test)]
    Memory(Arc<Connect>),
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    /// Over the network, with at most so many connections.
    pub(crate) fn net(max_connections: usize) -> Self {
        let max_connections = max_connections.min(Semaphore::MAX_PERMITS);
        Self::Net(Arc::new(Lines {
            connections: Arc::new(Semaphore::new(max_connections)),
            max_connections,
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }))
    }

    pub(super) async fn dial(&self, place: &Place) -> Result<Connection, FetchError> {
        match self {
            Self::Net(lines) => {
                let permit = Arc::clone(&lines.connections).try_acquire_owned();
                let permit =
                    permit.map_err(|_| FetchError::TooManyConnections(lines.max_connections))?;
                Ok(Connection { permit: Some(permit), ..lines.dial(place).await? })
            }
            #[cfg(test)]
            Self::Memory(connect) => Ok(Connection::new(connect(&place.authority))),
        }
    }
}

impl Lines {
    async fn dial(&self, place: &Place) -> Result<Connection, FetchError> {
        if let Some(path) = &place.unix_socket {
            let stream = UnixStream::connect(path).await;
            let stream = stream.map_err(|source| FetchError::Dial {
                network: "unix",
                address: path.clone(),
                source,
            })?;
            return Ok(Connection::new(Box::new(stream)));
        }
        let addresses = self.look_up(place).await;
        let addresses =
            addresses.map_err(|source| FetchError::Lookup { host: place.host.clone(), source })?;
        let mut failure = None;
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(FetchError::Io)?;
                    return Ok(Connection::new(Box::new(stream)));
                }
                Err(source) => {
                    let address = address.to_string();
                    failure.get_or_insert(FetchError::Dial { network: "tcp", address, source });
                }
            }
        }
        Err(failure.unwrap_or_else(|| FetchError::Lookup {
            host: place.host.clone(),
            source: io::Error::other("no such host"),
        }))
    }

    /// A look-up takes a thread until it is answered, also when nobody waits for it any more.
    async fn look_up(&self, place: &Place) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = place.host.parse() {
            return Ok(vec![SocketAddr::new(address, place.port)]);
        }
        let turn = Arc::clone(&self.lookups).acquire_owned().await.expect("never closed");
        let host = (place.host.clone(), place.port);
        let looked_up = tokio::spawn(async move {
            let addresses = lookup_host(host).await.map(Iterator::collect);
            drop(turn);
            addresses
        });
        looked_up.await.map_err(io::Error::other)?
    }
}

/// What an answer says about itself.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) reason: String,
    pub(super) content_type: String,
    pub(super) gzip: bool,
    pub(super) location: Option<String>,
    pub(super) length: Length,
    pub(super) keep_alive: bool,
}

/// Where the body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Length {
    /// After so many bytes.
    Known(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    #[default]
    UntilClose,
}

impl Head {
    /// As in `404 Not Found`.
    pub(super) fn status_text(&self) -> String {
        let known = http::StatusCode::from_u16(self.status).ok();
        let reason = match self.reason.as_str() {
            "" => known.and_then(|s| s.canonical_reason()).unwrap_or(""),
            reason => reason,
        };
        format!("{} {reason}", self.status).trim_end().to_owned()
    }
}

/// A connection with no answer outstanding, or one being read.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    /// Set when the answer was read to its end and nothing came after it.
    drained: bool,
    /// One of the connections there may be.
    #[expect(dead_code, reason = "held, and given back with the connection")]
    permit: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, drained: true, permit: None }
    }

    pub(super) fn is_drained(&self) -> bool {
        self.drained
    }

    pub(super) fn set_drained(&mut self) {
        self.drained = true;
    }

    /// Sends a request and reads the head of its answer, and with it perhaps some of the body.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<(Head, Vec<u8>), FetchError> {
        self.drained = false;
        self.stream.write_all(request).await.map_err(closed_or)?;
        let mut bytes = Vec::new();
        let (mut announcements, mut parse_at) = (0, 0);
        loop {
            let seen = bytes.len();
            let read = read_some(&mut self.stream, &mut bytes, READ).await;
            match read {
                Ok(0) if bytes.is_empty() => return Err(FetchError::ClosedBeforeAnswer),
                Ok(0) => return Err(FetchError::Truncated),
                Ok(_) => {}
                Err(error) if bytes.is_empty() => return Err(closed_or(error)),
                Err(error) => return Err(FetchError::Io(error)),
            }
            // A head that comes byte by byte is not looked at as often.
            while bytes.len() >= parse_at || ends_head(&bytes, seen) {
                let Some((head, len)) = parse_head(&bytes)? else {
                    parse_at = bytes.len() * 2;
                    break;
                };
                bytes.drain(..len);
                // 1xx only announces the answer.
                if head.status >= 200 {
                    return Ok((head, bytes));
                }
                (announcements, parse_at) = (announcements + 1, 0);
                if announcements > MAX_ANNOUNCEMENTS {
                    return Err(FetchError::Malformed("too many 1xx responses".into()));
                }
            }
            if bytes.len() >= MAX_HEAD {
                return Err(FetchError::Malformed(format!("a head of more than {MAX_HEAD} bytes")));
            }
        }
    }
}

/// Whether an empty line ends in the bytes after `seen`.
fn ends_head(bytes: &[u8], seen: usize) -> bool {
    let recent = &bytes[seen.saturating_sub(3)..];
    recent.windows(2).any(|w| w == b"\n\n") || recent.windows(4).any(|w| w == b"\r\n\r\n")
}

fn closed_or(error: io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected => FetchError::ClosedBeforeAnswer,
        _ => FetchError::Io(error),
    }
}

/// The head and its length, when all of it is there.
fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, FetchError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let len = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => {
            let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
            return Err(FetchError::Malformed(format!("{error} in {:?}", line.trim_end())));
        }
    };
    let mut head = Head {
        status: parsed.code.unwrap_or(0),
        reason: parsed.reason.unwrap_or("").to_owned(),
        keep_alive: parsed.version == Some(1),
        ..Head::default()
    };
    let mut chunked = false;
    let mut known = None;
    for header in parsed.headers {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        let named = |name: &str| header.name.eq_ignore_ascii_case(name);
        if named("content-type") {
            value.clone_into(&mut head.content_type);
        } else if named("content-encoding") {
            head.gzip = value == "gzip";
        } else if named("location") {
            head.location = Some(value.to_owned());
        } else if named("content-length") {
            let digits = value.bytes().all(|b| b.is_ascii_digit());
            let length = value.parse::<u64>().ok().filter(|_| digits);
            let length =
                length.ok_or_else(|| FetchError::Malformed(format!("Content-Length {value:?}")))?;
            if known.is_some_and(|known| known != length) {
                return Err(FetchError::Malformed("two lengths of the body".into()));
            }
            known = Some(length);
        } else if named("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                let text = format!("unsupported transfer encoding: {value:?}");
                return Err(FetchError::Malformed(text));
            }
            chunked = true;
        } else if named("connection") {
            for token in value.split(',').map(str::trim) {
                if token.eq_ignore_ascii_case("close") {
                    head.keep_alive = false;
                } else if token.eq_ignore_ascii_case("keep-alive") {
                    head.keep_alive = true;
                }
            }
        }
    }
    head.length = match (chunked, known) {
        _ if matches!(head.status, 204 | 304) => Length::Known(0),
        (true, _) => Length::Chunked,
        (false, Some(length)) => Length::Known(length),
        (false, None) => Length::UntilClose,
    };
    if head.length == Length::UntilClose {
        head.keep_alive = false;
    }
    Ok(Some((head, len)))
}

/// Reads once into free space; 0 is the end.
pub(super) async fn read_some(
    stream: &mut Box<dyn Stream>,
    buffer: &mut Vec<u8>,
    room: usize,
) -> io::Result<usize> {
    if buffer.capacity() - buffer.len() < room {
        buffer.reserve(room);
    }
    stream.read_buf(buffer).await
}
