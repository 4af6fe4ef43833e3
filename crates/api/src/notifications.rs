//! `/notifications`: what people should know about the server right now, as a list, or live as
//! server-sent events.

use crate::State;
use crate::envelope::{self, Data};
use axum::extract;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Changes a slow follower may be behind; one further behind is told all again.
const BEHIND: usize = 32;
/// Silence after which a follower is sent an empty line, so that nobody in between hangs up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Something to know, until it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    text: String,
    since_ms: i64,
    active: bool,
}

impl Notice {
    fn shape(&self) -> impl Serialize + use<> {
        let date = jiff::Timestamp::from_millisecond(self.since_ms);
        let date = date.map_or_else(|_| String::new(), |date| date.to_string());
        json!({ "text": self.text, "date": date, "active": self.active })
    }
}

/// What is to be known now, and who follows it.
pub struct NoticeBoard {
    state: Mutex<Posted>,
    followers: Arc<Semaphore>,
}

#[derive(Default)]
struct Posted {
    active: Vec<Notice>,
    /// `None` once the board is closed.
    sender: Option<Sender<Notice>>,
}

impl NoticeBoard {
    /// A board for at most so many followers at once.
    #[must_use]
    pub fn new(max_followers: usize) -> Self {
        let state = Posted { active: Vec::new(), sender: Some(channel(BEHIND).0) };
        let followers = Semaphore::new(max_followers.min(Semaphore::MAX_PERMITS));
        Self { state: Mutex::new(state), followers: Arc::new(followers) }
    }

    /// Something begins; what is active already stays as it is.
    pub fn post(&self, text: &str, now_ms: i64) {
        let mut state = self.lock();
        if state.active.iter().any(|notice| notice.text == text) {
            return;
        }
        let notice = Notice { text: text.to_owned(), since_ms: now_ms, active: true };
        state.active.push(notice.clone());
        state.send(notice);
    }

    /// It is over.
    pub fn remove(&self, text: &str) {
        let mut state = self.lock();
        if let Some(at) = state.active.iter().position(|notice| notice.text == text) {
            let notice = Notice { active: false, ..state.active.remove(at) };
            state.send(notice);
        }
    }

    /// Ends all followers, as the server ends.
    pub fn close(&self) {
        self.lock().sender = None;
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A follower, who is told first what is active; `None` when there are too many.
    fn follow(self: &Arc<Self>) -> Option<Follower> {
        let place = Arc::clone(&self.followers).try_acquire_owned().ok()?;
        let state = self.lock();
        let changes = state.sender.as_ref()?.subscribe();
        let first = state.active.clone().into();
        drop(state);
        Some(Follower { board: Arc::clone(self), changes, first, _place: place })
    }
}

impl Posted {
    fn send(&self, notice: Notice) {
        if let Some(sender) = &self.sender {
            // An error means that nobody follows.
            sender.send(notice).ok();
        }
    }
}

struct Follower {
    board: Arc<NoticeBoard>,
    changes: Receiver<Notice>,
    /// To be told before any change.
    first: VecDeque<Notice>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// The next thing to tell; `None` when the board is closed. Cancel safe.
    async fn next(&mut self) -> Option<Notice> {
        loop {
            if let Some(notice) = self.first.pop_front() {
                return Some(notice);
            }
            match self.changes.recv().await {
                Ok(notice) => return Some(notice),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(_)) => {
                    let state = self.board.lock();
                    self.changes = state.sender.as_ref()?.subscribe();
                    self.first = state.active.clone().into();
                }
            }
        }
    }

    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut follower| async {
            let notice = follower.next().await?;
            let text = serde_json::to_string(&notice.shape()).expect("plain shapes have JSON");
            Some((Ok(Event::default().data(text)), follower))
        })
    }
}

/// `/notifications`
pub(crate) async fn list(extract::State(state): extract::State<State>) -> Data {
    let notices: Vec<_> = state.notices.lock().active.iter().map(Notice::shape).collect();
    envelope::shape(&notices)
}

/// `/notifications/live`
pub(crate) async fn live(extract::State(state): extract::State<State>) -> Response {
    match state.notices.follow() {
        Some(follower) => Sse::new(follower.events())
            .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
            .into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn followers_hear_what_is_active_and_what_changes() {
        let board = Arc::new(NoticeBoard::new(1));
        board.post("a", 1);
        let mut follower = board.follow().expect("a place");
        assert!(board.follow().is_none(), "one place only");
        board.post("b", 2);
        board.post("b", 3);
        board.remove("a");
        board.remove("unknown");
        let mut heard = Vec::new();
        for _ in 0..3 {
            let notice = follower.next().await.expect("three notices");
            heard.push((notice.text, notice.since_ms, notice.active));
        }
        let expected = [("a", 1, true), ("b", 2, true), ("a", 1, false)];
        assert_eq!(heard, expected.map(|(text, at, active)| (text.to_owned(), at, active)));
        for at in 0..100 {
            board.post(&at.to_string(), at);
        }
        assert_eq!(follower.next().await.map(|n| n.text).as_deref(), Some("b"), "told all again");
        board.close();
        while follower.next().await.is_some() {}
        drop(follower);
        assert!(board.follow().is_none(), "closed");
    }
}
