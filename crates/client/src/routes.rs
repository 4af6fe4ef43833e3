//! Which proxy serves whom: the rules of Go's `httpproxy`, which all of its programs share.

use crate::config::{Proxy, ProxyUrl};
use crate::place::{Place, Scheme};
use std::net::IpAddr;

/// Which proxy serves whom.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    http: Option<ProxyUrl>,
    https: Option<ProxyUrl>,
    /// Whom to connect to directly; when there is no such list, not even to oneself.
    except: Option<Vec<Exception>>,
    /// Why nobody can be connected to.
    broken: Option<String>,
}

/// Somebody to connect to directly.
#[derive(Debug, PartialEq, Eq)]
enum Exception {
    Everyone,
    /// An address, or a net by the number of its fixed bits; and a port.
    Net(IpAddr, u8, Option<u16>),
    /// A name as the end of a longer one, `.` in front; the name itself too; and a port.
    Name {
        suffix: String,
        itself: bool,
        port: Option<u16>,
    },
}

impl Routes {
    /// From the configuration, and the environment when that says so.
    pub(crate) fn new(proxy: &Proxy, variable: impl Fn(&str) -> Option<String>) -> Self {
        match proxy {
            Proxy::None => Self::default(),
            Proxy::Url { url, except } => Self {
                http: Some(url.clone()),
                https: Some(url.clone()),
                except: (!except.is_empty()).then(|| exceptions(except)),
                broken: None,
            },
            Proxy::Environment => Self::of_environment(variable),
        }
    }

    fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| {
            let twins = [name.to_owned(), name.to_ascii_lowercase()];
            twins.iter().filter_map(|name| variable(name)).find(|value| !value.is_empty())
        };
        let mut broken = None;
        let mut url = |name: &str| match ProxyUrl::parse(&either(name)?) {
            Ok(url) => Some(url),
            Err(error) => {
                broken = Some(format!("{name}: {error}"));
                None
            }
        };
        let (http, https) = (url("HTTP_PROXY"), url("HTTPS_PROXY"));
        let except = Some(exceptions(&either("NO_PROXY").unwrap_or_default()));
        Self { http, https, except, broken }
    }

    /// The proxy for a place, `None` when it is connected to directly.
    pub(crate) fn of(&self, place: &Place) -> Result<Option<&ProxyUrl>, String> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let proxy = match place.scheme {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
        };
        if place.unix_socket.is_some() {
            return Ok(None);
        }
        Ok(proxy.filter(|_| {
            !self.except.as_ref().is_some_and(|list| is_direct(list, &place.host, place.port))
        }))
    }
}

fn is_direct(list: &[Exception], host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    // With a list, oneself is always on it.
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let port_fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
    list.iter().any(|exception| match exception {
        Exception::Everyone => true,
        Exception::Net(net, bits, wanted) => {
            address.is_some_and(|address| is_within(address, *net, *bits)) && port_fits(wanted)
        }
        Exception::Name { suffix, itself, port: wanted } => {
            let fits = host.ends_with(suffix.as_str()) || (*itself && host == suffix[1..]);
            fits && port_fits(wanted)
        }
    })
}

fn is_within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (address, net) {
        (IpAddr::V4(address), IpAddr::V4(net)) => {
            let differing = address.to_bits() ^ net.to_bits();
            differing.leading_zeros() >= u32::from(bits)
        }
        (IpAddr::V6(address), IpAddr::V6(net)) => {
            let differing = address.to_bits() ^ net.to_bits();
            differing.leading_zeros() >= u32::from(bits)
        }
        _ => false,
    }
}

fn exceptions(list: &str) -> Vec<Exception> {
    let entries = list.split(',').map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter_map(|entry| exception(&entry)).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    if entry == "*" {
        return Some(Exception::Everyone);
    }
    if let Some((net, bits)) = entry.split_once('/') {
        let net = net.parse::<IpAddr>().ok()?;
        let max = if net.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= max)?;
        return Some(Exception::Net(net, bits, None));
    }
    let all_bits = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Some(Exception::Net(address, all_bits(address), None));
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (entry, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(Exception::Net(address, all_bits(address), port));
    }
    let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let (suffix, itself) = match host {
        "" | "." => return None,
        host if host.starts_with('.') => (host.to_owned(), false),
        host => (format!(".{host}"), true),
    };
    Some(Exception::Name { suffix, itself, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_connect_to_directly() {
        let check = |list: &str, url: &str, direct: bool| {
            let place = Place::parse(url).unwrap();
            assert_eq!(
                is_direct(&exceptions(list), &place.host, place.port),
                direct,
                "{list} {url}"
            );
        };
        check("", "http://a.example", false);
        check("", "http://localhost:9090", true);
        check("", "http://127.0.0.5", true);
        check("", "http://[::1]:80", true);
        check("*", "http://a.example", true);
        check("b, a.example ", "http://A.Example", true);
        check("a.example", "http://x.a.example", true);
        check("a.example", "http://xa.example", false);
        check(".a.example", "http://x.a.example", true);
        check(".a.example", "http://a.example", false);
        check("*.a.example", "http://x.y.a.example", true);
        check("*.a.example", "http://a.example", false);
        check("a.example:8080", "http://a.example", false);
        check("a.example:8080", "http://a.example:8080", true);
        check("a.example:443", "https://x.a.example", true);
        check("10.0.0.0/8", "http://10.2.3.4", true);
        check("10.0.0.0/8", "http://11.2.3.4", false);
        check("0.0.0.0/0", "http://11.2.3.4", true);
        check("192.168.1.1", "http://192.168.1.1:9100", true);
        check("192.168.1.1:80", "http://192.168.1.1:9100", false);
        check("fe80::/10", "http://[fe80::1]:9100", true);
        check("[2001:db8::1]:90", "http://[2001:db8::1]:90", true);
        check("2001:db8::1", "http://[2001:db8::2]", false);
        check(",,a.example/8,:80,x:y", "http://a.example", false);
    }

    #[test]
    fn the_environment() {
        let set = |variables: &'static [(&str, &str)]| {
            Routes::new(&Proxy::Environment, move |name| {
                variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
            })
        };
        let check = |routes: &Routes, url: &str, proxy: Option<&str>| {
            let place = Place::parse(url).unwrap();
            let found = routes.of(&place).unwrap().map(|url| url.host.as_str());
            assert_eq!(found, proxy, "{url}");
        };
        let routes =
            set(&[("http_proxy", "p:3128"), ("HTTPS_PROXY", "http://q"), ("no_proxy", "n")]);
        check(&routes, "http://a", Some("p"));
        check(&routes, "https://a", Some("q"));
        check(&routes, "https://n", None);
        check(&routes, "http://localhost", None);
        check(&set(&[]), "http://a", None);
        check(&set(&[("HTTP_PROXY", ""), ("http_proxy", "b")]), "http://a", Some("b"));
        let broken = set(&[("HTTP_PROXY", "ftp://x")]);
        assert!(broken.of(&Place::parse("http://a").unwrap()).unwrap_err().contains("HTTP_PROXY"));
    }

    #[test]
    fn without_exceptions_even_to_oneself() {
        let url = ProxyUrl::parse("http://p").unwrap();
        let routes = |except: &str| {
            let proxy = Proxy::Url { url: url.clone(), except: except.into() };
            Routes::new(&proxy, |_| None)
        };
        let place = Place::parse("http://localhost:9090").unwrap();
        assert!(routes("").of(&place).unwrap().is_some());
        assert!(routes("x").of(&place).unwrap().is_none());
    }
}
