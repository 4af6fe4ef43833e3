//! The connections of one who is asked again and again, such as a target.

use crate::FetchError;
use crate::body::{Body, Room, Source, Wire};
use crate::client::Shared as ClientParts;
use crate::connect::{Link, is_current};
use crate::head::{Head, headers_of};
use crate::http1::{self, Begun};
use crate::place::Place;
use crate::request::{Method, Request};
use crate::tls::Ready;
use http::HeaderMap;
use std::borrow::Cow;
use std::sync::Arc;

/// Go follows as many.
const MAX_REDIRECTS: usize = 10;
/// One's own, and the one it redirects to.
const MAX_KEPT: usize = 2;

/// The kept connections of one who is asked again and again: one request at a time.
#[derive(Debug)]
pub struct Session {
    client: Arc<ClientParts>,
    kept: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    place: Place,
    tls: Option<Arc<Ready>>,
    link: Link,
}

/// An answer whose head came and whose body is read by its user.
pub struct Answer<'s> {
    session: &'s mut Session,
    method: Method,
    head: Head,
    fields: Fields,
    body: Option<Body>,
    /// Room for bytes as they come; `None` before the body is read.
    room: Option<Room>,
    /// What its connection is kept under.
    place: Option<Place>,
    tls: Option<Arc<Ready>>,
}

/// All headers, not yet looked at.
enum Fields {
    Http1(Begun),
    Http2(HeaderMap),
}

impl Fields {
    /// What came of the body with them.
    fn begun(&self) -> &[u8] {
        match self {
            Self::Http1(begun) => begun.rest(),
            Self::Http2(_) => &[],
        }
    }
}

/// What an exchange came to.
struct Exchanged {
    head: Head,
    fields: Fields,
    body: Body,
}

impl Session {
    pub(crate) fn new(client: Arc<ClientParts>) -> Self {
        Self { client, kept: Vec::new() }
    }

    /// Whether a connection to the place is kept.
    pub(crate) fn has(&self, place: &Place) -> bool {
        self.kept.iter().any(|kept| kept.place.same_peer(place))
    }

    /// Sends a request and waits for the head of the answer, which may be of any status. Redirects
    /// are followed when the configuration says so; credentials do not go to another host.
    ///
    /// Cancel safe: a connection in use is dropped with the future.
    ///
    /// # Errors
    /// When there is no connection, no answer, or a file with a secret cannot be read.
    pub async fn send(&mut self, request: &Request<'_>) -> Result<Answer<'_>, FetchError> {
        let client = self.client.clone();
        let headers = client.greeting.headers().await?;
        let token = match &client.tokens {
            Some(tokens) => Some(tokens.token().await?),
            None => None,
        };
        let Request { mut method, place: origin, headers: own_headers, mut body } = *request;
        let mut place = Cow::Borrowed(origin);
        for _ in 0..=MAX_REDIRECTS {
            let mut secrets: Vec<(&str, &str)> = Vec::new();
            if place.is_trusted_as(origin) {
                secrets.extend(token.as_deref().map(|token| ("Authorization", token)));
                secrets.extend(headers.0.iter().map(|(n, v)| (n.as_str(), v.as_str())));
            }
            let has_authorization = secrets.iter().any(|(name, _)| *name == "Authorization");
            if let (false, Some(login)) = (has_authorization, place.login.as_deref()) {
                secrets.push(("Authorization", login));
            }
            let request = Request { method, place: &place, headers: own_headers, body };
            let (mut exchanged, tls) = self.exchange(&request, &secrets).await?;
            let Exchanged { head, .. } = &exchanged;
            let next = match (head.status, &head.location) {
                (301 | 302 | 303 | 307 | 308, Some(location)) if client.config.follow_redirects => {
                    place.redirected(location)?
                }
                _ => {
                    let Exchanged { head, fields, body } = exchanged;
                    let place = Some(place.into_owned());
                    let body = Some(body);
                    let room = None;
                    let session = self;
                    return Ok(Answer { session, method, head, fields, body, room, place, tls });
                }
            };
            if !matches!(head.status, 307 | 308) {
                (method, body) = (Method::Get, &[]);
            }
            let mut room = client.rooms.take();
            exchanged.body.begin(exchanged.fields.begun(), &mut room.wire);
            if exchanged.body.skip(&exchanged.head, &mut room.wire).await {
                self.keep(place.into_owned(), exchanged.body.into_link(&room.wire), tls);
            }
            place = Cow::Owned(next);
        }
        Err(FetchError::Redirect(format!("stopped after {MAX_REDIRECTS} redirects")))
    }

    /// Sends one request and reads the head of its answer. A kept connection that was closed
    /// meanwhile is replaced once.
    async fn exchange(
        &mut self,
        request: &Request<'_>,
        secrets: &[(&str, &str)],
    ) -> Result<(Exchanged, Option<Arc<Ready>>), FetchError> {
        let (client, place) = (self.client.clone(), request.place);
        let tls = match client.connector.needs_tls(place)? {
            true => Some(client.tls.ready().await?),
            false => None,
        };
        self.kept.retain(|kept| {
            !kept.place.same_peer(place) || is_current(kept.tls.as_ref(), tls.as_ref())
        });
        if let Some(mut link) = self.take(place) {
            // What was told may have been heard, so it is not told again.
            let fresh = match &mut link {
                Link::Http1(connection) => request.method == Method::Get || !connection.is_stale(),
                Link::Http2(_) => true,
            };
            if fresh {
                match self.over(link, request, secrets, &tls).await {
                    Err(FetchError::ClosedBeforeAnswer) if request.method == Method::Get => {}
                    Ok(exchanged) => return Ok((exchanged, tls)),
                    Err(error) => return Err(error),
                }
            }
        }
        let link = client.connector.connect(place, tls.as_deref()).await?;
        let exchanged = self.over(link, request, secrets, &tls).await?;
        Ok((exchanged, tls))
    }

    async fn over(
        &mut self,
        link: Link,
        request: &Request<'_>,
        secrets: &[(&str, &str)],
        tls: &Option<Arc<Ready>>,
    ) -> Result<Exchanged, FetchError> {
        let user_agent = &self.client.connector.user_agent;
        match link {
            Link::Http1(mut connection) => {
                let text = request.text(secrets, user_agent, connection.proxy.as_ref())?;
                let stream = &mut connection.stream;
                let (head, begun) = http1::exchange(stream, text.as_bytes(), request.body).await?;
                let body = Body::new(&head, Source::Http1(connection));
                Ok(Exchanged { head, fields: Fields::Http1(begun), body })
            }
            Link::Http2(shared) => {
                let message = request.message(secrets, user_agent)?;
                let answered = shared.exchange(message, request.body).await;
                // One stream may fail without the others.
                if !matches!(answered, Err(FetchError::ClosedBeforeAnswer)) {
                    self.keep(request.place.clone(), Some(Link::Http2(shared)), tls.clone());
                }
                let (head, fields, incoming) = answered?;
                let body = Body::new(&head, Source::Http2(incoming));
                Ok(Exchanged { head, fields: Fields::Http2(fields), body })
            }
        }
    }

    fn take(&mut self, place: &Place) -> Option<Link> {
        let at = self.kept.iter().position(|kept| kept.place.same_peer(place))?;
        Some(self.kept.swap_remove(at).link)
    }

    fn keep(&mut self, place: Place, link: Option<Link>, tls: Option<Arc<Ready>>) {
        let Some(link) = link else { return };
        if self.kept.len() == MAX_KEPT {
            self.kept.remove(0);
        }
        // Most have one, and there are many sessions.
        self.kept.reserve_exact(1);
        self.kept.push(Kept { place, tls, link });
    }
}

impl Answer<'_> {
    /// What was answered: a redirect may have made a question of what was told.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The status, of any kind.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// As in `404 Not Found`.
    #[must_use]
    pub fn status_text(&self) -> String {
        self.head.status_text()
    }

