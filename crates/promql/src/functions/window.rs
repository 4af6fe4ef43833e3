//! Windows sliding over the samples of one series.

/// The samples of one series: times in milliseconds, strictly ascending, and values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) t: &'a [i64],
    pub(crate) v: &'a [f64],
}

impl<'a> Samples<'a> {
    pub(crate) fn slice(self, from: usize, to: usize) -> Self {
        Self { t: &self.t[from..to], v: &self.v[from..to] }
    }

    pub(crate) fn len(self) -> usize {
        self.t.len()
    }
}

/// Windows of one length whose ends are a step apart; each excludes its start and includes its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    /// End of the first window in milliseconds.
    pub(crate) first_end: i64,
    /// Distance of the ends in milliseconds, 0 or more.
    pub(crate) step: i64,
    /// Length in milliseconds.
    pub(crate) range: i64,
    /// Number of windows.
    pub(crate) n: usize,
}

impl Windows {
    pub(crate) fn end(&self, i: usize) -> i64 {
        let steps = i64::try_from(i).expect("fewer steps than milliseconds");
        self.first_end.saturating_add(self.step.saturating_mul(steps))
    }

    pub(crate) fn start(&self, i: usize) -> i64 {
        self.end(i).saturating_sub(self.range)
    }

    /// At most `n` windows from one on, and the samples they see.
    pub(crate) fn piece<'a>(
        &self,
        first: usize,
        n: usize,
        samples: Samples<'a>,
    ) -> (Self, Samples<'a>) {
        let n = n.min(self.n - first);
        let piece = Self { first_end: self.end(first), n, ..*self };
        if n == self.n || n == 0 {
            return (piece, samples);
        }
        let from = samples.t.partition_point(|t| *t <= piece.start(0));
        let to = samples.t.partition_point(|t| *t <= piece.end(n - 1)).max(from);
        (piece, samples.slice(from, to))
    }

    pub(crate) fn range_seconds(&self) -> f64 {
        seconds(self.range)
    }
}

/// A window with at least one sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window<'a> {
    /// Its number.
    pub(crate) step: usize,
    /// The samples inside.
    pub(crate) samples: Samples<'a>,
    /// The place of the first of them among all samples of the series.
    pub(crate) from: usize,
    /// Where it begins, itself outside, and where it ends, itself inside; milliseconds.
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Visits all windows that are not empty, in order; returns how many samples they see together.
/// Both edges only move forward, so the whole takes time in proportion to samples and windows.
#[inline]
pub(crate) fn slide<'a>(
    samples: Samples<'a>,
    windows: &Windows,
    mut visit: impl FnMut(Window<'a>),
) -> u64 {
    let t = samples.t;
    let (mut from, mut to, mut seen) = (0, 0, 0);
    let mut end = windows.first_end;
    for step in 0..windows.n {
        let start = end.saturating_sub(windows.range);
        while to < t.len() && t[to] <= end {
            to += 1;
        }
        while from < to && t[from] <= start {
            from += 1;
        }
        if from < to {
            seen += (to - from) as u64;
            visit(Window { step, samples: samples.slice(from, to), from, start, end });
        }
        end = end.saturating_add(windows.step);
    }
    seen
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "exact within 285,000 years")]
pub(crate) fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// Counts as floats.
#[expect(clippy::cast_precision_loss, reason = "no count of samples reaches 2^53")]
pub(crate) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sliding_equals_filtering(
            gaps in prop::collection::vec(1..50i64, 0..40),
            first_end in -50..200i64,
            step in 0..60i64,
            range in 1..200i64,
        ) {
            let t: Vec<i64> = gaps.iter().scan(0, |t, gap| { *t += gap; Some(*t) }).collect();
            let v: Vec<f64> = t.iter().map(|t| *t as f64).collect();
            let windows = Windows { first_end, step, range, n: 20 };
            let mut slid = vec![Vec::new(); windows.n];
            slide(Samples { t: &t, v: &v }, &windows, |w| {
                assert_eq!(w.samples.t[0], t[w.from]);
                slid[w.step] = w.samples.t.to_vec();
            });
            let mut by_pieces = vec![Vec::new(); windows.n];
            for first in (0..windows.n).step_by(7) {
                let (piece, inside) = windows.piece(first, 7, Samples { t: &t, v: &v });
                slide(inside, &piece, |w| by_pieces[first + w.step] = w.samples.t.to_vec());
            }
            prop_assert_eq!(&by_pieces, &slid);
            for (i, slid) in slid.iter().enumerate() {
                let end = first_end + step * i as i64;
                let inside = t.iter().copied().filter(|t| *t > end - range && *t <= end);
                prop_assert_eq!(slid, &inside.collect::<Vec<_>>());
            }
        }
    }
}
