//! Comment lines: TYPE, HELP, UNIT, the end mark of OpenMetrics, and remarks.

use std::borrow::Cow;

use super::lexer::{Lexer, Place, Token};
use crate::dialect::Dialect;
use crate::error::{Broken, error_at};
use crate::quote::Quoted;
use crate::sink::{FamilyType, Metadata, unescape, unescape_help};

/// What a comment line is.
#[derive(Debug)]
pub(super) enum Comment<'a> {
    Remark,
    Metadata(Metadata<'a>),
    /// `# EOF`
    End,
}

/// What a line with metadata is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Help,
    Type,
    Unit,
    Eof,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::Help => "HELP",
            Self::Type => "TYPE",
            Self::Unit => "UNIT",
            Self::Eof => "EOF",
        }
    }
}

/// Reads the comment that begins with the `#` at `start`: what it is, and where the next line
/// begins. `entry` is where error messages show it from.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    entry: usize,
    start: usize,
) -> Result<(Comment<'_>, usize), Broken> {
    let word = match dialect {
        Dialect::Text => text_word(body, start),
        Dialect::OpenMetrics => Some(openmetrics_word(body, start)?),
    };
    match word {
        None => Ok((Comment::Remark, line_end(body, start) + 1)),
        Some((Word::Eof, end)) => {
            Ok((Comment::End, end + usize::from(body.get(end) == Some(&b'\n'))))
        }
        Some((word, end)) => {
            let line = Line { body, dialect, entry, start, word };
            let (metadata, next) = line.metadata(end)?;
            Ok((Comment::Metadata(metadata), next))
        }
    }
}

/// A `#`, blanks, the word, blanks; anything else is a remark.
fn text_word(body: &[u8], start: usize) -> Option<(Word, usize)> {
    let blanks = |at: usize| body[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let word_start = start + 1 + blanks(start + 1);
    if word_start == start + 1 {
        return None;
    }
    let rest = &body[word_start..];
    let word = [Word::Help, Word::Type]
        .into_iter()
        .find(|word| rest.starts_with(word.text().as_bytes()))?;
    let word_end = word_start + word.text().len();
    let end = word_end + blanks(word_end);
    (end > word_end).then_some((word, end))
}

/// `# `, the word, a space; only the end mark stands without the space.
fn openmetrics_word(body: &[u8], start: usize) -> Result<(Word, usize), Broken> {
    const LINES: [(Word, &[u8]); 4] = [
        (Word::Help, b"# HELP "),
        (Word::Type, b"# TYPE "),
        (Word::Unit, b"# UNIT "),
        (Word::Eof, b"# EOF"),
    ];
    let rest = &body[start..];
    if let Some((word, line)) = LINES.into_iter().find(|(_, line)| rest.starts_with(line)) {
        return Ok((word, start + line.len()));
    }
    // Up to the first byte that fits none of them.
    let common = |line: &[u8]| rest.iter().zip(line).take_while(|(a, b)| a == b).count();
    let fits = LINES.into_iter().map(|(_, line)| common(line)).max().unwrap_or(0);
    let shown = Quoted(&rest[..rest.len().min(fits + 1)]);
    let message =
        format!("expected a valid start token, got {shown} (\"INVALID\") while parsing: {shown}");
    Err(error_at(body, start + fits, message))
}

/// A line with metadata, whose word is read.
struct Line<'a> {
    body: &'a [u8],
    dialect: Dialect,
    entry: usize,
    start: usize,
    word: Word,
}

