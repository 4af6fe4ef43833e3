//! Warnings and infos that go with an answer.
//!
//! They are kept by text without position, so the same remark from many steps or series is one.

use crate::syntax::Position;
use std::collections::BTreeMap;
use std::fmt;

/// How serious a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The answer may be wrong or incomplete.
    Warning,
    /// Something to know.
    Info,
}

/// A remark about a query; prints as `PromQL warning: text (line:column)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotation {
    /// How serious it is.
    pub severity: Severity,
    /// What it says.
    pub text: String,
    /// The place in the query it is about.
    pub position: Position,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        write!(f, "PromQL {kind}: {} ({})", self.text, self.position)
    }
}

/// What there is to say about histograms in a query; the texts are Prometheus'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// Floats and histograms in one range.
    MixedTypes,
    /// Floats and histograms in one group.
    MixedTypesInGroup,
    /// A function of counters met a gauge.
    NotCounter,
    /// A function of gauges met a counter.
    NotGauge,
    /// Exponential and custom buckets.
    MixedSchemas,
    /// Hints of resets that contradict each other.
    ResetsConflict(Work),
    /// Custom buckets of different bounds.
    BoundsReconciled(Work),
    /// Histograms in a range of which only the floats count.
    IgnoredInRange,
    /// Histograms in an aggregation of floats.
    IgnoredIn(&'static str),
    /// A binary operator on buckets that do not go together.
    BucketLayouts(&'static str),
    /// A binary operator on types that do not go together.
    Types(&'static str, &'static str, &'static str),
    /// Classic buckets and a native histogram of the same name and labels.
    ClassicAndNative,
    /// A quantile among observations that are NaN.
    QuantileIsNan,
    /// A quantile above observations some of which are NaN.
    QuantileIsSkewed,
    /// A fraction of observations some of which are NaN.
    FractionHasNans,
}

/// What was done with histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Adding two of them.
    Addition,
    /// Subtracting one from another.
    Subtraction,
    /// Adding up many.
    Aggregation,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

impl Remark {
    /// The text, about the metric of that name.
    pub(crate) fn text(self, metric: &str) -> String {
        let quoted = |text: &str| {
            let mut text = format!("{text} ");
            model::names::write_quoted(&mut text, metric).expect("a string takes everything");
            text
        };
        let named = |text: &str| match metric {
            "" => text.to_owned(),
            _ => quoted(&format!("{text} for metric name")),
        };
        match self {
            Self::MixedTypes => {
                quoted("encountered a mix of histograms and floats for metric name")
            }
            Self::MixedTypesInGroup => {
                "encountered a mix of histograms and floats for aggregation".into()
            }
            Self::NotCounter => quoted("this native histogram metric is not a counter:"),
            Self::NotGauge => quoted("this native histogram metric is not a gauge:"),
            Self::MixedSchemas => quoted(
                "vector contains a mix of histograms with exponential and custom buckets schemas \
                 for metric name",
            ),
            Self::ResetsConflict(work) => {
                format!("conflicting counter resets during histogram {}", work.name())
            }
            Self::BoundsReconciled(work) => {
                format!("mismatched custom buckets were reconciled during {}", work.name())
            }
            Self::IgnoredInRange => quoted(
                "ignored histograms in a range containing both floats and histograms for metric \
                 name",
            ),
            Self::IgnoredIn(name) => format!("ignored histogram in {name} aggregation"),
            Self::BucketLayouts(op) => {
                format!("incompatible bucket layout encountered for binary operator {op}")
            }
            Self::Types(left, op, right) => format!(
                "incompatible sample types encountered for binary operator \"{op}\": {left} {op} \
                 {right}"
            ),
            Self::ClassicAndNative => {
                named("vector contains a mix of classic and native histograms")
            }
            Self::QuantileIsNan => {
                named("input to histogram_quantile has NaN observations, result is NaN")
            }
            Self::QuantileIsSkewed => {
                named("input to histogram_quantile has NaN observations, result is skewed higher")
            }
            Self::FractionHasNans => named(
                "input to histogram_fraction has NaN observations, which are excluded from all \
                 fractions",
            ),
        }
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::MixedTypes
            | Self::MixedTypesInGroup
            | Self::NotCounter
            | Self::NotGauge
            | Self::MixedSchemas
            | Self::ResetsConflict(_)
            | Self::BucketLayouts(_)
            | Self::ClassicAndNative => Severity::Warning,
            Self::BoundsReconciled(_)
            | Self::IgnoredInRange
            | Self::IgnoredIn(_)
            | Self::Types(..)
            | Self::QuantileIsNan
            | Self::QuantileIsSkewed
            | Self::FractionHasNans => Severity::Info,
        }
    }
}

/// Remarks on one series, each once.
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<Remark>);

