//! Headers that every answer may carry: five, some with fixed values.

use super::file::{Fault, Placed};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

/// `http_server_config.headers`
pub(super) type HeadersSection = BTreeMap<String, Placed<Option<String>>>;

/// The headers there are, as they are written, with the values they take; none is any value.
const ALLOWED: &[(&str, &[&str])] = &[
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// The headers with a value; an empty value leaves its header out.
pub(super) fn resolve(section: HeadersSection) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    for (name, value) in section {
        let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| *allowed == name) else {
            let message = format!("HTTP header {name:?} can not be configured");
            return Err(Fault::at(&value, message));
        };
        let text = value.value.as_deref().unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        if !values.is_empty() && !values.contains(&text) {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            let message = format!(
                "invalid value for {name}. Expected one of: [{}], but got: {text:?}",
                values.join(" ")
            );
            return Err(Fault::at(&value, message));
        }
        let bytes = HeaderValue::from_str(text)
            .map_err(|_| Fault::at(&value, format!("{name}: not the value of a header")))?;
        let key: HeaderName = name.parse().expect("the names of the table are names of headers");
        headers.insert(key, bytes);
    }
    Ok(headers)
}
