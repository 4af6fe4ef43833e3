//! Compensated sums, by Kahan and Neumaier.

/// A sum and what rounding took from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The sum as it comes out of plain additions.
    pub sum: f64,
    /// What is to be added to it in the end.
    pub lost: f64,
}

impl Sum {
    /// A value that has lost nothing.
    #[inline]
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self { sum: value, lost: 0.0 }
    }

    /// The sum with a value added. An infinite sum has lost nothing.
    #[inline]
    #[must_use]
    pub fn plus(self, value: f64) -> Self {
        let sum = self.sum + value;
        let lost = if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        Self { sum, lost: if sum.is_infinite() { 0.0 } else { self.lost + lost } }
    }

    /// Sum and loss multiplied.
    #[inline]
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { sum: self.sum * factor, lost: self.lost * factor }
    }

    /// The sum of all values.
    #[inline]
    #[must_use]
    pub fn total(self) -> f64 {
        self.sum + self.lost
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
}
