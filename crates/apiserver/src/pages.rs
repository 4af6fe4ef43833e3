//! Exporters: metrics pages at addresses of pods, and who asked for them.

use crate::Authority;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A request's head may be as long as this.
const MAX_HEAD: usize = 16 << 10;

/// Exporters on loopback; they end when it is dropped.
pub struct Pages {
    handle: Handle,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Shared {
    exporters: Mutex<HashMap<SocketAddr, Exporter>>,
    /// By path with its query, whatever the address.
    paths: Mutex<HashMap<String, Scrapes>>,
}

struct Exporter {
    text: Arc<str>,
    scrapes: Scrapes,
    stop: CancellationToken,
}

/// Who asked for a page.
#[derive(Clone, Debug, Default)]
pub struct Scrapes {
    /// How often.
    pub count: u64,
    /// When it was asked for first.
    pub first: Option<Instant>,
    /// What stood in `Authorization` the last time.
    pub authorization: Option<String>,
}

impl Scrapes {
    fn add(&mut self, head: &str) {
        self.count += 1;
        self.first.get_or_insert_with(Instant::now);
        let value = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("authorization").then(|| value.trim().to_owned())
        };
        self.authorization = head.lines().find_map(value);
    }
}

impl Pages {
    /// No exporter yet; they run where this is called.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        let (shared, stop) = (Arc::default(), CancellationToken::new());
        Self { handle: Handle::current(), shared, stop }
    }

    /// Serves a page at an address, over TLS when an authority is given.
    ///
    /// # Errors
    /// When the address is taken.
    pub fn serve(
        &self,
        address: SocketAddr,
        text: &str,
        authority: Option<&Authority>,
    ) -> io::Result<()> {
        let acceptor = authority
            .map(|authority| authority.acceptor(&[&address.ip().to_string()], &["http/1.1"]));
        let listener = self.bind(address)?;
        let stop = self.stop.child_token();
        let exporter =
            Exporter { text: text.into(), scrapes: Scrapes::default(), stop: stop.clone() };
        self.shared.exporters.lock().insert(address, exporter);
        self.listen(listener, acceptor, stop);
        Ok(())
    }

    /// Serves a page at one port of all addresses at once; gives the port.
    ///
    /// # Errors
    /// When there is no port.
    pub fn everywhere(&self, text: &str) -> io::Result<u16> {
        let listener = self.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        let address = listener.local_addr()?;
        let stop = self.stop.child_token();
        let exporter =
            Exporter { text: text.into(), scrapes: Scrapes::default(), stop: stop.clone() };
        self.shared.exporters.lock().insert(address, exporter);
        self.listen(listener, None, stop);
        Ok(address.port())
    }

    fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let _in_runtime = self.handle.enter();
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    }

    fn listen(&self, listener: TcpListener, tls: Option<TlsAcceptor>, stop: CancellationToken) {
        let shared = Arc::clone(&self.shared);
        self.handle.spawn(stop.clone().run_until_cancelled_owned(async move {
            // A connection that could not be taken is its client's to try again.
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let Ok(address) = stream.local_addr() else { continue };
                stream.set_nodelay(true).ok(); // slower without
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                // The client may be gone at any time.
                let answer = async move {
                    match tls {
                        None => answer(stream, address, &shared).await.ok(),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => answer(stream, address, &shared).await.ok(),
                            Err(_) => None,
                        },
                    }
                };
                tokio::spawn(stop.clone().run_until_cancelled_owned(answer));
            }
        }));
    }

    /// Changes the page at an address.
    pub fn set(&self, address: SocketAddr, text: &str) {
        if let Some(exporter) = self.shared.exporters.lock().get_mut(&address) {
            exporter.text = text.into();
        }
    }

    /// Ends the exporter at an address.
    pub fn end(&self, address: SocketAddr) {
        if let Some(exporter) = self.shared.exporters.lock().remove(&address) {
            exporter.stop.cancel();
        }
    }

    /// Who asked at an address.
    #[must_use]
    pub fn scrapes(&self, address: SocketAddr) -> Scrapes {
        let exporters = self.shared.exporters.lock();
        exporters.get(&address).map(|exporter| exporter.scrapes.clone()).unwrap_or_default()
    }

    /// Who asked for a path with its query, at any address.
    #[must_use]
    pub fn scrapes_of(&self, path: &str) -> Scrapes {
        self.shared.paths.lock().get(path).cloned().unwrap_or_default()
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    /// The page of an address, or of its port everywhere.
    fn page(&self, address: SocketAddr, head: &str) -> Option<Arc<str>> {
        let path = head.split(' ').nth(1)?;
        self.paths.lock().entry(path.to_owned()).or_default().add(head);
        let mut exporters = self.exporters.lock();
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
        let place = if exporters.contains_key(&address) { address } else { everywhere };
        let exporter = exporters.get_mut(&place)?;
        exporter.scrapes.add(head);
        Some(Arc::clone(&exporter.text))
    }
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: SocketAddr,
    shared: &Shared,
) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if read.len() > MAX_HEAD || stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let rest = read.split_off(end + 4);
        let head = String::from_utf8_lossy(&read).into_owned();
        read = rest;
        let Some(text) = shared.page(address, &head) else { return Ok(()) };
        let mut told = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
             Content-Length: {}\r\n\r\n",
            text.len()
        );
        told.push_str(&text);
        stream.write_all(told.as_bytes()).await?;
        stream.flush().await?;
    }
}
