//! Counters and gauges over a window: rate, increase, delta, irate, idelta, changes, resets.

use super::window::{Samples, Window, Windows, count, seconds, slide};

/// What of a window's change is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Growth of a counter per second.
    Rate,
    /// Growth of a counter.
    Increase,
    /// Difference of a gauge.
    Delta,
}

impl Change {
    pub(crate) fn is_counter(self) -> bool {
        self != Self::Delta
    }
}

/// The places of samples that are smaller than the one before.
fn find_drops(v: &[f64], drops: &mut Vec<u32>) {
    drops.clear();
    for (i, pair) in (1..).zip(v.windows(2)) {
        if pair[1] < pair[0] {
            drops.push(i);
        }
    }
}

/// The change over each window of two samples or more, extrapolated to the window's edges.
/// `drops` is scratch memory.
pub(crate) fn extrapolated(
    change: Change,
    samples: Samples<'_>,
    windows: &Windows,
    drops: &mut Vec<u32>,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    drops.clear();
    if change.is_counter() {
        find_drops(samples.v, drops);
    }
    let range_seconds = (change == Change::Rate).then(|| windows.range_seconds());
    let mut first_drop = 0;
    slide(samples, windows, |w| {
        let n = w.samples.len();
        if n < 2 {
            return;
        }
        let mut difference = w.samples.v[n - 1] - w.samples.v[0];
        // Windows with drops are rare: what was lost is added one by one, in order.
        while drops.get(first_drop).is_some_and(|drop| *drop as usize <= w.from) {
            first_drop += 1;
        }
        for drop in &drops[first_drop..] {
            let drop = *drop as usize;
            if drop >= w.from + n {
                break;
            }
            difference += samples.v[drop - 1];
        }
        let growth = change.is_counter().then_some((w.samples.v[0], difference));
        let factor = extrapolation(Sampled::of(w), growth);
        let factor = range_seconds.map_or(factor, |range| factor / range);
        emit(w.step, difference * factor);
    })
}

/// A window and when its samples were taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sampled {
    /// Where the window begins and ends.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Times of the first and of the last sample, which differ.
    pub(crate) first: i64,
    pub(crate) last: i64,
    /// The number of samples.
    pub(crate) n: usize,
}

impl Sampled {
    #[inline]
    fn of(w: Window<'_>) -> Self {
        let (t, n) = (w.samples.t, w.samples.len());
        Self { start: w.start, end: w.end, first: t[0], last: t[n - 1], n }
    }
}

/// By how much longer than the distance of its samples a window counts. `growth` is that of a
/// counter, after its first value; it is not extended to below zero.
#[inline]
pub(crate) fn extrapolation(w: Sampled, growth: Option<(f64, f64)>) -> f64 {
    let mut to_start = seconds(w.first - w.start);
    let mut to_end = seconds(w.end - w.last);
    let sampled = seconds(w.last - w.first);
    let average = sampled / count(w.n - 1);
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if let Some((first, growth)) = growth
        && growth > 0.0
        && first >= 0.0
    {
        let to_zero = sampled * (first / growth);
        if to_zero < to_start {
            to_start = to_zero;
        }
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    (sampled + to_start + to_end) / sampled
}

/// The difference of the last two samples; per second and across resets for a counter.
pub(crate) fn last_two(
    counter: bool,
    samples: Samples<'_>,
    windows: &Windows,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    slide(samples, windows, |w| {
        let n = w.samples.len();
        if n < 2 {
            return;
        }
        let (previous, last) = (w.samples.v[n - 2], w.samples.v[n - 1]);
        let interval = w.samples.t[n - 1] - w.samples.t[n - 2];
        if interval == 0 {
            return;
        }
        let difference = if counter && last < previous { last } else { last - previous };
        emit(w.step, if counter { difference / seconds(interval) } else { difference });
    })
}

/// What is counted between neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A different value; from NaN to NaN is none.
    Change,
    /// A smaller value.
    Reset,
}

impl Event {
    pub(crate) fn happens(self, previous: f64, value: f64) -> bool {
        match self {
            Self::Change => value != previous && !(value.is_nan() && previous.is_nan()),
            Self::Reset => value < previous,
        }
    }
}

/// How many events each window holds. `so_far` is scratch memory: events up to each sample.
pub(crate) fn count_events(
    event: Event,
    samples: Samples<'_>,
    windows: &Windows,
    so_far: &mut Vec<u32>,
    mut emit: impl FnMut(usize, f64),
) -> u64 {
    so_far.clear();
    so_far.extend(samples.v.first().map(|_| 0));
    let mut events = 0;
    for pair in samples.v.windows(2) {
        events += u32::from(event.happens(pair[0], pair[1]));
        so_far.push(events);
    }
    slide(samples, windows, |w| {
        let last = w.from + w.samples.len() - 1;
        emit(w.step, f64::from(so_far[last] - so_far[w.from]));
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(change: Change, t: &[i64], v: &[f64], start: i64, end: i64) -> Option<f64> {
        let inside: Vec<usize> = (0..t.len()).filter(|i| t[*i] > start && t[*i] <= end).collect();
        let (first, last) = (*inside.first()?, *inside.last()?);
        if first == last {
            return None;
        }
        let mut difference = v[last] - v[first];
        for i in first + 1..=last {
            if change.is_counter() && v[i] < v[i - 1] {
                difference += v[i - 1];
            }
        }
        let s = |ms: i64| ms as f64 / 1000.0;
        let sampled = s(t[last] - t[first]);
        let average = sampled / (last - first) as f64;
        let mut to_start = s(t[first] - start);
        if to_start >= average * 1.1 {
            to_start = average / 2.0;
        }
        if change.is_counter() && difference > 0.0 && v[first] >= 0.0 {
            to_start = to_start.min(sampled * (v[first] / difference));
        }
        let mut to_end = s(end - t[last]);
        if to_end >= average * 1.1 {
            to_end = average / 2.0;
        }
        let mut factor = (sampled + to_start + to_end) / sampled;
        if change == Change::Rate {
            factor /= s(end - start);
        }
        Some(difference * factor)
    }

    proptest! {
        #[test]
        fn sliding_equals_each_window_alone(
            series in prop::collection::vec((1..30_000i64, 0..50u32), 0..60),
            step in 1..60_000i64,
            range in 1..200_000i64,
        ) {
            let t: Vec<i64> = series.iter().scan(0, |t, s| { *t += s.0; Some(*t) }).collect();
            let v: Vec<f64> = series.iter().map(|s| f64::from(s.1)).collect();
            let windows = Windows { first_end: 1000, step, range, n: 30 };
            let samples = Samples { t: &t, v: &v };
            for change in [Change::Rate, Change::Increase, Change::Delta] {
                let mut got = vec![None; windows.n];
                let emit = |i: usize, v: f64| got[i] = Some(v.to_bits());
                extrapolated(change, samples, &windows, &mut Vec::new(), emit);
                for (i, got) in got.iter().enumerate() {
                    let expected = naive(change, &t, &v, windows.start(i), windows.end(i));
                    prop_assert_eq!(*got, expected.map(f64::to_bits));
                }
            }
            for event in [Event::Change, Event::Reset] {
                let mut got = vec![0.0; windows.n];
                count_events(event, samples, &windows, &mut Vec::new(), |i, v| got[i] = v);
                slide(samples, &windows, |w| {
                    let pairs = w.samples.v.windows(2);
                    let expected = pairs.filter(|p| event.happens(p[0], p[1])).count();
                    assert_eq!(got[w.step], expected as f64);
                });
            }
        }
    }
}
