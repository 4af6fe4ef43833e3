//! Floats as text, as Go's `strconv` reads and writes them.

use std::fmt;

/// Reads a float as Go's `ParseFloat` does: decimal, exponent, hex, underscores refused,
/// `inf`, `infinity` and `nan` with sign in any letter case. `None` when the text is not a float.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let _ = text;
    todo!()
}

/// Shortest digits that read back to the same value, no exponent: Go's format `'f', -1`.
/// `NaN`, `+Inf`, `-Inf` for the rest.
///
/// # Errors
/// When the writer fails.
pub fn write_f(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let _ = (out, value);
    todo!()
}

/// Shortest digits, exponent below 1e-4 or from 1e21 on: Go's format `'g', -1`.
///
/// # Errors
/// When the writer fails.
pub fn write_g(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let _ = (out, value);
    todo!()
}

/// Shortest digits with exponent, at least two exponent digits: Go's format `'e', -1`.
///
/// # Errors
/// When the writer fails.
pub fn write_e(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let _ = (out, value);
    todo!()
}

/// A sample value in query results: `'f'` for 0 and 1e-6 <= |v| < 1e21, else `'e'`.
///
/// # Errors
/// When the writer fails.
pub fn write_json(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let _ = (out, value);
    todo!()
}

/// A bound as OpenMetrics writes `le` and `quantile`: like `'g'` but whole numbers get `.0`.
///
/// # Errors
/// When the writer fails.
pub fn write_openmetrics(out: &mut impl fmt::Write, value: f64) -> fmt::Result {
    let _ = (out, value);
    todo!()
}
