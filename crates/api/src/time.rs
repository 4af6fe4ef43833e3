//! Times and durations as parameters write them.

use crate::ApiError;
use model::{duration::Duration, float};

/// What the earliest and latest times look like in RFC 3339; clients send them back to us. No
/// calendar crate reaches that far.
const EARLIEST: &str = "-292273086-05-16T16:47:06Z";
const LATEST: &str = "292277025-08-18T07:12:54.999999999Z";

/// The time, in milliseconds, that stands for "from the beginning".
pub(crate) const MIN_TIME_MS: i64 = (i64::MIN / 1000 + 62_135_596_801) * 1000;
/// The time, in milliseconds, that stands for "until the end".
pub(crate) const MAX_TIME_MS: i64 = (i64::MAX / 1000 - 62_135_596_801) * 1000 + 999;

/// Seconds as a float, or RFC 3339; milliseconds come out, smaller parts of a float are rounded.
/// Times beyond all others, which clients send for "everything", are the earliest and the latest.
pub(crate) fn parse_time(text: &str) -> Result<i64, ApiError> {
    let invalid = || ApiError::bad_data(format!("cannot parse {text:?} to a valid timestamp"));
    if let Some(seconds) = float::parse(text) {
        return seconds_to_ms(seconds).ok_or_else(invalid);
    }
    match text {
        EARLIEST => return Ok(MIN_TIME_MS),
        LATEST => return Ok(MAX_TIME_MS),
        _ => {}
    }
    // RFC 3339 separates date and time by a T; jiff would also take a space.
    if text.as_bytes().get(10) != Some(&b'T') {
        return Err(invalid());
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| invalid())?;
    Ok(at.as_millisecond())
}

/// Seconds as a float, or `1h30m`; milliseconds come out, smaller parts are cut off.
pub(crate) fn parse_duration(text: &str) -> Result<i64, ApiError> {
    Ok(parse_duration_ns(text)? / NS_PER_MS)
}

/// Seconds as a float, or `1h30m`; nanoseconds come out.
pub(crate) fn parse_duration_ns(text: &str) -> Result<i64, ApiError> {
    let invalid = || ApiError::bad_data(format!("cannot parse {text:?} to a valid duration"));
    if let Some(seconds) = float::parse(text) {
        // Prometheus counts in 64 bits of nanoseconds; clients rely on the error beyond that.
        let ns = seconds * 1e9;
        if !(ns > -9.223_372_036_854_775e18 && ns < 9.223_372_036_854_775e18) {
            let message = format!("cannot parse {text:?} to a valid duration. It overflows int64");
            return Err(ApiError::bad_data(message));
        }
        #[expect(clippy::cast_possible_truncation, reason = "smaller than 2^63; the rest is cut")]
        return Ok(ns as i64);
    }
    let duration = Duration::parse(text).map_err(|_| invalid())?;
    duration.ms.checked_mul(NS_PER_MS).ok_or_else(invalid)
}

/// RFC 3339 of nanoseconds since the Unix epoch; Go's zero time for what never was.
pub(crate) fn rfc3339_ns(t_ns: Option<i64>) -> String {
    t_ns.and_then(|t_ns| jiff::Timestamp::from_nanosecond(t_ns.into()).ok())
        .map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}

/// Nanoseconds of a millisecond.
pub(crate) const NS_PER_MS: i64 = 1_000_000;

/// Rounds to milliseconds; `None` if there is no such second.
fn seconds_to_ms(seconds: f64) -> Option<i64> {
    if seconds.is_nan() || seconds.abs() > 9.3e18 {
        return None;
    }
    // The fraction is rounded by itself, where it has all its digits.
    let ms = seconds.trunc() * 1000.0 + (seconds.fract() * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    Some((ms as i64).clamp(MIN_TIME_MS, MAX_TIME_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_time(text).ok(), expected, "{text}");
        };
        check("0", Some(0));
        check("-1.5", Some(-1500));
        check("1e3", Some(1_000_000));
        check("1435781451.7814", Some(1_435_781_451_781));
        check("2015-06-03T14:21:58.555+01:00", Some(1_433_337_718_555));
        check("2015-06-03 13:21:58Z", None);
        check("2015-06-03T13:21:58", None);
        check("NaN", None);
        check("+Inf", None);
        check("1e300", None);
        check("-1.0006", Some(-1001));
        check("1e18", Some(MAX_TIME_MS));
        check("-9223372036854775808", Some(MIN_TIME_MS));
        check(EARLIEST, Some(MIN_TIME_MS));
        check(LATEST, Some(MAX_TIME_MS));
    }

    #[test]
    fn durations() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_duration(text).ok(), expected, "{text}");
        };
        check("15", Some(15_000));
        check("0.25", Some(250));
        check("1h30m", Some(5_400_000));
        check("-5", Some(-5000));
        check("1e10", None);
        check("NaN", None);
        check("5 m", None);
        check("0.0546", Some(54));
        check("-0.0546", Some(-54));
        check("300y", None);
    }
}
