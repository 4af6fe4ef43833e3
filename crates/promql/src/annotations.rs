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
