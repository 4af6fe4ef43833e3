//! Trees to YAML, so that what is read back is the same.

use super::Pairs;
use model::duration::Duration;
use serde_json::Value;
use std::fmt::Write;

/// Writes keys and values as a block, `depth` levels in.
pub(super) fn write_pairs(out: &mut String, pairs: &Pairs, depth: usize) {
    for (key, value) in pairs {
        indent(out, depth);
        write_key(out, key);
        write_below(out, value, depth);
    }
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn write_key(out: &mut String, key: &str) {
    write_text(out, key);
    out.push(':');
}

/// A value behind its key: on the same line, or as a block below.
fn write_below(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            for (key, value) in map {
                indent(out, depth + 1);
                write_key(out, key);
                write_below(out, value, depth + 1);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            for value in list {
                indent(out, depth);
                out.push_str("- ");
                write_item(out, value, depth + 1);
            }
        }
        value => {
            out.push(' ');
            write_scalar(out, value);
            out.push('\n');
        }
    }
}

/// A value behind the dash of a list.
fn write_item(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    indent(out, depth);
                }
                write_key(out, key);
                write_below(out, value, depth);
            }
        }
        value => {
            write_scalar(out, value);
            out.push('\n');
        }
    }
}

fn write_scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) => write_text(out, text),
        // Empty ones and lists of lists have the same form in YAML and JSON.
        other => write!(out, "{other}").expect("a string takes text"),
    }
}

/// A text, quoted unless it can only be read as a text.
fn write_text(out: &mut String, text: &str) {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '<' | '>');
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '<'))
        && text.chars().all(plain)
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "nan" | "inf"
        );
    let is_duration = Duration::parse(text).is_ok() && text.parse::<f64>().is_err();
    if safe || is_duration {
        out.push_str(text);
    } else {
        // A JSON string is a YAML string.
        write!(out, "{}", Value::from(text)).expect("a string takes text");
    }
}
