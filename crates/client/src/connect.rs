//! From a place to a connection that requests go over: through a proxy perhaps, secured perhaps.

use crate::FetchError;
use crate::Secret;
use crate::config::{ProxyScheme, ProxyUrl};
use crate::dialer::{Dialer, Line, Stream};
use crate::http1::{self, Connection};
use crate::http2::Shared;
use crate::place::{Place, Scheme, basic};
use crate::routes::Routes;
use crate::tls::Ready;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What connecting takes.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) dialer: Dialer,
    pub(crate) routes: Routes,
    pub(crate) connect_headers: Vec<(String, Secret)>,
    pub(crate) user_agent: String,
}

/// A connection that is ready for requests.
#[derive(Debug)]
pub(crate) enum Link {
    /// HTTP/1.1: one request at a time.
    Http1(Connection),
    /// HTTP/2: any number at a time.
    Http2(Shared),
}

impl Connector {
    /// Connects; `tls` is there for places that need it, and for proxies that do.
    pub(crate) async fn connect(
        &self,
        place: &Place,
        tls: Option<&Ready>,
    ) -> Result<Link, FetchError> {
        let proxy = self.proxy_of(place)?;
        let Line { stream, permit } = match proxy {
            None => self.dialer.dial(&place.host, place.port, place.unix_socket.as_deref()).await?,
            Some(proxy) => self.reach(proxy, tls).await?,
        };
        let stream = match proxy {
            Some(proxy) if proxy.scheme == ProxyScheme::Socks5 => {
                socks5(stream, proxy, place).await?
            }
            Some(proxy) if place.scheme == Scheme::Https => {
                self.tunnel(stream, proxy, place).await?
            }
            _ => stream,
        };
        if place.scheme == Scheme::Http {
            let login = proxy
                .filter(|proxy| proxy.scheme != ProxyScheme::Socks5)
                .map(|proxy| proxy.login.as_ref().map(|(name, word)| basic(name, word.reveal())));
            return Ok(Link::Http1(Connection::new(stream, permit).through_proxy(login)));
        }
        let (stream, http2) = needed(tls).shake(stream, &place.host, false).await?;
        Ok(match http2 {
            true => Link::Http2(Shared::new(stream, permit).await?),
            false => Link::Http1(Connection::new(stream, permit)),
        })
    }

    /// Whether TLS is needed to get there.
    pub(crate) fn needs_tls(&self, place: &Place) -> Result<bool, FetchError> {
        let to_proxy = self.proxy_of(place)?.is_some_and(|p| p.scheme == ProxyScheme::Https);
        Ok(place.scheme == Scheme::Https || to_proxy)
    }

    fn proxy_of(&self, place: &Place) -> Result<Option<&ProxyUrl>, FetchError> {
        self.routes.of(place).map_err(FetchError::Proxy)
    }

    /// Connects to a proxy.
    async fn reach(&self, proxy: &ProxyUrl, tls: Option<&Ready>) -> Result<Line, FetchError> {
        let to_proxy = |error| FetchError::Proxy(format!("proxyconnect tcp: {error}"));
        let mut line = self.dialer.dial(&proxy.host, proxy.port, None).await.map_err(to_proxy)?;
        if proxy.scheme == ProxyScheme::Https {
            let shaken = needed(tls).shake(line.stream, &proxy.host, true).await;
            (line.stream, _) = shaken.map_err(to_proxy)?;
        }
        Ok(line)
    }

