//! What is asked, and how it is written for either version of HTTP.

use crate::FetchError;
use crate::place::Place;
use std::fmt::Write as _;

/// What is done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Tells.
    Post,
    /// Puts something in the place of what is there.
    Put,
    /// Changes a part of what is there.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// As it stands in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub method: Method,
    /// Where.
    pub place: &'a Place,
    /// Headers besides `Host`, `User-Agent`, `Content-Length` and those of the configuration. An
    /// answer that is packed with gzip is unpacked, so `Accept-Encoding` may ask for that.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent along.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// Whether the length of the body is told, which others expect of what tells, however little.
    fn tells_length(&self) -> bool {
        match self.method {
            Method::Get => false,
            Method::Post | Method::Put | Method::Patch => true,
            Method::Delete => !self.body.is_empty(),
        }
    }

    /// A request of HTTP/1.1 but for its body.
    pub(crate) fn text(
        &self,
        secrets: &[(&str, &str)],
        user_agent: &str,
        proxy: Option<&Option<String>>,
    ) -> Result<String, FetchError> {
        let place = self.place;
        // Whoever writes a line of his own writes a request of his own.
        let bad = |text: &&str| text.bytes().any(|b| b <= b' ' || b == 0x7f);
        if let Some(text) = [&*place.authority, &*place.path_and_query].iter().find(|t| bad(t)) {
            return Err(FetchError::Address(format!("invalid character in URL {text:?}")));
        }
        let is_break = |b: u8| matches!(b, b'\r' | b'\n' | 0);
        let headers = || self.headers.iter().chain(secrets);
        if let Some((name, _)) = headers().find(|(n, v)| n.bytes().chain(v.bytes()).any(is_break)) {
            let text = format!("header {name:?} has a value that cannot be sent");
            return Err(FetchError::Address(text));
        }
        let mut text = String::with_capacity(512);
        let mut push =
            |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("a string takes text");
        push(format_args!("{} ", self.method.name()));
        if proxy.is_some() {
            push(format_args!("{}://{}", place.scheme.name(), place.authority));
        }
        push(format_args!("{} HTTP/1.1\r\n", place.path_and_query));
        push(format_args!("Host: {}\r\nUser-Agent: {user_agent}\r\n", place.authority));
        if let Some(Some(login)) = proxy {
            push(format_args!("Proxy-Authorization: {login}\r\n"));
        }
        if self.tells_length() {
            push(format_args!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in headers() {
            push(format_args!("{name}: {value}\r\n"));
        }
        push(format_args!("\r\n"));
        Ok(text)
    }

    /// The same for HTTP/2.
    pub(crate) fn message(
        &self,
        secrets: &[(&str, &str)],
        user_agent: &str,
    ) -> Result<http::Request<()>, FetchError> {
        let mut message = http::Request::builder()
            .method(self.method.name())
            .uri(self.place.url())
            .version(http::Version::HTTP_2)
            .header("user-agent", user_agent);
        if self.tells_length() {
            message = message.header("content-length", self.body.len());
        }
        for (name, value) in self.headers.iter().chain(secrets) {
            message = message.header(*name, *value);
        }
        message.body(()).map_err(|error| FetchError::Address(error.to_string()))
    }
}
