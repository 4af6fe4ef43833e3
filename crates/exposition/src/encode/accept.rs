//! Which protocol a client asks for.

use crate::media_type;
use crate::negotiate::Protocol;

/// The protocol that an `Accept` header likes best of those we write; text 0.0.4 if it likes none
/// or is empty. Of equal weights the first wins. Broken entries do not count.
#[must_use]
pub fn choose(accept: &str) -> Protocol {
    let mut best = (0, Protocol::Text0);
    for entry in accept.split(',') {
        let Ok((media_type, parameters)) = media_type::parse(entry) else { continue };
        let parameter = |name: &str| {
            parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
        };
        let protocol = match (media_type.as_str(), parameter("version")) {
            ("application/openmetrics-text", Some("1.0.0")) => Protocol::OpenMetrics1,
            ("application/openmetrics-text", Some("0.0.1") | None) => Protocol::OpenMetrics0,
            ("text/plain", Some("1.0.0")) => Protocol::Text1,
            ("text/plain", Some("0.0.4") | None) | ("text/*" | "*/*", None) => Protocol::Text0,
            _ => continue,
        };
        let weight = parameter("q").map_or(Some(1000), weight).unwrap_or(0);
        if weight > best.0 {
            best = (weight, protocol);
        }
    }
    best.1
}

/// The `Content-Type` of a page in a protocol.
#[must_use]
pub fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Text0 | Protocol::Protobuf => {
            "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
        }
        Protocol::Text1 => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
        Protocol::OpenMetrics0 => {
            "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores"
        }
        Protocol::OpenMetrics1 => {
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
        }
    }
}

/// Thousandths; `None` for what is no weight.
fn weight(text: &str) -> Option<u32> {
    let value = text.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let thousandths = (value * 1000.0).round() as u32;
    Some(thousandths)
}
