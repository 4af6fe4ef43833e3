//! A template's text to tokens: text outside of the delimiters, words inside of them.

/// What is wrong, and where.
struct LexError {
    at: usize,
    message: String,
}

/// A token with its offset in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) at: usize,
    pub(super) kind: Kind<'a>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// Outside of the delimiters, trimmed where a marker says so.
    Text(&'a str),
    /// `{{`
    Open,
    /// `}}`
    Close,
    /// Spaces, tabs and line feeds between words.
    Space,
    /// A name, a key word, `true`, `false` or `nil`.
    Name(&'a str),
    /// `.Name`, without the dot.
    Field(&'a str),
    /// `$` or `$name`.
    Variable(&'a str),
    Dot,
    Int(i64),
    /// An integer of 64 bits without a sign.
    TooLarge,
    Float(f64),
    /// A quoted text, unquoted.
    Quoted(String),
    Pipe,
    Comma,
    Declare,
    Assign,
    Left,
    Right,
    /// Any other ASCII character.
    Char,
    /// What cannot be read, and why; the last token.
    Fault(String),
    End,
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of a text; the last one is [`Kind::End`] or [`Kind::Fault`], which is one only for who
/// comes so far.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, out: Vec::new() };
    if let Err(LexError { at, message }) = lexer.run() {
        lexer.out.push(Token { at, kind: Kind::Fault(message) });
    }
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    out: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, len: usize, kind: Kind<'a>) {
        self.out.push(Token { at: self.at, kind });
        self.at += len;
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, LexError> {
        Err(LexError { at: self.at, message: message.into() })
    }

    fn run(&mut self) -> Result<(), LexError> {
        let mut trim_start = false;
        loop {
            let rest = self.rest();
            let open = rest.find(OPEN);
            let whole = &rest[..open.unwrap_or(rest.len())];
            let text = if trim_start { whole.trim_start_matches(SPACE) } else { whole };
            let trim_end = open.is_some_and(|open| trims_left(&rest[open + OPEN.len()..]));
            let text = if trim_end { text.trim_end_matches(SPACE) } else { text };
            if text.is_empty() {
                self.at += whole.len();
            } else {
                self.push(whole.len(), Kind::Text(text));
            }
            if open.is_none() {
                self.push(0, Kind::End);
                return Ok(());
            }
            let marker = if trim_end { 2 } else { 0 };
            if self.rest()[OPEN.len() + marker..].starts_with("/*") {
                trim_start = self.comment(OPEN.len() + marker)?;
                continue;
            }
            self.push(OPEN.len() + marker, Kind::Open);
            trim_start = self.inside()?;
        }
    }

    /// Passes over a comment; whether the text after it is trimmed.
    fn comment(&mut self, open: usize) -> Result<bool, LexError> {
        let rest = &self.rest()[open..];
        let Some(end) = rest.find("*/") else { return self.error("unclosed comment") };
        let after = &rest[end + 2..];
        let (trim, close) = closes(after);
        if close == 0 {
            return self.error("comment ends before closing delimiter");
        }
        self.at += open + end + 2 + close;
        Ok(trim)
    }

    /// Reads the words up to the closing delimiter; whether the text after it is trimmed.
    fn inside(&mut self) -> Result<bool, LexError> {
        let mut open_parens = 0usize;
        loop {
            let rest = self.rest();
            let (trim, close) = closes(rest);
            if close > 0 {
                if open_parens > 0 {
                    return self.error("unclosed left paren");
                }
                self.push(close, Kind::Close);
                return Ok(trim);
            }
            let Some(first) = rest.chars().next() else { return self.error("unclosed action") };
            match first {
                c if SPACE.contains(&c) => {
                    let len = rest.len() - rest.trim_start_matches(SPACE).len();
                    // The marker that trims what follows has a space of its own.
                    let marked = closes(&rest[len - 1..]).0;
                    self.push(len - usize::from(marked), Kind::Space);
                }
                '(' => {
                    open_parens += 1;
                    self.push(1, Kind::Left);
                }
                ')' => {
                    open_parens = open_parens.saturating_sub(1);
                    self.push(1, Kind::Right);
                }
                '|' => self.push(1, Kind::Pipe),
                ',' => self.push(1, Kind::Comma),
                '=' => self.push(1, Kind::Assign),
                ':' if rest.starts_with(":=") => self.push(2, Kind::Declare),
                ':' => return self.error("expected :="),
                '"' => self.quoted()?,
                '`' => {
                    let Some(end) = rest[1..].find('`') else {
                        return self.error("unterminated raw quoted string");
                    };
                    self.push(end + 2, Kind::Quoted(rest[1..=end].to_owned()));
                }
                '\'' => self.character()?,
                '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                    let name = name_len(&rest[1..]);
                    let kind = if name == 0 { Kind::Dot } else { Kind::Field(&rest[1..=name]) };
                    self.ends_word(1 + name)?;
                    self.push(1 + name, kind);
                }
                '$' => {
                    let len = 1 + name_len(&rest[1..]);
                    self.ends_word(len)?;
                    self.push(len, Kind::Variable(&rest[..len]));
                }
                '+' | '-' | '.' | '0'..='9' => self.number()?,
                c if c == '_' || c.is_alphabetic() => {
                    let len = name_len(rest);
                    self.ends_word(len)?;
                    self.push(len, Kind::Name(&rest[..len]));
                }
                ' '..='~' => self.push(1, Kind::Char),
                c => return self.error(format!("unrecognized character in action: {}", code(c))),
            }
        }
    }

    /// After a word comes a space, a delimiter or punctuation.
    fn ends_word(&self, len: usize) -> Result<(), LexError> {
        let rest = &self.rest()[len..];
        match rest.chars().next() {
            None => Ok(()),
            Some(c) if SPACE.contains(&c) || ".,|:=()".contains(c) => Ok(()),
            _ if rest.starts_with(CLOSE) => Ok(()),
            Some(c) => self.error(format!("bad character {}", code(c))),
        }
    }

    fn quoted(&mut self) -> Result<(), LexError> {
        let rest = self.rest();
        let mut escaped = false;
        for (i, c) in rest.char_indices().skip(1) {
            match c {
                '\n' => break,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let Some(text) = unquote(&rest[1..i]) else {
                        return self.error("invalid syntax");
                    };
                    self.push(i + 1, Kind::Quoted(text));
                    return Ok(());
                }
                _ => {}
            }
        }
        self.error("unterminated quoted string")
    }

    /// A character in single quotes is its number.
    fn character(&mut self) -> Result<(), LexError> {
        let rest = self.rest();
        let inner = rest[1..].split('\n').next().unwrap_or("");
        let from = if inner.starts_with("\\'") { 2 } else { 0 };
        let Some(end) = inner[from..].find('\'').map(|end| end + from) else {
            return self.error("unterminated character constant");
        };
        if end == 0 {
            return self.error("invalid syntax");
        }
        let one = unquote(&inner[..end]).filter(|text| text.chars().count() == 1);
        let Some(c) = one.and_then(|text| text.chars().next()) else {
            return self.error(format!("malformed character constant: {}", &rest[..end + 2]));
        };
        self.push(end + 2, Kind::Int(i64::from(u32::from(c))));
        Ok(())
    }

    fn number(&mut self) -> Result<(), LexError> {
        let rest = self.rest();
        let len = number_len(rest);
        let bad = |len: usize| self.error(format!("bad number syntax: {:?}", &rest[..len]));
        match rest[len..].chars().next() {
            Some(c) if c == '_' || c.is_alphanumeric() => return bad(len + c.len_utf8()),
            // Two parts of a complex number, which there are none of.
            Some('+' | '-') => return bad(len + number_len(&rest[len..])),
            _ => {}
        }
        let text = &rest[..len];
        let kind = number(text).or_else(|message| self.error(format!("{message}: {text:?}")))?;
        self.push(len, kind);
        Ok(())
    }
}

/// As far as a text can be a number.
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let mut len = usize::from(matches!(at(0), b'+' | b'-'));
    let mut radix = 10;
    if at(len) == b'0' {
        len += 1;
        radix = match at(len) {
            b'x' | b'X' => 16,
            b'o' | b'O' => 8,
            b'b' | b'B' => 2,
            _ => 10,
        };
        len += usize::from(radix != 10);
    }
    let digits = |from: usize, radix: u32| {
        let is_digit = |b: &u8| *b == b'_' || char::from(*b).is_digit(radix);
        from + bytes[from..].iter().take_while(|b| is_digit(b)).count()
    };
    len = digits(len, radix);
    if at(len) == b'.' {
        len = digits(len + 1, radix);
    }
    let has_exponent = match radix {
        10 => matches!(at(len), b'e' | b'E'),
        16 => matches!(at(len), b'p' | b'P'),
        _ => false,
    };
    if has_exponent {
        len += 1;
        len += usize::from(matches!(at(len), b'+' | b'-'));
        len = digits(len, 10);
    }
    len
}

