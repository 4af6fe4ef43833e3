//! Functions on texts.

use super::super::value::Value;
use model::regex::Search;

fn pattern(text: &str) -> Result<Search, String> {
    Search::new(text).map_err(|error| error.to_string())
}

pub(super) fn is_match(regex: &str, text: &str) -> Result<Value, String> {
    Ok(Value::Bool(pattern(regex)?.is_match(text)))
}

pub(super) fn replace_all(regex: &str, template: &str, text: &str) -> Result<String, String> {
    Ok(pattern(regex)?.replace_all(text, template))
}

/// The first letter of every word in upper case.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let starts = !(before.is_alphanumeric() || before == '_' || before == '\'');
        if starts && c.is_alphabetic() {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        before = c;
    }
    out
}

pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn js(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
