//! The query log: a line of JSON for each query that was evaluated, with the keys of Prometheus.

use crate::State;
use crate::json::{QueryStats, write_stats, write_text};
use axum::extract::FromRequestParts;
use http::Method;
use http::request::Parts;
use std::convert::Infallible;
use std::net::IpAddr;

/// Where lines of the query log go.
pub trait QueryLog: Send + Sync {
    /// Takes one line, without its end.
    ///
    /// # Errors
    /// When the line was not written; the failure is counted.
    fn write(&self, line: &str) -> std::io::Result<()>;
}

/// The client's address. Whoever accepts connections puts it among the extensions of requests.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    client: Option<IpAddr>,
    method: Method,
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let client = parts.extensions.get::<ClientAddress>().map(|address| address.0);
        Ok(Self { client, method: parts.method.clone() })
    }
}

/// A query that has ended, well or not.
pub(super) struct Record<'a> {
    pub(super) query: &'a str,
    /// First and last time of evaluation, in milliseconds.
    pub(super) times: (i64, i64),
    /// 0 for an instant query.
    pub(super) step_ms: i64,
    pub(super) error: Option<&'a str>,
    pub(super) stats: &'a QueryStats,
    pub(super) origin: &'a Origin,
    /// The path that was asked, below the route prefix.
    pub(super) path: &'static str,
}

impl Record<'_> {
    /// Writes the record if there is a log.
    pub(super) fn write(&self, state: &State) {
        let Some(log) = state.query_log() else { return };
        let line = self.line(state.host.now_ms());
        if let Err(error) = log.write(&line) {
            state.metrics.query_log_failures.inc();
            tracing::error!(component = "api", %error, "a query was not logged");
        }
    }

    /// Both names of the time: that of Prometheus 3 and the one that its manual has.
    fn line(&self, now_ms: i64) -> String {
        let mut line = String::with_capacity(512 + self.query.len());
        let now = date(now_ms);
        let mut add = |key: &str, text: &str| {
            line.push_str(key);
            write_text(&mut line, text);
        };
        add(r#"{"time":"#, &now);
        add(r#","ts":"#, &now);
        add(r#","level":"INFO","msg":"promql query logged","params":{"end":"#, &date(self.times.1));
        add(r#","query":"#, self.query);
        add(r#","start":"#, &date(self.times.0));
        line.push_str(&format!(r#","step":{}}}"#, self.step_ms / 1000));
        if let Some(error) = self.error {
            line.push_str(r#","error":"#);
            write_text(&mut line, error);
        }
        write_stats(&mut line, self.stats);
        let client = self.origin.client.map_or_else(String::new, |client| client.to_string());
        line.push_str(r#","httpRequest":{"clientIP":"#);
        write_text(&mut line, &client);
        line.push_str(r#","method":"#);
        write_text(&mut line, self.origin.method.as_str());
        line.push_str(r#","path":"#);
        write_text(&mut line, self.path);
        line.push_str("}}");
        line
    }
}

fn date(t_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(t_ms)
        .map_or_else(|_| t_ms.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
