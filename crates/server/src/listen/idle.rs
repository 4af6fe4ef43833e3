//! Whether a connection of HTTP/2 is of use: hyper bounds only how long one of HTTP/1 idles.

use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// Requests of one connection.
#[derive(Default)]
pub(super) struct Activity {
    /// On the way, with their answers.
    running: AtomicUsize,
    /// Ended, ever.
    ended: AtomicU64,
}

/// A request on its way.
pub(super) struct Begun(Arc<Activity>);

impl Activity {
    pub(super) fn begin(this: &Arc<Self>) -> Begun {
        this.running.fetch_add(1, Ordering::Relaxed);
        Begun(Arc::clone(this))
    }

    /// Waits until no request was on its way for a whole span. Cancel safe.
    pub(super) async fn idle(&self, span: Duration) {
        loop {
            let before = self.ended.load(Ordering::Relaxed);
            tokio::time::sleep(span).await;
            let running = self.running.load(Ordering::Relaxed);
            if running == 0 && self.ended.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body whose request is on its way until it is dropped.
pub(super) struct Counted<B> {
    body: B,
    _begun: Begun,
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, begun: Begun) -> Self {
        Self { body, _begun: begun }
    }
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
