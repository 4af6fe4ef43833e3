//! Compensated sums and means.

pub(crate) use model::kahan::Sum;

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
