//! Sums and means of many histograms.

use crate::annotations::{Remark, Remarks, Work};
use model::FloatHistogram;
use model::histogram::{CounterReset, HistogramSum, MixedSchemas};

/// A sum or a mean under construction. A mean whose sum would overflow goes on as a running mean.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    mean: bool,
    value: Option<HistogramSum>,
    count: f64,
    running: bool,
    resets: bool,
    no_resets: bool,
}

impl Total {
    /// A mean, or a sum.
    pub(crate) fn new(mean: bool) -> Self {
        let (running, resets, no_resets) = (false, false, false);
        Self { mean, value: None, count: 0.0, running, resets, no_resets }
    }

    /// Adds a histogram; refuses exponential among custom buckets, and the other way round.
    pub(crate) fn add(
        &mut self,
        histogram: &FloatHistogram,
        remarks: &mut Remarks,
    ) -> Result<(), MixedSchemas> {
        self.count += 1.0;
        self.resets |= histogram.counter_reset == CounterReset::Reset;
        self.no_resets |= histogram.counter_reset == CounterReset::NotReset;
        let Some(value) = &mut self.value else {
            self.value = Some(HistogramSum::from(histogram));
            return Ok(());
        };
        let mut added = Default::default();
        if !self.running {
            let before = self.mean.then(|| value.clone());
            added = value.add(histogram)?;
            match before {
                Some(before) if value.overflows() => {
                    *value = before;
                    value.divide(self.count - 1.0);
                    self.running = true;
                }
                _ => {}
            }
        }
        if self.running {
            value.scale((self.count - 1.0) / self.count);
            added |= value.add_times(histogram, 1.0 / self.count)?;
        }
        if added.bounds_reconciled {
            remarks.add(Remark::BoundsReconciled(Work::Aggregation));
        }
        Ok(())
    }

    /// The sum or mean of all; nothing of nothing.
    pub(crate) fn finish(self, remarks: &mut Remarks) -> Option<FloatHistogram> {
        if self.resets && self.no_resets {
            remarks.add(Remark::ResetsConflict(Work::Aggregation));
        }
        let mut value = self.value?;
        if self.mean && !self.running {
            value.divide(self.count);
        }
        Some(value.total())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(counts: &[f64]) -> FloatHistogram {
        let mut total = Total::new(true);
        for count in counts {
            let histogram = FloatHistogram { count: *count, sum: 1.0, ..Default::default() };
            total.add(&histogram, &mut Remarks::default()).unwrap();
        }
        total.finish(&mut Remarks::default()).unwrap()
    }

    #[test]
    fn means_survive_overflow() {
        assert_eq!(mean(&[1.0, 2.0, 6.0]).count, 3.0);
        let huge = mean(&[f64::MAX, f64::MAX, f64::MAX]);
        assert!((huge.count / f64::MAX - 1.0).abs() < 1e-12);
        assert!((huge.sum - 1.0).abs() < 1e-12);
    }
}
