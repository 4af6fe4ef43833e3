//! What may follow a backslash in Go's syntax of regular expressions.

use super::Error;

const DIGIT: &str = "0-9";
const SPACE: &str = "\\x09\\x0a\\x0c\\x0d\\x20";
const WORD: &str = "0-9A-Za-z_";
/// A class without members.
pub(super) const NOTHING: &str = "[^\\x00-\\x{10ffff}]";

/// A refusal in the words of Go: what is wrong and where.
pub(super) fn error<T>(code: &str, part: &str) -> Result<T, Error> {
    Err(Error(format!("{code}: `{part}`")))
}

/// `\d \s \w \D \S \W`: the members, whether they are the ones left out, and what follows.
pub(super) fn perl_class(text: &str) -> Option<(&'static str, bool, &str)> {
    let letter = text.strip_prefix('\\')?.chars().next()?;
    let class = match letter.to_ascii_lowercase() {
        'd' => DIGIT,
        's' => SPACE,
        'w' => WORD,
        _ => return None,
    };
    Some((class, letter.is_ascii_uppercase(), &text[2..]))
}

/// `\pL`, `\p{Greek}`, `\P{^Lu}`: the class in the syntax of the regex crate, and what follows.
pub(super) fn unicode_class(text: &str) -> Result<Option<(String, &str)>, Error> {
    let Some(after) = text.strip_prefix("\\p").or_else(|| text.strip_prefix("\\P")) else {
        return Ok(None);
    };
    let (name, rest) = match after.strip_prefix('{') {
        Some(braced) => match braced.split_once('}') {
            Some(parts) => parts,
            None => return error("invalid character class range", text),
        },
        None => after.split_at(after.chars().next().map_or(0, char::len_utf8)),
    };
    let read = &text[..text.len() - rest.len()];
    let positive_name = name.strip_prefix('^');
    let negated = text.starts_with("\\P") != positive_name.is_some();
    let letter = if negated { 'P' } else { 'p' };
    let name = positive_name.unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_- ".contains(c);
    if name.is_empty() || !name.chars().all(is_name) {
        return error("invalid character class range", read);
    }
    if matches!(name, "Cs" | "Surrogate") {
        let class = if negated { "[\\x00-\\x{10ffff}]" } else { NOTHING };
        return Ok(Some((class.to_owned(), rest)));
    }
    for property in ["gc", "sc"] {
        let class = format!("\\{letter}{{{property}={name}}}");
        if regex_syntax::parse(&class).is_ok() {
            return Ok(Some((class, rest)));
        }
    }
    error("invalid character class range", read)
}

pub(super) fn is_posix_class(name: &str) -> bool {
    matches!(
        name,
        "alnum"
            | "alpha"
            | "ascii"
            | "blank"
            | "cntrl"
            | "digit"
            | "graph"
            | "lower"
            | "print"
            | "punct"
            | "space"
            | "upper"
            | "word"
            | "xdigit"
    )
}

/// The character that an escape sequence stands for, and what follows.
pub(super) fn escape(text: &str) -> Result<(u32, &str), Error> {
    let after = &text[1..];
    let Some(c) = after.chars().next() else {
        return Err(Error("trailing backslash at end of expression: ``".to_owned()));
    };
    let rest = &after[c.len_utf8()..];
    let code = match c {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        'x' => return hex_escape(text, rest),
        // A single digit would be a reference back, which RE2 does not know.
        '1'..='7' if !rest.starts_with(|c| matches!(c, '0'..='7')) => {
            return error("invalid escape sequence", &text[..2]);
        }
        '0'..='7' => {
            let digits = after.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
            let code = after[..digits].bytes().fold(0, |code, b| code * 8 + u32::from(b - b'0'));
            return Ok((code, &after[digits..]));
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => u32::from(c),
        _ => return error("invalid escape sequence", &text[..1 + c.len_utf8()]),
    };
    Ok((code, rest))
}

/// `\x7F` or `\x{10FFFF}`
fn hex_escape<'p>(text: &'p str, after_x: &'p str) -> Result<(u32, &'p str), Error> {
    let parsed = match after_x.strip_prefix('{') {
        Some(braced) => braced.split_once('}'),
        None => after_x.is_char_boundary(2).then(|| after_x.split_at_checked(2)).flatten(),
    };
    if let Some((digits, rest)) = parsed
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && let Ok(code @ 0..=0x0010_ffff) = u32::from_str_radix(digits, 16)
    {
        return Ok((code, rest));
    }
    error("invalid escape sequence", &text[..2])
}
