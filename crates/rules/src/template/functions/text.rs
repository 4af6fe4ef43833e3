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
    let regex = pattern(regex).map_err(|error| {
        let quoted = if regex.contains('`') { format!("{regex:?}") } else { format!("`{regex}`") };
        format!("regexp: Compile({quoted}): {error}")
    })?;
    Ok(regex.replace_all(text, template))
}

/// One character to one: what has no upper case of one character stays.
pub(super) fn upper(text: &str) -> String {
    text.chars().map(|c| single(c, c.to_uppercase())).collect()
}

/// One character to one.
pub(super) fn lower(text: &str) -> String {
    text.chars().map(|c| if c == 'İ' { 'i' } else { single(c, c.to_lowercase()) }).collect()
}

fn single(c: char, mut mapped: impl ExactSizeIterator<Item = char>) -> char {
    if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
}

/// The first letter of every word in upper case. A word goes on after an apostrophe, a point or a
/// colon between letters.
pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            if !in_word && c.is_alphabetic() {
                push_title(&mut out, c);
            } else {
                out.push(c);
            }
            in_word = true;
            continue;
        }
        let joins = matches!(c, '\'' | '.' | ':' | '\u{b7}' | '\u{2019}');
        let next_is_letter = chars.peek().is_some_and(|next| next.is_alphabetic());
        let after_letter = out.ends_with(|before: char| before.is_alphabetic());
        in_word = in_word && joins && after_letter && next_is_letter;
        out.push(c);
    }
    out
}

fn push_title(out: &mut String, c: char) {
    match c {
        // Two letters in one have a form for the begin of a word.
        'Ǆ' | 'ǅ' | 'ǆ' => out.push('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => out.push('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => out.push('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => out.push('ǲ'),
        'ß' => out.push_str("Ss"),
        c => out.push(single(c, c.to_uppercase())),
    }
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
            c if !model::names::is_printable(c) => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}
