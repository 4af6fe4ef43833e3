//! A template's text to tokens: text outside of the delimiters, words inside of them.

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct LexError {
    pub(super) at: usize,
    pub(super) message: String,
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
    Float(f64),
    /// A quoted text, unquoted.
    Quoted(String),
    Pipe,
    Comma,
    Declare,
    Assign,
    Left,
    Right,
    End,
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// All tokens of a text; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, LexError> {
    let mut lexer = Lexer { text, at: 0, out: Vec::new() };
    lexer.run()?;
    Ok(lexer.out)
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
                    let Some(left) = open_parens.checked_sub(1) else {
                        return self.error("unexpected right paren");
                    };
                    open_parens = left;
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
                    self.push(1 + name, kind);
                    self.ends_word()?;
                }
                '$' => {
                    let len = 1 + name_len(&rest[1..]);
                    self.push(len, Kind::Variable(&rest[..len]));
                    self.ends_word()?;
                }
                '+' | '-' | '.' | '0'..='9' => self.number()?,
                c if c == '_' || c.is_alphabetic() => {
                    let len = name_len(rest);
                    self.push(len, Kind::Name(&rest[..len]));
                    self.ends_word()?;
                }
                c => return self.error(format!("unrecognized character in action: {}", code(c))),
            }
        }
    }

    /// After a word comes a space, a delimiter or punctuation.
    fn ends_word(&self) -> Result<(), LexError> {
        let rest = self.rest();
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
        let one = unquote(&inner[..end]).filter(|text| text.chars().count() == 1);
        let Some(c) = one.and_then(|text| text.chars().next()) else {
            return self.error(format!("malformed character constant: {}", &rest[..end + 2]));
        };
        self.push(end + 2, Kind::Int(i64::from(u32::from(c))));
        Ok(())
    }

    fn number(&mut self) -> Result<(), LexError> {
        let rest = self.rest();
        let mut len = 0;
        let mut last = ' ';
        for c in rest.chars() {
            let after_exponent = matches!(last, 'e' | 'E' | 'p' | 'P');
            let sign = matches!(c, '+' | '-') && (len == 0 || after_exponent);
            if !(sign || c == '.' || c == '_' || c.is_ascii_alphanumeric()) {
                break;
            }
            last = c;
            len += 1;
        }
        let text = &rest[..len];
        let Some(kind) = number(text) else {
            return self.error(format!("bad number syntax: {text:?}"));
        };
        self.push(len, kind);
        self.ends_word()
    }
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
    format!("U+{:04X} '{c}'", u32::from(c))
}

fn number(text: &str) -> Option<Kind<'static>> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') {
        return None;
    }
    let digits = digits.replace('_', "").to_ascii_lowercase();
    let radix = |prefix: &str| digits.strip_prefix(prefix);
    let whole = if let Some(digits) = radix("0x") {
        i64::from_str_radix(digits, 16).ok()
    } else if let Some(digits) = radix("0o") {
        i64::from_str_radix(digits, 8).ok()
    } else if let Some(digits) = radix("0b") {
        i64::from_str_radix(digits, 2).ok()
    } else if digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        i64::from_str_radix(&digits, 8).ok()
    } else {
        digits.parse().ok()
    };
    if let Some(whole) = whole {
        return Some(Kind::Int(if negative { -whole } else { whole }));
    }
    if !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-')) {
        return None;
    }
    let float: f64 = digits.parse().ok()?;
    Some(Kind::Float(if negative { -float } else { float }))
}

/// Go's escapes; bytes that are no text make it invalid.
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
    String::from_utf8(out).ok()
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
