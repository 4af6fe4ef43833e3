//! Whether a query gives what is expected.

use super::read::Sample;
use model::Labels;
use promql::script::notation;
use promql::{InstantSeries, Value};
use std::cmp::Ordering;

/// A sample, expected or found.
#[derive(Debug)]
pub(super) struct Parsed {
    labels: Labels,
    value: f64,
    /// Empty for a number.
    histogram: String,
}

impl Parsed {
    pub(super) fn expected(sample: &Sample) -> Result<Self, String> {
        let read = || {
            let labels = notation::labels(&sample.labels)?;
            let histogram = match sample.histogram.as_str() {
                "" => String::new(),
                text => notation::write_histogram(&*notation::histogram(text)?),
            };
            Ok(Self { labels, value: sample.value, histogram })
        };
        read().map_err(|error: String| {
            let mut text = String::from("labels ");
            model::names::write_quoted(&mut text, &sample.labels).expect("a string takes text");
            format!("{text}: {error}")
        })
    }

    fn got(series: InstantSeries) -> Self {
        match series.histogram {
            None => Self { labels: series.labels, value: series.value, histogram: String::new() },
            Some(histogram) => Self {
                labels: series.labels,
                value: 0.0,
                histogram: notation::write_histogram(&histogram),
            },
        }
    }

    /// A NaN is like no number, not even another NaN, as promtool has it.
    fn is_like(&self, other: &Self, fuzzy: bool) -> bool {
        let (a, b) = (self.value, other.value);
        let same = a == b || fuzzy && (a.next_down() == b || a.next_up() == b);
        same && self.labels == other.labels && self.histogram == other.histogram
    }

    /// As promtool shows it.
    pub(super) fn shown(&self) -> String {
        let mut text = format!("{} {}", self.labels, self.histogram);
        if self.histogram.is_empty() {
            write_value(&mut text, self.value);
        }
        text
    }
}

/// `1E+00`, `NaN`, `+Inf`.
fn write_value(text: &mut String, value: f64) {
    let start = text.len();
    model::float::write_e(text, value).expect("a string takes text");
    if value.is_finite() {
        let upper = text[start..].to_ascii_uppercase();
        text.replace_range(start.., &upper);
    }
}

/// The samples of an answer in the order of their labels.
pub(super) fn samples(value: Value) -> Result<Vec<Parsed>, String> {
    match value {
        Value::Vector(vector) => Ok(sorted(vector.into_iter().map(Parsed::got).collect())),
        Value::Scalar { value, .. } => {
            Ok(vec![Parsed { labels: Labels::empty(), value, histogram: String::new() }])
        }
        Value::String { .. } | Value::Matrix(_) => {
            Err("rule result is not a vector or scalar".to_owned())
        }
    }
}

pub(super) fn sorted(mut samples: Vec<Parsed>) -> Vec<Parsed> {
    samples.sort_by(|a, b| match a.labels.cmp(&b.labels) {
        Ordering::Equal => a.value.total_cmp(&b.value),
        order => order,
    });
    samples
}

/// Whether two lists in the order of labels are alike.
pub(super) fn alike(expected: &[Parsed], got: &[Parsed], fuzzy: bool) -> bool {
    expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| a.is_like(b, fuzzy))
}
