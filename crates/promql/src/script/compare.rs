//! Whether an answer is the expected one.

use super::expect::{Eval, ExpectedSeries, Times};
use super::literal::Literal;
use super::values::Point;
use crate::value::{InstantSeries, RangeSeries, Value};
use model::{FloatHistogram, Labels, is_stale};
use std::collections::HashMap;

/// Compares an instant answer. Series may come in any order unless `ordered`.
pub(super) fn instant(eval: &Eval, value: &Value, ordered: bool) -> Result<(), String> {
    match value {
        Value::Scalar { value, .. } => match eval.scalar {
            Some(expected) => float(expected, *value),
            None => Err(format!("got the scalar {value}")),
        },
        Value::String { value, .. } => match &eval.string {
            Some(expected) if **expected == *value.as_bytes() => Ok(()),
            Some(expected) => {
                let expected = String::from_utf8_lossy(expected);
                Err(format!("expected the string {expected:?}, got {value:?}"))
            }
            None => Err(format!("got the string {value:?}")),
        },
        Value::Vector(vector) => {
            no_single(eval)?;
            if eval.window.is_some() {
                return Err(String::from("expected a range vector, got an instant vector"));
            }
            self::vector(eval, vector, ordered)
        }
        Value::Matrix(got) => {
            let times = eval.window.ok_or("got a range vector")?;
            matrix(eval, got, times)
        }
    }
}

/// Compares a range answer.
pub(super) fn range(eval: &Eval, value: &Value, times: Times) -> Result<(), String> {
    match value {
        Value::Matrix(got) => matrix(eval, got, times),
        _ => Err(String::from("a range query did not give a matrix")),
    }
}

fn no_single(eval: &Eval) -> Result<(), String> {
    match (eval.scalar, &eval.string) {
        (None, None) => Ok(()),
        (Some(scalar), _) => Err(format!("expected the scalar {scalar}, got an instant vector")),
        (_, Some(_)) => Err(String::from("expected a string, got an instant vector")),
    }
}

fn vector(eval: &Eval, vector: &[InstantSeries], ordered: bool) -> Result<(), String> {
    let mut places = places(eval)?;
    for (at, got) in vector.iter().enumerate() {
        let labels = &got.labels;
        let Some(place) = places.remove(labels) else {
            let again = eval.series.iter().any(|series| series.labels == *labels);
            let what = if again { "twice" } else { "unexpectedly" };
            return Err(format!("got {labels} {what}{}", of_value(got)));
        };
        if ordered && place != at {
            return Err(format!(
                "expected {labels} at position {}, got it at {}",
                place + 1,
                at + 1
            ));
        }
        let expected = eval.series[place].points.first().unwrap_or(&Point::Missing);
        let same = match (expected, &got.histogram) {
            (Point::Float(expected), None) => float(*expected, got.value),
            (Point::Float(expected), Some(_)) => {
                Err(format!("expected {expected}, got a histogram"))
            }
            (Point::Missing, _) => Err(format!("expected no sample{}", of_value(got))),
            (Point::Histogram(expected), Some(got)) => histogram(expected, got),
            (Point::Histogram(_), None) => Err(format!("expected a histogram, got {}", got.value)),
        };
        same.map_err(|reason| format!("{labels}: {reason}"))?;
    }
    nothing_left(&places)
}

fn of_value(got: &InstantSeries) -> String {
    match got.histogram {
        None => format!(", value {}", got.value),
        Some(_) => String::from(", a histogram"),
    }
}

/// Expected series by labels.
fn places(eval: &Eval) -> Result<HashMap<&Labels, usize>, String> {
    let mut places = HashMap::new();
    for (i, series) in eval.series.iter().enumerate() {
        if places.insert(&series.labels, i).is_some() {
            return Err(format!("{} is expected twice", series.labels));
        }
    }
    Ok(places)
}

