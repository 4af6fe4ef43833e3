//! Numbers and truth values as Go's YAML reads them: `0x10`, `010`, `1_000`, `1e3`, `yes`.
//!
//! Configurations are written for that reader (`go.yaml.in/yaml/v2`, between YAML 1.1 and 1.2), so what
//! it takes for a number is one. All functions take a plain scalar: what stands between quotes is
//! always a text.

/// What a plain scalar is, if it is a number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    /// From `i64::MIN` to `u64::MAX`.
    Whole(i128),
    Float(f64),
}

/// A number of 0 or more. A fraction is cut off, as is what is above the largest one; Go takes also
/// numbers of -1 and below that have a fraction or an exponent, for very large ones: these are
/// refused.
#[must_use]
pub fn unsigned(text: &str) -> Option<u64> {
    match number(text)? {
        Number::Whole(whole) => u64::try_from(whole).ok(),
        #[expect(clippy::cast_precision_loss, reason = "Go compares with the same float")]
        Number::Float(float) if float > -1.0 && float <= u64::MAX as f64 => Some(cut_u64(float)),
        Number::Float(_) => None,
    }
}

/// A whole number; a fraction is cut off.
#[must_use]
pub fn signed(text: &str) -> Option<i64> {
    match number(text)? {
        Number::Whole(whole) => i64::try_from(whole).ok(),
        #[expect(clippy::cast_precision_loss, reason = "Go compares with the same float")]
        Number::Float(float) if float <= i64::MAX as f64 => Some(cut_i64(float)),
        Number::Float(_) => None,
    }
}

/// Any number, `.inf` and `.nan` among them.
#[must_use]
pub fn float(text: &str) -> Option<f64> {
    match number(text)? {
        #[expect(clippy::cast_precision_loss, reason = "the nearest one is meant")]
        Number::Whole(whole) => Some(whole as f64),
        Number::Float(float) => Some(float),
    }
}

/// A truth value, in the spellings of YAML 1.1.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(false)
        }
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut to what there is")]
fn cut_u64(float: f64) -> u64 {
    float as u64
}

#[expect(clippy::cast_possible_truncation, reason = "cut to what there is")]
fn cut_i64(float: f64) -> i64 {
    float as i64
}

fn number(text: &str) -> Option<Number> {
    let special = match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    };
    match text.as_bytes().first()? {
        _ if special.is_some() => special.map(Number::Float),
        b'.' => decimal(text),
        b'0'..=b'9' | b'+' | b'-' => {
            let digits = text.replace('_', "");
            whole(&digits).map(Number::Whole).or_else(|| decimal(&digits))
        }
        _ => None,
    }
}

/// With the radix that the prefix tells: a 0 alone is one, too.
fn whole(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => (1, text),
    };
    let lower = unsigned.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match lower.as_deref() {
        Some("0x") => (16, &unsigned[2..]),
        Some("0o") => (8, &unsigned[2..]),
        Some("0b") => (2, &unsigned[2..]),
        Some(other) if other.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // The library would take a second sign.
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let whole = sign * magnitude;
    // With a sign it is one of 64 bits with a sign; beyond, only decimal digits are a number.
    let has_sign = unsigned.len() != text.len();
    (!has_sign || i64::try_from(whole).is_ok()).then_some(whole)
}

/// Digits, a point and an exponent. Too large ones are texts.
fn decimal(text: &str) -> Option<Number> {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = number.starts_with(|c: char| c == '.' || c.is_ascii_digit())
        && number.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b));
    let float = text.parse::<f64>().ok().filter(|float| is_number && float.is_finite())?;
    Some(Number::Float(float))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `-` stands for a text that is none.
    #[track_caller]
    fn check(text: &str, [expected_unsigned, expected_signed, expected_float]: [&str; 3]) {
        let told = |found: Option<String>| found.unwrap_or_else(|| "-".to_owned());
        assert_eq!(told(unsigned(text).map(|n| n.to_string())), expected_unsigned, "{text}");
        assert_eq!(told(signed(text).map(|n| n.to_string())), expected_signed, "{text}");
        assert_eq!(told(float(text).map(|n| n.to_string())), expected_float, "{text}");
    }

    #[test]
    fn numbers_as_go_reads_them() {
        check("5", ["5", "5", "5"]);
        check("+5", ["5", "5", "5"]);
        check("-5", ["-", "-5", "-5"]);
        check("-0", ["0", "0", "0"]);
        check("1e3", ["1000", "1000", "1000"]);
        check("12e03", ["12000", "12000", "12000"]);
        check("1E+3", ["1000", "1000", "1000"]);
        check("1.5", ["1", "1", "1.5"]);
        check("5.", ["5", "5", "5"]);
        check(".5", ["0", "0", "0.5"]);
        check("+.5", ["0", "0", "0.5"]);
        check("-1.5", ["-", "-1", "-1.5"]);
        check("010", ["8", "8", "8"]);
        check("-010", ["-", "-8", "-8"]);
        check("08", ["8", "8", "8"]);
        check("0x10", ["16", "16", "16"]);
        check("0X1f", ["31", "31", "31"]);
        check("-0x10", ["-", "-16", "-16"]);
        check("0o17", ["15", "15", "15"]);
        check("0b11", ["3", "3", "3"]);
        check("-0b11", ["-", "-3", "-3"]);
        check("1_000", ["1000", "1000", "1000"]);
        check("1__0_", ["10", "10", "10"]);
        check("0_10", ["8", "8", "8"]);
        check("1_0.5", ["10", "10", "10.5"]);
        check("9223372036854775808", ["9223372036854775808", "-", "9223372036854776000"]);
        check("18446744073709551616", ["18446744073709551615", "-", "18446744073709552000"]);
        check("1e19", ["10000000000000000000", "-", "10000000000000000000"]);
        check(".inf", ["-", "-", "inf"]);
        check("-.INF", ["-", "-9223372036854775808", "-inf"]);
        check(".NaN", ["-", "-", "NaN"]);
    }

    #[test]
    fn texts_are_no_numbers() {
        let texts = [
            "",
            "abc",
            "_1",
            "+",
            "-",
            ".",
            "0x",
            "0xg",
            "1e",
            "e3",
            "1e400",
            "1:30",
            "1,000",
            "5s",
            "nan",
            "inf",
            "Infinity",
            "+inf",
            "--5",
            "+-5",
            "0x-5",
            "0x1p4",
            "1.2.3",
            "2001-01-01",
            "true",
            "5 ",
            "0x10000000000000000",
            "é",
            "0é",
            "٣",
        ];
        for text in texts {
            check(text, ["-"; 3]);
        }
    }

    #[test]
    fn truth_has_eleven_spellings_a_side() {
        let check =
            |text: &str, expected: Option<bool>| assert_eq!(truth(text), expected, "{text}");
        for text in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
            check(text, Some(true));
        }
        for text in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
            check(text, Some(false));
        }
        for text in ["yEs", "tRUE", "1", "0", "", "t", "truee"] {
            check(text, None);
        }
    }
}