impl<'a> Line<'a> {
    /// Reads the family and the text, which begin at `at`.
    fn metadata(&self, at: usize) -> Result<(Metadata<'a>, usize), Broken> {
        let word = self.word.text();
        let mut lexer = Lexer::new(self.body, self.dialect, self.entry, at, Place::Start);
        lexer.set_start(self.start);
        let token = lexer.next_family_name();
        if token != Token::MetricName {
            return Err(lexer.expected(&format!("expected metric name after {word}"), token));
        }
        let name = lexer.text();
        let name = name.strip_prefix(b"\"").and_then(|n| n.strip_suffix(b"\"")).unwrap_or(name);
        let (text, next) = match self.dialect {
            Dialect::Text => self.text(&lexer)?,
            Dialect::OpenMetrics => self.openmetrics_text(&lexer)?,
        };
        let text_start = next.saturating_sub(text.len() + 1);
        let family = unescaped(unescape, String::from_utf8_lossy(name));
        let metadata = match self.word {
            Word::Type => {
                let kind = self.family_type(text).ok_or_else(|| {
                    let message = format!("invalid metric type {}", Quoted(text));
                    error_at(self.body, text_start, message)
                })?;
                Metadata::Type { family, kind }
            }
            Word::Help => {
                let text = std::str::from_utf8(text).map_err(|_| {
                    let message = format!("help text {} is not a valid utf8 string", Quoted(text));
                    error_at(self.body, text_start, message)
                })?;
                let text = match self.dialect {
                    Dialect::Text => unescape_help(text),
                    Dialect::OpenMetrics => unescape(text),
                };
                Metadata::Help { family, text }
            }
            Word::Unit | Word::Eof => {
                if !is_unit_of(text, name) {
                    let (unit, metric) = (Quoted(text), Quoted(name));
                    let message = format!("unit {unit} not a suffix of metric {metric}");
                    return Err(error_at(self.body, text_start, message));
                }
                Metadata::Unit { family, unit: String::from_utf8_lossy(text) }
            }
        };
        Ok((metadata, next))
    }

    /// The rest of the line without the one byte behind the name; blanks alone are no text.
    fn text(&self, lexer: &Lexer<'_>) -> Result<(&'a [u8], usize), Broken> {
        let end = line_end(self.body, lexer.at());
        let rest = &self.body[lexer.at()..end];
        if rest.first() == Some(&0) {
            return Err(lexer.expected("linebreak expected after metadata", Token::Invalid));
        }
        if rest.iter().all(|b| matches!(b, b' ' | b'\t')) {
            return Ok((&[], end + 1));
        }
        Ok((&rest[1..], end + 1))
    }

    /// Behind one space, up to the line feed that must be there.
    fn openmetrics_text(&self, lexer: &Lexer<'_>) -> Result<(&'a [u8], usize), Broken> {
        let end = line_end(self.body, lexer.at());
        match self.body[lexer.at()..end].strip_prefix(b" ") {
            Some(text) if end < self.body.len() => Ok((text, end + 1)),
            _ => {
                let message = format!("expected text in {}", self.word.text());
                Err(error_at(self.body, lexer.at(), message))
            }
        }
    }

    fn family_type(&self, word: &[u8]) -> Option<FamilyType> {
        Some(match (self.dialect, word) {
            (_, b"counter") => FamilyType::Counter,
            (_, b"gauge") => FamilyType::Gauge,
            (_, b"histogram") => FamilyType::Histogram,
            (_, b"summary") => FamilyType::Summary,
            (Dialect::Text, b"untyped") | (Dialect::OpenMetrics, b"unknown") => FamilyType::Unknown,
            (Dialect::OpenMetrics, b"gaugehistogram") => FamilyType::GaugeHistogram,
            (Dialect::OpenMetrics, b"info") => FamilyType::Info,
            (Dialect::OpenMetrics, b"stateset") => FamilyType::StateSet,
            _ => return None,
        })
    }
}

/// Whether the name ends in an underscore and the unit; no unit fits every name.
fn is_unit_of(unit: &[u8], name: &[u8]) -> bool {
    unit.is_empty() || name.strip_suffix(unit).is_some_and(|rest| rest.ends_with(b"_"))
}

/// The line feed that ends the line, or the end of the page.
fn line_end(body: &[u8], at: usize) -> usize {
    let at = at.min(body.len());
    at + memchr::memchr(b'\n', &body[at..]).unwrap_or(body.len() - at)
}

fn unescaped<'a>(unescape: impl Fn(&str) -> Cow<'_, str>, text: Cow<'a, str>) -> Cow<'a, str> {
    if text.contains('\\') { unescape(&text).into_owned().into() } else { text }
}
