//! The body of an answer as `kube` reads it: pieces that come from the task that has the connection.

use bytes::Bytes;
use http_body::{Body, Frame};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Pieces that wait for their reader.
pub(super) const MAX_WAITING: usize = 4;

/// A piece, or `None` at the end: a task that ends without one was cut off.
pub(super) type Piece = Result<Option<Bytes>, io::Error>;

/// A body; its connection is given up when it is dropped before its end.
#[derive(Debug)]
pub(super) struct Pieces {
    coming: mpsc::Receiver<Piece>,
    is_over: bool,
    _task: AbortOnDropHandle<()>,
}

impl Pieces {
    pub(super) fn new(coming: mpsc::Receiver<Piece>, task: AbortOnDropHandle<()>) -> Self {
        Self { coming, is_over: false, _task: task }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.coming.poll_recv(context));
        let frame = match piece {
            Some(Ok(Some(bytes))) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some(Err(error)),
            None => Some(Err(io::Error::from(io::ErrorKind::UnexpectedEof))),
        };
        self.is_over = true;
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
