//! How series, labels and histograms are written, in scripts and in other tests.

use super::read::{placed, series_name};
use super::store::LoadedSeries;
use super::values::{Point, parse_values};
use model::histogram::CounterReset;
use model::{FloatHistogram, Labels};
use std::sync::Arc;

/// Reads `name{label="value"} 1 2x3 _ stale {{...}}`, with the first value at `start_ms` and the
/// others `interval_ms` apart.
///
/// # Errors
/// When it is not a series with values.
pub fn series(line: &str, start_ms: i64, interval_ms: i64) -> Result<LoadedSeries, String> {
    let (labels, values) = series_name(line)?;
    placed(labels, &parse_values(values)?, start_ms, interval_ms)
}

/// Reads `name{label="value"}`; nothing at all is the empty set.
///
/// # Errors
/// When it is not a set of labels.
pub fn labels(text: &str) -> Result<Labels, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Labels::empty());
    }
    match series_name(text)? {
        (labels, rest) if rest.trim().is_empty() => Ok(labels),
        (_, rest) => Err(format!("after the labels stands {:?}", rest.trim())),
    }
}

/// Reads one `{{...}}`.
///
/// # Errors
/// When it is not one histogram.
pub fn histogram(text: &str) -> Result<Arc<FloatHistogram>, String> {
    match parse_values(text)?.as_slice() {
        [Point::Histogram(literal)] => Ok(Arc::clone(&literal.histogram)),
        [_] => Err(format!("expected histogram, got {text}")),
        points => Err(format!("expected 1 value, got {}", points.len())),
    }
}

/// Writes a histogram as [`histogram`] reads it, from the first bucket that is not empty to the
/// last.
#[must_use]
pub fn write_histogram(histogram: &FloatHistogram) -> String {
    let mut parts = Vec::new();
    if histogram.schema != 0 {
        parts.push(format!("schema:{}", histogram.schema));
    }
    let numbers = [
        ("count", histogram.count),
        ("sum", histogram.sum),
        ("z_bucket", histogram.zero_count),
        ("z_bucket_w", histogram.zero_threshold),
    ];
    for (name, number) in numbers {
        if number != 0.0 {
            parts.push(format!("{name}:{}", spaced(&[number])));
        }
    }
    if histogram.is_custom() {
        parts.push(format!("custom_values:[{}]", spaced(&histogram.custom_values)));
    }
    match histogram.counter_reset {
        CounterReset::Unknown => {}
        CounterReset::Reset => parts.push("counter_reset_hint:reset".to_owned()),
        CounterReset::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
        CounterReset::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
    }
    let sides = [
        (histogram.positive().collect::<Vec<_>>(), "offset", "buckets"),
        (histogram.negative().collect(), "n_offset", "n_buckets"),
    ];
    for (buckets, offset, name) in sides {
        let (first, counts) = without_gaps(&buckets);
        if first != 0 {
            parts.push(format!("{offset}:{first}"));
        }
        if !counts.is_empty() {
            parts.push(format!("{name}:[{}]", spaced(&counts)));
        }
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

/// The index of the first bucket that holds something, and all counts up to the last such one.
fn without_gaps(buckets: &[(i32, f64)]) -> (i32, Vec<f64>) {
    /// Beyond that a histogram is written with its gaps left out.
    const MAX_GAP: i64 = 10_000;
    let mut filled = buckets.iter().filter(|(_, count)| *count != 0.0);
    let Some(&(first, count)) = filled.next() else { return (0, Vec::new()) };
    let (mut counts, mut last) = (vec![count], i64::from(first));
    for &(index, count) in filled {
        let gap = (i64::from(index) - last - 1).min(MAX_GAP);
        counts.extend((0..gap).map(|_| 0.0));
        counts.push(count);
        last = i64::from(index);
    }
    (first, counts)
}

fn spaced(numbers: &[f64]) -> String {
    let mut text = String::new();
    for (i, number) in numbers.iter().enumerate() {
        if i > 0 {
            text.push(' ');
        }
        model::float::write_g(&mut text, *number).expect("a string takes text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_are_written_as_they_are_read() {
        let check = |text: &str, written: &str| {
            assert_eq!(write_histogram(&histogram(text).unwrap()), written, "{text}");
        };
        check("{{}}", "{{}}");
        check(
            "{{buckets:[2 0 1] count:3 sum:1.5 schema:1}}",
            "{{schema:1 count:3 sum:1.5 buckets:[2 0 1]}}",
        );
        check("{{count:1 offset:-3 buckets:[0 1 0]}}", "{{count:1 offset:-2 buckets:[1]}}");
        check("{{n_buckets:[4.1 5] n_offset:-5}}", "{{n_offset:-5 n_buckets:[4.1 5]}}");
        check(
            "{{z_bucket:7.1 z_bucket_w:0.05 counter_reset_hint:gauge}}",
            "{{z_bucket:7.1 z_bucket_w:0.05 counter_reset_hint:gauge}}",
        );
        check(
            "{{schema:-53 custom_values:[1 2.5] buckets:[1 1e6]}}",
            "{{schema:-53 custom_values:[1 2.5] buckets:[1 1e+06]}}",
        );
        check("{{buckets:[0 0]}}", "{{}}");
    }

    #[test]
    fn only_one_histogram_is_one() {
        let error = |text: &str| histogram(text).unwrap_err();
        assert_eq!(error("{{}} {{}}"), "expected 1 value, got 2");
        assert_eq!(error("5"), "expected histogram, got 5");
        assert_eq!(error(""), "expected 1 value, got 0");
    }

    #[test]
    fn labels_may_be_none() {
        let check = |text: &str, expected: &str| {
            let labels = labels(text).map(|labels| labels.to_string());
            assert_eq!(labels.unwrap_or_else(|error| error), expected, "{text}");
        };
        check("", "{}");
        check("{}", "{}");
        check(" up ", r#"{__name__="up"}"#);
        check(r#"a:b{c="d"}"#, r#"{__name__="a:b", c="d"}"#);
        check(r#"{"a.b", "é"="1"}"#, r#"{__name__="a.b", "é"="1"}"#);
        check("up 5", "after the labels stands \"5\"");
        check("5", "not a series: 5");
        check("up{a=~\"b\"}", "not a label of a series: a=~\"b\"");
    }
}
