//! The question's way to the server, and the lines that come back.

use super::MAX_BYTES;
use super::bar::Bar;
use crate::flags::OverHistory;
use anyhow::{Context, anyhow, bail};
use api::history::{Progress, Question};
use client::files::{Content, read_once};
use client::{Client, Dialer, HttpConfig, HttpKeys, Method, Place, Request};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// A longer answer is refused.
const MAX_ANSWER_BYTES: u64 = 1 << 30;
/// Bytes asked for at a time.
const ROOM: usize = 64 << 10;

/// A line of the answer.
#[derive(Deserialize)]
struct Line {
    progress: Option<Progress>,
    data: Option<Value>,
    error: Option<String>,
}

/// Asks, draws how far it is, and gives the data of the last line.
pub(super) async fn ask(
    over: &OverHistory,
    path: &str,
    question: &Question,
) -> anyhow::Result<Value> {
    let server = over.url.trim_end_matches('/');
    let scheme = if server.contains("://") { "" } else { "http://" };
    let url = format!("{scheme}{server}/api/v1/{path}");
    let agent = concat!("Rushlight/", env!("CARGO_PKG_VERSION"));
    let client =
        Client::new(&http_config(over.http_config_file.as_deref())?, &Dialer::net(1), agent);
    let body = serde_json::to_vec(question)?;
    let place = Place::parse(&url).map_err(|error| anyhow!("{error}"))?;
    let headers = [("Content-Type", "application/json")];
    let request = Request { method: Method::Post, place: &place, headers: &headers, body: &body };
    let mut session = client.session();
    // The error tells its causes.
    let told = |error: client::FetchError| anyhow!("{server}: {error}");
    let mut answer = session.send(&request).await.map_err(told)?;
    let (status, status_text) = (answer.status(), answer.status_text());
    answer.set_limit(MAX_ANSWER_BYTES).map_err(told)?;
    let (mut bar, mut lines) = (Bar::new(), Lines::default());
    loop {
        let is_more = answer.read(&mut lines.bytes, ROOM).await.map_err(told)?;
        while let Some(line) = lines.next(!is_more) {
            match serde_json::from_slice(&line).ok() {
                Some(Line { progress: Some(progress), .. }) => bar.draw(&progress),
                Some(Line { data: Some(data), .. }) => return Ok(data),
                Some(Line { error: Some(error), .. }) => bail!("{error}"),
                _ if status == 404 => bail!("{server} cannot evaluate rules over history"),
                _ => bail!("{server} answered {status_text}"),
            }
        }
        if !is_more {
            bail!("{server} ended before it was done");
        }
    }
}

fn http_config(file: Option<&Path>) -> anyhow::Result<HttpConfig> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Keys(#[serde(deserialize_with = "client::section::deserialize")] HttpKeys);
    let Some(file) = file else { return Ok(HttpConfig::default()) };
    let shown = file.display();
    let text = read_once(file, MAX_BYTES).and_then(Content::into_text);
    let text = text.with_context(|| shown.to_string())?;
    let keys = serde_saphyr::from_str::<Option<Keys>>(&text);
    let keys = keys.map_err(|error| anyhow!("{shown}: {}", error.without_snippet()))?;
    let mut keys = keys.map(|keys| keys.0).unwrap_or_default();
    keys.set_directory(file.parent().unwrap_or(Path::new("")));
    keys.config().map_err(|error| anyhow!("{shown}: {error}"))
}

/// Bytes on their way to lines.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
}

impl Lines {
    /// The next whole line; at the end what is left is one.
    fn next(&mut self, is_end: bool) -> Option<Vec<u8>> {
        match self.bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                let rest = self.bytes.split_off(at + 1);
                Some(std::mem::replace(&mut self.bytes, rest))
            }
            None if is_end && !self.bytes.is_empty() => Some(std::mem::take(&mut self.bytes)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::config::Credentials;

    #[test]
    fn credentials_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.yml");
        let check = |text: &str| {
            std::fs::write(&path, text).unwrap();
            http_config(Some(&path)).map_err(|error| error.to_string())
        };
        let config = check("basic_auth: {username: a, password: b}\n").unwrap();
        assert!(matches!(config.credentials, Credentials::Basic { .. }), "{config:?}");
        assert_eq!(check("").unwrap(), HttpConfig::default());
        let error = check("basic_auth: {username: a}\nusername: b\n").unwrap_err();
        assert!(error.contains("http.yml: ") && error.contains("username"), "{error}");
        assert!(check("bearer_token: a\nbearer_token_file: b\n").is_err());
    }

    #[test]
    fn lines_are_put_together() {
        let mut lines = Lines::default();
        let mut take = |bytes: &str, is_end: bool| {
            lines.bytes.extend_from_slice(bytes.as_bytes());
            let mut found = Vec::new();
            while let Some(line) = lines.next(is_end) {
                found.push(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            found
        };
        assert_eq!(take("{\"a\"", false), Vec::<String>::new());
        assert_eq!(take(":1}\n{}\n{", false), ["{\"a\":1}", "{}"]);
        assert_eq!(take("}", true), ["{}"]);
    }
}
