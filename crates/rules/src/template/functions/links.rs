//! Functions on addresses.

use std::fmt::Write as _;
use std::net::IpAddr;

/// A text as part of a query string, a space as `+`.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("a string takes text"),
        }
    }
    out
}

/// The page that shows an expression; 0 is the graph, 1 the table.
pub(super) fn graph(expr: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape(expr))
}

/// The path of the URL under which people find the server.
pub(super) fn path_prefix(external_url: &str) -> &str {
    let after = external_url.split_once("://").map_or("", |(_, after)| after);
    let path = after.find('/').map_or("", |at| &after[at..]);
    path.split(['?', '#']).next().unwrap_or("")
}

/// Host and port, when there is a port in Go's sense.
fn split(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':')?)
        }
        None => text.rsplit_once(':').filter(|(host, _)| !host.contains(':'))?,
    };
    // Brackets stand around the host or nowhere.
    let is_bare = |part: &str| !part.contains(['[', ']']);
    (is_bare(host) && is_bare(port) && !port.contains(':')).then_some((host, port))
}

pub(super) fn strip_port(text: &str) -> &str {
    split(text).map_or(text, |(host, _)| host)
}

/// The first name of a host, its port kept; addresses stay.
pub(super) fn strip_domain(text: &str) -> String {
    let (host, port) = split(text).map_or((text, None), |(host, port)| (host, Some(port)));
    if host.parse::<IpAddr>().is_ok() {
        return text.to_owned();
    }
    let host = host.split('.').next().unwrap_or("");
    match port {
        None | Some("") => host.to_owned(),
        Some(port) if host.contains(':') => format!("[{host}]:{port}"),
        Some(port) => format!("{host}:{port}"),
    }
}
