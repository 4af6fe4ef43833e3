//! Compensated sums, by Kahan and Neumaier.

/// A sum and what rounding took from it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) sum: f64,
    pub(crate) lost: f64,
}

impl Sum {
    /// The sum with a value added. An infinite sum has lost nothing.
    #[inline]
    #[must_use]
    pub(crate) fn plus(self, value: f64) -> Self {
        let sum = self.sum + value;
        let lost = if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        Self { sum, lost: if sum.is_infinite() { 0.0 } else { self.lost + lost } }
    }

    #[inline]
    pub(crate) fn total(self) -> f64 {
        self.sum + self.lost
    }
}

/// A mean that survives sums too large for a float.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    /// The sum, or the mean once `incremental`.
    value: Sum,
    count: f64,
    incremental: bool,
}

impl Mean {
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let next = self.value.plus(value);
            if self.count == 1.0 || !next.sum.is_infinite() {
                self.value = next;
                return;
            }
            self.incremental = true;
            let before = self.count - 1.0;
            self.value.sum /= before;
            self.value.lost /= before;
        }
        let weight = (self.count - 1.0) / self.count;
        let scaled = Sum { sum: weight * self.value.sum, lost: weight * self.value.lost };
        self.value = scaled.plus(value / self.count);
    }

    #[inline]
    pub(crate) fn get(self) -> f64 {
        if self.incremental {
            self.value.total()
        } else {
            self.value.sum / self.count + self.value.lost / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_rounding_drops() {
        let check = |values: &[f64], expected: f64| {
            let sum = values.iter().fold(Sum::default(), |sum, v| sum.plus(*v)).total();
            assert_eq!(sum.to_bits(), expected.to_bits(), "{values:?}: {sum} {expected}");
        };
        check(&[1.0, 1e100, 1.0, -1e100], 2.0);
        check(&[-0.0, 0.0], 0.0);
        check(&[f64::INFINITY, 1.0], f64::INFINITY);
        check(&[1e308, 1e308], f64::INFINITY);
    }

    #[test]
    fn means_survive_overflow() {
        let check = |values: &[f64], expected: f64| {
            let mut mean = Mean::default();
            values.iter().for_each(|v| mean.add(*v));
            let mean = mean.get();
            assert!(mean == expected || (mean - expected).abs() / expected.abs() < 1e-12, "{mean}");
        };
        check(&[f64::MAX, f64::MAX], f64::MAX);
        check(&[5.0, 0.0, 8.0, 8.0, 2.0], 4.6);
        check(&[f64::INFINITY, 3.0], f64::INFINITY);
        check(&[-f64::MAX, -f64::MAX, -f64::MAX], -f64::MAX);
    }
}
