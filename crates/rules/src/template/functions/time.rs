//! Functions on times. They are seconds since the epoch, durations are seconds.

use super::super::human;
use super::super::value::Value;
use jiff::Timestamp;

pub(super) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

fn nanoseconds(seconds: f64, limit: f64) -> Option<i64> {
    let ns = seconds * 1e9;
    if ns.is_nan() || ns.abs() > limit {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    Some(ns as i64)
}

/// Numbers that are no time.
const NO_TIME: &str = "value is NaN or Inf";

fn timestamp(seconds: f64) -> Result<Timestamp, String> {
    if !seconds.is_finite() {
        return Err(NO_TIME.to_owned());
    }
    // As far as 64 bits of nanoseconds go; what is kept are milliseconds.
    nanoseconds(seconds, 9.223_372_036_854_776e18)
        .and_then(|ns| Timestamp::from_millisecond(ns / 1_000_000).ok())
        .ok_or_else(|| {
            let mut text = String::new();
            model::float::write_g(&mut text, seconds).expect("a string takes text");
            format!(
                "{text} cannot be represented as a nanoseconds timestamp since it overflows int64"
            )
        })
}

/// As Go prints a time in UTC; numbers that are none as they are.
pub(super) fn humanize_timestamp(seconds: f64) -> Result<Value, String> {
    if !seconds.is_finite() {
        return Ok(Value::text(human::humanize(seconds)));
    }
    Ok(Value::text(Value::Time(timestamp(seconds)?).to_string()))
}

pub(super) fn to_time(seconds: f64) -> Result<Value, String> {
    Ok(Value::Time(timestamp(seconds)?))
}

/// What is beyond 64 bits of nanoseconds is as near to it as they come.
pub(super) fn to_duration(seconds: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "casts to integers saturate")]
    Value::Duration((seconds * 1e9) as i64)
}

/// Seconds of `1h30m`, also of a negative one.
pub(super) fn parse_duration(text: &str) -> Result<Value, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1.0, text), |digits| (-1.0, digits));
    let duration = model::duration::Duration::parse(digits).map_err(|error| error.to_string())?;
    Ok(Value::Float(sign * seconds(duration.ms)))
}
