//! `headers` of remote endpoints and of tracing: which names are taken.

use std::collections::BTreeMap;

/// Headers as written; a value may be left out.
pub(super) type Headers = Option<BTreeMap<String, Option<String>>>;

/// Set by the protocols themselves, or by what signs requests.
const RESERVED: [&str; 16] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "user-agent",
    "www-authenticate",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-prometheus-remote-read-version",
    "x-prometheus-remote-write-version",
];

/// Refuses reserved names; `authorization` is what is said about the header of that name.
pub(super) fn check(headers: &Headers, authorization: &str) -> Result<(), String> {
    for name in headers.iter().flat_map(BTreeMap::keys) {
        let lower = name.to_lowercase();
        if lower == "authorization" {
            return Err(authorization.to_owned());
        }
        if RESERVED.contains(&lower.as_str()) {
            return Err(format!("{name} is a reserved header. It must not be changed"));
        }
    }
    Ok(())
}

/// As for remote endpoints, which have keys for that header.
pub(super) const AUTHORIZATION_HAS_KEYS: &str = "authorization header must be changed via the \
    basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter";
