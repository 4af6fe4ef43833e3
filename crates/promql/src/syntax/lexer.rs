//! From text to tokens, one at a time.
//!
//! Braces and brackets have rules of their own: inside of braces every word is a name, inside of
//! brackets only the words of duration expressions are words at all.

use super::ast::{BinaryOp, Span};
use super::token::{Kind, Token, quoted, quoted_char};

/// Reads tokens; after [`Kind::Eof`] or [`Kind::Error`] the same comes again.
pub(super) struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    start: usize,
    parens: usize,
    mode: Mode,
    error: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Statement,
    Braces,
    Brackets {
        /// Whether a number was read; before it only the characters of durations are known.
        number: bool,
        colon: bool,
    },
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of a text shorter than 4 GiB.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pos: 0, start: 0, parens: 0, mode: Mode::Statement, error: None }
    }

    /// What is wrong, once [`Kind::Error`] was returned; the span of that token says where.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The next token; blanks and comments are skipped.
    pub(super) fn next(&mut self) -> Token {
        let kind = if self.error.is_some() {
            Kind::Error
        } else {
            self.skip_blanks();
            self.start = self.pos;
            self.token().unwrap_or_else(|message| {
                self.error = Some(message);
                Kind::Error
            })
        };
        Token { kind, span: Span { start: at(self.start), end: at(self.pos) } }
    }

    fn token(&mut self) -> Result<Kind, String> {
        match self.mode {
            Mode::Statement => self.statement(),
            Mode::Braces => self.braces(),
            Mode::Brackets { number: false, colon } => self.duration(colon),
            Mode::Brackets { number: true, colon } => self.after_duration(colon),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.pos += 1,
                // Within a duration no comment is read before its first number.
                Some(b'#') if !matches!(self.mode, Mode::Brackets { number: false, .. }) => {
                    let rest = &self.text.as_bytes()[self.pos..];
                    let len = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
                    self.pos += len.unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn statement(&mut self) -> Result<Kind, String> {
        let Some(c) = self.char() else {
            return match (self.parens, self.mode) {
                (0, Mode::Brackets { .. }) => Err(String::from("unclosed left bracket")),
                (0, _) => Ok(Kind::Eof),
                _ => Err(String::from("unclosed left parenthesis")),
            };
        };
        match c {
            'a'..='z' | 'A'..='Z' | '_' | ':' => return Ok(self.word()),
            '0'..='9' => return self.number(),
            '.' if self.byte_at(1).is_some_and(|b| b.is_ascii_digit()) => return self.number(),
            _ => {}
        }
        self.pos += c.len_utf8();
        let op = |op| Ok(Kind::Operator(op));
        match c {
            ',' => Ok(Kind::Comma),
            '*' => op(BinaryOp::Mul),
            '/' => op(BinaryOp::Div),
            '%' => op(BinaryOp::Mod),
            '+' => op(BinaryOp::Add),
            '-' => op(BinaryOp::Sub),
            '^' => op(BinaryOp::Pow),
            '@' => Ok(Kind::At),
            '=' if self.eat(b'=') => op(BinaryOp::Eq),
            '=' if self.byte() == Some(b'~') => {
                Err(String::from("unexpected character after '=': '~'"))
            }
            '=' => Ok(Kind::Assign),
            '!' if self.eat(b'=') => op(BinaryOp::Ne),
            '!' => Err(format!("unexpected character after '!': {}", self.quoted_next())),
            '<' if self.eat(b'=') => op(BinaryOp::Le),
            '<' if self.eat(b'/') => op(BinaryOp::TrimUpper),
            '<' => op(BinaryOp::Lt),
            '>' if self.eat(b'=') => op(BinaryOp::Ge),
            '>' if self.eat(b'/') => op(BinaryOp::TrimLower),
            '>' => op(BinaryOp::Gt),
            '"' | '\'' => self.string(c),
            '`' => self.raw_string(),
            '(' => Ok(self.left_paren()),
            ')' => self.right_paren(),
            '{' => {
                self.mode = Mode::Braces;
                Ok(Kind::LeftBrace)
            }
            '[' if matches!(self.mode, Mode::Brackets { .. }) => {
                Err(String::from("unexpected left bracket '['"))
            }
            '[' => {
                self.mode = Mode::Brackets { number: false, colon: false };
                Ok(Kind::LeftBracket)
            }
            ']' if matches!(self.mode, Mode::Brackets { .. }) => Ok(self.right_bracket()),
            ']' => Err(String::from("unexpected right bracket ']'")),
            c => Err(format!("unexpected character: {}", quoted_char(c))),
        }
    }

    fn braces(&mut self) -> Result<Kind, String> {
        let Some(c) = self.char() else {
            return Err(String::from("unexpected end of input inside braces"));
        };
        self.pos += c.len_utf8();
        match c {
            'a'..='z' | 'A'..='Z' | '_' => {
                self.skip_word(|b| b.is_ascii_alphanumeric() || b == b'_');
                Ok(Kind::Identifier)
            }
            ',' => Ok(Kind::Comma),
            '"' | '\'' => self.string(c),
            '`' => self.raw_string(),
            '=' if self.eat(b'~') => Ok(Kind::EqRegex),
            '=' => Ok(Kind::Assign),
            '!' if self.eat(b'~') => Ok(Kind::NeRegex),
            '!' if self.eat(b'=') => Ok(Kind::Operator(BinaryOp::Ne)),
            '!' => {
                let next = self.quoted_next();
                Err(format!("unexpected character after '!' inside braces: {next}"))
            }
            '{' => Err(String::from("unexpected left brace '{'")),
            '}' => {
                self.mode = Mode::Statement;
                Ok(Kind::RightBrace)
            }
            c => Err(format!("unexpected character inside braces: {}", quoted_char(c))),
        }
    }

    /// Within brackets, before the first number.
    fn duration(&mut self, colon: bool) -> Result<Kind, String> {
        let Some(c) = self.char() else {
            return Err(String::from("unexpected end of input in duration expression"));
        };
        let op = |op| Ok(Kind::Operator(op));
        match c {
            '0'..='9' => return self.bracket_number(colon),
            '.' if self.byte_at(1).is_some_and(|b| b.is_ascii_digit()) => {
                return self.bracket_number(colon);
            }
            _ => self.pos += c.len_utf8(),
        }
        match c {
            ']' => Ok(self.right_bracket()),
            ':' if colon => Err(String::from("unexpected repeated colon in duration expression")),
            ':' => {
                self.mode = Mode::Brackets { number: false, colon: true };
                Ok(Kind::Colon)
            }
            '(' => Ok(self.left_paren()),
            ')' => self.right_paren(),
            '+' => op(BinaryOp::Add),
            '-' => op(BinaryOp::Sub),
            '*' => op(BinaryOp::Mul),
            '/' => op(BinaryOp::Div),
            '%' => op(BinaryOp::Mod),
            '^' => op(BinaryOp::Pow),
            ',' => Ok(Kind::Comma),
            c => self.duration_word().ok_or_else(|| {
                let c = quoted_char(c);
                format!("unexpected character in duration expression: {c}")
            }),
        }
    }

    /// Within brackets, after the first number.
    fn after_duration(&mut self, colon: bool) -> Result<Kind, String> {
        match self.char() {
            Some(':') if colon => {
                self.pos += 1;
                Err(String::from("unexpected colon ':'"))
            }
            Some(':') => {
                self.pos += 1;
                self.mode = Mode::Brackets { number: true, colon: true };
                Ok(Kind::Colon)
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                self.pos += 1;
                self.duration_word().ok_or_else(|| {
                    format!("unexpected character: {}, expected ':'", quoted_char(c))
                })
            }
            _ => self.statement(),
        }
    }

    /// `step`, `range`, `min_of` or `max_of`, of which the first letter was read.
    fn duration_word(&mut self) -> Option<Kind> {
        let end = self.pos;
        self.skip_word(|b| b.is_ascii_alphabetic() || b == b'_');
        let word = self.text[self.start..self.pos].to_ascii_lowercase();
        let kind = Kind::of_duration_word(word.as_bytes());
        if kind.is_none() {
            self.pos = end;
        }
        kind
    }

    fn left_paren(&mut self) -> Kind {
        self.parens += 1;
        Kind::LeftParen
    }

    fn right_paren(&mut self) -> Result<Kind, String> {
        let Some(parens) = self.parens.checked_sub(1) else {
            self.start = self.pos;
            return Err(String::from("unexpected right parenthesis ')'"));
        };
        self.parens = parens;
        Ok(Kind::RightParen)
    }

    fn right_bracket(&mut self) -> Kind {
        self.mode = Mode::Statement;
        Kind::RightBracket
    }

    fn word(&mut self) -> Kind {
        self.skip_word(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
        let word = &self.text[self.start..self.pos];
        match Kind::of_word(word) {
            Some(Kind::Keyword(
                super::token::Keyword::Fill
                | super::token::Keyword::FillLeft
                | super::token::Keyword::FillRight,
            )) if !self.paren_follows() => Kind::Identifier,
            Some(kind) => kind,
            None if word.contains(':') => Kind::MetricIdentifier,
            None => Kind::Identifier,
        }
    }

    /// `fill` and its likes are keywords only before a parenthesis.
    fn paren_follows(&self) -> bool {
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        self.text.as_bytes()[self.pos..].iter().find(|b| !blank(b)) == Some(&b'(')
    }

    fn bracket_number(&mut self, colon: bool) -> Result<Kind, String> {
        self.mode = Mode::Brackets { number: true, colon };
        self.number()
    }

    /// A number or a duration; whether it is a valid one is found out where its value is needed.
    fn number(&mut self) -> Result<Kind, String> {
        if self.scan_number() {
            Ok(Kind::Number)
        } else if self.scan_duration() {
            Ok(Kind::Duration)
        } else {
            let seen = quoted(&self.text[self.start..self.pos]);
            Err(format!("bad number or duration syntax: {seen}"))
        }
    }

    fn scan_number(&mut self) -> bool {
        let hex = self.byte() == Some(b'0') && matches!(self.byte_at(1), Some(b'x' | b'X'));
        if hex {
            self.pos += 2;
            self.eat(b'_');
        }
        let digit = |b: u8| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
        let (mut dot, mut exponent) = (false, false);
        while let Some(b) = self.byte() {
            match b {
                b if digit(b) => self.pos += 1,
                b'.' => {
                    self.pos += 1;
                    if dot || hex || self.eat(b'_') || self.eat(b'.') {
                        return false;
                    }
                    dot = true;
                }
                b'e' | b'E' => {
                    self.pos += 1;
                    if exponent {
                        return false;
                    }
                    exponent = true;
                    if matches!(self.byte(), Some(b'+' | b'-')) {
                        self.pos += 1;
                    }
                    if self.eat_any(b"._eE") || self.byte().is_none() {
                        return false;
                    }
                }
                b'_' => {
                    self.pos += 1;
                    if self.eat_any(b"._eE") || self.byte().is_none() {
                        return false;
                    }
                }
                _ => break,
            }
        }
        !self.byte().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    /// The rest of a duration, whose first digits were read.
    fn scan_duration(&mut self) -> bool {
        if !self.eat_any(b"smhdwy") {
            return false;
        }
        self.eat(b's');
        while self.eat_any(b"0123456789") {
            while self.eat_any(b"0123456789") {}
            if !self.eat_any(b"smhdw") {
                return false;
            }
            self.eat(b's');
        }
        match self.char() {
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
                self.pos += 1;
                false
            }
            _ => true,
        }
    }

    fn string(&mut self, quote: char) -> Result<Kind, String> {
        loop {
            let c = self.char();
            self.pos += c.map_or(0, char::len_utf8);
            match c {
                None | Some('\n') => return Err(String::from("unterminated quoted string")),
                Some(char::REPLACEMENT_CHARACTER) => {
                    return Err(String::from("invalid UTF-8 rune"));
                }
                Some('\\') => self.escape(quote)?,
                Some(c) if c == quote => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Result<Kind, String> {
        loop {
            let c = self.char();
            self.pos += c.map_or(0, char::len_utf8);
            match c {
                None => return Err(String::from("unterminated raw string")),
                Some(char::REPLACEMENT_CHARACTER) => {
                    return Err(String::from("invalid UTF-8 rune"));
                }
                Some('`') => return Ok(Kind::String),
                Some(_) => {}
            }
        }
    }

    /// Checks an escape sequence; the backslash was read.
    fn escape(&mut self, quote: char) -> Result<(), String> {
        let Some(c) = self.char() else {
            return Err(String::from("escape sequence not terminated"));
        };
        let (digits, base, max) = match c {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' => (0, 0, 0),
            c if c == quote => (0, 0, 0),
            '0'..='7' => (3, 8, 255),
            'x' => (2, 16, 255),
            'u' => (4, 16, u32::from(char::MAX)),
            'U' => (8, 16, u32::from(char::MAX)),
            c => return Err(format!("unknown escape sequence {}", code_point(c))),
        };
        if base != 8 {
            self.pos += c.len_utf8();
        }
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(c) = self.char() else {
                return Err(String::from("escape sequence not terminated"));
            };
            let Some(digit) = c.to_digit(base) else {
                return Err(format!("illegal character {} in escape sequence", code_point(c)));
            };
            code = code.wrapping_mul(base).wrapping_add(digit);
            self.pos += 1;
        }
        if digits > 0 && (code > max || (0xd800..0xe000).contains(&code)) {
            return Err(String::from("escape sequence is an invalid Unicode code point"));
        }
        Ok(())
    }

    fn char(&self) -> Option<char> {
        self.text[self.pos..].chars().next()
    }

    fn byte(&self) -> Option<u8> {
        self.byte_at(0)
    }

    fn byte_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.pos + ahead).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.eat_any(&[byte])
    }

    fn eat_any(&mut self, bytes: &[u8]) -> bool {
        let eaten = self.byte().is_some_and(|b| bytes.contains(&b));
        self.pos += usize::from(eaten);
        eaten
    }

    fn skip_word(&mut self, part: impl Fn(u8) -> bool) {
        while self.byte().is_some_and(&part) {
            self.pos += 1;
        }
    }

    fn quoted_next(&self) -> String {
        quoted_char(self.char().unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn at(pos: usize) -> u32 {
    u32::try_from(pos).expect("the parser refuses texts of 4 GiB")
}

/// A character as Go's `%#U` writes it.
fn code_point(c: char) -> String {
    format!("U+{:04X} '{c}'", u32::from(c))
}
