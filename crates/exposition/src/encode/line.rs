//! Pieces of a line: names, labels, texts, timestamps.

use std::fmt::Write;

use model::METRIC_NAME;
use model::names::{is_legacy_label_name, is_legacy_metric_name};

use crate::dialect::Dialect;
use crate::negotiate::Protocol;

/// Whether a protocol has quoted names.
fn has_quoted_names(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Text1 | Protocol::OpenMetrics1)
}

/// The name of a family in a TYPE or HELP line.
pub(super) fn write_family_name(out: &mut String, protocol: Protocol, name: &str) {
    if is_legacy_metric_name(name) {
        out.push_str(name);
    } else if has_quoted_names(protocol) {
        write_quoted(out, name);
    } else {
        write_with_underscores(out, name, |c| c == ':');
    }
}

/// Name and labels of a series. Empty labels and `__name__` are left out.
pub(super) fn write_series<'a>(
    out: &mut String,
    protocol: Protocol,
    name: &str,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    let quoted_name = !is_legacy_metric_name(name) && has_quoted_names(protocol);
    let mut separator = '{';
    if quoted_name {
        out.push('{');
        write_quoted(out, name);
        separator = ',';
    } else {
        write_family_name(out, protocol, name);
    }
    let labels = labels.into_iter().filter(|(n, v)| *n != METRIC_NAME && !v.is_empty());
    for (label, value) in labels {
        out.push(separator);
        separator = ',';
        if is_legacy_label_name(label) {
            out.push_str(label);
        } else if has_quoted_names(protocol) {
            write_quoted(out, label);
        } else {
            write_with_underscores(out, label, |_| false);
        }
        out.push('=');
        write_quoted(out, value);
    }
    if separator == ',' {
        out.push('}');
    }
}

/// A help text; quotes are escaped only in OpenMetrics.
pub(super) fn write_help(out: &mut String, dialect: Dialect, help: &str) {
    write_escaped(out, help, dialect == Dialect::OpenMetrics);
}

/// Milliseconds in text; seconds in OpenMetrics.
pub(super) fn write_timestamp(out: &mut String, dialect: Dialect, t_ms: i64) {
    let written = match dialect {
        Dialect::Text => write!(out, "{t_ms}"),
        Dialect::OpenMetrics => {
            let (sign, t_ms) = (if t_ms < 0 { "-" } else { "" }, t_ms.unsigned_abs());
            match t_ms % 1000 {
                0 => write!(out, "{sign}{}", t_ms / 1000),
                ms => write!(out, "{sign}{}.{ms:03}", t_ms / 1000),
            }
        }
    };
    written.expect("a string takes text");
}

fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    write_escaped(out, text, true);
    out.push('"');
}

fn write_escaped(out: &mut String, text: &str, escape_quotes: bool) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if escape_quotes => out.push_str("\\\""),
            c => out.push(c),
        }
    }
}

/// The name with every character that no classic name has replaced.
fn write_with_underscores(out: &mut String, name: &str, also: impl Fn(char) -> bool) {
    for (at, c) in name.chars().enumerate() {
        let fits = c.is_ascii_alphabetic() || c == '_' || also(c) || (at > 0 && c.is_ascii_digit());
        out.push(if fits { c } else { '_' });
    }
}
