//! Floats as text, as Go's `strconv` reads and writes them.
//!
//! The shortest digits come from zmij; where they and the exponent go is ours. Nothing here
//! allocates: writers are given pieces of text on the stack.

use std::fmt;

/// Reads a float as Go's `ParseFloat` does: decimal with an optional exponent, hexadecimal with the
/// exponent it must have (`0x1.8p3`), `inf` and `infinity` with an optional sign and `nan` without
/// one, these in any letter case.
///
/// `None` when the text is not a float, when it holds an underscore, or when the number is too large:
/// Go reports that as an error too. The exposition formats know no hexadecimal floats; who reads
/// those refuses `p` and `P` first.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned.as_bytes() {
        [b'0'..=b'9', b'x' | b'X', ..] => parse_hex(text),
        // std takes the same decimal grammar; its other words begin with these letters.
        [b'0'..=b'9' | b'.', ..] => text.parse().ok().filter(|value: &f64| value.is_finite()),
        [b'i' | b'I', ..] => text.parse().ok(),
        [b'n' | b'N', ..] if unsigned.len() == text.len() => text.parse().ok(),
        _ => None,
    }
}

fn parse_hex(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let rest = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X"))?;
    let (mantissa, exponent) = rest.split_once(['p', 'P'])?;
    let (mut bits, mut inexact, mut digits, mut after_point) = (0_u64, false, 0_usize, false);
    // Exponents and digit counts past these bounds have long reached zero or infinity.
    let mut shift = parse_exponent(exponent)?;
    for byte in mantissa.bytes() {
        if byte == b'.' && !after_point {
            after_point = true;
            continue;
        }
        let digit = u64::from(char::from(byte).to_digit(16)?);
        digits += 1;
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
            shift -= if after_point { 4 } else { 0 };
        } else {
            inexact |= digit != 0;
            shift += if after_point { 0 } else { 4 };
        }
    }
    if digits == 0 {
        return None;
    }
    let value = round(bits, inexact, shift)?;
    Some(if negative { -value } else { value })
}

/// Decimal digits with an optional sign, held within a range far outside that of floats.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse().unwrap_or(i64::MAX).min(1 << 40);
    Some(if text.starts_with('-') { -size } else { size })
}

/// The float nearest to `bits * 2^shift`, ties to even; `None` when it is too large.
fn round(bits: u64, inexact: bool, shift: i64) -> Option<f64> {
    if bits == 0 {
        return Some(0.0);
    }
    let zeros = i64::from(bits.leading_zeros());
    let (bits, exponent) = (bits << zeros, shift - zeros + 63);
    if exponent > 1023 {
        return None;
    }
    // Bits of precision: fewer than 53 below the smallest normal number.
    let kept_bits = 53 - (-1022 - exponent).max(0);
    let Ok(dropped) = u32::try_from(64 - kept_bits) else { return Some(0.0) };
    let (kept, rest, half) = match dropped {
        0..64 => (bits >> dropped, bits & ((1 << dropped) - 1), 1_u64 << (dropped - 1)),
        64 => (0, bits, 1 << 63),
        _ => return Some(0.0),
    };
    let up = rest > half || rest == half && (inexact || kept & 1 == 1);
    // A carry out of the mantissa moves into the exponent, as it should.
    let mantissa = kept + u64::from(up);
    let biased = u64::try_from(exponent + 1022).unwrap_or(0);
    let value = f64::from_bits((biased << 52) + mantissa);
    value.is_finite().then_some(value)
}

/// Shortest digits that read back to the same value, no exponent: Go's format `'f', -1`.
/// `NaN`, `+Inf`, `-Inf` for the rest.
///
/// # Errors
/// When the writer fails.
pub fn write_f(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    if value.is_finite() {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        if !text.contains('e') {
            // All but the very large and the very small are in that form already.
            return out.write_str(text.strip_suffix(".0").unwrap_or(text));
        }
    }
    match Decimal::of(value) {
        Ok(decimal) => decimal.write_f(out),
        Err(name) => out.write_str(name),
    }
}

/// Shortest digits, with an exponent below 1e-4 and from 1e6 on: Go's format `'g', -1`.
///
/// # Errors
/// When the writer fails.
pub fn write_g(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    match Decimal::of(value) {
        Ok(decimal) => decimal.write_g(out),
        Err(name) => out.write_str(name),
    }
}

/// Shortest digits with exponent, at least two exponent digits: Go's format `'e', -1`.
///
/// # Errors
/// When the writer fails.
pub fn write_e(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    match Decimal::of(value) {
        Ok(decimal) => decimal.write_e(out),
        Err(name) => out.write_str(name),
    }
}

