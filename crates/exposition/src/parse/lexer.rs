//! Words of a sample line. What a byte may begin depends on the place in the line.

use memchr::{memchr2, memchr3};

use crate::dialect::Dialect;
use crate::error::{Broken, error_at};
use crate::quote::Quoted;
use crate::sink::Span;

/// A word, by the name error messages give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Nothing that may stand here.
    Invalid,
    Eof,
    Linebreak,
    MetricName,
    BraceOpen,
    BraceClose,
    LabelName,
    QuotedString,
    Equal,
    Comma,
    LabelValue,
    Value,
    Timestamp,
    /// ` # {`, which begins an exemplar.
    Exemplar,
}

impl Token {
    fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Eof => "EOF",
            Self::Linebreak => "LINEBREAK",
            Self::MetricName => "MNAME",
            Self::BraceOpen => "BOPEN",
            Self::BraceClose => "BCLOSE",
            Self::LabelName => "LNAME",
            Self::QuotedString => "QSTRING",
            Self::Equal => "EQUAL",
            Self::Comma => "COMMA",
            Self::LabelValue => "LVALUE",
            Self::Value => "VALUE",
            Self::Timestamp => "TIMESTAMP",
            Self::Exemplar => "COMMENT",
        }
    }
}

/// A place in a sample line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the series.
    Start,
    Labels,
    LabelValue,
    /// Behind the metric name or the closing brace.
    Value,
    Timestamp,
    ExemplarLabels,
    /// Behind an equals sign or the closing brace of an exemplar: label value or value.
    ExemplarValue,
    ExemplarTimestamp,
}

