//! Why a page could not be fetched, in the words people know from Prometheus.

use std::io;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The name could not be resolved.
    #[error("dial tcp: lookup {host}: {source}")]
    Lookup {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// No connection.
    #[error("dial {network} {address}: {}", connect_text(.source))]
    Dial {
        /// `tcp` or `unix`.
        network: &'static str,
        /// Whom.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// As many connections as the process may have are in use.
    #[error("dial: all {0} connections for scraping are in use")]
    TooManyConnections(usize),
    /// The address of the target or of a redirect makes no sense.
    #[error("{0}")]
    Address(String),
    /// Too many redirects, or one that cannot be followed.
    #[error("{0}")]
    Redirect(String),
    /// The connection ended before anything of the answer came.
    #[error("EOF")]
    ClosedBeforeAnswer,
    /// The answer is not HTTP, or a limit of it is passed.
    #[error("malformed HTTP response: {0}")]
    Malformed(String),
    /// Reading or writing went wrong.
    #[error("{}", io_text(.0))]
    Io(io::Error),
    /// A file with a secret could not be read.
    #[error("unable to read {what} {path}: {source}")]
    Secret {
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The target answered with something else than success.
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
    /// Other bodies being read take the memory there is for them.
    #[error("no memory for a body of {0} bytes and more besides those of other targets")]
    NoRoom(usize),
}

impl FetchError {
    /// Whether the text should name the request, as errors before the body do.
    pub(crate) fn names_request(&self) -> bool {
        !matches!(
            self,
            Self::Status(_)
                | Self::Truncated
                | Self::Gzip(_)
                | Self::BodyLimit(_)
                | Self::NoRoom(_)
        )
    }
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
        _ => error.to_string(),
    }
}