/// A sample value in query results: `'f'` for 0 and 1e-6 <= |v| < 1e21, else `'e'`.
///
/// # Errors
/// When the writer fails.
pub fn write_json(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        write_f(out, value)
    } else {
        write_e(out, value)
    }
}

/// A bound as OpenMetrics writes `le` and `quantile`: `'g'`, but whole numbers without exponent get
/// `.0`, and zero has no sign.
///
/// # Errors
/// When the writer fails.
pub fn write_openmetrics(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let decimal = match Decimal::of(if value == 0.0 { 0.0 } else { value }) {
        Ok(decimal) => decimal,
        Err(name) => return out.write_str(name),
    };
    decimal.write_g(out)?;
    if decimal.wants_exponent() || !decimal.is_whole() { Ok(()) } else { out.write_str(".0") }
}

/// A finite number as `0.DIGITS * 10^point`, no zeros at either end; zero has no digits.
struct Decimal {
    negative: bool,
    digits: [u8; 17],
    len: u8,
    point: i16,
}

const ZEROS: &str = "0000000000000000000000000000000000000000";

impl Decimal {
    /// The shortest digits of a finite value, or the name of another one.
    fn of(value: f64) -> Result<Self, &'static str> {
        if value.is_nan() {
            return Err("NaN");
        }
        if value.is_infinite() {
            return Err(if value > 0.0 { "+Inf" } else { "-Inf" });
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value).as_bytes();
        let mut decimal =
            Self { negative: value.is_sign_negative(), digits: [0; 17], len: 0, point: 0 };
        let mut pending_zeros = 0;
        let mut after_point = false;
        for (i, &byte) in text.iter().enumerate() {
            match byte {
                b'-' => {}
                b'.' => after_point = true,
                b'e' => {
                    let exponent = std::str::from_utf8(&text[i + 1..]).ok();
                    let exponent = exponent.and_then(|e| e.parse::<i16>().ok());
                    decimal.point += exponent.expect("zmij writes a small exponent after e");
                    break;
                }
                b'0' if decimal.len == 0 => decimal.point -= i16::from(after_point),
                b'0' => {
                    pending_zeros += 1;
                    decimal.point += i16::from(!after_point);
                }
                _ => {
                    // The digits are zero already.
                    decimal.len += pending_zeros + 1;
                    decimal.digits[usize::from(decimal.len) - 1] = byte - b'0';
                    pending_zeros = 0;
                    decimal.point += i16::from(!after_point);
                }
            }
        }
        for digit in &mut decimal.digits {
            *digit += b'0';
        }
        Ok(decimal)
    }

    fn digits(&self) -> &str {
        std::str::from_utf8(&self.digits[..usize::from(self.len)]).expect("digits are ASCII")
    }

    fn is_whole(&self) -> bool {
        i16::from(self.len) <= self.point || self.len == 0
    }

    /// The exponent of the first digit.
    fn exponent(&self) -> i16 {
        if self.len == 0 { 0 } else { self.point - 1 }
    }

    fn wants_exponent(&self) -> bool {
        !(-4..6).contains(&self.exponent())
    }

    fn write_g(&self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.wants_exponent() { self.write_e(out) } else { self.write_f(out) }
    }

    fn write_f(&self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.negative {
            out.write_char('-')?;
        }
        let digits = self.digits();
        if digits.is_empty() {
            return out.write_char('0');
        }
        match usize::try_from(self.point) {
            Ok(point) if point >= digits.len() => {
                out.write_str(digits)?;
                write_zeros(out, point - digits.len())
            }
            Ok(point @ 1..) => {
                out.write_str(&digits[..point])?;
                out.write_char('.')?;
                out.write_str(&digits[point..])
            }
            _ => {
                out.write_str("0.")?;
                write_zeros(out, usize::from(self.point.unsigned_abs()))?;
                out.write_str(digits)
            }
        }
    }

    fn write_e(&self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.negative {
            out.write_char('-')?;
        }
        let digits = if self.len == 0 { "0" } else { self.digits() };
        out.write_str(&digits[..1])?;
        if digits.len() > 1 {
            out.write_char('.')?;
            out.write_str(&digits[1..])?;
        }
        let exponent = self.exponent();
        out.write_str(if exponent < 0 { "e-" } else { "e+" })?;
        write!(out, "{:02}", exponent.unsigned_abs())
    }
}

fn write_zeros(out: &mut impl fmt::Write, mut count: usize) -> fmt::Result {
    while count > 0 {
        let now = count.min(ZEROS.len());
        out.write_str(&ZEROS[..now])?;
        count -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
