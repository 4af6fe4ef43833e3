//! Values of flags.

use model::duration::Duration;
use model::regex::Regex;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Where to listen: `host:port`, or `:port` for all addresses of the machine, old and new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress(pub(crate) SocketAddr);

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(port) = text.strip_prefix(':') {
            let port = port.parse().map_err(|_| format!("{port:?} is not a port"))?;
            return Ok(Self(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
        found.next().map(Self).ok_or_else(|| "the name has no address".to_owned())
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text).map_err(|error| error.to_string())
}

/// A duration of at least a second.
pub(super) fn duration_of_a_second(text: &str) -> Result<Duration, String> {
    let span = duration(text)?;
    if span.ms < 1000 { Err("must be at least 1s".to_owned()) } else { Ok(span) }
}

/// A part of a whole: above 0 and at most 1.
pub(super) fn ratio(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio > 0.0 && ratio <= 1.0 => Ok(ratio),
        _ => Err("must be greater than 0 and less than or equal to 1".to_owned()),
    }
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    model::size::parse_bytes(text).map_err(|error| error.to_string())
}

pub(super) fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

/// A number of at least one.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match whole(text).map(usize::try_from)? {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(count) => Ok(count),
        Err(_) => Err("too large".to_owned()),
    }
}

/// A whole number, which may be written as `5e7`.
pub(super) fn whole(text: &str) -> Result<u64, String> {
    /// Below it, every whole number is one of floating point.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let number = text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && (0.0..EXACT).contains(n));
    // Without an exponent it is written out.
    let number = number.and_then(|number| format!("{number:.0}").parse().ok());
    number.ok_or_else(|| "not a number".to_owned())
}

/// A URL, whose scheme may be left out, or nothing.
pub(super) fn url(text: &str) -> Result<String, String> {
    let parsed = match text {
        "" => return Ok(String::new()),
        text if text.contains("://") => url::Url::parse(text),
        text => url::Url::parse(&format!("http://{text}")),
    };
    parsed.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
