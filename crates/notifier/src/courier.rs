//! One attempt to tell an Alertmanager.

use crate::address::Address;
use crate::message;
use client::{Answer, Client, FetchError, Method, Request, Session};
use model::Alert;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of a bad answer that are read for the log.
const EXCERPT: usize = 1024;
/// How long the body of a good answer, in which nothing stands, may take.
const REST: Duration = Duration::from_secs(1);

/// Why alerts were not taken.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// They are not to be told again as they are.
    Refused {
        /// The answer, for people.
        text: String,
        /// Whether one of them may be to blame, and the others be taken without it.
        may_be_one: bool,
    },
    /// They may be told again.
    Failed {
        /// What went wrong, for people.
        text: String,
        /// After which time the other side wants to hear of us.
        retry_after: Option<Duration>,
    },
}

/// Tells one Alertmanager.
#[derive(Debug)]
pub(crate) struct Courier {
    session: Session,
    address: Address,
    timeout: Duration,
    body: Vec<u8>,
}

impl Courier {
    pub(crate) fn new(client: &Client, address: Address, timeout: Duration) -> Self {
        Self { session: client.session(), address, timeout, body: Vec::new() }
    }

    /// Tells of these alerts, once. Whoever hears them twice takes them for the same, so a dropped
    /// future does no harm.
    ///
    /// # Errors
    /// When they were not taken in time.
    pub(crate) async fn tell(&mut self, alerts: &[Arc<Alert>]) -> Result<(), Trouble> {
        self.body.clear();
        message::write(&mut self.body, alerts);
        let deadline = Instant::now() + self.timeout;
        let mut may_be_stale = true;
        loop {
            let request = Request {
                method: Method::Post,
                place: &self.address.place,
                headers: &[("Content-Type", "application/json")],
                body: &self.body,
            };
            let error = match timeout_at(deadline, self.session.send(&request)).await {
                Ok(Ok(answer)) => return judge(answer, deadline).await,
                // The kept connection was closed while it was not used.
                Ok(Err(FetchError::ClosedBeforeAnswer)) if may_be_stale => {
                    may_be_stale = false;
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "context deadline exceeded".to_owned(),
            };
            let text = format!("Post {:?}: {error}", self.address.url);
            return Err(Trouble::Failed { text, retry_after: None });
        }
    }
}

async fn judge(answer: Answer<'_>, deadline: Instant) -> Result<(), Trouble> {
    let (status, status_text) = (answer.status(), answer.status_text());
    if answer.method() == Method::Get {
        // Redirects other than 307 and 308 have it forgotten what was told.
        let text = "redirected to a page that was asked for and not told".to_owned();
        return Err(Trouble::Failed { text, retry_after: None });
    }
    if (200..300).contains(&status) {
        timeout(REST, answer.skip()).await.ok();
        return Ok(());
    }
    let headers = answer.headers();
    let excerpt = timeout_at(deadline, excerpt(answer)).await.unwrap_or_default();
    let mut text = format!("bad response status {status_text}");
    if !excerpt.is_empty() {
        text.push_str(": ");
        text.push_str(&excerpt);
    }
    if (400..500).contains(&status) && status != 429 {
        let may_be_one = matches!(status, 400 | 413 | 422);
        return Err(Trouble::Refused { text, may_be_one });
    }
    let retry_after = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let retry_after = retry_after.and_then(|(_, seconds)| seconds.trim().parse().ok());
    Err(Trouble::Failed { text, retry_after: retry_after.map(Duration::from_secs) })
}

/// How the body begins, as far as it comes.
async fn excerpt(mut answer: Answer<'_>) -> String {
    let mut body = Vec::new();
    while body.len() < EXCERPT {
        let room = EXCERPT - body.len();
        if !matches!(answer.read(&mut body, room).await, Ok(true)) {
            break;
        }
    }
    body.truncate(EXCERPT);
    String::from_utf8_lossy(&body).trim().to_owned()
}
