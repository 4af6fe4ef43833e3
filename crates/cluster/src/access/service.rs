//! Requests of `kube` over connections of our own: a task for each sends it and hands on what comes.

use super::body::{MAX_WAITING, Piece, Pieces};
use super::pace::Pace;
use bytes::Bytes;
use client::{Answer, Client, FetchError, Method, Place, Request, Session};
use http::{HeaderName, HeaderValue, Response};
use parking_lot::Mutex;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// The head of an answer comes within this time, or nothing does.
const HEAD: Duration = Duration::from_secs(30);
/// Silence within a body; beyond the end of its own time for a watch.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a watch may run that does not say it.
const LONGEST_WATCH: u64 = 3600;
/// Bytes of a body that is no watch: one page of a list at most.
const MAX_BODY: u64 = 256 << 20;
/// Bytes of the answer to a request that went wrong.
const MAX_FAILURE: u64 = 1 << 20;
/// Bytes of one event of a watch; objects have 2 MiB at most.
const MAX_LINE: usize = 16 << 20;
/// Bytes of a body asked for at a time.
const ROOM: usize = 64 << 10;
/// Connections kept for the next requests.
const MAX_IDLE: usize = 8;
/// How often a question is asked again when the server asks to come back later.
const MAX_LATER: u32 = 5;
/// What a server means that is asked too much and does not say how long to wait.
const SOME_TIME: Duration = Duration::from_secs(1);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No connection, or no answer over it.
    #[error("{method} {url}: {source}")]
    Fetch {
        /// What was to be done.
        method: &'static str,
        /// To what.
        url: String,
        /// Why not.
        source: FetchError,
    },
    /// The server took the request and said nothing.
    #[error("{method} {url}: no answer within {}s", HEAD.as_secs())]
    Silent {
        /// What was to be done.
        method: &'static str,
        /// To what.
        url: String,
    },
    /// A request that cannot be sent.
    #[error("{0}")]
    Unspeakable(String),
}

/// Asks one API server. Clones are the same.
#[derive(Clone)]
pub(super) struct Service {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    /// The URL that paths are added to.
    server: String,
    /// The same without a password.
    shown: String,
    pace: Pace,
    idle: Mutex<Vec<Session>>,
}

/// A request as our client takes it.
struct Asked {
    method: Method,
    path_and_query: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

type Told = Result<Response<()>, RequestError>;

impl Service {
    pub(super) fn new(client: Client, server: String, shown: String) -> Self {
        let (pace, idle) = (Pace::default(), Mutex::default());
        Self { shared: Arc::new(Shared { client, server, shown, pace, idle }) }
    }
}

impl tower::Service<http::Request<kube::client::Body>> for Service {
    type Response = Response<Pieces>;
    type Error = RequestError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Pieces>, RequestError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RequestError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<kube::client::Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let asked = Asked::of(request).await?;
            let what = (asked.method.name(), shared.shown_url(&asked));
            let (tell, told) = oneshot::channel();
            let (pieces, coming) = mpsc::channel(MAX_WAITING);
            // Dropping the future or the body ends it.
            let task = AbortOnDropHandle::new(tokio::spawn(shared.answer(asked, tell, pieces)));
            let head = told.await.unwrap_or_else(|_| {
                let (method, url) = what;
                Err(RequestError::Fetch { method, url, source: FetchError::Truncated })
            })?;
            Ok(head.map(|()| Pieces::new(coming, task)))
        })
    }
}

impl Asked {
    async fn of(request: http::Request<kube::client::Body>) -> Result<Self, RequestError> {
        let unspeakable = |text: String| RequestError::Unspeakable(text);
        let (parts, body) = request.into_parts();
        let method = match parts.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            other => return Err(unspeakable(format!("method {other} is not spoken"))),
        };
        let mut headers = Vec::with_capacity(parts.headers.len());
        for (name, value) in &parts.headers {
            if is_ours(name) {
                continue;
            }
            let value = value.to_str().map_err(|error| unspeakable(format!("{name}: {error}")))?;
            headers.push((name.as_str().to_owned(), value.to_owned()));
        }
        let path_and_query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let body = body.collect_bytes().await.map_err(|error| unspeakable(error.to_string()))?;
        Ok(Self { method, path_and_query: path_and_query.to_owned(), headers, body })
    }

    /// The value of a parameter, which is a number or a truth value.
    fn parameter(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path_and_query.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// So long an answer to a watch may be silent; `None` when it is no watch.
    fn watch(&self) -> Option<Duration> {
        self.parameter("watch").filter(|value| matches!(*value, "true" | "1"))?;
        let seconds = self.parameter("timeoutSeconds").and_then(|seconds| seconds.parse().ok());
        let own = Duration::from_secs(seconds.unwrap_or(LONGEST_WATCH).min(LONGEST_WATCH));
        Some(own + SILENCE)
    }
}

/// Headers that the client writes itself.
fn is_ours(name: &HeaderName) -> bool {
    let ours = ["host", "user-agent", "content-length", "connection", "transfer-encoding"];
    ours.contains(&name.as_str())
}

