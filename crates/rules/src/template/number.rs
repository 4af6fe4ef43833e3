//! Floats to text with a given number of digits, as Go's `strconv` does.

/// `'g'` with a number of significant digits: an exponent below 1e-4 and from 10^digits on, no
/// zeros at the end.
pub(super) fn general(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return special(value);
    }
    let digits = digits.max(1);
    let (mantissa, exponent) = scientific(value, digits - 1);
    let limit = i32::try_from(digits).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        return with_exponent(&trimmed(mantissa), exponent, 'e');
    }
    let places = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    trimmed(format!("{value:.places$}"))
}

/// `'f'` with a number of digits after the point.
pub(super) fn fixed(value: f64, places: usize) -> String {
    if value.is_finite() { format!("{value:.places$}") } else { special(value) }
}

/// `'e'` with a number of digits after the point.
pub(super) fn exponential(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return special(value);
    }
    let (mantissa, exponent) = scientific(value, places);
    with_exponent(&mantissa, exponent, 'e')
}

/// The number that a text says in Go's way, or why it says none.
pub(super) fn parse(text: &str) -> Result<f64, String> {
    let fault = |why: &str| {
        let mut quoted = String::new();
        model::names::write_quoted(&mut quoted, text).expect("a string takes text");
        format!("strconv.ParseFloat: parsing {quoted}: {why}")
    };
    match model::float::parse(text) {
        Some(number) => Ok(number),
        None => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.parse::<f64>().is_ok();
            Err(fault(if is_number { "value out of range" } else { "invalid syntax" }))
        }
    }
}

fn special(value: f64) -> String {
    let text = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    };
    text.to_owned()
}

fn scientific(value: f64, places: usize) -> (String, i32) {
    let text = format!("{value:.places$e}");
    let (mantissa, exponent) = text.split_once('e').expect("the form has an exponent");
    (mantissa.to_owned(), exponent.parse().expect("a number of digits"))
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn with_exponent(mantissa: &str, exponent: i32, letter: char) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{letter}{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::{exponential, fixed, general};

    #[test]
    fn as_go_prints() {
        let check = |value: f64, expected: &str| assert_eq!(general(value, 4), expected, "{value}");
        check(0.0, "0");
        check(1.0, "1");
        check(-1.5, "-1.5");
        check(1234.5, "1234");
        check(12345.0, "1.234e+04");
        check(999.99, "1000");
        check(9999.9, "1e+04");
        check(0.0001234, "0.0001234");
        check(0.00001234, "1.234e-05");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-Inf");
        assert_eq!(fixed(2.675, 2), "2.67");
        assert_eq!(exponential(1234.5678, 2), "1.23e+03");
    }
}
