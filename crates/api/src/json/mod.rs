//! JSON as Prometheus writes it: straight into text, without a tree in between.
//!
//! Two kinds of strings exist. [`write_text`] is for prose (errors, annotations, query texts) and
//! escapes `<`, `>` and `&`; [`write_label`] is for label names and values and does not. Both decode
//! the same, but clients compare bytes.

mod histogram;
mod out;
mod result;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use out::Keep;
pub(crate) use out::{Drain, Gone, Out};
pub(crate) use result::{Annotated, QueryStats, write_query_answer, write_stats};

use http::{HeaderName, HeaderValue, header};
use model::{Labels, float};
use std::fmt::Write;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The header of every JSON answer.
pub(crate) fn content_type() -> [(HeaderName, HeaderValue); 1] {
    [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]
}

/// Prose between quotes; `<`, `>`, `&`, U+2028 and U+2029 are escaped too.
pub(crate) fn write_text(out: &mut String, text: &str) {
    write_escaped(out, text, |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}'));
}

/// A label name or value between quotes.
pub(crate) fn write_label(out: &mut String, text: &str) {
    write_escaped(out, text, |_| false);
}

fn write_escaped(out: &mut String, text: &str, also: impl Fn(char) -> bool) {
    out.push('"');
    let mut rest = text;
    let special = |c: char| c < ' ' || c == '"' || c == '\\' || also(c);
    while let Some(at) = rest.find(special) {
        out.push_str(&rest[..at]);
        let c = rest[at..].chars().next().expect("find found a character");
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                out.push_str("\\u");
                for shift in [12, 8, 4, 0] {
                    out.push(char::from(HEX[(u32::from(c) >> shift) as usize & 15]));
                }
            }
        }
        rest = &rest[at + c.len_utf8()..];
    }
    out.push_str(rest);
    out.push('"');
}

/// An object of labels; `{}` when there are none.
pub(crate) fn write_labels(out: &mut String, labels: &Labels) {
    out.push('{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_label(out, name);
        out.push(':');
        write_label(out, value);
    }
    out.push('}');
}

/// Seconds: whole, or with exactly three decimals.
pub(crate) fn write_time(out: &mut String, t_ms: i64) {
    if t_ms < 0 {
        out.push('-');
    }
    let (seconds, ms) = (t_ms.unsigned_abs() / 1000, t_ms.unsigned_abs() % 1000);
    write!(out, "{seconds}").expect("a string takes text");
    if ms != 0 {
        write!(out, ".{ms:03}").expect("a string takes text");
    }
}

/// A sample value: a string, since JSON has no infinities.
pub(crate) fn write_value(out: &mut String, value: f64) {
    out.push('"');
    float::write_json(out, value).expect("a string takes text");
    out.push('"');
}

/// A plain JSON number, as Go's encoder writes a float; not finite ones become 0.
pub(crate) fn write_number(out: &mut String, value: f64) {
    let value = if value.is_finite() { value } else { 0.0 };
    float::write_json(out, value).expect("a string takes text");
}

/// `[t,"v"]`
pub(crate) fn write_point(out: &mut String, t_ms: i64, value: f64) {
    out.push('[');
    write_time(out, t_ms);
    out.push(',');
    write_value(out, value);
    out.push(']');
}

/// Writes a comma before every element but the first.
pub(crate) fn separator() -> impl FnMut(&mut String) {
    let mut first = true;
    move |out| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
    }
}

/// A list of texts.
pub(crate) fn write_texts<T: AsRef<str>>(out: &mut String, texts: &[T]) {
    out.push('[');
    for (i, text) in texts.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_text(out, text.as_ref());
    }
    out.push(']');
}
