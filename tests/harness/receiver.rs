//! Who takes alerts in place of an Alertmanager, and remembers them.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request with alerts.
#[derive(Clone, Debug)]
pub(crate) struct Notification {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) alerts: Vec<Value>,
}

/// A small HTTP server that answers every request with its status of the moment.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    status: u16,
    got: Vec<Notification>,
}

impl Receiver {
    /// Listens on a port of the system's choice.
    pub(crate) fn start() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// Listens where nobody else does.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(Mutex::new(State { status: 200, got: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// An address at which nobody listens.
    pub(crate) fn nowhere() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
    }

    /// Answers with this status from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.state.lock().expect("no panic while held").status = status;
    }

    /// What came in so far, whatever was answered.
    pub(crate) fn got(&self) -> Vec<Notification> {
        self.state.lock().expect("no panic while held").got.clone()
    }

    /// All alerts that came in so far.
    pub(crate) fn alerts(&self) -> Vec<Value> {
        self.got().into_iter().flat_map(|notification| notification.alerts).collect()
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok(); // then the thread ends later
    let mut reader = BufReader::new(stream);
    while let Some(notification) = read(&mut reader) {
        let status = {
            let mut state = state.lock().expect("no panic while held");
            state.got.push(notification);
            state.status
        };
        let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The next request; `None` when the client has closed or says what cannot be understood.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Notification> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    let mut body = vec![0; length.trim().parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let alerts: Vec<Value> = serde_json::from_slice(&body).ok()?;
    Some(Notification { head, alerts })
}
