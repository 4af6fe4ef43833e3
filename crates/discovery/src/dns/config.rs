//! One of `dns_sd_configs`.

use crate::sections::{Section, duration, null_as_default};
use client::Scalar;
use model::duration::Duration;
use serde::Deserialize;
use std::fmt;

/// Names of which the records are targets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct DnsConfig {
    /// The names; relative ones are looked up in the search domains of the system too.
    pub names: Vec<String>,
    /// The records to ask for.
    pub kind: DnsKind,
    /// The port of the targets, unless the record has one.
    pub port: u16,
    /// How often the names are looked up.
    pub refresh_interval: Duration,
}

/// A type of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsKind {
    /// Host and port of a service.
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Mail servers.
    Mx,
    /// Name servers.
    Ns,
}

impl fmt::Display for DnsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Mx => "MX",
            Self::Ns => "NS",
        })
    }
}

/// Why one of `dns_sd_configs` was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    /// Nothing to look up.
    #[error("DNS-SD config must contain at least one SRV record name")]
    NoNames,
    /// Only SRV records hold a port.
    #[error("a port is required in DNS-SD configs for all record types except SRV")]
    NoPort,
    /// Not one of [`DnsKind`].
    #[error("invalid DNS-SD records type {0}")]
    Kind(String),
    /// No port of TCP.
    #[error("port {0} of DNS-SD config is not between 0 and 65535")]
    Port(i64),
    /// Nothing can be looked up every 0 seconds.
    #[error("refresh_interval of DNS service discovery must be greater than 0")]
    NoInterval,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, deserialize_with = "null_as_default")]
    names: Vec<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    port: Option<Scalar<i64>>,
    #[serde(default, deserialize_with = "duration")]
    refresh_interval: Option<Duration>,
}

impl Section for DnsConfig {
    const KEY: &str = "dns_sd_configs";
}

impl TryFrom<Written> for DnsConfig {
    type Error = DnsError;

    fn try_from(written: Written) -> Result<Self, DnsError> {
        let kind = written.kind.unwrap_or_else(|| "SRV".to_owned());
        let kind = match kind.to_ascii_uppercase().as_str() {
            "SRV" => DnsKind::Srv,
            "A" => DnsKind::A,
            "AAAA" => DnsKind::Aaaa,
            "MX" => DnsKind::Mx,
            "NS" => DnsKind::Ns,
            _ => return Err(DnsError::Kind(kind)),
        };
        let port = Scalar::value(written.port).unwrap_or(0);
        let refresh_interval = written.refresh_interval.unwrap_or(Self::REFRESH_INTERVAL);
        if written.names.is_empty() {
            return Err(DnsError::NoNames);
        }
        if port == 0 && kind != DnsKind::Srv {
            return Err(DnsError::NoPort);
        }
        if refresh_interval.ms <= 0 {
            return Err(DnsError::NoInterval);
        }
        let port = u16::try_from(port).map_err(|_| DnsError::Port(port))?;
        Ok(Self { names: written.names, kind, port, refresh_interval })
    }
}

impl DnsConfig {
    /// How often names are looked up if nothing else is said.
    pub const REFRESH_INTERVAL: Duration = Duration::from_ms(30_000);
}
