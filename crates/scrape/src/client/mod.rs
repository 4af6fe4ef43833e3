//! The HTTP client of one target: a GET at a time over connections that are kept.
//!
//! HTTP/1.1 by hand, since a scrape needs little of it and does it often: the answer is read into
//! buffers that all loops share, and a body of known length goes from the socket to where it is
//! parsed without another copy. Nothing is unbounded: head, chunk lines, trailers, redirects and the
//! unpacked body all have limits. Time is the caller's: dropping the future ends everything.

mod body;
mod connection;
mod error;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use body::Buffers;
pub(crate) use connection::Dialer;
#[cfg(test)]
pub(crate) use connection::Stream;
pub(crate) use error::FetchError;
pub(crate) use request::Ask;

use crate::desk::{Desk, Lease};
use connection::{Connection, Head};
use request::Place;
use std::sync::Arc;

/// Go follows as many.
const MAX_REDIRECTS: usize = 10;
/// The target's own, and the one it redirects to.
const MAX_KEPT: usize = 2;

/// What came back with status 200.
pub(crate) struct Page {
    /// The `Content-Type`, or the empty text.
    pub(crate) content_type: String,
    /// Holds the body.
    pub(crate) lease: Lease,
}

/// The connections of one target.
#[derive(Debug)]
pub(crate) struct Client {
    dialer: Dialer,
    kept: Vec<(Place, Connection)>,
    in_body: bool,
}

impl Client {
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer, kept: Vec::new(), in_body: false }
    }

    /// Whether the last fetch got as far as the body; tells where a timeout struck.
    pub(crate) fn was_in_body(&self) -> bool {
        self.in_body
    }

    /// Fetches the page. Room for the body is taken when there is one, so that targets that do not
    /// answer hold none.
    ///
    /// Cancel safe: a connection in use is dropped with the future.
    pub(crate) async fn fetch(
        &mut self,
        ask: &Ask<'_>,
        desk: &Arc<Desk>,
    ) -> Result<Page, FetchError> {
        self.in_body = false;
        let mut place = ask.place()?;
        let secrets = ask.secrets().await?;
        for _ in 0..=MAX_REDIRECTS {
            // Credentials do not go to another host.
            let greeting = if place.authority == ask.authority() { Some(&secrets) } else { None };
            let request = ask.request(&place, greeting);
            let (mut connection, head, rest) = self.exchange(&place, &request).await?;
            let mut lease = desk.lease();
            match (head.status, &head.location) {
                (200, _) => {
                    self.in_body = true;
                    let limit = ask.body_limit();
                    body::read(&mut connection, &head, &rest, limit, &mut lease).await?;
                    self.keep(place, connection, &head);
                    return Ok(Page { content_type: head.content_type, lease });
                }
                (301 | 302 | 303 | 307 | 308, Some(location)) if ask.follows_redirects() => {
                    let next = place.redirected(location)?;
                    if body::skip(&mut connection, &head, &rest, &mut lease).await {
                        self.keep(place, connection, &head);
                    }
                    place = next;
                }
                _ => {
                    let text = head.status_text();
                    if body::skip(&mut connection, &head, &rest, &mut lease).await {
                        self.keep(place, connection, &head);
                    }
                    return Err(FetchError::Status(text));
                }
            }
        }
        Err(FetchError::Redirect(format!("stopped after {MAX_REDIRECTS} redirects")))
    }

    /// Sends the request and reads the head of the answer. A kept connection that the target has
    /// closed meanwhile is replaced once.
    async fn exchange(
        &mut self,
        place: &Place,
        request: &[u8],
    ) -> Result<(Connection, Head, Vec<u8>), FetchError> {
        if let Some(at) = self.kept.iter().position(|(kept, _)| kept.same_peer(place)) {
            let (_, mut connection) = self.kept.swap_remove(at);
            match connection.exchange(request).await {
                Ok((head, rest)) => return Ok((connection, head, rest)),
                Err(FetchError::ClosedBeforeAnswer) => {}
                Err(error) => return Err(error),
            }
        }
        let mut connection = self.dialer.dial(place).await?;
        let (head, rest) = connection.exchange(request).await?;
        Ok((connection, head, rest))
    }

    fn keep(&mut self, place: Place, connection: Connection, head: &Head) {
        if head.keep_alive && connection.is_drained() {
            if self.kept.len() == MAX_KEPT {
                self.kept.remove(0);
            }
            self.kept.push((place, connection));
        }
    }
}
