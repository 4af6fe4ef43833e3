//! A sample line: the series, its value, its timestamp, its exemplar.

use super::lexer::{Lexer, Token};
use crate::dialect::Dialect;
use crate::error::Broken;
use crate::number;
use crate::quote::Quoted;
use crate::sink::{LabelSpan, Span};

/// Where the name and labels of a series stand in the page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SeriesSpan {
    pub(super) whole: Span,
    pub(super) name: Span,
}

/// What stands behind a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) value: f64,
    pub(super) t_ms: Option<i64>,
    pub(super) exemplar: Option<Exemplar>,
}

/// An exemplar; its labels are kept apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) value: f64,
    pub(super) t_ms: Option<i64>,
}

/// Reads a series whose first word was `token`. Afterwards `labels` holds its labels, as spans in
/// the page, and `ahead` is the word behind it.
pub(super) fn series(
    lexer: &mut Lexer<'_>,
    token: Token,
    labels: &mut Vec<LabelSpan>,
) -> Result<(SeriesSpan, Token), Broken> {
    labels.clear();
    let start = lexer.span().start;
    let mut name = None;
    let end;
    let ahead;
    match token {
        Token::MetricName => {
            name = Some(lexer.span());
            let name_end = lexer.at();
            let next = lexer.next();
            if next == Token::BraceOpen {
                read_labels(lexer, labels, &mut NameSlot::Series(&mut name))?;
                end = lexer.at();
                ahead = lexer.next();
            } else {
                end = name_end;
                ahead = next;
            }
        }
        Token::BraceOpen => {
            read_labels(lexer, labels, &mut NameSlot::Series(&mut name))?;
            end = lexer.at();
            ahead = lexer.next();
        }
        other => return Err(lexer.expected("expected a valid start token", other)),
    }
    let Some(name) = name else { return Err(lexer.wrong("metric name not set")) };
    Ok((SeriesSpan { whole: Span { start, end }, name }, ahead))
}

/// Where a quoted name without a value goes.
enum NameSlot<'a> {
    Series(&'a mut Option<Span>),
    /// Exemplars have no name.
    Exemplar,
}

/// Reads labels behind an opening brace, the closing one included.
fn read_labels(
    lexer: &mut Lexer<'_>,
    labels: &mut Vec<LabelSpan>,
    name_slot: &mut NameSlot<'_>,
) -> Result<(), Broken> {
    let mut token = lexer.next();
    loop {
        let mut name = lexer.span();
        match token {
            Token::BraceClose => return Ok(()),
            Token::LabelName => {}
            Token::QuotedString => name = without_quotes(name),
            other => return Err(lexer.expected("expected label name", other)),
        }
        let quoted = token == Token::QuotedString;
        token = lexer.next();
        if quoted && matches!(token, Token::Comma | Token::BraceClose) {
            match name_slot {
                NameSlot::Exemplar => return Err(lexer.expected("expected label name", token)),
                NameSlot::Series(Some(_)) => return Err(lexer.wrong("metric name already set")),
                NameSlot::Series(slot) => **slot = Some(name),
            }
            if token == Token::BraceClose {
                return Ok(());
            }
            token = lexer.next();
            continue;
        }
        if token != Token::Equal {
            return Err(lexer.expected("expected equal", token));
        }
        token = lexer.next();
        if token != Token::LabelValue {
            return Err(lexer.expected("expected label value", token));
        }
        if std::str::from_utf8(lexer.text()).is_err() {
            let message = format!("invalid UTF-8 label value: {}", Quoted(lexer.text()));
            return Err(lexer.plainly_wrong(message));
        }
        labels.push(LabelSpan { name, value: without_quotes(lexer.span()) });
        token = lexer.next();
        match token {
            Token::Comma => token = lexer.next(),
            Token::BraceClose => {}
            // The text format does without commas.
            _ if lexer.dialect() == Dialect::Text => {}
            other => return Err(lexer.expected("expected comma or brace close", other)),
        }
    }
}

