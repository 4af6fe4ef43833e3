//! A page to samples: one loop over its lines, the remembered ones first.
//!
//! The quick way takes a line whose series is the expected one and whose value is a plain decimal
//! up to the line feed. Whatever differs goes the exact way, word by word; from which word on does
//! not matter to the result, because the words before it were the same when they were read exactly.

mod comment;
mod lexer;
mod sample;

use comment::Comment;
use lexer::{Lexer, Place, Token, error_at};
use sample::{SeriesSpan, Tail};

use crate::dialect::Dialect;
use crate::error::{Failure, SyntaxError};
use crate::negotiate::Format;
use crate::number;
use crate::options::Options;
use crate::predictor::{Predictor, Walk};
use crate::sink::{ExemplarLine, FamilyType, Known, LabelSpan, Metadata, SeriesLine, Sink, Span};

/// Reads a page and tells the sink its samples in order. Known series go to [`Sink::known`] by the
/// slot they got before.
///
/// # Errors
/// When the page breaks its format or the sink refuses a sample. The sink has the samples before
/// that place; the memory is as it was before the page, except that a change of format clears it.
pub fn parse<S: Sink>(
    options: &Options,
    body: &[u8],
    memory: &mut Predictor,
    sink: &mut S,
) -> Result<(), Failure<S::Error>> {
    let dialect = match options.format {
        Format::Text => Dialect::Text,
        Format::OpenMetrics => Dialect::OpenMetrics,
        Format::Protobuf => {
            let message = "protobuf cannot be read yet".to_owned();
            return Err(error_at(body, 0, message).into());
        }
    };
    let walk = Walk::new(memory, options.format);
    let mut page = Page { dialect, body, walk, labels: Vec::new(), exemplar_labels: Vec::new() };
    page.lines(sink)?;
    page.walk.finish();
    Ok(())
}

/// A page being read.
struct Page<'a, 'm> {
    dialect: Dialect,
    body: &'a [u8],
    walk: Walk<'m>,
    /// Labels of the series being read, as spans in the page.
    labels: Vec<LabelSpan>,
    exemplar_labels: Vec<LabelSpan>,
}

impl<E> From<SyntaxError> for Failure<E> {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

impl Page<'_, '_> {
    fn lines<S: Sink>(&mut self, sink: &mut S) -> Result<(), Failure<S::Error>> {
        let body = self.body;
        let mut at = 0;
        while let Some(first) = body.get(at) {
            if *first == b'#' {
                match self.comments(at, sink)? {
                    Some(next) => at = next,
                    None => return Ok(()),
                }
                continue;
            }
            let Some((end, slot)) = self.walk.expected(body, at) else {
                at = self.line(at, sink)?;
                continue;
            };
            match quick_tail(self.dialect, body, end + 1) {
                Some((value, t_ms, next)) => {
                    self.walk.advance();
                    at = match sink.known(slot, value, t_ms).map_err(Failure::Sink)? {
                        Known::Taken => next,
                        Known::Forget => self.forgotten_line(at, sink)?,
                    };
                }
                None => at = self.expected_line(at, end, slot, sink)?,
            }
        }
        match self.dialect {
            Dialect::Text => Ok(()),
            Dialect::OpenMetrics => {
                let message = "data does not end with # EOF".to_owned();
                Err(error_at(body, body.len(), message).into())
            }
        }
    }

    /// Reads a run of comment lines; `None` is the end of the page.
    fn comments<S: Sink>(
        &mut self,
        start: usize,
        sink: &mut S,
    ) -> Result<Option<usize>, Failure<S::Error>> {
        if let Some(end) = self.walk.expected_block(self.body, start) {
            return Ok(Some(end));
        }
        let body = self.body;
        let mut family_type = None;
        let mut at = start;
        while body.get(at) == Some(&b'#') {
            let (comment, next) = comment::read(body, self.dialect, at, at)?;
            match comment {
                Comment::Remark => {}
                Comment::Metadata(metadata) => {
                    family_type = type_of(&metadata).or(family_type);
                    self.tell_metadata(metadata, sink);
                }
                Comment::End if next < body.len() => {
                    let message = "unexpected data after # EOF".to_owned();
                    return Err(error_at(body, next, message).into());
                }
                Comment::End => {
                    self.learn_block(start, at, family_type);
                    return Ok(None);
                }
            }
            at = next;
        }
        self.learn_block(start, at, family_type);
        Ok(Some(at))
    }

    /// Only whole lines are remembered: a line cut off by the end of the page may go on next time.
    fn learn_block(&mut self, start: usize, end: usize, family_type: Option<FamilyType>) {
        if let Some(text @ [.., b'\n']) = self.body.get(start..end) {
            self.walk.learn_block(text, family_type);
        }
    }

    fn tell_metadata<S: Sink>(&mut self, metadata: Metadata<'_>, sink: &mut S) {
        if let Some(family_type) = type_of(&metadata) {
            self.walk.set_family_type(family_type);
        }
        sink.metadata(metadata);
    }

    /// Reads the rest of a line whose series, up to `end`, is the expected one.
    #[cold]
    fn expected_line<S: Sink>(
        &mut self,
        start: usize,
        end: usize,
        slot: u32,
        sink: &mut S,
    ) -> Result<usize, Failure<S::Error>> {
        let mut lexer = Lexer::new(self.body, self.dialect, start, end, Place::Value);
        let ahead = lexer.next();
        if ahead == Token::BraceOpen {
            // What looked like the whole series is only its name.
            return self.line(start, sink);
        }
        let tail = sample::tail(&mut lexer, ahead, &mut self.exemplar_labels)?;
        self.walk.advance();
        if sink.known(slot, tail.value, tail.t_ms).map_err(Failure::Sink)? == Known::Forget {
            return self.forgotten_line(start, sink);
        }
        self.tell_exemplar(tail, sink)?;
        Ok(lexer.at())
    }

