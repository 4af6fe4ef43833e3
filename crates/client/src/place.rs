//! Whom to ask, and for which page.

use crate::FetchError;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::borrow::Cow;
use url::Url;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Whom to connect to and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) scheme: Scheme,
    /// Host and port as they go into the request.
    pub(crate) authority: String,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) unix_socket: Option<String>,
    pub(crate) path_and_query: String,
    /// What the URL itself says about who asks, as it goes into `Authorization`.
    pub(crate) login: Option<String>,
}

impl Place {
    /// From the parts of a URL, which go into the request as they are.
    ///
    /// # Errors
    /// When the scheme is not spoken, or the authority is not a host with or without a port.
    pub fn new(
        scheme: &str,
        authority: &str,
        path_and_query: &str,
        unix_socket: Option<&str>,
    ) -> Result<Self, FetchError> {
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => {
                return Err(FetchError::Address(format!("unsupported protocol scheme {other:?}")));
            }
        };
        let (host, port) = split_port(authority, scheme)?;
        Ok(Self {
            scheme,
            host: host.to_owned(),
            port,
            authority: authority.to_owned(),
            unix_socket: unix_socket.map(str::to_owned),
            path_and_query: path_and_query.to_owned(),
            login: None,
        })
    }

    /// From a URL.
    ///
    /// # Errors
    /// When it is none, or its scheme is not spoken.
    pub fn parse(url: &str) -> Result<Self, FetchError> {
        let bad = |error| FetchError::Address(format!("parse {url:?}: {error}"));
        Self::of_url(&Url::parse(url).map_err(bad)?, None)
    }

    fn of_url(url: &Url, unix_socket: Option<&str>) -> Result<Self, FetchError> {
        let host = url.host_str().unwrap_or("");
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut place = Self::new(url.scheme(), &authority, url.path(), unix_socket)?;
        if let Some(query) = url.query() {
            place.path_and_query.push('?');
            place.path_and_query.push_str(query);
        }
        if !url.username().is_empty() || url.password().is_some() {
            let unescape = crate::config::unescape;
            let password = unescape(url.password().unwrap_or(""));
            place.login = Some(basic(&unescape(url.username()), &password));
        }
        Ok(place)
    }

    /// Where a `Location` leads, seen from here.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, FetchError> {
        let bad = |e: url::ParseError| {
            FetchError::Redirect(format!("failed to parse Location header {location:?}: {e}"))
        };
        let next = Url::parse(&self.url()).and_then(|here| here.join(location)).map_err(bad)?;
        Self::of_url(&next, self.unix_socket.as_deref())
    }

    /// Whether one connection serves both.
    pub(crate) fn same_peer(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.port == other.port
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.unix_socket == other.unix_socket
    }

    /// Whether what is told to the other may be told here: it is the same, or the same made secure.
    pub(crate) fn is_trusted_as(&self, other: &Self) -> bool {
        let is_default = |place: &Self| place.port == place.scheme.port();
        let made_secure = (other.scheme, self.scheme) == (Scheme::Http, Scheme::Https)
            && is_default(other)
            && is_default(self)
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.unix_socket == other.unix_socket;
        made_secure || self.same_peer(other)
    }

    /// The whole URL.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.authority, self.path_and_query)
    }

    /// Host and port, which is never left out.
    pub(crate) fn host_and_port(&self) -> String {
        join_host_and_port(&self.host, self.port)
    }
}

pub(crate) fn join_host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// A URL as it may be shown: a password in it is hidden, also when the rest is no URL.
#[must_use]
pub fn without_password(url: &str) -> Cow<'_, str> {
    let shown = || {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (user_info, _) = rest[..end].rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some(format!("{scheme}://{user}:xxxxx{}", &rest[user_info.len()..]))
    };
    shown().map_or(Cow::Borrowed(url), Cow::Owned)
}

/// Name and password as they go into a header.
pub(crate) fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
}

/// Host without brackets, and port; the scheme's own when none is given.
fn split_port(authority: &str, scheme: Scheme) -> Result<(&str, u16), FetchError> {
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
        return Ok((host, scheme.port()));
    }
    let port = port.parse().map_err(|_| bad(&format!("invalid port {port:?}")))?;
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port() {
        let check = |authority: &str, expected: Option<(&str, u16)>| {
            assert_eq!(split_port(authority, Scheme::Http).ok(), expected, "{authority}");
        };
        check("h", Some(("h", 80)));
        check("h:9100", Some(("h", 9100)));
        check("[::1]:9100", Some(("::1", 9100)));
        check("[::1]", Some(("::1", 80)));
        check("::1", None);
        check("h:99999", None);
        check("[::1", None);
    }

    #[test]
    fn urls() {
        let check = |url: &str, expected: (&str, u16, &str)| {
            let place = Place::parse(url).unwrap();
            assert_eq!((place.host.as_str(), place.port, place.path_and_query.as_str()), expected);
        };
        check("https://h/a?b=c#d", ("h", 443, "/a?b=c"));
        check("http://[::1]:90", ("::1", 90, "/"));
        let login = Place::parse("http://u%40:p@h/").unwrap().login.unwrap();
        assert_eq!(login, basic("u@", "p"));
        let error = Place::parse("ftp://h/").unwrap_err().to_string();
        assert_eq!(error, "unsupported protocol scheme \"ftp\"");
        let from = Place::new("http", "h:1", "/a/b", None).unwrap();
        let check = |location: &str, expected: &str| {
            assert_eq!(from.redirected(location).unwrap().url(), expected);
        };
        check("c", "http://h:1/a/c");
        check("/c?d", "http://h:1/c?d");
        check("//i/c", "http://i/c");
        check("https://j", "https://j/");
    }

    #[test]
    fn whom_secrets_of_another_are_told() {
        let check = |origin: &str, location: &str, is_peer: bool, is_trusted: bool| {
            let (scheme, authority) = origin.split_once("://").unwrap();
            let origin = Place::new(scheme, authority, "/a", None).unwrap();
            let next = origin.redirected(location).unwrap();
            let found = (next.same_peer(&origin), next.is_trusted_as(&origin));
            assert_eq!(found, (is_peer, is_trusted), "{location}");
        };
        // A URL leaves out the port of its scheme, and names are written small in it.
        check("https://h:443", "/b", true, true);
        check("http://h:80", "/b", true, true);
        check("http://H:90", "/b", true, true);
        check("http://[::1]:80", "/b", true, true);
        check("http://h", "https://h/b", false, true);
        check("http://h:80", "https://h:443/b", false, true);
        check("http://h:9090", "https://h/b", false, false);
        check("http://h", "https://h:8443/b", false, false);
        check("https://h", "http://h/b", false, false);
        check("http://h", "https://i/b", false, false);
        check("http://h", "http://h:81/b", false, false);
        check("http://h", "http://h.evil/b", false, false);
    }

    #[test]
    fn passwords_are_hidden() {
        let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
        check("http://u:p@h:1/a?b=c@d", "http://u:xxxxx@h:1/a?b=c@d");
        check("http://u@h", "http://u@h");
        check("http://h", "http://h");
        check("no url", "no url");
    }
}
