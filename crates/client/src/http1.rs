//! HTTP/1.1 by hand, since a scrape needs little of it and does it often.

use crate::FetchError;
use crate::dialer::Stream;
use crate::head::Head;
use std::fmt;
use std::io;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes of the head of an answer.
const MAX_HEAD: usize = 64 << 10;
/// Answers 1xx before the real one.
const MAX_ANNOUNCEMENTS: usize = 5;
/// Bytes asked of a socket while the head is read.
const READ: usize = 4 << 10;

/// A connection with no answer outstanding, or one being read.
pub(crate) struct Connection {
    pub(crate) stream: Box<dyn Stream>,
    /// Set when requests name the whole URL, with what the proxy wants to know.
    pub(crate) proxy: Option<Option<String>>,
    /// One of the connections there may be.
    _permit: Option<OwnedSemaphorePermit>,
}

/// What came up to the end of a head, and some more perhaps.
#[derive(Debug)]
pub(crate) struct Begun {
    bytes: Vec<u8>,
    head_len: usize,
}

impl Begun {
    /// The head as it came.
    pub(crate) fn head(&self) -> &[u8] {
        &self.bytes[..self.head_len]
    }

    /// What came after it.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.head_len..]
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(crate) fn new(stream: Box<dyn Stream>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { stream, proxy: None, _permit: permit }
    }

    /// Requests go through a proxy that reads them; the login for it may be none.
    pub(crate) fn through_proxy(mut self, proxy: Option<Option<String>>) -> Self {
        self.proxy = proxy;
        self
    }

    /// Whether the other side has said something or closed since the last answer.
    pub(crate) fn is_stale(&mut self) -> bool {
        let mut byte = [0; 1];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(Waker::noop());
        let polled = std::pin::Pin::new(&mut self.stream).poll_read(&mut context, &mut buffer);
        !matches!(polled, Poll::Pending)
    }
}

/// Sends a request and reads the head of its answer, and with it perhaps some of the body.
pub(crate) async fn exchange(
    stream: &mut Box<dyn Stream>,
    request: &[u8],
    body: &[u8],
) -> Result<(Head, Begun), FetchError> {
    stream.write_all(request).await.map_err(closed_or)?;
    if !body.is_empty() {
        stream.write_all(body).await.map_err(closed_or)?;
    }
    stream.flush().await.map_err(closed_or)?;
    let mut bytes = Vec::new();
    let (mut announcements, mut parse_at) = (0, 0);
    loop {
        let seen = bytes.len();
        match read_some(stream, &mut bytes, READ).await {
            Ok(0) if bytes.is_empty() => return Err(FetchError::ClosedBeforeAnswer),
            Ok(0) => return Err(FetchError::Truncated),
            Ok(_) => {}
            Err(error) if bytes.is_empty() => return Err(closed_or(error)),
            Err(error) => return Err(error.into()),
        }
        // A head that comes byte by byte is not looked at as often.
        while bytes.len() >= parse_at || ends_head(&bytes, seen) {
            let Some((head, head_len)) = Head::parse(&bytes)? else {
                parse_at = bytes.len() * 2;
                break;
            };
            // 1xx only announces the answer.
            if head.status >= 200 {
                return Ok((head, Begun { bytes, head_len }));
            }
            bytes.drain(..head_len);
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
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::NotConnected => FetchError::ClosedBeforeAnswer,
        _ => error.into(),
    }
}

/// Reads once into free space; 0 is the end.
pub(crate) async fn read_some(
    stream: &mut Box<dyn Stream>,
    buffer: &mut Vec<u8>,
    room: usize,
) -> io::Result<usize> {
    if buffer.capacity() - buffer.len() < room {
        buffer.reserve(room);
    }
    stream.read_buf(buffer).await
}