/// Reads what stands behind a series, of which `ahead` is the first word, up to the line feed.
pub(super) fn tail(
    lexer: &mut Lexer<'_>,
    ahead: Token,
    exemplar_labels: &mut Vec<LabelSpan>,
) -> Result<Tail, Broken> {
    let value = read_value(lexer, ahead, "metric")?;
    let mut tail = Tail { value, t_ms: None, exemplar: None };
    let mut token = lexer.next();
    if token == Token::Timestamp {
        tail.t_ms = Some(match lexer.dialect() {
            Dialect::Text => milliseconds(lexer)?,
            Dialect::OpenMetrics => seconds(lexer, "timestamp")?,
        });
        token = lexer.next();
    }
    match (lexer.dialect(), token) {
        (_, Token::Linebreak) => Ok(tail),
        (Dialect::OpenMetrics, Token::Exemplar) => {
            tail.exemplar = Some(read_exemplar(lexer, exemplar_labels)?);
            Ok(tail)
        }
        (_, token) if tail.t_ms.is_some() => {
            Err(lexer.expected("expected next entry after timestamp", token))
        }
        (Dialect::OpenMetrics, Token::Eof) => Err(no_end(lexer)),
        (Dialect::OpenMetrics, token) => {
            Err(lexer.expected("expected timestamp or # symbol", token))
        }
        (Dialect::Text, token) => Err(lexer.expected("expected timestamp or new record", token)),
    }
}

fn read_exemplar(lexer: &mut Lexer<'_>, labels: &mut Vec<LabelSpan>) -> Result<Exemplar, Broken> {
    labels.clear();
    read_labels(lexer, labels, &mut NameSlot::Exemplar)?;
    let ahead = lexer.next();
    let value = read_value(lexer, ahead, "exemplar labels")?;
    let mut exemplar = Exemplar { value, t_ms: None };
    match lexer.next() {
        Token::Linebreak => Ok(exemplar),
        Token::Timestamp => {
            exemplar.t_ms = Some(seconds(lexer, "exemplar timestamp")?);
            match lexer.next() {
                Token::Linebreak => Ok(exemplar),
                token => Err(lexer.expected("expected next entry after exemplar timestamp", token)),
            }
        }
        Token::Eof => Err(no_end(lexer)),
        token => Err(lexer.expected("expected timestamp or comment", token)),
    }
}

fn read_value(lexer: &mut Lexer<'_>, token: Token, after: &str) -> Result<f64, Broken> {
    if token != Token::Value {
        return Err(lexer.expected(&format!("expected value after {after}"), token));
    }
    number::parse(word(lexer)).map_err(|message| lexer.wrong(&message))
}

/// The text of a word, without the space that OpenMetrics has before it.
fn word<'a>(lexer: &Lexer<'a>) -> &'a [u8] {
    let text = lexer.text();
    if lexer.dialect() == Dialect::OpenMetrics { &text[1..] } else { text }
}

fn milliseconds(lexer: &Lexer<'_>) -> Result<i64, Broken> {
    let digits = std::str::from_utf8(word(lexer)).ok().and_then(|digits| digits.parse().ok());
    digits.ok_or_else(|| {
        let shown = Quoted(word(lexer));
        lexer.wrong(&format!("strconv.ParseInt: parsing {shown}: value out of range"))
    })
}

/// Float seconds, cut to whole milliseconds.
fn seconds(lexer: &Lexer<'_>, what: &str) -> Result<i64, Broken> {
    let seconds = number::parse(word(lexer)).map_err(|message| lexer.wrong(&message))?;
    if !seconds.is_finite() {
        let shown = match seconds {
            f64::INFINITY => "+Inf",
            f64::NEG_INFINITY => "-Inf",
            _ => "NaN",
        };
        return Err(lexer.plainly_wrong(format!("invalid {what} {shown}")));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is cut, the rest saturates")]
    let t_ms = (seconds * 1000.0) as i64;
    Ok(t_ms)
}

pub(super) fn no_end(lexer: &Lexer<'_>) -> Broken {
    lexer.at_end("data does not end with # EOF")
}

fn without_quotes(span: Span) -> Span {
    Span { start: span.start + 1, end: span.end - 1 }
}
