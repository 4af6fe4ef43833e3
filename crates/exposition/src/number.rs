//! Sample values: the decimal floats of the formats, read exactly.

use crate::quote::Quoted;

/// Powers of ten that a float holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads the decimal float at the front of the text: its value and its length. What follows the
/// float is the caller's to judge. `None` when there is none or it is too large.
#[inline]
pub(crate) fn take_decimal(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative || text.first() == Some(&b'+'));
    let mut mantissa = 0u64;
    let mut at = take_digits(text, start, &mut mantissa);
    let mut digits = at - start;
    let mut scale = 0i64;
    if text.get(at) == Some(&b'.') {
        let end = take_digits(text, at + 1, &mut mantissa);
        let fraction = end - (at + 1);
        digits += fraction;
        scale = -i64::try_from(fraction).ok()?;
        at = end;
    }
    if digits == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        scale += take_exponent(text, &mut at)?;
    }
    let value = if digits <= 19 && mantissa <= 1 << 53 && (-22..=22).contains(&scale) {
        // Both are exact, so that one rounding is all there is.
        let power = |scale: i64| POWERS_OF_TEN[usize::from(scale.unsigned_abs().to_le_bytes()[0])];
        let value = match scale {
            0 => mantissa as f64,
            1.. => mantissa as f64 * power(scale),
            _ => mantissa as f64 / power(scale),
        };
        if negative { -value } else { value }
    } else {
        read_exactly(&text[..at])?
    };
    Some((value, at))
}

/// Adds the digits from `at` on to the mantissa and returns where they end. Too many digits wrap;
/// that is noticed by their count.
#[inline]
fn take_digits(text: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(Ok(eight)) = text.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let (count, value) = leading_digits(eight);
        *mantissa = mantissa.wrapping_mul(INTEGER_POWERS_OF_TEN[count]).wrapping_add(value);
        at += count;
        if count < 8 {
            return at;
        }
    }
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|d| *d < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

const INTEGER_POWERS_OF_TEN: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many of eight bytes are digits before the first that is none, and their value; all bytes at
/// once, each in a lane of its own.
#[inline]
fn leading_digits(bytes: [u8; 8]) -> (usize, u64) {
    const LANES: u64 = 0x0101_0101_0101_0101;
    let lanes = u64::from_le_bytes(bytes) ^ (LANES * 0x30);
    // The high bit of a lane tells a value above nine. A carry spoils only lanes behind it.
    let others = (lanes.wrapping_add(LANES * 0x76) | lanes) & (LANES * 0x80);
    let bits = others.trailing_zeros() & !7;
    // Zeros in front, then the digits; tens and ones, then hundreds, then the halves are joined.
    let digits = lanes.checked_shl(64 - bits).unwrap_or(0);
    let pairs = digits.wrapping_mul(10 * 0x100 + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 * 0x1_0000 + 1) >> 16 & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32;
    ((bits / 8) as usize, value)
}

/// `e`, an optional sign and at least one digit.
fn take_exponent(text: &[u8], at: &mut usize) -> Option<i64> {
    *at += 1;
    let negative = text.get(*at) == Some(&b'-');
    *at += usize::from(negative || text.get(*at) == Some(&b'+'));
    let start = *at;
    let mut exponent = 0i64;
    while let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
        exponent = (exponent * 10 + i64::from(digit - b'0')).min(1_000_000);
        *at += 1;
    }
    (*at > start).then_some(if negative { -exponent } else { exponent })
}

/// `None` for what is too large.
fn read_exactly(decimal: &[u8]) -> Option<f64> {
    let value = std::str::from_utf8(decimal).ok()?.parse::<f64>().ok()?;
    value.is_finite().then_some(value)
}

