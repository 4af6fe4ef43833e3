//! Times as people write them.

use anyhow::Context;
use model::duration::Duration;
use model::float;

/// The word for the time it is.
pub(super) const NOW: &str = "now";

/// What a day looks like.
const DAY: &str = "2015-07-01";

/// RFC 3339, a day, Unix seconds, `now`, or a time before now: `-6h` or `now-6h`.
pub(super) fn parse(text: &str, now_ms: i64) -> anyhow::Result<i64> {
    if text == NOW {
        return Ok(now_ms);
    }
    let ago = text.strip_prefix(NOW).unwrap_or(text).strip_prefix('-');
    if let Some(ago) = ago.and_then(|ago| Duration::parse(ago).ok()) {
        return Ok(now_ms - ago.ms);
    }
    if let Some(seconds) = float::parse(text).filter(|seconds| seconds.abs() < 1e12) {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        return Ok((seconds * 1000.0).round() as i64);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at.as_millisecond());
    }
    // A day with a time but no zone would be taken for the day alone.
    let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == DAY.len());
    let day = day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok());
    let day = day.with_context(|| {
        format!("{text:?} is not a time: RFC 3339, a day, Unix seconds, now, or -6h for ago")
    })?;
    Ok(day.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_people_write() {
        let now = 1_700_000_000_123;
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse(text, now).ok(), expected, "{text}");
        };
        check("now", Some(now));
        check("-6h", Some(now - 6 * 3_600_000));
        check("now-1d12h", Some(now - 36 * 3_600_000));
        check("-90", Some(-90_000));
        check("1435781451.781", Some(1_435_781_451_781));
        check("2015-07-01T20:10:51.781Z", Some(1_435_781_451_781));
        check("2015-07-01T22:10:51.781+02:00", Some(1_435_781_451_781));
        check("2015-07-01", Some(1_435_708_800_000));
        for text in ["", "yesterday", "6h", "now+6h", "-", "2015-07-01 20:10"] {
            check(text, None);
        }
    }
}
