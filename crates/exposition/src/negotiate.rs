//! Which format a response has.

use crate::media_type;
use crate::quote::Quoted;

/// A format that [`parse`](crate::parse) reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics text, 1.0.0 and 0.0.1.
    OpenMetrics,
    /// Delimited messages of Protocol Buffers.
    Protobuf,
}

/// A scrape protocol by the name that the configuration uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `PrometheusProto`
    Protobuf,
    /// `OpenMetricsText0.0.1`
    OpenMetrics0,
    /// `OpenMetricsText1.0.0`
    OpenMetrics1,
    /// `PrometheusText0.0.4`
    Text0,
    /// `PrometheusText1.0.0`
    Text1,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Self; 5] =
        [Self::Protobuf, Self::OpenMetrics1, Self::OpenMetrics0, Self::Text1, Self::Text0];

    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "PrometheusProto",
            Self::OpenMetrics0 => "OpenMetricsText0.0.1",
            Self::OpenMetrics1 => "OpenMetricsText1.0.0",
            Self::Text0 => "PrometheusText0.0.4",
            Self::Text1 => "PrometheusText1.0.0",
        }
    }

    /// The protocol of a name in the configuration; letter case matters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// What an `Accept` header asks for, without escaping and weight.
    #[must_use]
    pub fn accept(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                 encoding=delimited"
            }
            Self::OpenMetrics0 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetrics1 => "application/openmetrics-text;version=1.0.0",
            Self::Text0 => "text/plain;version=0.0.4",
            Self::Text1 => "text/plain;version=1.0.0",
        }
    }

    /// The media type alone.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => PROTOBUF,
            Self::OpenMetrics0 | Self::OpenMetrics1 => OPENMETRICS,
            Self::Text0 | Self::Text1 => TEXT,
        }
    }
}

const PROTOBUF: &str = "application/vnd.google.protobuf";
const OPENMETRICS: &str = "application/openmetrics-text";
const TEXT: &str = "text/plain";

/// Chooses the format from a response's `Content-Type` (empty when it has none). The fallback is
/// used when the header is missing, broken or unknown; then a warning says so.
///
/// # Errors
/// A sentence for the target's last error, when no format can be chosen.
pub fn negotiate(
    content_type: &str,
    fallback: Option<Protocol>,
) -> Result<(Format, Option<String>), String> {
    let shown = Quoted(content_type.as_bytes());
    let problem = match media_type::parse(content_type) {
        _ if content_type.is_empty() => {
            "non-compliant scrape target sending blank Content-Type".to_owned()
        }
        Ok((media_type, _)) => match by_media_type(&media_type) {
            Some(format) => return Ok((format, None)),
            None => format!("received unsupported Content-Type {shown}"),
        },
        Err(reason) => format!("cannot parse Content-Type {shown} ({reason})"),
    };
    match fallback {
        None => Err(format!("{problem} and no fallback_scrape_protocol specified for target")),
        Some(protocol) => {
            let media_type = protocol.media_type();
            let format = by_media_type(media_type).expect("protocols have known media types");
            Ok((format, Some(format!("{problem}, using fallback_scrape_protocol {media_type:?}"))))
        }
    }
}

/// `None` for a media type that is no exposition format at all.
fn by_media_type(media_type: &str) -> Option<Format> {
    match media_type {
        TEXT => Some(Format::Text),
        OPENMETRICS => Some(Format::OpenMetrics),
        PROTOBUF => Some(Format::Protobuf),
        _ => None,
    }
}
