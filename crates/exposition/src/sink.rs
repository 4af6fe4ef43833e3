//! What a page tells: series with their values, metadata, exemplars.

use std::borrow::Cow;
use std::fmt;

use model::{FloatHistogram, LabelsBuilder, METRIC_NAME};

/// What a sink makes of a sample told by its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Known {
    /// The sample is in.
    Taken,
    /// The slot is of no use any more: the same sample is told again by the text of its series, and
    /// the slot that this returns is remembered instead.
    Forget,
}

/// Receives the samples of a page in its order.
pub trait Sink {
    /// Why the sink refuses; ends the parsing.
    type Error;

    /// A sample of a series remembered from an earlier page, by the slot `unknown` returned then.
    /// `t_ms` is the timestamp written in the page, if any.
    ///
    /// A series that stands twice in a page is told twice.
    ///
    /// # Errors
    /// When the page shall not be read any further.
    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, Self::Error>;

    /// A sample of a series that is not remembered; the returned slot is remembered for it. The same
    /// series may come again here, spelled the same or in another way, and always does when its text
    /// is longer than 16 KiB.
    ///
    /// # Errors
    /// When the page shall not be read any further.
    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error>;

    /// As [`known`](Self::known), of a series of native histograms. A series may have slots of both
    /// kinds: one for its floats, one for its histograms.
    ///
    /// # Errors
    /// When the page shall not be read any further.
    fn known_histogram(
        &mut self,
        slot: u32,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<Known, Self::Error>;

    /// As [`unknown`](Self::unknown), of a series of native histograms.
    ///
    /// # Errors
    /// When the page shall not be read any further.
    fn unknown_histogram(
        &mut self,
        series: &SeriesLine<'_>,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error>;

    /// The start timestamp of the sample just told, when start timestamps are wanted.
    fn created(&mut self, start_ms: i64) {
        let _: i64 = start_ms;
    }

    /// A TYPE, HELP or UNIT line of a block of comments that is not remembered: it is new, changed,
    /// or far from its former place.
    fn metadata(&mut self, meta: Metadata<'_>);

    /// An exemplar of the sample just told. A histogram may have several; those of protobuf
    /// are sorted by time, and all of them have one.
    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>) {
        let _: &ExemplarLine<'_> = exemplar;
    }
}

/// A line about a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Metadata<'a> {
    /// `# TYPE family kind`
    Type {
        /// Name of the family.
        family: Cow<'a, str>,
        /// What the family is.
        kind: FamilyType,
    },
    /// `# HELP family text`
    Help {
        /// Name of the family.
        family: Cow<'a, str>,
        /// The text, unescaped; may be empty.
        text: Cow<'a, str>,
    },
    /// `# UNIT family unit`
    Unit {
        /// Name of the family.
        family: Cow<'a, str>,
        /// The unit; may be empty.
        unit: Cow<'a, str>,
    },
}

/// What a family is, as its TYPE line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyType {
    /// Nothing known; `untyped` in the text format.
    #[default]
    Unknown,
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets by `le`.
    Histogram,
    /// Buckets of a state, not of events.
    GaugeHistogram,
    /// Quantiles.
    Summary,
    /// Text as labels.
    Info,
    /// One series a state.
    StateSet,
}

impl FamilyType {
    /// The word of the API's metadata and of OpenMetrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// The label whose values are bounds, written in many ways and stored in one.
    pub(crate) fn bound_label(self) -> Option<&'static str> {
        match self {
            Self::Histogram => Some("le"),
            Self::Summary => Some("quantile"),
            _ => None,
        }
    }
}

impl fmt::Display for FamilyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bytes of a piece of text, still escaped, without its quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A label: its name and its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSpan {
    pub(crate) name: Span,
    pub(crate) value: Span,
}

/// What a series gets besides its own labels.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras<'a> {
    /// The type of its family as a label, if that is known.
    pub(crate) has_type: bool,
    /// The unit of its family as a label; empty for none.
    pub(crate) unit: &'a str,
}

const TYPE_LABEL: &str = "__type__";
const UNIT_LABEL: &str = "__unit__";

/// Name and labels of a series as a page writes them.
#[derive(Clone, Copy, Debug)]
pub struct SeriesLine<'a> {
    raw: &'a str,
    name: Span,
    labels: &'a [LabelSpan],
    family_type: FamilyType,
    extras: Extras<'a>,
}

impl<'a> SeriesLine<'a> {
    /// Spans are relative to `raw`.
    pub(crate) fn new(
        raw: &'a str,
        name: Span,
        labels: &'a [LabelSpan],
        family_type: FamilyType,
        extras: Extras<'a>,
    ) -> Self {
        Self { raw, name, labels, family_type, extras }
    }

