//! Targets to scrape: pages that can change while the test runs, and pages that misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a target answers.
#[derive(Clone, Debug)]
pub(crate) enum Page {
    /// A good page.
    Text(String),
    /// A status and a body.
    Status(u16, String),
    /// Bytes as they are, then the connection is closed.
    Raw(Vec<u8>),
    /// No answer as long as the client waits.
    Hang,
}

/// A small HTTP server on a port of the system's choice.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    page: Arc<Mutex<Page>>,
}

impl Target {
    pub(crate) fn start(page: Page) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let page = Arc::new(Mutex::new(page));
        let shared = Arc::clone(&page);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let page = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &page));
            }
        });
        Self { address, page }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::start(Page::Text(text.into()))
    }

    pub(crate) fn set(&self, page: Page) {
        *self.page.lock().expect("no panic while held") = page;
    }

    /// A scrape job for this target, every 200 ms.
    pub(crate) fn job(&self, name: &str) -> String {
        format!(
            "- job_name: {name}\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  \
             static_configs: [{{targets: ['{}']}}]\n",
            self.address
        )
    }
}

fn serve(mut stream: TcpStream, page: &Mutex<Page>) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok(); // then the thread ends later
    while read_request(&mut stream) {
        let page = page.lock().expect("no panic while held").clone();
        let (status, body) = match page {
            Page::Text(body) => (200, body),
            Page::Status(status, body) => (status, body),
            Page::Raw(bytes) => {
                stream.write_all(&bytes).ok(); // the client may be gone
                return;
            }
            Page::Hang => {
                while !matches!(stream.read(&mut [0; 512]), Ok(0) | Err(_)) {}
                return;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} Status\r\nContent-Type: text/plain; version=0.0.4\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads up to the blank line; false when the client has closed.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => seen.push(byte[0]),
            _ => return false,
        }
    }
    true
}