/// Reads words one by one. The text format has blanks between words skipped and ends in a line feed
/// even if the page does not.
pub(super) struct Lexer<'a> {
    body: &'a [u8],
    dialect: Dialect,
    place: Place,
    /// Where the entry being read begins; error messages show it from here.
    entry: usize,
    /// Where the last word begins.
    start: usize,
    /// Behind the last word; at the byte that did not fit, if it is invalid.
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Begins an entry at a place in it.
    pub(super) fn new(
        body: &'a [u8],
        dialect: Dialect,
        entry: usize,
        at: usize,
        place: Place,
    ) -> Self {
        Self { body, dialect, place, entry, start: entry, at }
    }

    /// Takes what was read before the lexer began for the last word.
    pub(super) fn set_start(&mut self, start: usize) {
        self.start = start;
    }

    /// The grammar of the page.
    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Behind the last word.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The last word.
    pub(super) fn span(&self) -> Span {
        Span { start: self.start, end: self.at }
    }

    /// The bytes of the last word, which is not a line feed.
    pub(super) fn text(&self) -> &'a [u8] {
        &self.body[self.start..self.at]
    }

    pub(super) fn next(&mut self) -> Token {
        if self.dialect == Dialect::Text {
            self.take_while(|b| matches!(b, b' ' | b'\t'));
        }
        let Some(first) = self.peek() else { return Token::Eof };
        self.start = self.at;
        match self.place {
            Place::Start => self.next_start(first),
            Place::Labels => self.next_label(first, Place::LabelValue, Place::Value),
            Place::LabelValue => match first {
                b'"' => self.next_quoted(Token::LabelValue, Place::Labels),
                _ => Token::Invalid,
            },
            Place::Value => self.next_value(first),
            Place::Timestamp => self.next_timestamp(first),
            Place::ExemplarLabels => {
                self.next_label(first, Place::ExemplarValue, Place::ExemplarValue)
            }
            Place::ExemplarValue => match first {
                b'"' => self.next_quoted(Token::LabelValue, Place::ExemplarLabels),
                _ => self.spaced_word(first, Token::Value, Place::ExemplarTimestamp),
            },
            Place::ExemplarTimestamp => match first {
                b'\n' => self.one(Token::Linebreak, Place::Start),
                _ => self.spaced_word(first, Token::Timestamp, Place::ExemplarTimestamp),
            },
        }
    }

    fn next_start(&mut self, first: u8) -> Token {
        match first {
            b'\n' if self.dialect == Dialect::Text => self.one(Token::Linebreak, Place::Start),
            b'{' => self.one(Token::BraceOpen, Place::Labels),
            first if is_name_start(first) || first == b':' => {
                self.take_while(|b| is_name_byte(b) || b == b':');
                self.place = Place::Value;
                Token::MetricName
            }
            _ => Token::Invalid,
        }
    }

    fn next_label(&mut self, first: u8, behind_equal: Place, behind_brace: Place) -> Token {
        match first {
            b'}' => self.one(Token::BraceClose, behind_brace),
            b'=' => self.one(Token::Equal, behind_equal),
            b',' => self.one(Token::Comma, self.place),
            b'"' => self.next_quoted(Token::QuotedString, self.place),
            first if is_name_start(first) => {
                self.take_while(is_name_byte);
                Token::LabelName
            }
            _ => Token::Invalid,
        }
    }

    fn next_value(&mut self, first: u8) -> Token {
        match (self.dialect, first) {
            (_, b'{') => self.one(Token::BraceOpen, Place::Labels),
            (Dialect::OpenMetrics, _) => self.spaced_word(first, Token::Value, Place::Timestamp),
            (Dialect::Text, _) => {
                self.take_while(|b| !matches!(b, b'{' | b' ' | b'\t' | b'\n' | 0));
                if self.at == self.start {
                    return Token::Invalid;
                }
                self.place = Place::Timestamp;
                Token::Value
            }
        }
    }

    fn next_timestamp(&mut self, first: u8) -> Token {
        match (self.dialect, first) {
            (_, b'\n') => self.one(Token::Linebreak, Place::Start),
            (Dialect::Text, b'0'..=b'9') => {
                self.take_while(|b| b.is_ascii_digit());
                Token::Timestamp
            }
            (Dialect::Text, _) => Token::Invalid,
            (Dialect::OpenMetrics, _) if self.body[self.at..].starts_with(b" # ") => {
                self.at += 3;
                match self.peek() {
                    Some(b'{') => self.one(Token::Exemplar, Place::ExemplarLabels),
                    _ => Token::Invalid,
                }
            }
            (Dialect::OpenMetrics, _) => {
                self.spaced_word(first, Token::Timestamp, Place::Timestamp)
            }
        }
    }

    /// A space and a word up to the next space or line feed.
    fn spaced_word(&mut self, first: u8, token: Token, place: Place) -> Token {
        if first != b' ' {
            return Token::Invalid;
        }
        self.at += 1;
        let start = self.at;
        self.take_while(|b| !matches!(b, b' ' | b'\n' | 0));
        if self.at == start {
            return Token::Invalid;
        }
        self.place = place;
        token
    }

    fn next_quoted(&mut self, token: Token, place: Place) -> Token {
        // NUL is text only in values of labels; line feeds are text wherever a value may hold them.
        let nul = self.place == Place::LabelValue;
        let line_feed = match self.place {
            Place::LabelValue => self.dialect == Dialect::Text,
            place => place == Place::Labels,
        };
        if self.take_quoted(nul, line_feed) {
            self.place = place;
            token
        } else {
            Token::Invalid
        }
    }

    /// Takes text between double quotes, in which a backslash hides the byte behind it. If it does
    /// not end well, stops at the byte that does not fit.
    pub(super) fn take_quoted(&mut self, nul: bool, line_feed: bool) -> bool {
        debug_assert_eq!(self.peek(), Some(b'"'), "a quoted text begins with a quote");
        self.at += 1;
        loop {
            let rest = self.body.get(self.at..).unwrap_or_default();
            let found = match (nul, line_feed) {
                (true, true) => memchr2(b'"', b'\\', rest),
                (true, false) => memchr3(b'"', b'\\', b'\n', rest),
                (false, true) => memchr3(b'"', b'\\', 0, rest),
                (false, false) => rest.iter().position(|b| matches!(b, b'"' | b'\\' | b'\n' | 0)),
            };
            let Some(found) = found else {
                self.at = self.end();
                return false;
            };
            self.at += found;
            match rest[found] {
                b'"' => {
                    self.at += 1;
                    return true;
                }
                b'\\' => {
                    self.at += 1;
                    if nul {
                        self.take_while(|b| b == 0);
                    }
                    match self.peek() {
                        None | Some(b'\n' | 0) => return false,
                        Some(_) => self.at += 1,
                    }
                }
                _ => return false,
            }
        }
    }

    /// Takes a metric name, plain or quoted, at the front of what follows.
    pub(super) fn next_family_name(&mut self) -> Token {
        let Some(first) = self.peek() else { return Token::Eof };
        self.start = self.at;
        match first {
            b'"' if self.take_quoted(false, true) => Token::MetricName,
            first if is_name_start(first) || first == b':' => {
                self.take_while(|b| is_name_byte(b) || b == b':');
                Token::MetricName
            }
            _ => Token::Invalid,
        }
    }

    fn one(&mut self, token: Token, place: Place) -> Token {
        self.at += 1;
        self.place = place;
        token
    }

    #[inline]
    fn take_while(&mut self, takes: impl Fn(u8) -> bool) {
        let rest = self.body.get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|b| !takes(*b)).unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<u8> {
        match self.body.get(self.at) {
            Some(byte) => Some(*byte),
            None => (self.at < self.end()).then_some(b'\n'),
        }
    }

    /// Behind the last byte, the line feed that the text format ends in included.
    fn end(&self) -> usize {
        self.body.len() + usize::from(self.dialect == Dialect::Text)
    }

    /// The message for a word other than the expected one.
    pub(super) fn expected(&self, what: &str, got: Token) -> Broken {
        let end = self.end().min(self.at + 1);
        let got_text = self.slice(self.start, end);
        let entry = self.slice(self.entry, end);
        let message = format!(
            "{what}, got {} ({:?}) while parsing: {}",
            Quoted(&got_text),
            got.name(),
            Quoted(&entry),
        );
        let offset = if matches!(got, Token::Invalid | Token::Eof) { self.at } else { self.start };
        self.error_at(offset, message)
    }

    /// A message about the last word, with the entry up to it.
    pub(super) fn wrong(&self, message: &str) -> Broken {
        let entry = self.slice(self.entry, self.at);
        self.error_at(self.start, format!("{message} while parsing: {}", Quoted(&entry)))
    }

    /// A message about the last word.
    pub(super) fn plainly_wrong(&self, message: String) -> Broken {
        self.error_at(self.start, message)
    }

    /// A message about the page ending here.
    pub(super) fn at_end(&self, message: &str) -> Broken {
        self.error_at(self.at, message.to_owned())
    }

    fn error_at(&self, offset: usize, message: String) -> Broken {
        Broken { reach: self.at + 1, ..error_at(self.body, offset, message) }
    }

    fn slice(&self, start: usize, end: usize) -> Vec<u8> {
        let mut bytes = self.body[start.min(self.body.len())..end.min(self.body.len())].to_vec();
        if end > self.body.len() {
            bytes.push(b'\n');
        }
        bytes
    }
}

fn is_name_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_'
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}
