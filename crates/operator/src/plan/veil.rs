//! What is shown of jobs that have secrets in place, since those have no form as a file.

use serde_json::Value;

/// Keys below which nothing is shown.
const VEILED: [&str; 15] = [
    "access_key",
    "access_token",
    "auth_token",
    "bearer_token",
    "certificate_password",
    "client_certificate_key",
    "client_id",
    "client_secret",
    "credentials",
    "http_headers",
    "key",
    "password",
    "proxy_connect_header",
    "secret_key",
    "token",
];

/// Replaces what must not be shown; everything stays of its kind, so that it can be read.
pub(super) fn veil(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if VEILED.contains(&key.as_str()) { hide(value) } else { veil(value) }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(veil),
        Value::String(text) if text.contains("://") => {
            *text = client::without_password(text).into_owned();
        }
        _ => {}
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(hide),
        Value::Array(list) => list.iter_mut().for_each(hide),
        Value::Null => {}
        other => *other = "<secret>".into(),
    }
}
