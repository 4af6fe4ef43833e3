//! Why there is no answer, in the words people know from Prometheus.

use crate::tls;
use std::io;
use std::sync::Arc;

/// Why there is no answer, or no body.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FetchError {
    /// The name could not be resolved.
    #[error("dial tcp: lookup {host}: {}", lookup_text(.source))]
    Lookup {
        /// The name.
        host: String,
        /// Why.
        source: Arc<io::Error>,
    },
    /// No connection.
    #[error("dial {network} {address}: {}", connect_text(.source))]
    Dial {
        /// `tcp` or `unix`.
        network: &'static str,
        /// Whom.
        address: String,
        /// Why.
        source: Arc<io::Error>,
    },
    /// As many connections as the process may have are in use.
    #[error("dial: all {0} connections for scraping are in use")]
    TooManyConnections(usize),
    /// The address makes no sense, or a header cannot be sent.
    #[error("{0}")]
    Address(String),
    /// Too many redirects, or one that cannot be followed.
    #[error("{0}")]
    Redirect(String),
    /// The proxy does not let us through.
    #[error("{0}")]
    Proxy(String),
    /// No secure connection.
    #[error("{0}")]
    Tls(String),
    /// The server of tokens could not be asked.
    #[error("Post {url:?}: {source}")]
    Token {
        /// Its URL, without a password.
        url: String,
        /// Why.
        source: Box<FetchError>,
    },
    /// No token.
    #[error("oauth2: {0}")]
    OAuth2(String),
    /// The connection ended before anything of the answer came.
    #[error("EOF")]
    ClosedBeforeAnswer,
    /// The answer is not HTTP, or a limit of it is passed.
    #[error("malformed HTTP response: {0}")]
    Malformed(String),
    /// HTTP/2 went wrong.
    #[error("http2: {0}")]
    Http2(String),
    /// Reading or writing went wrong.
    #[error("{}", io_text(.0))]
    Io(Arc<io::Error>),
    /// A file with a secret could not be read.
    #[error("unable to read {what} {path}: open {path}: {}", system_text(.source))]
    Secret {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Answered with something else than success.
    #[error("server returned HTTP status {0}")]
    Status(String),
    /// The body ended early.
    #[error("unexpected EOF")]
    Truncated,
    /// The packed body is broken.
    #[error("gzip: {0}")]
    Gzip(String),
    /// The body is larger than allowed.
    #[error("body size limit exceeded (limit: {0} bytes)")]
    BodyLimit(u64),
}

impl FetchError {
    /// Whether the text should name the request, as errors before the body do.
    #[must_use]
    pub fn names_request(&self) -> bool {
        !matches!(self, Self::Status(_) | Self::Truncated | Self::Gzip(_) | Self::BodyLimit(_))
    }
}

impl From<io::Error> for FetchError {
    fn from(error: io::Error) -> Self {
        // TLS tells so when the other side ends the connection without a farewell.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Self::Truncated
        } else {
            Self::Io(Arc::new(error))
        }
    }
}

/// What is known of a name, in Go's words; the system's are those of glibc or musl.
fn lookup_text(error: &io::Error) -> String {
    const UNKNOWN: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "no such host",
    ];
    let text = error.to_string();
    if UNKNOWN.iter().any(|unknown| text.contains(unknown)) {
        return "no such host".into();
    }
    let ours = text.strip_prefix("failed to lookup address information: ");
    ours.unwrap_or(&text).to_owned()
}

/// An error of the system in Go's words, which are those of `strerror` but for the first letter.
fn system_text(error: &io::Error) -> String {
    let text = error.to_string();
    let Some((words, _)) = text.split_once(" (os error ") else { return text };
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn connect_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".into(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".into(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".into(),
        io::ErrorKind::TimedOut => "connect: connection timed out".into(),
        io::ErrorKind::NotFound => "connect: no such file or directory".into(),
        _ => format!("connect: {error}"),
    }
}

fn io_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "read: connection reset by peer".into(),
        io::ErrorKind::BrokenPipe => "write: broken pipe".into(),
        _ => tls::text_of(error).unwrap_or_else(|| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has() {
        let check = |system: &str, expected: &str| {
            let source = Arc::new(io::Error::other(system));
            let error = FetchError::Lookup { host: "h".into(), source };
            assert_eq!(error.to_string(), format!("dial tcp: lookup h: {expected}"));
        };
        let prefix = "failed to lookup address information: ";
        check(&format!("{prefix}Name or service not known"), "no such host");
        check(&format!("{prefix}No address associated with hostname"), "no such host");
        check(&format!("{prefix}Name does not resolve"), "no such host");
        let busy = "Temporary failure in name resolution";
        check(&format!("{prefix}{busy}"), busy);
    }

    #[test]
    fn files_that_cannot_be_read() {
        let check = |source: io::Error, expected: &str| {
            let (what, path) = ("CA cert file", "/a".to_owned());
            let error = FetchError::Secret { what, path, source: Arc::new(source) };
            let expected = format!("unable to read CA cert file /a: open /a: {expected}");
            assert_eq!(error.to_string(), expected);
        };
        check(io::Error::from_raw_os_error(2), "no such file or directory");
        check(io::Error::from_raw_os_error(13), "permission denied");
        check(io::Error::other("is not a file"), "is not a file");
    }
}
