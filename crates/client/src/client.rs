//! One configuration's client: what all who are asked under it share.

use crate::body::Rooms;
use crate::config::{Credentials, HttpConfig};
use crate::connect::Connector;
use crate::dialer::Dialer;
use crate::greeting::Greeting;
use crate::oauth2::Tokens;
use crate::place::Place;
use crate::request::{Method, Request};
use crate::routes::Routes;
use crate::session::{Answer, Session};
use crate::tls::Tls;
use crate::{FetchError, config};
use std::sync::{Arc, Mutex, PoisonError};

/// Sessions kept by a client that is asked for single answers.
const MAX_IDLE: usize = 8;
/// Bytes of a body asked for at a time.
const ROOM: usize = 64 << 10;

/// Asks over HTTP, under one configuration. Clones are the same client.
///
/// Material of TLS, files with secrets and tokens are shared by all who are asked; files are read
/// again when they change. Time is the caller's: dropping a future ends everything it does.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    idle: Arc<Mutex<Vec<Session>>>,
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Arc<HttpConfig>,
    pub(crate) connector: Connector,
    pub(crate) greeting: Greeting,
    pub(crate) tls: Tls,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) rooms: Rooms,
}

/// A whole answer, of any status.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its number.
    pub status: u16,
    /// As in `404 Not Found`.
    pub status_text: String,
    /// All headers, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the status is one of success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Client {
    /// A client for a configuration; connections are opened by the dialer. Nothing is read or
    /// connected to yet, but the environment when it names proxies.
    #[must_use]
    pub fn new(config: &HttpConfig, dialer: &Dialer, user_agent: &str) -> Self {
        let config = Arc::new(config.clone());
        let tokens = match &config.credentials {
            Credentials::OAuth2(oauth2) => Some(Tokens::new(oauth2, dialer, user_agent)),
            _ => None,
        };
        let config::ProxyConfig { proxy, connect_headers } = &config.proxy;
        let shared = Shared {
            connector: Connector {
                dialer: dialer.clone(),
                routes: Routes::new(proxy, |name| std::env::var(name).ok()),
                connect_headers: connect_headers.clone(),
                user_agent: user_agent.to_owned(),
            },
            greeting: Greeting::new(&config, &dialer.vault),
            tls: Tls::new(&config.tls, config.enable_http2, &dialer.vault),
            tokens,
            rooms: dialer.rooms.clone(),
            config,
        };
        Self { shared: Arc::new(shared), idle: Arc::default() }
    }

    /// What it was made of.
    #[must_use]
    pub fn config(&self) -> &HttpConfig {
        &self.shared.config
    }

    /// For one who is asked again and again: connections of its own.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(self.shared.clone())
    }

    /// Asks for a page. A body of `body_limit` bytes and more is refused.
    ///
    /// # Errors
    /// When there is no whole answer; one of any status is an answer.
    pub async fn get(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body_limit: u64,
    ) -> Result<Response, FetchError> {
        self.ask(Method::Get, url, headers, &[], body_limit).await
    }

    /// Sends something; the `Content-Type` is among the headers.
    ///
    /// # Errors
    /// When there is no whole answer; one of any status is an answer. It may have been heard all the
    /// same.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        body_limit: u64,
    ) -> Result<Response, FetchError> {
        self.ask(Method::Post, url, headers, body, body_limit).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        body_limit: u64,
    ) -> Result<Response, FetchError> {
        let place = Place::parse(url)?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = {
            let mut idle = idle();
            let at = idle.iter().position(|session| session.has(&place));
            at.map(|at| idle.swap_remove(at))
        };
        let mut session = kept.unwrap_or_else(|| self.session());
        let answer = session.send(&Request { method, place: &place, headers, body }).await?;
        let response = whole(answer, body_limit).await?;
        let mut idle = idle();
        if idle.len() == MAX_IDLE {
            idle.remove(0);
        }
        idle.push(session);
        Ok(response)
    }
}

async fn whole(mut answer: Answer<'_>, limit: u64) -> Result<Response, FetchError> {
    answer.set_limit(limit)?;
    let (headers, mut body) = (answer.headers(), Vec::new());
    let (status, status_text) = (answer.status(), answer.status_text());
    while answer.read(&mut body, ROOM).await? {}
    Ok(Response { status, status_text, headers, body })
}
