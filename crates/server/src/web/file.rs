//! The file as it is written, strict: an unknown field is an error.

use super::headers::{self, HeadersSection};
use super::passwords::Users;
use super::rate::Rate;
use super::tls::TlsSection;
use super::{WebConfig, tls};
use crate::config::ConfigError;
use client::Scalar;
use client::files::{read_file, read_once};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// This file, a certificate, a key may hold at most this much.
const MAX_BYTES: u64 = 4 << 20;

/// A value and where it stands.
pub(super) type Placed<T> = Spanned<T>;

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: Option<(u64, u64)>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn at<T>(value: &Placed<T>, message: impl Into<String>) -> Self {
        let place = value.referenced;
        Self { at: Some((place.line(), place.column())), message: message.into() }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    tls_server_config: Option<Placed<Option<TlsSection>>>,
    http_server_config: Option<HttpSection>,
    basic_auth_users: Option<BTreeMap<String, Placed<String>>>,
    rate_limit: Option<Placed<Option<RateSection>>>,
}

/// `http_server_config`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpSection {
    http2: Option<Scalar<bool>>,
    headers: Option<HeadersSection>,
}

/// `rate_limit`
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RateSection {
    interval: Option<Interval>,
    burst: Option<u32>,
}

/// A duration such as `1s`.
struct Interval(model::duration::Duration);

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        model::duration::Duration::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads a text; files that it names stand below `directory` unless their path is absolute.
pub(super) fn parse(text: &str, name: &str, directory: &Path) -> Result<WebConfig, ConfigError> {
    let written: Option<File> =
        serde_saphyr::from_str(text).map_err(|error| ConfigError::of_yaml(name, &error))?;
    build(written.unwrap_or_default(), directory).map_err(|Fault { at, message }| ConfigError {
        file: name.to_owned(),
        at,
        message,
    })
}

fn build(written: File, directory: &Path) -> Result<WebConfig, Fault> {
    let http = written.http_server_config.unwrap_or_default();
    let headers = headers::resolve(http.headers.unwrap_or_default())?;
    let users = Users::resolve(written.basic_auth_users.unwrap_or_default())?;
    let rate = written.rate_limit.and_then(|section| section.value).and_then(|section| {
        let interval = section.interval.map(|interval| interval.0.ms).unwrap_or_default();
        Rate::new(u64::try_from(interval).unwrap_or(0), section.burst.unwrap_or(0))
    });
    let mut files = Vec::new();
    let mut tls = None;
    if let Some(section) = written.tls_server_config {
        let at = section.referenced;
        if let Some(section) = section.value.filter(TlsSection::says_anything) {
            files = section.files(directory);
            let built =
                tls::server_config(&section, directory, Scalar::value(http.http2).unwrap_or(true));
            let built = built.map_err(|fault| Fault {
                at: fault.at.or(Some((at.line(), at.column()))),
                message: fault.message,
            })?;
            tls = Some(Arc::new(built));
        }
    }
    Ok(WebConfig { tls, headers, users, rate, files })
}

/// A path as the file means it.
pub(super) fn below(directory: &Path, path: &str) -> PathBuf {
    directory.join(path)
}

/// Reads a file that the file names.
pub(super) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    read_file(path, MAX_BYTES).map(|content| content.bytes)
}

/// Reads the file itself; when it is read once only, it may be a pipe.
pub(super) fn text(path: &Path, once: bool) -> io::Result<String> {
    let content = if once { read_once(path, MAX_BYTES) } else { read_file(path, MAX_BYTES) };
    content?.into_text()
}
