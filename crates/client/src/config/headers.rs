//! Further headers: in place, secret, or in files.

use super::SecretSource;
use crate::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One entry of `http_headers`: values in place, secret ones, and ones in files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderValues {
    pub(super) values: Option<Vec<String>>,
    pub(super) secrets: Option<Vec<Secret>>,
    pub(super) files: Option<Vec<PathBuf>>,
}

/// Headers that are set by us, by the protocols of remote storage, by another option, or by what
/// signs requests.
const RESERVED: [&str; 22] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
    "x-prometheus-scrape-timeout-seconds",
];

/// Whether a header is one that no configuration may set, in any letter case.
#[must_use]
pub fn is_reserved_header(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// The headers in the order of their names; values in place come before secrets and files.
pub(super) fn resolve(
    written: Option<&BTreeMap<String, Option<HeaderValues>>>,
) -> Result<Vec<(String, SecretSource)>, String> {
    let mut headers = Vec::new();
    for (name, values) in written.into_iter().flatten() {
        let valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !valid || is_reserved_header(name) {
            return Err(format!("setting header {:?} is not allowed", canonical(name)));
        }
        let Some(values) = values else { continue };
        let texts = values.values.iter().flatten().map(|v| Secret::from(v.as_str()));
        for text in texts.chain(values.secrets.iter().flatten().cloned()) {
            if http::HeaderValue::from_str(text.reveal()).is_err() {
                return Err(format!(
                    "header {:?} has a value that cannot be sent",
                    canonical(name)
                ));
            }
            headers.push((name.clone(), SecretSource::Text(text)));
        }
        let files = values.files.iter().flatten();
        headers.extend(files.map(|file| (name.clone(), SecretSource::File(file.clone()))));
    }
    Ok(headers)
}

/// As in `Content-Type`.
fn canonical(name: &str) -> String {
    let word = |word: &str| {
        let lower = word.to_ascii_lowercase();
        let mut letters = lower.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_ascii_uppercase().to_string() + letters.as_str()
        })
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
