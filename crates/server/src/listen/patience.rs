//! How long a client is waited for: places under the cap are few, and whoever holds one does
//! something with it.
//!
//! - The head of a request comes within [`HEAD`], counted from the first moment of a connection and
//!   from the first byte of each later head.
//! - A connection without a request stays for the read timeout, as with Prometheus; for [`CROWDED`]
//!   once every place is taken.
//! - An answer that is on its way moves within [`STALLED`].

use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// For the head of a request.
pub(super) const HEAD: Duration = Duration::from_secs(10);
/// For a connection without a request while others wait for a place.
pub(super) const CROWDED: Duration = Duration::from_secs(1);
/// For a client that takes nothing of its answer.
pub(super) const STALLED: Duration = Duration::from_secs(60);

/// What a connection is doing.
pub(super) struct Activity {
    doing: Mutex<Doing>,
    /// Told of every change that can make a deadline come sooner.
    changed: Notify,
}

#[derive(Clone, Copy)]
struct Doing {
    /// Requests on their way, with their answers.
    running: usize,
    /// Whether a part of a head has come, or the first one is due.
    in_head: bool,
    /// Since when `running` is 0, or the head began.
    since: Instant,
    /// Since when the client takes nothing.
    stalled: Option<Instant>,
}

/// A request on its way.
pub(super) struct Begun(Arc<Activity>);

impl Activity {
    /// Of a connection that has just come.
    pub(super) fn new() -> Arc<Self> {
        let since = Instant::now();
        let doing = Doing { running: 0, in_head: true, since, stalled: None };
        Arc::new(Self { doing: Mutex::new(doing), changed: Notify::new() })
    }

    pub(super) fn begin(this: &Arc<Self>) -> Begun {
        let mut doing = this.lock();
        doing.running += 1;
        doing.in_head = false;
        Begun(Arc::clone(this))
    }

    /// Waits until the client has had enough time; an idle one has `idle`, unless somebody waits in
    /// the `crowd`. Cancel safe.
    pub(super) async fn ended(&self, idle: Duration, mut crowd: watch::Receiver<usize>) {
        loop {
            let waiting = *crowd.borrow_and_update();
            let idle_now = if waiting > 0 { idle.min(CROWDED) } else { idle };
            let deadline = self.lock().deadline(idle_now, idle.min(HEAD));
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return;
            }
            let passed = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => {}
                () = self.changed.notified() => {}
                // An error is that nobody accepts connections any more.
                Ok(()) = crowd.changed() => {}
            }
        }
    }

    /// Hears that bytes of a request came.
    fn heard(&self) {
        let mut doing = self.lock();
        if doing.running == 0 && !doing.in_head {
            (doing.in_head, doing.since) = (true, Instant::now());
            drop(doing);
            self.changed.notify_one();
        }
    }

    /// Hears whether the client took something.
    fn took(&self, something: bool) {
        let mut doing = self.lock();
        match (something, doing.stalled) {
            (true, _) => doing.stalled = None,
            (false, Some(_)) => {}
            (false, None) => {
                doing.stalled = Some(Instant::now());
                drop(doing);
                self.changed.notify_one();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doing {
    /// When the connection is to end, unless something happens.
    fn deadline(&self, idle: Duration, head: Duration) -> Option<Instant> {
        match self {
            Self { stalled: Some(since), .. } => Some(*since + STALLED),
            Self { running: 0, in_head: true, since, .. } => Some(*since + head),
            Self { running: 0, since, .. } => Some(*since + idle),
            _ => None,
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut doing = self.0.lock();
        doing.running -= 1;
        if doing.running == 0 {
            doing.since = Instant::now();
            drop(doing);
            self.0.changed.notify_one();
        }
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

/// A stream whose bytes are seen. Those that come are parts of requests only where nothing else is
/// said, so HTTP/2 leaves them out.
pub(super) struct Watched<S> {
    pub(super) stream: S,
    pub(super) activity: Arc<Activity>,
    pub(super) reads_are_requests: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.reads_are_requests && buffer.filled().len() > before {
            self.activity.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.activity.took(written.is_ready());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.activity.took(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
