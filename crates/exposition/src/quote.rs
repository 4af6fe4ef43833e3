//! Bytes between double quotes, as Go's `%q` shows them.

use std::fmt::{self, Write};

/// Shows bytes quoted; what is not UTF-8 as `\xff`. Long text is cut in the middle.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

/// More than this is no help in an error message.
const SHOWN_BYTES: usize = 2048;

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        if self.0.len() <= SHOWN_BYTES {
            write_escaped(f, self.0)?;
        } else {
            write_escaped(f, &self.0[..SHOWN_BYTES / 2])?;
            write!(f, "[{} bytes]", self.0.len() - SHOWN_BYTES)?;
            write_escaped(f, &self.0[self.0.len() - SHOWN_BYTES / 2..])?;
        }
        f.write_char('"')
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            write_char(f, c)?;
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\u{7}' => f.write_str("\\a"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{b}' => f.write_str("\\v"),
        c if c < ' ' || c == '\u{7f}' => write!(f, "\\x{:02x}", u32::from(c)),
        c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c)),
        c => f.write_char(c),
    }
}
