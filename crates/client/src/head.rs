//! The head of an answer: parsed from HTTP/1.1, or taken over from HTTP/2.

use crate::FetchError;
use http::HeaderMap;

/// Headers of an answer.
const MAX_HEADERS: usize = 128;
/// How much of a bad answer is shown.
const SHOWN: usize = 60;

/// What an answer says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) content_type: String,
    pub(crate) gzip: bool,
    pub(crate) location: Option<String>,
    pub(crate) length: Length,
    pub(crate) keep_alive: bool,
}

/// Where the body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Length {
    /// After so many bytes.
    Known(u64),
    /// After the last chunk.
    Chunked,
    /// With the connection, or the stream of HTTP/2.
    #[default]
    UntilClose,
}

impl Head {
    /// As in `404 Not Found`.
    pub(crate) fn status_text(&self) -> String {
        let known = http::StatusCode::from_u16(self.status).ok();
        let reason = match self.reason.as_str() {
            "" => known.and_then(|s| s.canonical_reason()).unwrap_or(""),
            reason => reason,
        };
        format!("{} {reason}", self.status).trim_end().to_owned()
    }

    /// The head and its length, when all of it is there.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, FetchError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let len = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => {
                let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
                let line = String::from_utf8_lossy(&line[..line.len().min(SHOWN)]);
                return Err(FetchError::Malformed(format!("{error} in {:?}", line.trim_end())));
            }
        };
        let mut head = Self {
            status: parsed.code.unwrap_or(0),
            reason: parsed.reason.unwrap_or("").to_owned(),
            keep_alive: parsed.version == Some(1),
            ..Self::default()
        };
        let mut framing = Framing::default();
        for header in parsed.headers.iter() {
            let value = String::from_utf8_lossy(header.value);
            head.take(header.name, value.trim(), &mut framing)?;
        }
        head.length = match framing {
            _ if matches!(head.status, 204 | 304) => Length::Known(0),
            Framing { chunked: true, .. } => Length::Chunked,
            Framing { known: Some(length), .. } => Length::Known(length),
            Framing { .. } => Length::UntilClose,
        };
        if head.length == Length::UntilClose {
            head.keep_alive = false;
        }
        Ok(Some((head, len)))
    }

    /// From what came over HTTP/2, where the end of the body needs no telling.
    pub(crate) fn of_http2(
        status: http::StatusCode,
        headers: &HeaderMap,
    ) -> Result<Self, FetchError> {
        let mut head = Self { status: status.as_u16(), keep_alive: true, ..Self::default() };
        let mut framing = Framing::default();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            head.take(name.as_str(), value.trim(), &mut framing)?;
        }
        head.length = framing.known.map_or(Length::UntilClose, Length::Known);
        Ok(head)
    }

    fn take(&mut self, name: &str, value: &str, framing: &mut Framing) -> Result<(), FetchError> {
        let named = |known: &str| name.eq_ignore_ascii_case(known);
        if named("content-type") {
            value.clone_into(&mut self.content_type);
        } else if named("content-encoding") {
            self.gzip = value == "gzip";
        } else if named("location") {
            self.location = Some(value.to_owned());
        } else if named("content-length") {
            let digits = value.bytes().all(|b| b.is_ascii_digit());
            let length = value.parse::<u64>().ok().filter(|_| digits);
            let length =
                length.ok_or_else(|| FetchError::Malformed(format!("Content-Length {value:?}")))?;
            if framing.known.is_some_and(|known| known != length) {
                return Err(FetchError::Malformed("two lengths of the body".into()));
            }
            framing.known = Some(length);
        } else if named("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                let text = format!("unsupported transfer encoding: {value:?}");
                return Err(FetchError::Malformed(text));
            }
            framing.chunked = true;
        } else if named("connection") {
            for token in value.split(',').map(str::trim) {
                if token.eq_ignore_ascii_case("close") {
                    self.keep_alive = false;
                } else if token.eq_ignore_ascii_case("keep-alive") {
                    self.keep_alive = true;
                }
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Framing {
    chunked: bool,
    known: Option<u64>,
}

/// All headers of a head that parsed before.
pub(crate) fn headers_of(head: &[u8]) -> Vec<(String, String)> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    match parsed.parse(head) {
        Ok(_) => parsed.headers.iter().map(|h| (h.name.to_owned(), text(h.value))).collect(),
        Err(_) => Vec::new(),
    }
}