    /// The `Content-Type`, or the empty text.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.head.content_type
    }

    /// Whether the body comes packed, so that reading it is work.
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.head.gzip
    }

    /// All headers, in the order they came.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        match &self.fields {
            Fields::Http1(begun) => headers_of(begun.head()),
            Fields::Http2(map) => map
                .iter()
                .map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into())
                })
                .collect(),
        }
    }

    /// Refuses a body of so many bytes and more, unpacked; at once when it is known to come.
    ///
    /// # Errors
    /// [`FetchError::BodyLimit`]
    pub fn set_limit(&mut self, bytes: u64) -> Result<(), FetchError> {
        match &mut self.body {
            Some(body) => body.set_limit(&self.head, bytes),
            None => Ok(()),
        }
    }

    /// Appends the next piece of the body, unpacked, of about `room` bytes at most; false when
    /// nothing more comes, and then the connection is kept for the next request.
    ///
    /// A plain body of known length goes from the socket to `out` without another copy. When `out`
    /// has more capacity than `room`, more may come.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// When the body ends early, is not what it says, or passes its limit.
    pub async fn read(&mut self, out: &mut Vec<u8>, room: usize) -> Result<bool, FetchError> {
        let Some(body) = &mut self.body else { return Ok(false) };
        let wire = wire(&mut self.room, &self.session.client, body, &self.fields);
        let is_more = body.read(wire, out, room).await?;
        if !is_more {
            self.done();
        }
        Ok(is_more)
    }

    /// Reads and drops the rest of the body if that is little, to keep the connection.
    ///
    /// Cancel safe.
    pub async fn skip(mut self) {
        let Some(body) = &mut self.body else { return };
        let wire = wire(&mut self.room, &self.session.client, body, &self.fields);
        if body.skip(&self.head, wire).await {
            self.done();
        }
    }

    /// The answer when its status is 200; else the rest of it is skipped.
    ///
    /// # Errors
    /// [`FetchError::Status`]
    pub async fn expect_ok(self) -> Result<Self, FetchError> {
        if self.status() == 200 {
            return Ok(self);
        }
        let text = self.status_text();
        self.skip().await;
        Err(FetchError::Status(text))
    }

    fn done(&mut self) {
        if let (Some(body), Some(room), Some(place)) =
            (self.body.take(), &self.room, self.place.take())
        {
            self.session.keep(place, body.into_link(&room.wire), self.tls.take());
        }
    }
}

/// The room for bytes as they come; at first, with those that came with the head.
fn wire<'r>(
    room: &'r mut Option<Room>,
    client: &Arc<ClientParts>,
    body: &mut Body,
    fields: &Fields,
) -> &'r mut Wire {
    let room = room.get_or_insert_with(|| {
        let mut room = client.rooms.take();
        body.begin(fields.begun(), &mut room.wire);
        room
    });
    &mut room.wire
}
