//! Prometheus durations: `1h30m`, units y w d h m s ms in descending order, each at most once.

use std::fmt;

/// Why a duration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is empty.
    #[error("empty duration string")]
    Empty,
    /// The text does not follow the grammar.
    #[error("not a valid duration string: {0:?}")]
    Invalid(String),
    /// A number is followed by something that is not a unit.
    #[error("unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// What stands where a unit should.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// The value is above 292 years, the most that Prometheus can hold.
    #[error("duration out of range")]
    OutOfRange,
}

/// The units from the largest to the smallest, with their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration: as many nanoseconds as an `i64` holds.
const MAX_MS: i64 = i64::MAX / 1_000_000;

/// A span of time in milliseconds, zero or positive, written as Prometheus writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    /// The number of milliseconds.
    pub ms: i64,
}

impl Duration {
    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self { ms }
    }

    /// Reads `1h30m`, `15s`, `250ms`, `0`. No sign, no space, no fraction; a bare number other than
    /// `0` is refused.
    ///
    /// # Errors
    /// When the text is not a duration.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" => return Err(Error::Empty),
            "0" => return Ok(Self::from_ms(0)),
            _ => {}
        }
        let invalid = || Error::Invalid(text.to_owned());
        let (mut rest, mut ms, mut next_unit) = (text, 0_i64, 0);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| invalid())?;
            let (unit, tail) =
                tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
            if unit.is_empty() {
                return Err(invalid());
            }
            let at = UNITS.iter().position(|(name, _)| *name == unit);
            let at =
                at.ok_or_else(|| Error::UnknownUnit { unit: unit.into(), text: text.into() })?;
            if at < next_unit {
                return Err(invalid());
            }
            next_unit = at + 1;
            let part = i64::try_from(number).ok().and_then(|n| n.checked_mul(UNITS[at].1));
            let sum = part.and_then(|part| ms.checked_add(part));
            ms = sum.filter(|sum| *sum <= MAX_MS).ok_or(Error::OutOfRange)?;
            rest = tail;
        }
        Ok(Self { ms })
    }
}

/// `1d12h`, `90m`, `0s`. Years and weeks only where nothing smaller remains: 90d reads better than
/// 12w6d.
impl std::str::FromStr for Duration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.ms.unsigned_abs();
        if rest == 0 {
            return f.write_str("0s");
        }
        if self.ms < 0 {
            f.write_str("-")?;
        }
        for (name, size) in UNITS {
            let size = size.unsigned_abs();
            let may_leave_rest = !matches!(name, "y" | "w");
            if rest >= size && (may_leave_rest || rest.is_multiple_of(size)) {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, ms: i64, printed: &str) {
        let duration = Duration::parse(text).unwrap();
        assert_eq!((duration.ms, duration.to_string().as_str()), (ms, printed), "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("0", 0, "0s");
        check("0w", 0, "0s");
        check("0s", 0, "0s");
        check("1ms", 1, "1ms");
        check("324ms", 324, "324ms");
        check("3s", 3_000, "3s");
        check("5m", 300_000, "5m");
        check("90m", 5_400_000, "1h30m");
        check("1h30m", 5_400_000, "1h30m");
        check("4d", 4 * 86_400_000, "4d");
        check("4d1h", 4 * 86_400_000 + 3_600_000, "4d1h");
        check("14d", 14 * 86_400_000, "2w");
        check("3w", 21 * 86_400_000, "3w");
        check("3w2d1h", 23 * 86_400_000 + 3_600_000, "23d1h");
        check("10y", 3650 * 86_400_000, "10y");
        check("1y1ms", 365 * 86_400_000 + 1, "365d1ms");
        check("007s", 7_000, "7s");
        check("292y", 292 * 365 * 86_400_000, "292y");
    }

    #[track_caller]
    fn refuses(text: &str, message: &str) {
        assert_eq!(Duration::parse(text).unwrap_err().to_string(), message, "{text:?}");
    }

    #[test]
    fn refuses_with_the_known_messages() {
        refuses("", "empty duration string");
        for text in ["1", "1y1m1d", "1s1s", "-1w", "-", "d", "1", " 1s", "1ms1s"] {
            refuses(text, &format!("not a valid duration string: {text:?}"));
        }
        refuses("10s ", "unknown unit \"s \" in duration \"10s \"");
        refuses("1.5d", "unknown unit \".\" in duration \"1.5d\"");
        refuses("10x", "unknown unit \"x\" in duration \"10x\"");
        refuses("1m30", "not a valid duration string: \"1m30\"");
        refuses("99999999999999999999s", "not a valid duration string: \"99999999999999999999s\"");
        refuses("294y", "duration out of range");
        refuses("200y10400w", "duration out of range");
        refuses("9223372036854775808ms", "duration out of range");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(ms in 0..=MAX_MS) {
            let text = Duration::from_ms(ms).to_string();
            prop_assert_eq!(Duration::parse(&text), Ok(Duration::from_ms(ms)));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[0-9ywdhms. é-]{0,30}") {
            if let Ok(duration) = Duration::parse(&text) {
                prop_assert!((0..=MAX_MS).contains(&duration.ms));
            }
        }
    }
}
