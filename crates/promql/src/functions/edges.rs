//! Windows with `anchored` and `smoothed` edges: no extrapolation, but a value at each edge.
//!
//! An anchored window starts with the newest sample at or before its start, as far as lookback goes,
//! and ends with its last sample. A smoothed one has interpolated values at both edges.

use super::rate::{Change, Event};
use super::window::{Samples, Windows, seconds};

/// The parts of a series around one window.
struct Reach {
    /// First sample within lookback of the window.
    from: usize,
    /// First sample inside.
    inside: usize,
    /// Sample after the last one inside.
    end: usize,
    /// Sample after the last one that may be looked at.
    to: usize,
}

fn reach(
    samples: Samples<'_>,
    windows: &Windows,
    lookback: i64,
    ahead: i64,
    mut visit: impl FnMut(usize, &Reach),
) {
    let t = samples.t;
    let mut at = Reach { from: 0, inside: 0, end: 0, to: 0 };
    let skip = |i: &mut usize, until: i64| {
        while *i < t.len() && t[*i] <= until {
            *i += 1;
        }
    };
    for step in 0..windows.n {
        let (start, end) = (windows.start(step), windows.end(step));
        skip(&mut at.from, start.saturating_sub(lookback));
        skip(&mut at.inside, start);
        skip(&mut at.end, end);
        skip(&mut at.to, end.saturating_add(ahead));
        visit(step, &at);
    }
}

/// The change over each anchored window with a sample inside.
pub(crate) fn anchored(
    change: Change,
    samples: Samples<'_>,
    windows: &Windows,
    lookback: i64,
    mut emit: impl FnMut(usize, f64),
) {
    let v = samples.v;
    reach(samples, windows, lookback, 0, |step, at| {
        if at.inside == at.end {
            return;
        }
        let left = if at.inside > at.from { at.inside - 1 } else { at.inside };
        let mut result = v[at.end - 1] - v[left];
        if change.is_counter() {
            result += lost(v[left], &v[left + 1..at.end]);
        }
        emit(step, per_second(change, result, windows));
    });
}

/// How many events each anchored window with a sample inside holds.
pub(crate) fn anchored_events(
    event: Event,
    samples: Samples<'_>,
    windows: &Windows,
    lookback: i64,
    mut emit: impl FnMut(usize, f64),
) {
    reach(samples, windows, lookback, 0, |step, at| {
        if at.inside == at.end {
            return;
        }
        let left = if at.inside > at.from { at.inside - 1 } else { at.inside };
        let pairs = samples.v[left..at.end].windows(2);
        let events = pairs.filter(|pair| event.happens(pair[0], pair[1])).count();
        emit(step, super::window::count(events));
    });
}

/// The change over each smoothed window that samples reach from both sides.
pub(crate) fn smoothed(
    change: Change,
    samples: Samples<'_>,
    windows: &Windows,
    lookback: i64,
    mut emit: impl FnMut(usize, f64),
) {
    let (t, v) = (samples.t, samples.v);
    let counter = change.is_counter();
    reach(samples, windows, lookback, lookback, |step, at| {
        let (start, end) = (windows.start(step), windows.end(step));
        // Something after the start, and something not after the end.
        if at.inside == at.to || at.from == at.end {
            return;
        }
        let between =
            |i: usize, edge: i64| interpolate((t[i], v[i]), (t[i + 1], v[i + 1]), edge, counter);
        let left = match at.inside.checked_sub(1).filter(|i| *i >= at.from) {
            Some(i) if t[i] < start => between(i, start),
            Some(i) => v[i],
            None => v[at.inside],
        };
        let last = at.end - 1;
        let right = if t[last] < end && at.end < at.to { between(last, end) } else { v[last] };
        let mut result = right - left;
        if counter {
            let inner = &v[at.inside.min(at.end)..at.end];
            result += lost(left, inner);
            let before = inner.last().copied().unwrap_or(left);
            if right < before {
                result += before;
            }
        }
        emit(step, per_second(change, result, windows));
    });
}

/// The value of a series at a time between two samples. A counter that was reset between them
/// starts from zero.
fn interpolate(a: (i64, f64), b: (i64, f64), at: i64, counter: bool) -> f64 {
    let from = if counter && b.1 < a.1 { 0.0 } else { a.1 };
    from + (b.1 - from) * seconds(at - a.0) / seconds(b.0 - a.0)
}

/// What a counter lost in resets.
fn lost(mut previous: f64, values: &[f64]) -> f64 {
    let mut lost = 0.0;
    for value in values {
        if *value < previous {
            lost += previous;
        }
        previous = *value;
    }
    lost
}

fn per_second(change: Change, result: f64, windows: &Windows) -> f64 {
    if change == Change::Rate { result / windows.range_seconds() } else { result }
}

/// The samples of a window, with values at its edges instead of those outside; nothing when no
/// sample lies after its start. `samples` reach as far as edges may look.
pub(crate) fn extended(
    samples: Samples<'_>,
    (start, end): (i64, i64),
    smoothed: bool,
) -> (Vec<i64>, Vec<f64>) {
    let (t, v) = (samples.t, samples.v);
    let Some(mut last) = t.len().checked_sub(1) else { return (Vec::new(), Vec::new()) };
    let mut first = t.partition_point(|t| *t <= start).min(last).saturating_sub(1);
    if smoothed {
        last = t.partition_point(|t| *t < end).min(last);
    }
    if t[last] <= start {
        return (Vec::new(), Vec::new());
    }
    let between = |i: usize, edge| interpolate((t[i], v[i]), (t[i + 1], v[i + 1]), edge, false);
    let left = if smoothed && t[first] < start { between(first, start) } else { v[first] };
    let right =
        if smoothed && last > 0 && t[last] > end { between(last - 1, end) } else { v[last] };
    first += usize::from(t[first] <= start);
    let after = if t[last] >= end { last } else { last + 1 }.max(first);
    let times = [&[start], &t[first..after], &[end]].concat();
    (times, [&[left], &v[first..after], &[right]].concat())
}

/// The value of a gauge at each step: interpolated, or the last one when nothing follows within
/// lookback. `windows` end at the steps and are as long as lookback.
pub(crate) fn smoothed_value(
    samples: Samples<'_>,
    windows: &Windows,
    mut emit: impl FnMut(usize, f64),
) {
    let (t, v) = (samples.t, samples.v);
    reach(samples, windows, 0, windows.range, |step, at| {
        let Some(last) = at.end.checked_sub(1).filter(|last| *last >= at.inside) else { return };
        let end = windows.end(step);
        let value = if t[last] < end && at.end < at.to {
            interpolate((t[last], v[last]), (t[last + 1], v[last + 1]), end, false)
        } else {
            v[last]
        };
        emit(step, value);
    });
}