    /// The unit that becomes a label.
    pub(crate) fn unit(&self) -> &'a str {
        self.extras.unit
    }

    /// The text of the series without the suffix of its name and without one label; the other labels
    /// by name.
    pub(crate) fn without_part(&self, suffix: &str, label: &str) -> String {
        let is_quoted = |span: Span| span.start > 0 && self.raw.as_bytes()[span.start - 1] == b'"';
        let text = |span: Span| &self.raw[span.start..span.end];
        let name = text(self.name);
        let name = name.strip_suffix(suffix).unwrap_or(name);
        let mut labels: Vec<_> =
            self.labels.iter().filter(|one| unescape(text(one.name)) != label).collect();
        labels.sort_by_key(|one| text(one.name));
        let mut out = String::with_capacity(self.raw.len());
        let mut separator = '{';
        if is_quoted(self.name) {
            out.extend(["{\"", name, "\""]);
            separator = ',';
        } else {
            out.push_str(name);
        }
        for one in labels {
            out.push(separator);
            separator = ',';
            let quote = if is_quoted(one.name) { "\"" } else { "" };
            out.extend([quote, text(one.name), quote, "=\"", text(one.value), "\""]);
        }
        if separator == ',' {
            out.push('}');
        }
        out
    }

    /// The text of the page, from the name to the closing brace. For what does not stand in the page
    /// as text (a message, a histogram made of lines), the text as which it would stand there.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The metric name, unescaped.
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        unescape(&self.raw[self.name.start..self.name.end])
    }

    /// What the last TYPE line before the series said.
    #[must_use]
    pub fn family_type(&self) -> FamilyType {
        self.family_type
    }

    /// Names and values in the order of the page, without the metric name; empty values included.
    /// `le` of a histogram and `quantile` of a summary come in the one form in which they are stored.
    pub fn labels(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let bound_label = self.family_type.bound_label();
        let raw = self.raw;
        let (family_type, unit) = (self.family_type, self.extras.unit);
        let has_type = self.extras.has_type && family_type != FamilyType::Unknown;
        let own = self.labels.iter().map(move |label| {
            let name = unescape(&raw[label.name.start..label.name.end]);
            let value = unescape(&raw[label.value.start..label.value.end]);
            if bound_label == Some(&*name) { (name, normalize_bound(value)) } else { (name, value) }
        });
        let own = own.filter(move |(name, _)| {
            !(has_type && name == TYPE_LABEL || !unit.is_empty() && name == UNIT_LABEL)
        });
        let type_label = has_type.then(|| (TYPE_LABEL.into(), family_type.as_str().into()));
        let unit_label = (!unit.is_empty()).then(|| (UNIT_LABEL.into(), unit.into()));
        own.chain(type_label).chain(unit_label)
    }

    /// Sets the metric name and the labels; what the builder holds otherwise stays.
    pub fn to_labels(&self, builder: &mut LabelsBuilder) {
        builder.set(METRIC_NAME, &self.name());
        for (name, value) in self.labels() {
            builder.set(&name, &value);
        }
    }
}

/// An exemplar as a page writes it.
#[derive(Clone, Copy, Debug)]
pub struct ExemplarLine<'a> {
    raw: &'a str,
    labels: &'a [LabelSpan],
    /// The exemplar's value.
    pub value: f64,
    /// The timestamp written in the page, if any.
    pub t_ms: Option<i64>,
}

impl<'a> ExemplarLine<'a> {
    /// Spans are relative to `raw`.
    pub(crate) fn new(
        raw: &'a str,
        labels: &'a [LabelSpan],
        value: f64,
        t_ms: Option<i64>,
    ) -> Self {
        Self { raw, labels, value, t_ms }
    }

    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    pub(crate) fn label_spans(&self) -> &'a [LabelSpan] {
        self.labels
    }

    /// Names and values in the order of the page.
    pub fn labels(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        let raw = self.raw;
        self.labels.iter().map(move |label| {
            let name = unescape(&raw[label.name.start..label.name.end]);
            (name, unescape(&raw[label.value.start..label.value.end]))
        })
    }
}

/// Replaces `\\`, `\"` and `\n`; any other pair stays as it is.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    replace_escapes(text, |escaped| match escaped {
        b'\\' => Some('\\'),
        b'"' => Some('"'),
        b'n' => Some('\n'),
        _ => None,
    })
}

/// As [`unescape`], but a quote is nothing special in help texts of the text format.
pub(crate) fn unescape_help(text: &str) -> Cow<'_, str> {
    replace_escapes(text, |escaped| match escaped {
        b'\\' => Some('\\'),
        b'n' => Some('\n'),
        _ => None,
    })
}

fn replace_escapes(text: &str, replacement: impl Fn(u8) -> Option<char>) -> Cow<'_, str> {
    let Some(mut at) = memchr::memchr(b'\\', text.as_bytes()) else { return text.into() };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let escaped = rest.as_bytes().get(at + 1).copied();
        let kept = match escaped.and_then(&replacement) {
            Some(c) => {
                out.push_str(&rest[..at]);
                out.push(c);
                at + 2
            }
            // Only the backslash: what follows may begin a pair of its own.
            None => {
                out.push_str(&rest[..=at]);
                at + 1
            }
        };
        rest = &rest[kept..];
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.push_str(rest);
    out.into()
}

/// A bound in OpenMetrics' form; text that is no number stays as it is.
fn normalize_bound(value: Cow<'_, str>) -> Cow<'_, str> {
    let Some(bound) = model::float::parse(&value) else { return value };
    // Zero has one form, whatever its sign.
    let bound = if bound == 0.0 { 0.0 } else { bound };
    let mut text = String::with_capacity(value.len() + 2);
    model::float::write_openmetrics(&mut text, bound).expect("a string takes text");
    if text == *value { value } else { text.into() }
}
