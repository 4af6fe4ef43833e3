//! One connection: dialing, sending a request, reading the head of the answer.

use super::error::FetchError;
use super::request::Place;
use std::fmt;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream, lookup_host};

/// Bytes of the head of an answer.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
/// Bytes asked of a socket while the head is read.
const READ: usize = 4 << 10;
/// How much of a bad answer is shown.
const SHOWN: usize = 60;

/// What bytes go over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// Connects to an address within a test.
#[cfg(test)]
type Connect = dyn Fn(&str) -> Box<dyn Stream> + Send + Sync;

/// Opens connections.
#[derive(Clone)]
pub(crate) enum Dialer {
    /// Over the network, or to a socket in the file system.
    Net,
    /// Within a test.
    #[cfg(test)]
    Memory(std::sync::Arc<Connect>),
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    pub(super) async fn dial(&self, place: &Place) -> Result<Connection, FetchError> {
        #[cfg(test)]
        if let Self::Memory(connect) = self {
            return Ok(Connection::new(connect(&place.authority)));
        }
        if let Some(path) = &place.unix_socket {
            let stream = UnixStream::connect(path).await;
            let stream = stream.map_err(|source| FetchError::Dial {
                network: "unix",
                address: path.clone(),
                source,
            })?;
            return Ok(Connection::new(Box::new(stream)));
        }
        let addresses = lookup_host((place.host.as_str(), place.port)).await;
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
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, drained: true }
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
        loop {
            let read = read_some(&mut self.stream, &mut bytes, READ).await;
            match read {
                Ok(0) if bytes.is_empty() => return Err(FetchError::ClosedBeforeAnswer),
                Ok(0) => return Err(FetchError::Truncated),
                Ok(_) => {}
                Err(error) if bytes.is_empty() => return Err(closed_or(error)),
                Err(error) => return Err(FetchError::Io(error)),
            }
            while let Some((head, len)) = parse_head(&bytes)? {
                bytes.drain(..len);
                // 1xx only announces the answer.
                if head.status >= 200 {
                    return Ok((head, bytes));
                }
            }
            if bytes.len() >= MAX_HEAD {
                return Err(FetchError::Malformed(format!("a head of more than {MAX_HEAD} bytes")));
            }
        }
    }
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
            let length = value.parse::<u64>();
            let length =
                length.map_err(|_| FetchError::Malformed(format!("Content-Length {value:?}")))?;
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
