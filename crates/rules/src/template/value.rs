//! Values that templates work with, and how they print.

use super::functions::Param;
use super::{layout, methods};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::FloatHistogram;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::rc::Rc;

/// A value as Go's templates know it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing: a missing key, or a function without result.
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// Labels: what is missing is the empty text.
    Labels(Rc<BTreeMap<String, String>>),
    Sample(Rc<Sample>),
    List(Rc<[Value]>),
    Map(Rc<BTreeMap<String, Value>>),
    Time(Timestamp),
    /// Nanoseconds.
    Duration(i64),
    /// From 1.
    Month(i64),
    /// From 0 for Sunday.
    Weekday(i64),
    Histogram(Rc<FloatHistogram>),
    /// What a rule's template starts with as dot.
    Data(Rc<Data>),
}

/// One result of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, the metric name among them.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

#[derive(Debug)]
pub(super) struct Data {
    pub(super) labels: Value,
    pub(super) external_labels: Value,
    pub(super) external_url: Value,
    pub(super) value: Value,
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// Whether `if`, `and` and the like take it for true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Duration(value) => *value != 0,
            Self::Month(value) | Self::Weekday(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Sample(_) | Self::Time(_) | Self::Histogram(_) | Self::Data(_) => true,
        }
    }

    /// The name of its type in Go, for errors.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nothing => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Labels(_) => "map[string]string",
            Self::Sample(_) => "*template.sample",
            Self::List(_) => "template.queryResult",
            Self::Map(_) => "map[string]interface {}",
            Self::Time(_) => "*time.Time",
            Self::Duration(_) => "*time.Duration",
            Self::Month(_) => "time.Month",
            Self::Weekday(_) => "time.Weekday",
            Self::Histogram(_) => "*histogram.FloatHistogram",
            Self::Data(_) => DATA,
        }
    }

    /// `.Name` of it.
    pub(super) fn field(&self, name: &str) -> Field {
        let known = match (self, name) {
            (Self::Labels(labels), _) => {
                return Field::Key(Self::text(labels.get(name).map_or("", String::as_str)));
            }
            (Self::Map(map), _) => {
                return Field::Key(map.get(name).cloned().unwrap_or(Self::Nothing));
            }
            (Self::Nothing, _) => Self::Nothing,
            (Self::Data(data), "Labels") => data.labels.clone(),
            (Self::Data(data), "ExternalLabels") => data.external_labels.clone(),
            (Self::Data(data), "ExternalURL") => data.external_url.clone(),
            (Self::Data(data), "Value") => data.value.clone(),
            (Self::Sample(sample), "Labels") => Self::Labels(Rc::new(sample.labels.clone())),
            (Self::Sample(sample), "Value") => Self::Float(sample.value),
            (Self::Histogram(histogram), "Count") => Self::Float(histogram.count),
            (Self::Histogram(histogram), "Sum") => Self::Float(histogram.sum),
            (Self::Histogram(histogram), "ZeroCount") => Self::Float(histogram.zero_count),
            (Self::Histogram(histogram), "ZeroThreshold") => Self::Float(histogram.zero_threshold),
            (Self::Histogram(histogram), "Schema") => Self::Int(i64::from(histogram.schema)),
            _ => return Field::Unknown,
        };
        Field::Of(known)
    }

    /// What a method of that name takes, if there is one.
    pub(super) fn method(&self, name: &str) -> Option<&'static [Param]> {
        methods::params(self, name)
    }

    /// Calls a method; the number and the types of arguments were checked.
    pub(super) fn call(&self, name: &str, args: &[Self]) -> Result<Self, String> {
        methods::call(self, name, args)
    }
}

/// What `.Name` of a value is.
#[derive(Debug)]
pub(super) enum Field {
    /// A part of it.
    Of(Value),
    /// What it has under that key, or the empty one.
    Key(Value),
    /// It cannot have such.
    Unknown,
}

/// The type of what a rule's template starts with as dot.
const DATA: &str = "struct { Labels map[string]string; ExternalLabels map[string]string; \
                    ExternalURL string; Value interface {} }";

