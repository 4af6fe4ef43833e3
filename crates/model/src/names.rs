//! Names and quoting: which names are valid, and how text is quoted as Go does.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

/// Which names of metrics and labels are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameScheme {
    /// Any non-empty UTF-8 text.
    #[default]
    Utf8,
    /// The classic ASCII character sets.
    Legacy,
}

impl NameScheme {
    /// Whether a label name is valid.
    #[must_use]
    pub fn is_label_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy_label_name(name),
        }
    }

    /// Whether a metric name is valid.
    #[must_use]
    pub fn is_metric_name(self, name: &str) -> bool {
        match self {
            Self::Utf8 => !name.is_empty(),
            Self::Legacy => is_legacy_metric_name(name),
        }
    }
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`
#[must_use]
pub fn is_legacy_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
#[must_use]
pub fn is_legacy_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

/// Writes a label name, quoted if it is not a classic one.
///
/// # Errors
/// When the writer fails.
pub fn write_label_name(f: &mut impl fmt::Write, name: &str) -> fmt::Result {
    if is_legacy_label_name(name) { f.write_str(name) } else { write_quoted(f, name) }
}

/// Letters, marks, numbers, punctuation and symbols: what Go prints as it is.
static PRINTABLE: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let class = regex_syntax::parse("[\\pL\\pM\\pN\\pP\\pS]").map(|hir| hir.into_kind());
    match class {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        other => unreachable!("a class of characters is one: {other:?}"),
    }
});

/// Whether Go prints a character as it is: letters, marks, numbers, punctuation, symbols and the
/// ASCII space.
#[must_use]
pub fn is_printable(c: char) -> bool {
    let place = |range: &ClassUnicodeRange| match c {
        c if c < range.start() => Ordering::Greater,
        c if c > range.end() => Ordering::Less,
        _ => Ordering::Equal,
    };
    match c.is_ascii() {
        true => (' '..='~').contains(&c),
        false => PRINTABLE.ranges().binary_search_by(place).is_ok(),
    }
}

/// Writes text between double quotes, escaped as Go's `strconv.Quote` does: what is neither a
/// printable character nor the space is written by its number.
///
/// # Errors
/// When the writer fails.
pub fn write_quoted(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '"' | '\\') || !is_printable(c)) {
        f.write_str(&rest[..at])?;
        let c = rest[at..].chars().next().expect("something was found there");
        rest = &rest[at + c.len_utf8()..];
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{7}' => f.write_str("\\a")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{b}' => f.write_str("\\v")?,
            c if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c))?,
            c if c <= '\u{ffff}' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "\\U{:08x}", u32::from(c))?,
        }
    }
    f.write_str(rest)?;
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, quoted: &str) {
        let mut out = String::new();
        write_quoted(&mut out, text).unwrap();
        assert_eq!(out, format!("\"{quoted}\""));
    }

    #[test]
    fn quotes_as_go_does() {
        check("", "");
        check("plain text", "plain text");
        check("a\"b\\c", r#"a\"b\\c"#);
        check("\u{7}\u{8}\u{c}\n\r\t\u{b}", r"\a\b\f\n\r\t\v");
        check("\0\u{1f}\u{7f}", r"\x00\x1f\x7f");
        check("é日😀\u{301}", "é日😀\u{301}");
        // C1 control, no-break space, soft hyphen, zero-width space, line separator, BOM.
        check(
            "\u{85}\u{a0}\u{ad}\u{200b}\u{2028}\u{feff}",
            r"\u0085\u00a0\u00ad\u200b\u2028\ufeff",
        );
        // Private use, ideographic space, not assigned.
        check("\u{e000}\u{3000}\u{378}", r"\ue000\u3000\u0378");
        check("\u{e0001}\u{10ffff}", r"\U000e0001\U0010ffff");
    }

    #[test]
    fn schemes_tell_names_apart() {
        let check = |name: &str, legacy_label: bool, legacy_metric: bool| {
            let legacy = NameScheme::Legacy;
            let is = (legacy.is_label_name(name), legacy.is_metric_name(name));
            assert_eq!(is, (legacy_label, legacy_metric), "{name:?}");
            let utf8 = NameScheme::Utf8;
            let is = (utf8.is_label_name(name), utf8.is_metric_name(name));
            assert_eq!(is, (!name.is_empty(), !name.is_empty()), "{name:?}");
        };
        check("up", true, true);
        check("_a1", true, true);
        check("a:b", false, true);
        check(":", false, true);
        check("1a", false, false);
        check("a.b", false, false);
        check("é", false, false);
        check("", false, false);
    }
}
