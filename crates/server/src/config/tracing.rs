//! The `tracing` section.

use super::headers::{self, Headers};
use client::config::TlsKeys;
use client::{DurationText, Scalar};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The section as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TracingSection {
    endpoint: Option<String>,
    #[serde(rename = "client_type")]
    _client_type: Option<ClientType>,
    #[serde(rename = "sampling_fraction")]
    _sampling_fraction: Option<Scalar<f64>>,
    #[serde(rename = "insecure")]
    _insecure: Option<Scalar<bool>>,
    tls_config: Option<TlsKeys>,
    headers: Headers,
    compression: Option<String>,
    #[serde(rename = "timeout")]
    _timeout: Option<DurationText>,
}

#[derive(Debug)]
struct ClientType;

impl<'de> Deserialize<'de> for ClientType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "http" | "grpc" => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "expected tracing client type to be to be http or grpc, but got {other}"
            ))),
        }
    }
}

impl TracingSection {
    pub(super) fn check(&self) -> Result<(), String> {
        let authorization = "custom authorization header configuration is not yet supported";
        headers::check(&self.headers, authorization)?;
        if self.endpoint.as_deref().unwrap_or("").is_empty() {
            return Err("tracing endpoint must be set".into());
        }
        match self.compression.as_deref().unwrap_or("") {
            "" | "gzip" => {}
            other => {
                return Err(format!(
                    "invalid compression type {other} provided, valid options: gzip"
                ));
            }
        }
        self.tls_config.as_ref().map_or(Ok(()), |tls| tls.config().map(|_| ()))
    }
}