/// As Go's `%v` prints it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("<no value>"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => model::float::write_g(f, *value),
            Self::Text(text) => f.write_str(text),
            Self::Labels(labels) => {
                write_map(f, labels.iter().map(|(name, value)| (name, value as &dyn fmt::Display)))
            }
            Self::Map(map) => {
                let values: Vec<_> =
                    map.iter().map(|(name, value)| (name, Within(value))).collect();
                write_map(f, values.iter().map(|(name, value)| (*name, value as &dyn fmt::Display)))
            }
            Self::Sample(sample) => {
                f.write_char('{')?;
                let labels = sample.labels.iter();
                write_map(f, labels.map(|(name, value)| (name, value as &dyn fmt::Display)))?;
                f.write_char(' ')?;
                model::float::write_g(f, sample.value)?;
                f.write_char('}')
            }
            Self::List(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if i > 0 { " " } else { "" }, Within(item))?;
                }
                f.write_char(']')
            }
            Self::Time(time) => {
                let time = time.to_zoned(TimeZone::UTC);
                write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC"))
            }
            Self::Duration(ns) => write_duration(f, *ns),
            Self::Month(month) => f.write_str(layout::month(*month)),
            Self::Weekday(day) => f.write_str(layout::weekday(*day)),
            Self::Histogram(histogram) => write_histogram(f, histogram),
            Self::Data(data) => {
                let Data { labels, external_labels, external_url, value } = &**data;
                write!(f, "{{{labels} {external_labels} {external_url} {value}}}")
            }
        }
    }
}

/// A value within another one.
struct Within<'a>(&'a Value);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Nothing => f.write_str("<nil>"),
            other => other.fmt(f),
        }
    }
}

fn write_map<'a>(
    f: &mut fmt::Formatter<'_>,
    pairs: impl Iterator<Item = (&'a String, &'a dyn fmt::Display)>,
) -> fmt::Result {
    f.write_str("map[")?;
    for (i, (name, value)) in pairs.enumerate() {
        write!(f, "{}{name}:{value}", if i > 0 { " " } else { "" })?;
    }
    f.write_char(']')
}

/// `{count:10, sum:5.5, [-1,-0.5):3, (0.5,1]:7}`: the buckets that hold something.
fn write_histogram(f: &mut fmt::Formatter<'_>, histogram: &FloatHistogram) -> fmt::Result {
    f.write_str("{count:")?;
    model::float::write_g(f, histogram.count)?;
    f.write_str(", sum:")?;
    model::float::write_g(f, histogram.sum)?;
    for bucket in histogram.buckets() {
        // A bound belongs to the bucket on its inner side; a bucket for zero alone has both.
        let is_zero = bucket.lower == bucket.upper;
        let with_lower = bucket.lower < 0.0 || is_zero;
        let with_upper = bucket.upper > 0.0 || is_zero;
        f.write_str(if with_lower { ", [" } else { ", (" })?;
        model::float::write_g(f, bucket.lower)?;
        f.write_char(',')?;
        model::float::write_g(f, bucket.upper)?;
        f.write_str(if with_upper { "]:" } else { "):" })?;
        model::float::write_g(f, bucket.count)?;
    }
    f.write_char('}')
}

/// As Go's `time.Duration` prints: `1h2m3.5s`, `1.5ms`, `0s`.
pub(crate) fn write_duration(f: &mut impl fmt::Write, ns: i64) -> fmt::Result {
    let sign = if ns < 0 { "-" } else { "" };
    let size = ns.unsigned_abs();
    let fraction = |whole: u64, rest: u64, digits: usize| {
        let mut text = whole.to_string();
        if rest > 0 {
            let digits = format!("{rest:0digits$}");
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        text
    };
    match size {
        0 => f.write_str("0s"),
        1..1_000 => write!(f, "{sign}{size}ns"),
        1_000..1_000_000 => write!(f, "{sign}{}µs", fraction(size / 1_000, size % 1_000, 3)),
        1_000_000..1_000_000_000 => {
            write!(f, "{sign}{}ms", fraction(size / 1_000_000, size % 1_000_000, 6))
        }
        _ => {
            let (all, rest) = (size / 1_000_000_000, size % 1_000_000_000);
            let (hours, minutes) = (all / 3600, all / 60 % 60);
            f.write_str(sign)?;
            if hours > 0 {
                write!(f, "{hours}h")?;
            }
            if all >= 60 {
                write!(f, "{minutes}m")?;
            }
            write!(f, "{}s", fraction(all % 60, rest, 9))
        }
    }
}