impl Remarks {
    pub(crate) fn add(&mut self, remark: Remark) {
        if !self.0.contains(&remark) {
            self.0.push(remark);
        }
    }

    /// Takes all remarks out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Remark> {
        self.0.drain(..)
    }
}

/// How classic buckets were made monotonic, over all steps and series of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Repair {
    pub(crate) min_bound: f64,
    pub(crate) max_bound: f64,
    pub(crate) max_diff: f64,
    pub(crate) samples: u64,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
}

impl Repair {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.min_bound = self.min_bound.min(other.min_bound);
        self.max_bound = self.max_bound.max(other.max_bound);
        self.max_diff = self.max_diff.max(other.max_diff);
        self.samples += other.samples;
        self.first_ms = self.first_ms.min(other.first_ms);
        self.last_ms = self.last_ms.max(other.last_ms);
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(", from buckets ")?;
        model::float::write_g(f, self.min_bound)?;
        f.write_str(" to ")?;
        model::float::write_g(f, self.max_bound)?;
        write!(
            f,
            ", with a max diff of {}, over {} samples from {} to {}",
            two_digits(self.max_diff),
            self.samples,
            Rfc3339(self.first_ms),
            Rfc3339(self.last_ms)
        )
    }
}

/// Two significant digits, the form of C's `%.2g`.
fn two_digits(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let scientific = format!("{value:.1e}");
    let (digits, exponent) = scientific.split_once('e').expect("written with an exponent");
    let exponent: i32 = exponent.parse().expect("written as a number");
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    if (-4..2).contains(&exponent) {
        let rounded: f64 = scientific.parse().expect("written as a number");
        format!("{rounded}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    }
}

struct Rfc3339(i64);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = crate::functions::time::Civil::from_seconds(self.0.div_euclid(1000));
        let (year, month, day) = (civil.year, civil.month, civil.day);
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        write!(f, "T{:02}:{:02}:{:02}", civil.hour, civil.minute, civil.second)?;
        match self.0.rem_euclid(1000) {
            0 => {}
            ms => write!(f, ".{}", format!("{ms:03}").trim_end_matches('0'))?,
        }
        f.write_str("Z")
    }
}

/// The remarks of one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    notes: BTreeMap<(Severity, String), (Position, Option<Repair>)>,
}

impl Annotations {
    /// Remembers a remark unless there is one of the same text.
    pub(crate) fn add(&mut self, severity: Severity, text: String, position: Position) {
        self.notes.entry((severity, text)).or_insert((position, None));
    }

    /// Remembers that buckets were repaired; figures of equal texts are merged.
    pub(crate) fn add_repair(&mut self, text: String, position: Position, repair: &Repair) {
        let note = self.notes.entry((Severity::Info, text)).or_insert((position, None));
        match &mut note.1 {
            Some(known) => known.merge(repair),
            none => *none = Some(*repair),
        }
    }

    /// Whether there is nothing to remark.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// All remarks, warnings first, each kind in the order of texts.
    pub fn iter(&self) -> impl Iterator<Item = Annotation> {
        self.notes.iter().map(|((severity, text), (position, repair))| Annotation {
            severity: *severity,
            text: match repair {
                Some(repair) => format!("{text}{repair}"),
                None => text.clone(),
            },
            position: *position,
        })
    }

    /// The warnings as the HTTP API shows them.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.iter().filter(|note| note.severity == Severity::Warning).map(|note| note.to_string())
    }

    /// The infos as the HTTP API shows them.
    pub fn infos(&self) -> impl Iterator<Item = String> {
        self.iter().filter(|note| note.severity == Severity::Info).map(|note| note.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_remark() {
        let mut notes = Annotations::default();
        notes.add(Severity::Info, "b".into(), Position { line: 1, column: 7 });
        notes.add(Severity::Warning, "a".into(), Position { line: 1, column: 3 });
        notes.add(Severity::Warning, "a".into(), Position { line: 2, column: 1 });
        assert_eq!(notes.warnings().collect::<Vec<_>>(), ["PromQL warning: a (1:3)"]);
        assert_eq!(notes.infos().collect::<Vec<_>>(), ["PromQL info: b (1:7)"]);
    }

    #[test]
    fn small_numbers_and_times_as_go_prints_them() {
        let check = |value: f64, text: &str| assert_eq!(two_digits(value), text);
        check(1.0, "1");
        check(1.26, "1.3");
        check(99.0, "99");
        check(123.0, "1.2e+02");
        check(0.000_012, "1.2e-05");
        check(0.05, "0.05");
        assert_eq!(Rfc3339(1_500).to_string(), "1970-01-01T00:00:01.5Z");
        assert_eq!(Rfc3339(-1_000).to_string(), "1969-12-31T23:59:59Z");
    }
}
