//! Names, labels and exemplars of messages as the text they would be in a page of lines.

use super::wire::{Fields, Malformed, Wire};
use crate::sink::{ExemplarLine, Extras, FamilyType, LabelSpan, SeriesLine, Span};

/// A series written as text. Reused.
#[derive(Debug, Default)]
pub(super) struct SeriesText {
    text: String,
    name: Span,
    labels: Vec<LabelSpan>,
}

/// What a label or name of a message is that cannot be one.
#[derive(Debug)]
pub(super) enum Refused {
    Malformed,
    Because(String),
}

impl From<Malformed> for Refused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl SeriesText {
    /// Writes a series: the labels of the metric's message, and perhaps a bound.
    pub(super) fn write(
        &mut self,
        name: &str,
        suffix: &str,
        metric: &[u8],
        bound: Option<(&str, f64)>,
    ) -> Result<(), Refused> {
        self.text.clear();
        self.labels.clear();
        self.text.push_str("{\"");
        let start = self.text.len();
        escape(&mut self.text, name);
        self.text.push_str(suffix);
        self.name = Span { start, end: self.text.len() };
        self.text.push('"');
        let mut fields = Fields::of(metric);
        while let Some((field, content)) = fields.next()? {
            if field == 1 {
                let (name, value) = label_pair(content.bytes()?)?;
                self.text.push(',');
                self.labels.push(write_label(&mut self.text, name, value));
            }
        }
        if let Some((name, bound)) = bound {
            let mut value = String::new();
            model::float::write_openmetrics(&mut value, bound).expect("a string takes text");
            self.text.push(',');
            self.labels.push(write_label(&mut self.text, name, &value));
        }
        self.text.push('}');
        Ok(())
    }

    pub(super) fn line<'a>(
        &'a self,
        family_type: FamilyType,
        extras: Extras<'a>,
    ) -> SeriesLine<'a> {
        SeriesLine::new(&self.text, self.name, &self.labels, family_type, extras)
    }
}

/// An exemplar written as text. Reused.
#[derive(Debug, Default)]
pub(super) struct ExemplarText {
    text: String,
    labels: Vec<LabelSpan>,
    value: f64,
    pub(super) t_ms: Option<i64>,
}

impl ExemplarText {
    /// Reads the message of an exemplar.
    pub(super) fn read(&mut self, message: &[u8]) -> Result<(), Refused> {
        self.text.clear();
        self.labels.clear();
        (self.value, self.t_ms) = (0.0, None);
        let mut fields = Fields::of(message);
        while let Some((field, content)) = fields.next()? {
            match field {
                1 => {
                    let (name, value) = label_pair(content.bytes()?)?;
                    self.text.push(',');
                    self.labels.push(write_label(&mut self.text, name, value));
                }
                2 => self.value = content.f64()?,
                3 => self.t_ms = Some(timestamp(content.bytes()?)?),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn line(&self) -> ExemplarLine<'_> {
        ExemplarLine::new(&self.text, &self.labels, self.value, self.t_ms)
    }
}

/// Seconds and nanoseconds to milliseconds.
pub(super) fn timestamp(message: &[u8]) -> Wire<i64> {
    let (mut seconds, mut nanos) = (0i64, 0i64);
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => seconds = content.i64()?,
            2 => nanos = content.i64()?,
            _ => {}
        }
    }
    Ok(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// Name and value of a label.
fn label_pair(message: &[u8]) -> Result<(&str, &str), Refused> {
    let (mut name, mut value) = (&b""[..], &b""[..]);
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => name = content.bytes()?,
            2 => value = content.bytes()?,
            _ => {}
        }
    }
    let shown = |what, bytes| {
        Refused::Because(format!("invalid label {what}: {}", String::from_utf8_lossy(bytes)))
    };
    let name_bytes = name;
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| shown("name", name_bytes))?;
    let value = std::str::from_utf8(value).map_err(|_| shown("value", value))?;
    Ok((name, value))
}

fn write_label(out: &mut String, name: &str, value: &str) -> LabelSpan {
    let name = write_quoted(out, name);
    out.push('=');
    LabelSpan { name, value: write_quoted(out, value) }
}

/// Where the text stands between its quotes.
fn write_quoted(out: &mut String, text: &str) -> Span {
    out.push('"');
    let start = out.len();
    escape(out, text);
    let span = Span { start, end: out.len() };
    out.push('"');
    span
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}
