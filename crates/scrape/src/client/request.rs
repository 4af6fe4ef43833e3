//! What is asked: whom, which page, with which headers.

use super::FetchError;
use crate::config::{Credentials, Job, SecretSource};
use crate::target::Target;
use std::fmt::Write as _;

/// Bytes of a body when the configuration sets no limit.
const HARD_BODY_LIMIT: u64 = 256 << 20;
/// Bytes of a file that holds a secret.
const MAX_SECRET: u64 = 64 << 10;

/// One target's request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) job: &'a Job,
    pub(crate) target: &'a Target,
    pub(crate) user_agent: &'a str,
}

/// Whom to dial and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Host and port as they go into the request.
    pub(super) authority: String,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) unix_socket: Option<String>,
    pub(super) path_and_query: String,
}

impl Place {
    pub(super) fn same_peer(&self, other: &Self) -> bool {
        self.authority == other.authority && self.unix_socket == other.unix_socket
    }

    /// Where a `Location` leads, seen from here.
    pub(super) fn redirected(&self, location: &str) -> Result<Self, FetchError> {
        let bad = |e: url::ParseError| {
            FetchError::Redirect(format!("failed to parse Location header {location:?}: {e}"))
        };
        let here = format!("http://{}{}", self.authority, self.path_and_query);
        let next = url::Url::parse(&here).and_then(|here| here.join(location)).map_err(bad)?;
        if next.scheme() != "http" {
            let scheme = next.scheme();
            return Err(FetchError::Redirect(format!(
                "redirect to {location:?}: scheme {scheme:?} is not built in yet"
            )));
        }
        let host = next.host_str().unwrap_or("").to_owned();
        let authority = match next.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
        let mut place = Self::new(&authority, self.unix_socket.clone(), next.path())?;
        if let Some(query) = next.query() {
            place.path_and_query.push('?');
            place.path_and_query.push_str(query);
        }
        Ok(place)
    }

    fn new(
        authority: &str,
        unix_socket: Option<String>,
        path_and_query: &str,
    ) -> Result<Self, FetchError> {
        let (host, port) = split_port(authority)?;
        Ok(Self {
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            unix_socket,
            path_and_query: path_and_query.to_owned(),
        })
    }
}

/// Host without brackets, and port; 80 when none is given.
fn split_port(authority: &str) -> Result<(&str, u16), FetchError> {
    let bad = |why: &str| FetchError::Address(format!("dial tcp: address {authority}: {why}"));
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(|| bad("missing ']' in address"))?;
        (host, rest.strip_prefix(':').unwrap_or(rest))
    } else {
        match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err(bad("too many colons in address"));
            }
            Some((host, port)) => (host, port),
            None => (authority, ""),
        }
    };
    if port.is_empty() {
        return Ok((host, 80));
    }
    let port = port.parse().map_err(|_| bad(&format!("invalid port {port:?}")))?;
    Ok((host, port))
}

impl Ask<'_> {
    pub(super) fn place(&self) -> Result<Place, FetchError> {
        let url = self.target.url();
        let unix_socket = self.target.unix_socket().map(str::to_owned);
        Place::new(&url.authority, unix_socket, &url.path_and_query)
    }

    pub(super) fn authority(&self) -> &str {
        &self.target.url().authority
    }

    pub(super) fn follows_redirects(&self) -> bool {
        self.job.follow_redirects
    }

    pub(super) fn body_limit(&self) -> u64 {
        match self.job.limits.body_bytes {
            0 => HARD_BODY_LIMIT,
            limit => limit,
        }
    }

    /// The headers that hold secrets, read from their files anew.
    pub(super) async fn secrets(&self) -> Result<String, FetchError> {
        let mut lines = String::new();
        match &self.job.credentials {
            Credentials::None => {}
            Credentials::Basic { username, password } => {
                let username = reveal(username, "basic auth username file").await?;
                let password = reveal(password, "basic auth password file").await?;
                lines.push_str("Authorization: Basic ");
                push_base64(&mut lines, format!("{username}:{password}").as_bytes());
                lines.push_str("\r\n");
            }
            Credentials::Scheme { scheme, secret } => {
                let secret = reveal(secret, "authorization credentials file").await?;
                push_header(&mut lines, "Authorization", &format!("{scheme} {secret}"))?;
            }
        }
        for (name, value) in &self.job.headers {
            push_header(&mut lines, name, &reveal(value, "http header file").await?)?;
        }
        Ok(lines)
    }

    pub(super) fn request(&self, place: &Place, secrets: Option<&String>) -> Vec<u8> {
        let mut text = String::with_capacity(512);
        let timeout = self.target.timeout().ms as f64 / 1000.0;
        let encoding = if self.job.enable_compression { "gzip" } else { "identity" };
        write!(
            text,
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept: {}\r\n\
             Accept-Encoding: {encoding}\r\nX-Prometheus-Scrape-Timeout-Seconds: {timeout}\r\n",
            place.path_and_query, place.authority, self.user_agent, self.job.accept,
        )
        .expect("a string takes text");
        if let Some(secrets) = secrets {
            text.push_str(secrets);
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// A file may change what it holds, so its text is checked at every use.
fn push_header(lines: &mut String, name: &str, value: &str) -> Result<(), FetchError> {
    if http::HeaderValue::from_str(value).is_err() {
        return Err(FetchError::Address(format!(
            "header {name:?} has a value that cannot be sent"
        )));
    }
    write!(lines, "{name}: {value}\r\n").expect("a string takes text");
    Ok(())
}

async fn reveal(source: &SecretSource, what: &'static str) -> Result<String, FetchError> {
    use tokio::io::AsyncReadExt as _;
    let path = match source {
        SecretSource::Text(secret) => return Ok(secret.reveal().to_owned()),
        SecretSource::File(path) => path,
    };
    let read = async {
        let mut text = String::new();
        let file = tokio::fs::File::open(path).await?;
        file.take(MAX_SECRET).read_to_string(&mut text).await?;
        Ok(text)
    };
    let text = read.await.map_err(|source| FetchError::Secret {
        what,
        path: path.display().to_string(),
        source,
    })?;
    Ok(text.trim().to_owned())
}

fn push_base64(out: &mut String, bytes: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |i: usize| u32::from(group.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i)) & 63;
            let kept = i <= group.len();
            out.push(if kept { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_rest() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            push_base64(&mut out, text.as_bytes());
            assert_eq!(out, expected);
        };
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("user:pass word", "dXNlcjpwYXNzIHdvcmQ=");
    }

    #[test]
    fn host_and_port() {
        let check = |authority: &str, expected: Option<(&str, u16)>| {
            assert_eq!(split_port(authority).ok(), expected, "{authority}");
        };
        check("h", Some(("h", 80)));
        check("h:9100", Some(("h", 9100)));
        check("[::1]:9100", Some(("::1", 9100)));
        check("[::1]", Some(("::1", 80)));
        check("::1", None);
        check("h:99999", None);
        check("[::1", None);
    }
}