    /// Asks a proxy to pass on whatever is said.
    async fn tunnel(
        &self,
        mut stream: Box<dyn Stream>,
        proxy: &ProxyUrl,
        place: &Place,
    ) -> Result<Box<dyn Stream>, FetchError> {
        let there = place.host_and_port();
        let mut request = format!(
            "CONNECT {there} HTTP/1.1\r\nHost: {there}\r\nUser-Agent: {}\r\n",
            self.user_agent
        );
        let mut push = |name: &str, value: &str| {
            write!(request, "{name}: {value}\r\n").expect("a string takes text");
        };
        if let Some((name, word)) = &proxy.login {
            push("Proxy-Authorization", &basic(name, word.reveal()));
        }
        for (name, value) in &self.connect_headers {
            push(name, value.reveal());
        }
        request.push_str("\r\n");
        let answer = http1::exchange(&mut stream, request.as_bytes(), &[]).await;
        let (head, begun) =
            answer.map_err(|error| FetchError::Proxy(format!("proxyconnect tcp: {error}")))?;
        if head.status != 200 {
            // Go leaves the number out.
            let text = head.status_text();
            let text = text.split_once(' ').map_or(text.as_str(), |(_, reason)| reason);
            return Err(FetchError::Proxy(text.to_owned()));
        }
        if !begun.rest().is_empty() {
            return Err(FetchError::Proxy("proxyconnect tcp: bytes before the tunnel".into()));
        }
        Ok(stream)
    }
}

fn needed(tls: Option<&Ready>) -> &Ready {
    tls.expect("given when needs_tls says so")
}

/// Asks a SOCKS 5 proxy (RFC 1928, RFC 1929) to pass on whatever is said; it looks up the name.
async fn socks5(
    mut stream: Box<dyn Stream>,
    proxy: &ProxyUrl,
    place: &Place,
) -> Result<Box<dyn Stream>, FetchError> {
    let talked = async {
        let io = |error: std::io::Error| error.to_string();
        let greeting: &[u8] = if proxy.login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
        stream.write_all(greeting).await.map_err(io)?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).await.map_err(io)?;
        match (answer, &proxy.login) {
            ([5, 0], _) => {}
            ([5, 2], Some((name, word))) => {
                let mut login = vec![1];
                push_text(&mut login, name)?;
                push_text(&mut login, word.reveal())?;
                stream.write_all(&login).await.map_err(io)?;
                stream.read_exact(&mut answer).await.map_err(io)?;
                if answer[1] != 0 {
                    return Err("username/password authentication failed".to_owned());
                }
            }
            ([5, _], _) => return Err("no acceptable authentication methods".to_owned()),
            ([version, _], _) => return Err(format!("unexpected protocol version {version}")),
        }
        let mut request = vec![5, 1, 0];
        match place.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => {
                request.push(1);
                request.extend_from_slice(&address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(4);
                request.extend_from_slice(&address.octets());
            }
            Err(_) => {
                request.push(3);
                push_text(&mut request, &place.host)?;
            }
        }
        request.extend_from_slice(&place.port.to_be_bytes());
        stream.write_all(&request).await.map_err(io)?;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.map_err(io)?;
        if head[0] != 5 {
            return Err(format!("unexpected protocol version {}", head[0]));
        }
        if head[1] != 0 {
            return Err(format!("unknown error {}", refusal(head[1])));
        }
        let address_len = match head[3] {
            1 => 4,
            4 => 16,
            3 => usize::from(stream.read_u8().await.map_err(io)?),
            other => return Err(format!("unknown address type {other}")),
        };
        let mut bound = vec![0; address_len + 2];
        stream.read_exact(&mut bound).await.map_err(io)?;
        Ok(())
    };
    match talked.await {
        Ok(()) => Ok(stream),
        Err(error) => {
            let (via, there) = (format!("{}:{}", proxy.host, proxy.port), place.host_and_port());
            Err(FetchError::Proxy(format!("socks connect tcp {via}->{there}: {error}")))
        }
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    out.push(u8::try_from(text.len()).map_err(|_| "a text of more than 255 bytes".to_owned())?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn refusal(code: u8) -> &'static str {
    match code {
        1 => "general SOCKS server failure",
        2 => "connection not allowed by ruleset",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown code",
    }
}

/// What [`Connector`] has for a place now, so that connections of old are not used any more.
pub(crate) fn is_current(made_by: Option<&Arc<Ready>>, now: Option<&Arc<Ready>>) -> bool {
    match (made_by, now) {
        (Some(made_by), Some(now)) => Arc::ptr_eq(made_by, now),
        (made_by, now) => made_by.is_none() && now.is_none(),
    }
}
