//! What went wrong with TLS, as users of Go's programs know it: they search for these words.

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};
use std::io;

/// The text of an error of TLS, which comes wrapped as one of reading or writing.
pub(crate) fn text_of(error: &io::Error) -> Option<String> {
    error.get_ref()?.downcast_ref::<Error>().map(text)
}

fn text(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => {
            format!("tls: failed to verify certificate: x509: {}", certificate(error))
        }
        Error::AlertReceived(alert) => format!("remote error: tls: {}", description(*alert)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "tls: first record does not look like a TLS handshake".into()
        }
        Error::PeerIncompatible(_) => {
            format!("tls: no version or cipher suite that both sides speak ({error})")
        }
        Error::NoApplicationProtocol => "tls: no application protocol".into(),
        error => format!("tls: {error}"),
    }
}

fn certificate(error: &CertificateError) -> String {
    let lapse = |now: UnixTime, relation: &str, limit: UnixTime| {
        let (now, limit) = (instant(now), instant(limit));
        format!(
            "certificate has expired or is not yet valid: current time {now} is {relation} {limit}"
        )
    };
    match error {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".into(),
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid".into()
        }
        CertificateError::ExpiredContext { time, not_after } => lapse(*time, "after", *not_after),
        CertificateError::NotValidYetContext { time, not_before } => {
            lapse(*time, "before", *not_before)
        }
        CertificateError::NotValidForName => "certificate is not valid for the name".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            names(expected, presented)
        }
        CertificateError::BadEncoding => "malformed certificate".into(),
        CertificateError::Revoked => "certificate is revoked".into(),
        error if format!("{error:?}").contains("CaUsedAsEndEntity") => {
            "certificate signed by unknown authority".into()
        }
        error => error.to_string(),
    }
}

fn names(expected: &ServerName<'_>, presented: &[String]) -> String {
    // They come as `DnsName("a")` and `IpAddress(1.2.3.4)`.
    let of_kind = |kind: &str| -> Vec<&str> {
        let inner = presented.iter().filter_map(|name| name.strip_prefix(kind)?.strip_suffix(')'));
        inner.map(|name| name.trim_matches('"')).collect()
    };
    let (dns, addresses) = (of_kind("DnsName("), of_kind("IpAddress("));
    let expected_name = expected.to_str();
    match expected {
        ServerName::IpAddress(_) if addresses.is_empty() => format!(
            "cannot validate certificate for {expected_name} because it doesn't contain any IP SANs"
        ),
        ServerName::IpAddress(_) => {
            format!("certificate is valid for {}, not {expected_name}", addresses.join(", "))
        }
        _ if dns.is_empty() && addresses.is_empty() => {
            "certificate relies on legacy Common Name field, use SANs instead".into()
        }
        _ if dns.is_empty() => {
            format!("certificate is not valid for any names, but wanted to match {expected_name}")
        }
        _ => format!("certificate is valid for {}, not {expected_name}", dns.join(", ")),
    }
}

fn instant(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}

fn description(alert: AlertDescription) -> String {
    let known = match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        other => return format!("{other:?}"),
    };
    known.into()
}
