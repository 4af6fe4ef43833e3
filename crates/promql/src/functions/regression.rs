//! Trends: deriv, predict_linear and double exponential smoothing.

use super::kahan::Sum;
use super::window::{Samples, Windows, seconds, slide};

/// Least squares: slope per second and value at a time. A constant has slope 0, and NaN when it is
/// infinite.
fn line(samples: Samples<'_>, at: i64) -> (f64, f64) {
    let first = samples.v[0];
    if samples.v.iter().all(|v| *v == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let mut n = 0.0;
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Sum::default(); 4];
    for (t, y) in samples.t.iter().zip(samples.v) {
        let x = seconds(t.saturating_sub(at));
        n += 1.0;
        x_sum = x_sum.plus(x);
        y_sum = y_sum.plus(*y);
        xy_sum = xy_sum.plus(x * y);
        xx_sum = xx_sum.plus(x * x);
    }
    let (x, y) = (x_sum.total(), y_sum.total());
    let covariance = xy_sum.total() - x * y / n;
    let variance = xx_sum.total() - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// The slope of each window of two samples or more.
pub(crate) fn deriv(
    samples: Samples<'_>,
    windows: &Windows,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    slide(samples, windows, |w| {
        if w.samples.len() >= 2 {
            emit(w.step, line(w.samples, w.samples.t[0]).0);
        }
    })
}

/// The value that the line through each window of two samples or more has so many seconds after the
/// evaluation time.
pub(crate) fn predict_linear(
    samples: Samples<'_>,
    windows: &Windows,
    ahead: impl Fn(usize) -> f64,
    time: impl Fn(usize) -> i64,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    slide(samples, windows, |w| {
        if w.samples.len() >= 2 {
            let (slope, intercept) = line(w.samples, time(w.step));
            emit(w.step, slope * ahead(w.step) + intercept);
        }
    })
}

/// Smoothed value of each window of two samples or more; factors of value and trend.
pub(crate) fn double_exponential_smoothing(
    samples: Samples<'_>,
    windows: &Windows,
    factors: impl Fn(usize) -> (f64, f64),
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    slide(samples, windows, |w| {
        let [first, second, rest @ ..] = w.samples.v else { return };
        let (smoothing, trending) = factors(w.step);
        let mut trend = second - first;
        let mut previous = *first;
        let mut smoothed = smoothing * second + (1.0 - smoothing) * (previous + trend);
        for value in rest {
            trend = trending * (smoothed - previous) + (1.0 - trending) * trend;
            previous = smoothed;
            smoothed = smoothing * value + (1.0 - smoothing) * (previous + trend);
        }
        emit(w.step, smoothed);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again() {
        let check = |v: &[f64], slope: f64, at_zero: f64| {
            let t: Vec<i64> = (0..).map(|i| i * 1000).take(v.len()).collect();
            let (got, intercept) = line(Samples { t: &t, v }, 0);
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9 || a.is_nan() && b.is_nan();
            assert!(close(got, slope) && close(intercept, at_zero), "{v:?}: {got} {intercept}");
        };
        check(&[5.0, 5.0], 0.0, 5.0);
        check(&[1.0, 3.0, 5.0], 2.0, 1.0);
        check(&[0.0, 1.0, 1.0, 0.0], 0.0, 0.5);
        check(&[f64::INFINITY; 3], f64::NAN, f64::NAN);
        check(&[f64::NAN; 3], f64::NAN, f64::NAN);
    }
}