/// Reads a whole token: a decimal float, an infinity or NaN in any letter case. NaN comes in the
/// form in which it is stored.
pub(crate) fn parse(token: &[u8]) -> Result<f64, String> {
    if memchr::memchr3(b'p', b'P', b'_', token).is_some() {
        return Err("unsupported character in float".to_owned());
    }
    match take_decimal(token) {
        Some((value, len)) if len == token.len() => return Ok(value),
        _ => {}
    }
    if let Some(value) = parse_special(token) {
        return Ok(value);
    }
    let reason = if is_decimal(token) { "value out of range" } else { "invalid syntax" };
    Err(format!("strconv.ParseFloat: parsing {}: {reason}", Quoted(token)))
}

fn parse_special(token: &[u8]) -> Option<f64> {
    if token.eq_ignore_ascii_case(b"nan") {
        return Some(f64::from_bits(model::sample::NORMAL_NAN_BITS));
    }
    let (infinity, word) = match token.split_first()? {
        (b'-', word) => (f64::NEG_INFINITY, word),
        (b'+', word) => (f64::INFINITY, word),
        _ => (f64::INFINITY, token),
    };
    let is_infinite = word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity");
    is_infinite.then_some(infinity)
}

/// Whether the token is a decimal float, of whatever size.
fn is_decimal(token: &[u8]) -> bool {
    token.iter().any(u8::is_ascii_digit)
        && token.iter().all(|b| b.is_ascii_digit() || b"+-.eE".contains(b))
        && std::str::from_utf8(token).is_ok_and(|text| text.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<f64>) {
        let value = parse(text.as_bytes()).ok();
        assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits), "{text:?}");
    }

    #[test]
    fn spellings() {
        check("0", Some(0.0));
        check("-0", Some(-0.0));
        check("+7", Some(7.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("03.0", Some(3.0));
        check("1e3", Some(1000.0));
        check("1E+03", Some(1000.0));
        check("1.7560473e+06", Some(1_756_047.3));
        check("9007199254740993", Some(9_007_199_254_740_992.0));
        check("9223372036854775794", Some(9_223_372_036_854_775_807.0));
        check("0.00000000000000000000000000000000000000012345", Some(1.2345e-40));
        check("1e-400", Some(0.0));
        check("5e-324", Some(5e-324));
        check("inf", Some(f64::INFINITY));
        check("+Infinity", Some(f64::INFINITY));
        check("-iNF", Some(f64::NEG_INFINITY));
        check("nAn", Some(f64::from_bits(model::sample::NORMAL_NAN_BITS)));
        for refused in
            ["", ".", "-", "e5", "1e", "1e+", "+NaN", "infi", "0x1", "1_0", "1 ", "1.2.3", "--1"]
        {
            check(refused, None);
        }
    }

    #[test]
    fn too_large_is_an_error_of_its_own() {
        let message = parse(b"1e309").unwrap_err();
        assert_eq!(message, "strconv.ParseFloat: parsing \"1e309\": value out of range");
        let message = parse(b"-1e999999999999999999999").unwrap_err();
        assert!(message.ends_with("value out of range"), "{message}");
    }

    proptest! {
        #[test]
        fn agrees_with_std(text in "[+-]?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?") {
            let expected = text.parse::<f64>().ok().filter(|value| value.is_finite());
            check(&text, expected);
            // What stands behind it changes nothing, whatever is read at a time.
            for behind in ["\n", "\nabcdefgh", " 1234567890", "\u{ff}\u{ff}\u{ff}\u{ff}"] {
                let longer = text.clone() + behind;
                let taken = take_decimal(longer.as_bytes());
                let expected = expected.map(|value| (value.to_bits(), text.len()));
                prop_assert_eq!(taken.map(|(value, len)| (value.to_bits(), len)), expected);
            }
        }

        #[test]
        fn reads_back_every_float(bits: u64) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                check(&format!("{value:e}"), Some(value));
                check(&format!("{value}"), Some(value));
            }
        }

        #[test]
        fn never_takes_more_than_there_is(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some((_, len)) = take_decimal(&text) {
                prop_assert!(len > 0 && len <= text.len());
            }
        }
    }
}
