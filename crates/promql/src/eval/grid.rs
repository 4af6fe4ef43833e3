//! Evaluation steps, and the times selectors look at.

use crate::functions::window::Windows;

/// Steps at which something is evaluated: `start`, `start + step` and so on, `n` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) n: usize,
}

impl Grid {
    /// One step.
    pub(crate) fn instant(t_ms: i64) -> Self {
        Self { start: t_ms, step: 1, n: 1 }
    }

    /// All steps from a start that are not after an end; none when the end is before the start.
    pub(crate) fn range(start: i64, end: i64, step: i64) -> Self {
        let steps = (i128::from(end) - i128::from(start)).div_euclid(i128::from(step.max(1))) + 1;
        let n = usize::try_from(steps.max(0)).unwrap_or(usize::MAX);
        Self { start, step: step.max(1), n }
    }

    /// All multiples of a step after a start and not after an end.
    pub(crate) fn aligned(after: i64, end: i64, step: i64) -> Self {
        let first = (after / step).saturating_mul(step);
        let first = if first <= after { first.saturating_add(step) } else { first };
        Self::range(first, end, step)
    }

    /// The time of a step.
    pub(crate) fn time(&self, i: usize) -> i64 {
        self.start.saturating_add(self.step.saturating_mul(steps(i)))
    }

    /// The first step alone.
    pub(crate) fn first(&self) -> Self {
        Self { n: self.n.min(1), ..*self }
    }
}

fn steps(i: usize) -> i64 {
    i64::try_from(i).unwrap_or(i64::MAX)
}

/// Where a selector or subquery looks from: the step's time, or a fixed one, less an offset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) grid: Grid,
    pub(crate) at: Option<i64>,
    pub(crate) offset: i64,
}

impl Timing {
    pub(crate) fn reference(&self, i: usize) -> i64 {
        self.at.unwrap_or_else(|| self.grid.time(i)).saturating_sub(self.offset)
    }

    pub(crate) fn first(&self) -> i64 {
        self.reference(0)
    }

    pub(crate) fn last(&self) -> i64 {
        self.reference(self.grid.n.saturating_sub(1))
    }

    /// The windows of a length that end at the references.
    pub(crate) fn windows(&self, range: i64) -> Windows {
        let step = if self.at.is_some() { 0 } else { self.grid.step };
        Windows { first_end: self.first(), step, range, n: self.grid.n }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_inside() {
        let check = |start, end, step, expected: &[i64]| {
            let grid = Grid::range(start, end, step);
            assert_eq!((0..grid.n).map(|i| grid.time(i)).collect::<Vec<_>>(), expected);
        };
        check(0, 20, 10, &[0, 10, 20]);
        check(3, 20, 10, &[3, 13]);
        check(0, 0, 10, &[0]);
        check(-15, -1, 10, &[-15, -5]);
        check(1, 0, 10, &[]);
        let check = |after, end, step, expected: &[i64]| {
            let grid = Grid::aligned(after, end, step);
            assert_eq!((0..grid.n).map(|i| grid.time(i)).collect::<Vec<_>>(), expected);
        };
        check(0, 20, 10, &[10, 20]);
        check(-25, 5, 10, &[-20, -10, 0]);
        check(3, 9, 10, &[]);
    }
}
