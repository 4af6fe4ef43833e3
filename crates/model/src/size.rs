//! Sizes in bytes: numbers with the units B, KB, MB, GB, TB, PB, EB (or KiB ..), powers of 1024.

/// Why a size was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text does not follow the grammar.
    #[error("units: invalid {0}")]
    Invalid(String),
    /// The text has a sign.
    #[error("units: negative {0}")]
    Negative(String),
    /// A number without a unit; only `0` may stand alone.
    #[error("units: missing unit in {0}")]
    MissingUnit(String),
    /// A number is followed by something that is not a unit.
    #[error("units: unknown unit {unit} in {text}")]
    UnknownUnit {
        /// What stands where a unit should.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// The value does not fit 63 bits.
    #[error("units: out of range {0}")]
    OutOfRange(String),
}

/// The units from the smallest to the largest; each is 1024 times the one before.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Reads `512MB`, `1.5GiB`, `1GB512MB`, `0`.
///
/// # Errors
/// When the text is not a size.
pub fn parse_bytes(text: &str) -> Result<u64, Error> {
    if text == "0" {
        return Ok(0);
    }
    if text.starts_with('-') {
        return Err(Error::Negative(text.into()));
    }
    let out_of_range = || Error::OutOfRange(text.into());
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(Error::Invalid(text.into()));
    }
    let mut bytes = 0_u64;
    while !rest.is_empty() {
        let is_number = |c: char| c.is_ascii_digit() || c == '.';
        let (number, tail) = rest.split_at(rest.find(|c| !is_number(c)).unwrap_or(rest.len()));
        let (unit, tail) = tail.split_at(tail.find(is_number).unwrap_or(tail.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return Err(Error::Invalid(text.into()));
        }
        if unit.is_empty() {
            return Err(Error::MissingUnit(text.into()));
        }
        let shift = shift_of(unit)
            .ok_or_else(|| Error::UnknownUnit { unit: unit.into(), text: text.into() })?;
        let whole: u64 =
            if whole.is_empty() { "0" } else { whole }.parse().map_err(|_| out_of_range())?;
        let whole = whole.checked_mul(1 << shift).ok_or_else(out_of_range)?;
        let part = whole.checked_add(fraction_of(fraction, shift)).ok_or_else(out_of_range)?;
        bytes = bytes.checked_add(part).ok_or_else(out_of_range)?;
        rest = tail;
    }
    if i64::try_from(bytes).is_ok() { Ok(bytes) } else { Err(out_of_range()) }
}

/// The power of two of a unit.
fn shift_of(unit: &str) -> Option<u32> {
    let same = |name: &str| name == unit || name.replace('i', "") == unit;
    let at = UNITS.iter().position(|name| same(name))?;
    u32::try_from(10 * at).ok()
}

/// The bytes of the digits behind a decimal point, rounded down. Fifteen digits decide: more
/// cannot change a byte of anything below a pebibyte.
fn fraction_of(digits: &str, shift: u32) -> u64 {
    let digits = &digits[..digits.len().min(15)];
    let scale = 10_u128.pow(u32::try_from(digits.len()).expect("at most 15"));
    let value = digits.bytes().fold(0, |value, digit| value * 10 + u128::from(digit - b'0'));
    u64::try_from((value << shift) / scale).expect("a fraction is less than its unit")
}

/// Writes a size as Prometheus does, exactly: `512MiB`, `1KiB512B`, `0B`.
#[must_use]
pub fn format_bytes(bytes: u64) -> String {
    if bytes == 0 {
        return "0B".to_owned();
    }
    let mut text = String::new();
    for (i, unit) in UNITS.iter().enumerate().rev() {
        let part = bytes >> (10 * i) & 1023;
        if part != 0 {
            text.push_str(&part.to_string());
            text.push_str(unit);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, bytes: u64, printed: &str) {
        assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        assert_eq!(format_bytes(bytes), printed, "{text}");
    }

    #[test]
    fn reads_and_prints() {
        check("0", 0, "0B");
        check("0B", 0, "0B");
        check("100B", 100, "100B");
        check("1KB", 1024, "1KiB");
        check("1KiB", 1024, "1KiB");
        check("512MB", 512 << 20, "512MiB");
        check("+1GB", 1 << 30, "1GiB");
        check("1.5GiB", 3 << 29, "1GiB512MiB");
        check(".5KB", 512, "512B");
        check("1.KB", 1024, "1KiB");
        check("1GB512MB", 3 << 29, "1GiB512MiB");
        check("1536B", 1536, "1KiB512B");
        check("2TB", 2 << 40, "2TiB");
        check("3PB", 3 << 50, "3PiB");
        check("7EB", 7 << 60, "7EiB");
        check("0.1KB", 102, "102B");
    }

    #[track_caller]
    fn refuses(text: &str, message: &str) {
        assert_eq!(parse_bytes(text).unwrap_err().to_string(), message, "{text:?}");
    }

    #[test]
    fn refuses_the_rest() {
        refuses("", "units: invalid ");
        refuses("+", "units: invalid +");
        refuses("MB", "units: invalid MB");
        refuses("1.2.3MB", "units: invalid 1.2.3MB");
        refuses(".MB", "units: invalid .MB");
        refuses("-1MB", "units: negative -1MB");
        refuses("100", "units: missing unit in 100");
        refuses("1mb", "units: unknown unit mb in 1mb");
        refuses("1 MB", "units: unknown unit  MB in 1 MB");
        refuses("1iB", "units: unknown unit iB in 1iB");
        refuses("1KMB", "units: unknown unit KMB in 1KMB");
        refuses("8EB", "units: out of range 8EB");
        refuses("99999999999999999999B", "units: out of range 99999999999999999999B");
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(bytes in 0..=u64::try_from(i64::MAX).unwrap()) {
            prop_assert_eq!(parse_bytes(&format_bytes(bytes)), Ok(bytes));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[-+0-9.KMGEiB é]{0,40}") {
            prop_assert!(parse_bytes(&text).ok().is_none_or(|n| i64::try_from(n).is_ok()));
        }
    }
}