fn nothing_left(places: &HashMap<&Labels, usize>) -> Result<(), String> {
    match places.iter().min_by_key(|(_, place)| **place) {
        Some((labels, _)) => Err(format!("expected {labels}, which is missing")),
        None => Ok(()),
    }
}

fn matrix(eval: &Eval, matrix: &[RangeSeries], times: Times) -> Result<(), String> {
    no_single(eval)?;
    if let Some(pair) = matrix.windows(2).find(|pair| pair[0].labels >= pair[1].labels) {
        return Err(format!("series out of order: {} before {}", pair[0].labels, pair[1].labels));
    }
    let mut places = places(eval)?;
    for got in matrix {
        let labels = &got.labels;
        let Some(place) = places.remove(labels) else {
            return Err(format!("got {labels} unexpectedly"));
        };
        points(&eval.series[place], got, times).map_err(|reason| format!("{labels}: {reason}"))?;
    }
    // A series of which every point is missing need not come.
    places.retain(|_, place| {
        eval.series[*place].points.iter().any(|point| !matches!(point, Point::Missing))
    });
    nothing_left(&places)
}

fn points(expected: &ExpectedSeries, got: &RangeSeries, times: Times) -> Result<(), String> {
    let mut floats = got.t_ms.iter().zip(&got.values);
    let mut histograms = got.histograms.iter();
    for (i, point) in (0_i64..).zip(&expected.points) {
        let t_ms = times.start_ms + i * times.step_ms;
        match point {
            Point::Missing => {}
            Point::Float(expected) => match floats.next() {
                Some((t, value)) if *t == t_ms => {
                    float(*expected, *value).map_err(|reason| format!("at {t_ms} ms: {reason}"))?;
                }
                Some((t, value)) => {
                    return Err(format!("expected {expected} at {t_ms} ms, got {value} at {t} ms"));
                }
                None => {
                    return Err(format!("expected {expected} at {t_ms} ms, got no more points"));
                }
            },
            Point::Histogram(expected) => match histograms.next() {
                Some((t, got)) if *t == t_ms => {
                    histogram(expected, got).map_err(|reason| format!("at {t_ms} ms: {reason}"))?
                }
                _ => return Err(format!("expected a histogram at {t_ms} ms")),
            },
        }
    }
    match (floats.next(), histograms.next()) {
        (Some((t, value)), _) => Err(format!("unexpected point {value} at {t} ms")),
        (None, Some((t, _))) => Err(format!("unexpected histogram at {t} ms")),
        (None, None) => Ok(()),
    }
}

fn float(expected: f64, got: f64) -> Result<(), String> {
    if almost_equal(expected, got) {
        Ok(())
    } else {
        Err(format!("expected {expected}, got {got}"))
    }
}

/// Compares histograms without their empty buckets, and hints of resets only where some are expected.
fn histogram(expected: &Literal, got: &FloatHistogram) -> Result<(), String> {
    let mut wanted = FloatHistogram::clone(&expected.histogram);
    wanted.compact();
    let mut found = got.clone();
    found.compact();
    let close = |a: &[f64], b: &[f64]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| almost_equal(*a, *b))
    };
    let numbers = |h: &FloatHistogram| [h.count, h.sum, h.zero_count];
    let same = wanted.schema == found.schema
        && wanted.zero_threshold == found.zero_threshold
        && (!wanted.is_custom() || wanted.custom_values == found.custom_values)
        && wanted.positive_spans == found.positive_spans
        && wanted.negative_spans == found.negative_spans
        && close(&numbers(&wanted), &numbers(&found))
        && close(&wanted.positive_buckets, &found.positive_buckets)
        && close(&wanted.negative_buckets, &found.negative_buckets)
        && (!expected.tells_resets || wanted.counter_reset == found.counter_reset);
    if same { Ok(()) } else { Err(format!("expected {wanted:?}, got {found:?}")) }
}

/// Equal up to a millionth; all NaNs are alike but the staleness marker.
pub(super) fn almost_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-6;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a == b {
        return true;
    }
    let (size, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
}