/// Whether what follows an opening delimiter trims the text before it.
fn trims_left(inside: &str) -> bool {
    inside.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACE))
}

/// Whether a closing delimiter stands here, with a marker or not; the length of both.
fn closes(rest: &str) -> (bool, usize) {
    if rest.starts_with(CLOSE) {
        return (false, CLOSE.len());
    }
    let marked = rest.strip_prefix(SPACE).and_then(|rest| rest.strip_prefix('-'));
    match marked.is_some_and(|rest| rest.starts_with(CLOSE)) {
        true => (true, 2 + CLOSE.len()),
        false => (false, 0),
    }
}

fn name_len(text: &str) -> usize {
    text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len())
}

fn code(c: char) -> String {
    let shown = if model::names::is_printable(c) { format!(" '{c}'") } else { String::new() };
    format!("U+{:04X}{shown}", u32::from(c))
}

fn number(text: &str) -> Result<Kind<'static>, &'static str> {
    const ILLEGAL: &str = "illegal number syntax";
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    if digits.ends_with('_') || digits.starts_with('_') || digits.contains("__") {
        return Err(ILLEGAL);
    }
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found = prefixed
        .iter()
        .find_map(|(prefix, radix)| digits.strip_prefix(prefix).map(|digits| (digits, *radix)));
    let (whole, radix) = match found {
        Some(found) => found,
        None if digits.len() > 1 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            let octal = digits.strip_prefix('0');
            octal.map_or((digits.as_str(), 10), |octal| (octal, 8))
        }
        None => (digits.as_str(), 10),
    };
    if let Ok(whole) = i128::from_str_radix(whole, radix) {
        let signed = if negative { -whole } else { whole };
        if let Ok(whole) = i64::try_from(signed) {
            return Ok(Kind::Int(whole));
        }
        if u64::try_from(signed).is_ok() {
            return Ok(Kind::TooLarge);
        }
    }
    let signed = |float: f64| Kind::Float(if negative { -float } else { float });
    if let Some(hex) = digits.strip_prefix("0x") {
        return hex_float(hex).map(signed).ok_or(ILLEGAL);
    }
    let is_plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-');
    let float = digits.parse::<f64>().ok().filter(|float| float.is_finite());
    let float = float.filter(|_| digits.bytes().all(is_plain)).ok_or(ILLEGAL)?;
    if !digits.contains(['.', 'e']) {
        return Err("integer overflow");
    }
    Ok(signed(float))
}

/// `1.8p-3`: digits of base 16 and an exponent of base 2, which it must have.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // As many digits as a float can tell apart, and then some.
    if whole.len() + fraction.len() > 15 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let scale =
        exponent.parse::<i32>().ok()?.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let value = digits as f64 * 2_f64.powi(scale);
    value.is_finite().then_some(value)
}

/// Go's escapes; bytes that are no text become the replacement character.
fn unquote(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let c = rest.chars().next()?;
        let (skipped, digits, radix) = match c {
            'x' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='7' => (0, 3, 8),
            _ => {
                out.push(escape(c)?);
                rest = &rest[1..];
                continue;
            }
        };
        let digits = rest.get(skipped..skipped + digits)?;
        let number = u32::from_str_radix(digits, radix).ok()?;
        match c {
            'u' | 'U' => {
                let c = char::from_u32(number)?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => out.push(u8::try_from(number).ok()?),
        }
        rest = &rest[skipped + digits.len()..];
    }
    out.extend_from_slice(rest.as_bytes());
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The byte that a letter stands for after a backslash.
fn escape(c: char) -> Option<u8> {
    Some(match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' | '"' | '\'' => u8::try_from(c).ok()?,
        _ => return None,
    })
}
