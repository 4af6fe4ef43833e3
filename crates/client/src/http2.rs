//! HTTP/2, where it was agreed on: a task of its own moves the frames of a connection.

use crate::FetchError;
use crate::dialer::Stream;
use crate::head::Head;
use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::AbortHandle;

/// Bytes that may come before we say that we have read them.
const WINDOW: u32 = 1 << 20;
/// Bytes of the head of an answer.
const MAX_HEAD: u32 = 64 << 10;

/// A connection that any number of requests may use at a time.
#[derive(Clone)]
pub(crate) struct Shared {
    sender: SendRequest<Bytes>,
    driver: Arc<Driver>,
}

/// Ends the task of the connection with the last who uses it.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

/// A body that comes over HTTP/2.
pub(crate) struct Incoming {
    stream: RecvStream,
    _driver: Arc<Driver>,
}

impl Shared {
    pub(crate) async fn new(
        stream: Box<dyn Stream>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, FetchError> {
        let shaken = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .max_header_list_size(MAX_HEAD)
            .handshake(stream)
            .await;
        let (sender, connection) = shaken.map_err(|error| FetchError::Http2(error.to_string()))?;
        let task = tokio::spawn(async move {
            // Whoever waits for an answer hears of it.
            connection.await.ok();
            drop(permit);
        });
        Ok(Self { sender, driver: Arc::new(Driver(task.abort_handle())) })
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn exchange(
        &self,
        request: http::Request<()>,
        body: &[u8],
    ) -> Result<(Head, HeaderMap, Incoming), FetchError> {
        let mut sender = self.sender.clone().ready().await.map_err(before_answer)?;
        let sent = sender.send_request(request, body.is_empty()).map_err(before_answer)?;
        let (answer, mut stream) = sent;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true).map_err(before_answer)?;
        }
        let (parts, stream) = answer.await.map_err(before_answer)?.into_parts();
        let head = Head::of_http2(parts.status, &parts.headers)?;
        Ok((head, parts.headers, Incoming { stream, _driver: self.driver.clone() }))
    }
}

impl Incoming {
    /// The next bytes of the body, `None` at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        let Some(data) = self.stream.data().await else { return Ok(None) };
        let data = data.map_err(|error| match error.is_io() {
            true => FetchError::Truncated,
            false => FetchError::Http2(error.to_string()),
        })?;
        let released = self.stream.flow_control().release_capacity(data.len());
        released.map_err(|error| FetchError::Http2(error.to_string()))?;
        Ok(Some(data))
    }
}

fn before_answer(error: h2::Error) -> FetchError {
    if error.is_io() || error.is_go_away() {
        FetchError::ClosedBeforeAnswer
    } else {
        FetchError::Http2(error.to_string())
    }
}