    /// Reads a line again whose slot the sink does not want any more.
    #[cold]
    fn forgotten_line<S: Sink>(
        &mut self,
        start: usize,
        sink: &mut S,
    ) -> Result<usize, Failure<S::Error>> {
        let mut lexer = Lexer::new(self.body, self.dialect, start, start, Place::Start);
        let first = lexer.next();
        let (series, ahead) = sample::series(&mut lexer, first, &mut self.labels)?;
        let tail = sample::tail(&mut lexer, ahead, &mut self.exemplar_labels)?;
        let slot = self.tell_unknown(series, tail, sink)?;
        self.walk.replace_slot(slot);
        self.tell_exemplar(tail, sink)?;
        Ok(lexer.at())
    }

    /// Reads a line that is not the expected one; returns where the next line begins.
    #[cold]
    fn line<S: Sink>(&mut self, start: usize, sink: &mut S) -> Result<usize, Failure<S::Error>> {
        let mut lexer = Lexer::new(self.body, self.dialect, start, start, Place::Start);
        let first = lexer.next();
        match first {
            Token::Linebreak => return Ok(lexer.at()),
            // A comment behind blanks.
            Token::Invalid if self.body.get(lexer.at()) == Some(&b'#') => {
                let (comment, next) = comment::read(self.body, self.dialect, start, lexer.at())?;
                if let Comment::Metadata(metadata) = comment {
                    self.tell_metadata(metadata, sink);
                }
                return Ok(next);
            }
            _ => {}
        }
        let (series, ahead) = sample::series(&mut lexer, first, &mut self.labels)?;
        let Span { start, end } = series.whole;
        let text = &self.body[start..end];
        let tail = sample::tail(&mut lexer, ahead, &mut self.exemplar_labels)?;
        let key = self.walk.key(text);
        if let Some(slot) = key.and_then(|key| self.walk.find(key)) {
            let known = sink.known(slot, tail.value, tail.t_ms).map_err(Failure::Sink)?;
            if known == Known::Forget {
                let slot = self.tell_unknown(series, tail, sink)?;
                self.walk.replace_slot(slot);
            }
        } else {
            let slot = self.tell_unknown(series, tail, sink)?;
            if let Some(key) = key {
                self.walk.learn(key, slot);
            }
        }
        self.tell_exemplar(tail, sink)?;
        Ok(lexer.at())
    }

    fn tell_unknown<S: Sink>(
        &mut self,
        series: SeriesSpan,
        tail: Tail,
        sink: &mut S,
    ) -> Result<u32, Failure<S::Error>> {
        let start = series.whole.start;
        let text = utf8(self.body, series.whole)?;
        make_relative(&mut self.labels, start);
        let name = Span { start: series.name.start - start, end: series.name.end - start };
        let line = SeriesLine::new(text, name, &self.labels, self.walk.family_type());
        sink.unknown(&line, tail.value, tail.t_ms).map_err(Failure::Sink)
    }

    fn tell_exemplar<S: Sink>(
        &mut self,
        tail: Tail,
        sink: &mut S,
    ) -> Result<(), Failure<S::Error>> {
        let Some(exemplar) = tail.exemplar else { return Ok(()) };
        let start = self.exemplar_labels.first().map_or(0, |label| label.name.start);
        let end = self.exemplar_labels.last().map_or(0, |label| label.value.end);
        let text = utf8(self.body, Span { start, end })?;
        make_relative(&mut self.exemplar_labels, start);
        let line = ExemplarLine::new(text, &self.exemplar_labels, exemplar.value, exemplar.t_ms);
        sink.exemplar(&line);
        Ok(())
    }
}

/// Values are checked word by word; this finds quoted names that are not UTF-8.
fn utf8(body: &[u8], span: Span) -> Result<&str, SyntaxError> {
    std::str::from_utf8(&body[span.start..span.end]).map_err(|error| {
        let message = "invalid UTF-8 in a quoted name".to_owned();
        error_at(body, span.start + error.valid_up_to(), message)
    })
}

fn type_of(metadata: &Metadata<'_>) -> Option<FamilyType> {
    match metadata {
        Metadata::Type { kind, .. } => Some(*kind),
        Metadata::Help { .. } | Metadata::Unit { .. } => None,
    }
}

fn make_relative(labels: &mut [LabelSpan], start: usize) {
    for span in labels.iter_mut().flat_map(|label| [&mut label.name, &mut label.value]) {
        span.start -= start;
        span.end -= start;
    }
}

/// Reads a decimal and, in the text format, a timestamp up to the line feed: value, timestamp, the
/// next line. `None` for everything else.
#[inline]
fn quick_tail(dialect: Dialect, body: &[u8], at: usize) -> Option<(f64, Option<i64>, usize)> {
    let rest = body.get(at..)?;
    let (value, len) = number::take_decimal(rest)?;
    match rest.get(len)? {
        b'\n' => Some((value, None, at + len + 1)),
        b' ' if dialect == Dialect::Text => {
            let (t_ms, digits) = quick_digits(&rest[len + 1..])?;
            let end = len + 1 + digits;
            (rest.get(end) == Some(&b'\n')).then_some((value, Some(t_ms), at + end + 1))
        }
        _ => None,
    }
}

/// As many digits as surely fit.
fn quick_digits(text: &[u8]) -> Option<(i64, usize)> {
    let len = text.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
    let value = text[..len].iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    (1..=18).contains(&len).then_some((value, len))
}
