//! Access as its users see it, against servers that can be made to misbehave.

mod kubeconfigs;
mod patience;
mod real;

use super::{Access, Way};
use client::config::{Credentials, SecretSource};
use client::{Dialer, HttpConfig};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

const PODS: &str = "/api/v1/namespaces/a/pods";

fn with_token(file: &Path) -> HttpConfig {
    let secret = SecretSource::File(file.to_owned());
    let credentials = Credentials::Scheme { scheme: "Bearer".into(), secret };
    HttpConfig { credentials, ..HttpConfig::default() }
}

fn access(server: &str, http: HttpConfig, dialer: &Dialer) -> Access {
    let way = Way { server: server.to_owned(), http, namespace: None };
    Access::by(way, dialer, "rushlight/test").unwrap()
}

fn request(method: &str, path: &str, body: &str) -> http::Request<Vec<u8>> {
    http::Request::builder().method(method).uri(path).body(body.into()).unwrap()
}

async fn get(access: &Access, path: &str) -> Result<Value, kube::Error> {
    access.client().request(request("GET", path, "")).await
}

/// The code of a refusal, or 200.
fn code(answer: Result<Value, kube::Error>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(kube::Error::Api(status)) => status.code,
        Err(error) => panic!("{error}"),
    }
}

/// A server within the process that gives the next of its answers to each request, and nothing once
/// they are used up.
#[derive(Clone)]
struct Canned {
    answers: Arc<Mutex<VecDeque<String>>>,
    heard: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
}

impl Canned {
    fn new(answers: impl IntoIterator<Item = String>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, heard: Arc::default(), connections: Arc::default() }
    }

    fn access(&self) -> Access {
        self.access_at("http://server/prefix")
    }

    fn access_at(&self, url: &str) -> Access {
        let canned = self.clone();
        let dialer = Dialer::within(move |_| {
            *canned.connections.lock() += 1;
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            tokio::spawn(canned.clone().serve(theirs));
            Box::new(ours)
        });
        access(url, HttpConfig::default(), &dialer)
    }

    async fn serve(self, mut stream: DuplexStream) {
        while let Some(request) = heard(&mut stream).await {
            self.heard.lock().push(request);
            let answer = self.answers.lock().pop_front();
            let Some(answer) = answer else { return std::future::pending().await };
            if stream.write_all(answer.as_bytes()).await.is_err() || answer.ends_with('!') {
                return;
            }
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }
}

/// The next request with its body.
async fn heard(stream: &mut DuplexStream) -> Option<String> {
    let mut text = String::new();
    let length = |head: &str| {
        let (_, rest) = head.split_once("Content-Length: ")?;
        rest.lines().next()?.parse::<usize>().ok()
    };
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length(head).unwrap_or(0)
        {
            return Some(text);
        }
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}
