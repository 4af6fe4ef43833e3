//! Summaries of a window: the `_over_time` functions.

use super::kahan::{Mean, Sum};
use super::window::{Samples, Window, Windows, slide};

/// Summaries that need nothing but the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Summary {
    /// The mean.
    Avg,
    /// The sum.
    Sum,
    /// The number of samples.
    Count,
    /// The newest value.
    Last,
    /// The oldest value.
    First,
    /// 1.
    Present,
    /// Population standard deviation.
    Stddev,
    /// Population variance.
    Stdvar,
    /// Median distance from the median.
    Mad,
    /// Time of the oldest sample in seconds.
    TsOfFirst,
    /// Time of the newest sample in seconds.
    TsOfLast,
    /// Time of the last of the largest values.
    TsOfMax,
    /// Time of the last of the smallest values.
    TsOfMin,
}

/// One summary of each window. `scratch` is memory for those that reorder values.
pub(crate) fn summarize(
    summary: Summary,
    samples: Samples<'_>,
    windows: &Windows,
    scratch: &mut Vec<f64>,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    let mut each =
        |of: &mut dyn FnMut(Window<'_>) -> f64| slide(samples, windows, |w| emit(w.step, of(w)));
    match summary {
        Summary::Sum => each(&mut |w| sum(w.samples.v)),
        Summary::Avg => each(&mut |w| mean(w.samples.v)),
        Summary::Count => each(&mut |w| super::window::count(w.samples.len())),
        Summary::Last => each(&mut |w| w.samples.v[w.samples.len() - 1]),
        Summary::First => each(&mut |w| w.samples.v[0]),
        Summary::Present => each(&mut |_| 1.0),
        Summary::Stdvar => each(&mut |w| variance(w.samples.v)),
        Summary::Stddev => each(&mut |w| variance(w.samples.v).sqrt()),
        Summary::Mad => each(&mut |w| {
            scratch.clear();
            scratch.extend_from_slice(w.samples.v);
            super::quantile::median_deviation(scratch)
        }),
        Summary::TsOfFirst => each(&mut |w| super::window::seconds(w.samples.t[0])),
        Summary::TsOfLast => {
            each(&mut |w| super::window::seconds(w.samples.t[w.samples.len() - 1]))
        }
        Summary::TsOfMax => each(&mut |w| time_of(w.samples, |value, best| value >= best)),
        Summary::TsOfMin => each(&mut |w| time_of(w.samples, |value, best| value <= best)),
    }
}

fn sum(values: &[f64]) -> f64 {
    values.iter().fold(Sum::default(), |sum, v| sum.plus(*v)).total()
}

fn mean(values: &[f64]) -> f64 {
    let sum = values.iter().fold(Sum::default(), |sum, v| sum.plus(*v));
    if sum.sum.is_finite() {
        let count = super::window::count(values.len());
        return sum.sum / count + sum.lost / count;
    }
    // A sum that was infinite once stays so, or is NaN: all others were fine all the way.
    let mut mean = Mean::default();
    values.iter().for_each(|v| mean.add(*v));
    mean.get()
}

/// Welford's variance with compensated sums.
fn variance(values: &[f64]) -> f64 {
    let mut count = 0.0;
    let [mut mean, mut squares] = [Sum::default(); 2];
    for value in values {
        count += 1.0;
        let delta = value - mean.total();
        mean = mean.plus(delta / count);
        squares = squares.plus(delta * (value - mean.total()));
    }
    squares.total() / count
}

fn time_of(samples: Samples<'_>, replaces: impl Fn(f64, f64) -> bool) -> f64 {
    let (mut at, mut best) = (samples.t[0], samples.v[0]);
    for (t, v) in samples.t.iter().zip(samples.v) {
        if replaces(*v, best) || best.is_nan() {
            (at, best) = (*t, *v);
        }
    }
    super::window::seconds(at)
}

/// The largest or smallest value of each window, NaN only where all are; the earlier of equals.
/// `queue` is scratch memory.
///
/// The queue holds the places of values that no later value of the window beats, so each value
/// enters and leaves once.
pub(crate) fn extreme(
    max: bool,
    samples: Samples<'_>,
    windows: &Windows,
    queue: &mut std::collections::VecDeque<usize>,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    queue.clear();
    let v = samples.v;
    let beats = |a: f64, b: f64| if max { a > b } else { a < b };
    let mut next = 0;
    slide(samples, windows, |w| {
        let end = w.from + w.samples.len();
        next = next.max(w.from);
        while next < end {
            if !v[next].is_nan() {
                while queue.back().is_some_and(|back| beats(v[next], v[*back])) {
                    queue.pop_back();
                }
                queue.push_back(next);
            }
            next += 1;
        }
        while queue.front().is_some_and(|front| *front < w.from) {
            queue.pop_front();
        }
        emit(w.step, queue.front().map_or(f64::NAN, |front| v[*front]));
    })
}

/// A quantile of each window, which may differ from step to step.
pub(crate) fn quantile(
    q: impl Fn(usize) -> f64,
    samples: Samples<'_>,
    windows: &Windows,
    scratch: &mut Vec<f64>,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    slide(samples, windows, |w| {
        scratch.clear();
        scratch.extend_from_slice(w.samples.v);
        emit(w.step, super::quantile::quantile(q(w.step), scratch));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn extremes_equal_a_scan(
            v in prop::collection::vec(
                prop_oneof![8 => (0..20i32).prop_map(f64::from), 1 => Just(f64::NAN)], 0..60),
            step in 1..5i64,
            range in 1..20i64,
        ) {
            let t: Vec<i64> = (0..).take(v.len()).collect();
            let samples = Samples { t: &t, v: &v };
            let windows = Windows { first_end: 0, step, range, n: 40 };
            for max in [true, false] {
                let mut got = vec![None; windows.n];
                extreme(max, samples, &windows, &mut Default::default(), |i, v| got[i] = Some(v));
                slide(samples, &windows, |w| {
                    let mut best = w.samples.v[0];
                    for v in w.samples.v {
                        if best.is_nan() || (if max { *v > best } else { *v < best }) {
                            best = *v;
                        }
                    }
                    let got = got[w.step].expect("a window with samples");
                    assert!(got.to_bits() == best.to_bits() || got.is_nan() && best.is_nan());
                });
            }
        }
    }

    proptest! {
        #[test]
        fn means_of_any_size_are_those_of_the_running_mean(
            values in prop::collection::vec(prop_oneof![-1e3..1e3f64, Just(f64::MAX)], 1..20),
        ) {
            let mut running = Mean::default();
            values.iter().for_each(|v| running.add(*v));
            prop_assert_eq!(mean(&values).to_bits(), running.get().to_bits());
        }
    }

    #[test]
    fn variances() {
        let check = |v: &[f64], expected: f64| {
            let got = variance(v);
            assert!((got - expected).abs() <= 1e-9 || got.is_nan() && expected.is_nan(), "{got}");
        };
        check(&[0.0, 8.0, 8.0, 2.0, 3.0], 10.56);
        check(&[1.5990505637277868; 3], 0.0);
        check(&[f64::INFINITY, 1.0], f64::NAN);
        check(&[f64::NAN, 1.0], f64::NAN);
    }
}