impl Shared {
    fn shown_url(&self, asked: &Asked) -> String {
        let path = asked.path_and_query.split('?').next().unwrap_or_default();
        format!("{}{path}", self.shown)
    }

    /// Asks, tells the head, and hands on the body.
    async fn answer(
        self: Arc<Self>,
        asked: Asked,
        tell: oneshot::Sender<Told>,
        pieces: mpsc::Sender<Piece>,
    ) {
        let kept = self.idle.lock().pop();
        let mut session = kept.unwrap_or_else(|| self.client.session());
        let mut times = 0;
        // Whoever does not listen any more does not want to know, here and below.
        let mut answer = loop {
            times += 1;
            let answer = match self.once(&mut session, &asked).await {
                Ok(answer) => answer,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let Some(wait) = wait(&answer) else { break answer };
            self.pace.pause(wait);
            if asked.method != Method::Get || times > MAX_LATER {
                break answer;
            }
            timeout(SILENCE, answer.skip()).await.ok();
        };
        if tell.send(Ok(head(&answer))).is_err() {
            return;
        }
        let last = hand_on(&mut answer, &asked, &pieces).await.map(|()| None);
        drop(answer);
        if last.is_ok() {
            let mut idle = self.idle.lock();
            if idle.len() < MAX_IDLE {
                idle.push(session);
            }
        }
        pieces.send(last).await.ok();
    }

    /// Sends the request when it is its turn, and waits for the head of the answer.
    async fn once<'s>(
        &self,
        session: &'s mut Session,
        asked: &Asked,
    ) -> Result<Answer<'s>, RequestError> {
        let failed = |source| RequestError::Fetch {
            method: asked.method.name(),
            url: self.shown_url(asked),
            source,
        };
        let place = Place::parse(&format!("{}{}", self.server, asked.path_and_query));
        let place = place.map_err(failed)?;
        let headers: Vec<_> = asked.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let request =
            Request { method: asked.method, place: &place, headers: &headers, body: &asked.body };
        self.pace.turn().await;
        let answer = match timeout(HEAD, session.send(&request)).await {
            Ok(answer) => answer.map_err(failed)?,
            Err(_) => {
                let (method, url) = (asked.method.name(), self.shown_url(asked));
                return Err(RequestError::Silent { method, url });
            }
        };
        // A redirect makes a question of what was told, and then nothing was done.
        if answer.method() != asked.method {
            let text = format!("what was told was redirected and answered {}", answer.status());
            return Err(failed(FetchError::Redirect(text)));
        }
        Ok(answer)
    }
}

/// How long the server wants to be left alone.
fn wait(answer: &Answer<'_>) -> Option<Duration> {
    let status = answer.status();
    if status != 429 && status < 500 {
        return None;
    }
    let headers = answer.headers();
    let written = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let seconds = written.and_then(|(_, value)| value.trim().parse().ok());
    match seconds {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => (status == 429).then_some(SOME_TIME),
    }
}

fn head(answer: &Answer<'_>) -> Response<()> {
    let mut head = Response::new(());
    // A status that HTTP does not know is the server's trouble, not ours.
    *head.status_mut() =
        http::StatusCode::from_u16(answer.status()).unwrap_or(http::StatusCode::BAD_GATEWAY);
    for (name, value) in answer.headers() {
        let parsed = (name.parse::<HeaderName>(), HeaderValue::from_str(&value));
        // The body is handed on unpacked and without its frame.
        if let (Ok(name), Ok(value)) = parsed
            && !is_ours(&name)
            && name != "content-encoding"
        {
            head.headers_mut().append(name, value);
        }
    }
    head
}

/// Reads the body as fast as it is taken.
async fn hand_on(
    answer: &mut Answer<'_>,
    asked: &Asked,
    pieces: &mpsc::Sender<Piece>,
) -> io::Result<()> {
    let is_success = (200..300).contains(&answer.status());
    let watch = asked.watch().filter(|_| is_success);
    let limit = match (watch, is_success) {
        (Some(_), _) => u64::MAX,
        (None, true) => MAX_BODY,
        (None, false) => MAX_FAILURE,
    };
    answer.set_limit(limit).map_err(body_error)?;
    let silence = watch.unwrap_or(SILENCE);
    let mut line = 0;
    loop {
        let mut piece = Vec::new();
        let read = timeout(silence, answer.read(&mut piece, ROOM)).await.map_err(|_| {
            let text = format!("nothing came for {}s", silence.as_secs());
            io::Error::new(io::ErrorKind::TimedOut, text)
        })?;
        if watch.is_some() {
            line = match piece.iter().rposition(|b| *b == b'\n') {
                Some(end) => piece.len() - end - 1,
                None => line + piece.len(),
            };
            if line > MAX_LINE {
                let text = format!("an event of more than {MAX_LINE} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
        // What came before something went wrong is good.
        if !piece.is_empty() && pieces.send(Ok(Some(piece.into()))).await.is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if !read.map_err(body_error)? {
            return Ok(());
        }
    }
}

/// Watches that end early are begun again, so that end is told apart.
fn body_error(error: FetchError) -> io::Error {
    match error {
        FetchError::Truncated => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        error => io::Error::other(error),
    }
}
