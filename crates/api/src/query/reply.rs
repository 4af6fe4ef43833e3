//! The way of an answer from the thread that writes it to the client.
//!
//! A short answer travels whole. From the first full chunk on the answer is a stream over a channel
//! of two chunks: a slow client makes the writer wait, a gone client makes it stop. A stream ends
//! with an explicit last chunk; one that ends without breaks the connection, so that half an answer
//! is never taken for a whole one.

use crate::ApiError;
use crate::json::{Drain, Gone, content_type};
use crate::layers::compress::{Coding, Packer};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use std::io;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

/// A client that takes no chunk for so long is taken for gone: it holds a thread and a query's turn.
const PATIENCE: Duration = Duration::from_secs(30);

enum Chunk {
    More(Bytes),
    Last(Bytes),
}

/// What the handler waits for.
pub(super) enum Reply {
    Whole(Vec<u8>),
    Stream(Chunks),
}

/// The chunks of a long answer.
pub(super) struct Chunks(mpsc::Receiver<Chunk>);

impl Reply {
    pub(super) fn into_response(self, coding: Coding) -> Response {
        let body = match self {
            Self::Whole(bytes) => Body::from(bytes),
            Self::Stream(chunks) => Body::from_stream(stream::unfold(Some(chunks), next_chunk)),
        };
        let mut response = (content_type(), body).into_response();
        coding.mark(response.headers_mut());
        response
    }
}

async fn next_chunk(chunks: Option<Chunks>) -> Option<(io::Result<Bytes>, Option<Chunks>)> {
    let mut chunks = chunks?;
    Some(match chunks.0.recv().await {
        Some(Chunk::More(bytes)) => (Ok(bytes), Some(chunks)),
        Some(Chunk::Last(bytes)) => (Ok(bytes), None),
        None => (Err(io::Error::other("the answer ended early")), None),
    })
}

/// The writing end, on the blocking thread.
pub(super) struct Writer {
    packer: Packer,
    sender: Sender,
}

enum Sender {
    /// Nothing was sent yet.
    First(oneshot::Sender<Result<Reply, ApiError>>),
    Channel(mpsc::Sender<Chunk>),
    Broken,
}

impl Writer {
    pub(super) fn new(coding: Coding, reply: oneshot::Sender<Result<Reply, ApiError>>) -> Self {
        Self { packer: Packer::new(coding), sender: Sender::First(reply) }
    }

    /// Answers with an error; what was streamed before it breaks off.
    pub(super) fn fail(self, error: ApiError) {
        if let Sender::First(reply) = self.sender {
            // An error here means that nobody waits any more.
            reply.send(Err(error)).ok();
        }
    }

    /// Sends the last of the text.
    pub(super) fn finish(self, text: &str) {
        let Self { mut packer, sender } = self;
        let packed = packer.feed(text.as_bytes()).and_then(|mut packed| {
            packed.extend(packer.finish()?);
            Ok(packed)
        });
        let Ok(packed) = packed else { return };
        // Errors mean that nobody waits any more.
        match sender {
            Sender::First(reply) => drop(reply.send(Ok(Reply::Whole(packed)))),
            Sender::Channel(chunks) => drop(send(&chunks, Chunk::Last(packed.into()))),
            Sender::Broken => {}
        }
    }
}

/// Waits for the client to take an earlier chunk, but not for ever.
fn send(chunks: &mpsc::Sender<Chunk>, chunk: Chunk) -> Result<(), Gone> {
    Handle::current().block_on(chunks.send_timeout(chunk, PATIENCE)).map_err(|_| Gone)
}

impl Drain for Writer {
    fn drain(&mut self, text: &mut String) -> Result<(), Gone> {
        let packed = self.packer.feed(text.as_bytes()).map_err(|_| Gone)?;
        text.clear();
        if let Sender::First(_) = &self.sender {
            let (sender, receiver) = mpsc::channel(2);
            let Sender::First(reply) = std::mem::replace(&mut self.sender, Sender::Broken) else {
                unreachable!("matched above")
            };
            reply.send(Ok(Reply::Stream(Chunks(receiver)))).map_err(|_| Gone)?;
            self.sender = Sender::Channel(sender);
        }
        match &self.sender {
            Sender::Channel(_) if packed.is_empty() => Ok(()),
            Sender::Channel(chunks) => send(chunks, Chunk::More(packed.into())),
            Sender::First(_) | Sender::Broken => Err(Gone),
        }
    }
}
