//! Numbers and durations as numbers.

use super::super::ast::BinaryOp;
use super::super::token::{Kind, Token, quoted};
use super::{Parsed, Parser};
use model::duration::Duration;

impl Parser<'_> {
    /// A number or a duration in seconds, with or without a sign.
    pub(super) fn signed_number(&mut self) -> Parsed<f64> {
        let negative = match self.token.kind {
            Kind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) => {
                self.take();
                op == BinaryOp::Sub
            }
            _ => false,
        };
        if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
            return self.unexpected();
        }
        let token = self.take();
        let value = self.value_of(token);
        Ok(if negative { -value } else { value })
    }

    /// The value of a number token, or the seconds of a duration token.
    pub(super) fn value_of(&mut self, token: Token) -> f64 {
        let text = self.text_of(token);
        let value = if token.kind == Kind::Duration {
            let duration = text.parse::<Duration>().map_err(|error| error.to_string());
            duration.map(|duration| duration.ms as f64 / 1000.0)
        } else {
            parse_number(text).map_err(|reason| {
                let text = quoted(text);
                format!("error parsing number: strconv.ParseFloat: parsing {text}: {reason}")
            })
        };
        value.unwrap_or_else(|message| {
            self.error(token.span, message);
            0.0
        })
    }
}

/// Reads a number the lexer has accepted: as an integer with Go's prefixes (`0x`, and `0` for
/// octal), else as a decimal float.
pub(crate) fn parse_number(text: &str) -> Result<f64, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    const RANGE: &str = "value out of range";
    let bytes = text.as_bytes();
    let lower = text.to_ascii_lowercase();
    if lower == "inf" || lower == "nan" {
        return Ok(if lower == "inf" { f64::INFINITY } else { f64::NAN });
    }
    let prefixed = lower.starts_with("0x");
    let separates = |(i, b): (usize, &u8)| {
        let before = i.checked_sub(1).and_then(|i| bytes.get(i));
        let fits = |b: Option<&u8>| b.is_some_and(u8::is_ascii_hexdigit);
        *b != b'_' || ((fits(before) || (prefixed && i == 2)) && fits(bytes.get(i + 1)))
    };
    if !bytes.iter().enumerate().all(separates) {
        return Err(SYNTAX);
    }
    let digits = lower.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).map(|n| n as f64).map_err(|_| SYNTAX);
    }
    if digits.len() > 1
        && digits.starts_with('0')
        && let Ok(octal) = i64::from_str_radix(&digits, 8)
    {
        return Ok(octal as f64);
    }
    let value: f64 = digits.parse().map_err(|_| SYNTAX)?;
    if value.is_finite() { Ok(value) } else { Err(RANGE) }
}

#[cfg(test)]
mod tests {
    use super::parse_number;

    #[test]
    fn numbers_are_gos() {
        let check = |text: &str, expected: f64| {
            assert_eq!(parse_number(text).map(f64::to_bits), Ok(expected.to_bits()), "{text}");
        };
        check("1", 1.0);
        check("0", 0.0);
        check("0755", 493.0);
        check("0_7", 7.0);
        check("08", 8.0);
        check("0x1F", 31.0);
        check("0X_ff", 255.0);
        check("1_000", 1000.0);
        check("1_23.50_0_0e+1_2", 1.235e14);
        check(".5", 0.5);
        check("5.", 5.0);
        check("1e-400", 0.0);
        check("18446744073709551616", 18_446_744_073_709_551_616.0);
        check("iNf", f64::INFINITY);
        for bad in ["1_", "1_.5", "1._5", "0xFFFFFFFFFFFFFFFFF", "0x", "1e400", "1e"] {
            assert!(parse_number(bad).is_err(), "{bad}");
        }
    }
}
