//! String literals: from the text between quotes to bytes.

/// The bytes of a literal the lexer has accepted, quotes included in `text`. Escapes are Go's:
/// `\x` and octal ones give single bytes, so the result need not be UTF-8.
pub(crate) fn unquote(text: &str) -> Box<[u8]> {
    let inner = &text.as_bytes()[1..text.len() - 1];
    if text.starts_with('`') || !inner.contains(&b'\\') {
        return inner.into();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some((kind, tail)) = rest.split_first() else { break };
        rest = tail;
        match kind {
            b'a' => out.push(0x07),
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'x' => push_byte(&mut out, take_code(&mut rest, 2, 16)),
            b'u' => push_char(&mut out, take_code(&mut rest, 4, 16)),
            b'U' => push_char(&mut out, take_code(&mut rest, 8, 16)),
            b'0'..=b'7' => {
                let high = u32::from(kind - b'0') * 64;
                push_byte(&mut out, high + take_code(&mut rest, 2, 8));
            }
            other => out.push(*other),
        }
    }
    out.into()
}

fn take_code(rest: &mut &[u8], digits: usize, base: u32) -> u32 {
    let (code, tail) = rest.split_at(digits.min(rest.len()));
    *rest = tail;
    code.iter().fold(0, |sum, b| sum * base + char::from(*b).to_digit(base).unwrap_or(0))
}

fn push_byte(out: &mut Vec<u8>, code: u32) {
    out.push(u8::try_from(code).unwrap_or(u8::MAX));
}

fn push_char(out: &mut Vec<u8>, code: u32) {
    let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn escapes_are_gos() {
        let check = |text: &str, expected: &[u8]| assert_eq!(&*unquote(text), expected, "{text}");
        check(r#""""#, b"");
        check(r#""a\n\t\\\"b""#, b"a\n\t\\\"b");
        check(r"'it\'s'", b"it's");
        check(r"`a\n\`", br"a\n\");
        check(r#""\xc5z\305""#, b"\xc5z\xc5");
        check(r#""\u00e9\U0001F600é""#, "é😀é".as_bytes());
    }
}
