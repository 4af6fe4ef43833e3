//! Proxies as they are configured.

use super::is_set;
use crate::{Scalar, Secret};
use std::collections::BTreeMap;
use std::fmt;
use url::Url;

crate::section! {
    /// The keys about proxies, as they stand inline in a section.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ProxyKeys {
        keys {
            proxy_url: Option<Secret>,
            no_proxy: Option<String>,
            proxy_from_environment: Option<Scalar<bool>>,
            proxy_connect_header: Option<BTreeMap<String, Option<Vec<Secret>>>>,
        }
    }
}

/// Through whom to connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProxyConfig {
    /// Which proxy for whom.
    pub proxy: Proxy,
    /// Headers for the proxy alone, sent with `CONNECT`.
    pub connect_headers: Vec<(String, Secret)>,
}

/// Which proxy for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// To all directly.
    #[default]
    None,
    /// Through this one, but for some.
    Url {
        /// The proxy.
        url: ProxyUrl,
        /// Whom to connect to directly: names, addresses, nets, `*`, separated by commas.
        except: String,
    },
    /// As `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say, or their lower case twins.
    Environment,
}

/// What is spoken with a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// HTTP
    Http,
    /// HTTP within TLS
    Https,
    /// SOCKS 5
    Socks5,
}

/// Where a proxy is; printed without its password.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUrl {
    /// What is spoken with it.
    pub scheme: ProxyScheme,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name and password for it.
    pub login: Option<(String, Secret)>,
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}:{}", self.scheme, self.host, self.port)
    }
}

impl ProxyUrl {
    /// Reads a URL; one without a scheme speaks HTTP.
    ///
    /// # Errors
    /// When it is no URL, or of another scheme.
    pub fn parse(text: &str) -> Result<Self, String> {
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url =
            Url::parse(&with_scheme).map_err(|error| format!("invalid proxy_url: {error}"))?;
        let (scheme, port) = match url.scheme() {
            "http" => (ProxyScheme::Http, 80),
            "https" => (ProxyScheme::Https, 443),
            "socks5" | "socks5h" => (ProxyScheme::Socks5, 1080),
            other => return Err(format!("invalid proxy_url: unknown scheme {other:?}")),
        };
        let host = url.host_str().unwrap_or("");
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("invalid proxy_url: no host".into());
        }
        let login = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let password = unescape(url.password().unwrap_or(""));
            (unescape(url.username()), Secret::from(password.as_str()))
        });
        Ok(Self { scheme, host: host.to_owned(), port: url.port().unwrap_or(port), login })
    }
}

/// Takes back `%xx`.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl ProxyKeys {
    /// What the keys mean.
    ///
    /// # Errors
    /// When they exclude each other, or the proxy is not one we can speak with.
    pub fn config(&self) -> Result<ProxyConfig, String> {
        let url = self.proxy_url.as_ref().map(Secret::reveal).filter(|url| !url.is_empty());
        let from_environment = self.proxy_from_environment == Some(Scalar(true));
        let no_proxy = is_set(self.no_proxy.as_deref());
        let headers = self.proxy_connect_header.as_ref().filter(|headers| !headers.is_empty());
        let refuse = |text: &str| Err(text.to_owned());
        if headers.is_some() && !from_environment && url.is_none() {
            return refuse(
                "if proxy_connect_header is configured, proxy_url or proxy_from_environment must \
                 also be configured",
            );
        }
        if from_environment && url.is_some() {
            return refuse(
                "if proxy_from_environment is configured, proxy_url must not be configured",
            );
        }
        if from_environment && no_proxy {
            return refuse(
                "if proxy_from_environment is configured, no_proxy must not be configured",
            );
        }
        if url.is_none() && no_proxy {
            return refuse("if no_proxy is configured, proxy_url must also be configured");
        }
        let mut connect_headers = Vec::new();
        for (name, values) in headers.into_iter().flatten() {
            for value in values.iter().flatten() {
                let sendable = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
                    && http::HeaderValue::from_str(value.reveal()).is_ok();
                if !sendable {
                    return Err(format!("proxy_connect_header {name:?} cannot be sent"));
                }
                connect_headers.push((name.clone(), value.clone()));
            }
        }
        let proxy = match url {
            Some(url) => Proxy::Url {
                url: ProxyUrl::parse(url)?,
                except: self.no_proxy.clone().unwrap_or_default(),
            },
            None if from_environment => Proxy::Environment,
            None => Proxy::None,
        };
        Ok(ProxyConfig { proxy, connect_headers })
    }
}
