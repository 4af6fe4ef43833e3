//! Binary operators on samples of either type.

use super::Column;
use super::binary::{Operation, scalars};
use super::column::Sample;
use crate::annotations::{Remark, Remarks, Work};
use crate::functions::mixed::Value;
use crate::functions::native::trim;
use crate::syntax::BinaryOp;
use model::FloatHistogram;
use model::histogram::{CounterReset, HistogramSum};
use std::sync::Arc;

impl Operation {
    /// Applies the operation to the samples of a column and another one at each step of it.
    pub(crate) fn apply_mixed<'o>(
        &self,
        column: &mut Column,
        other: impl Fn(usize) -> Option<Sample<'o>>,
        remarks: &mut Remarks,
    ) {
        let mine = std::mem::take(column);
        column.reset(mine.values.len());
        mine.for_each_sample(|i, sample| {
            let Some(other) = other(i) else { return };
            let (left, right) = if self.swapped { (other, sample) } else { (sample, other) };
            let result = if self.op.is_comparison() {
                let kept = if self.keep_other { other } else { sample };
                match holds(self.op, left, right, remarks) {
                    Some(holds) if self.return_bool => {
                        Some(Value::Float(f64::from(u8::from(holds))))
                    }
                    Some(true) => Some(match kept {
                        Sample::Float(value) => Value::Float(value),
                        Sample::Histogram(histogram) => Value::Histogram(Arc::clone(histogram)),
                    }),
                    _ => None,
                }
            } else {
                computed(self.op, left, right, remarks)
            };
            match result {
                Some(Value::Float(value)) => column.set(i, value),
                Some(Value::Histogram(histogram)) => column.set_histogram(i, histogram),
                None => {}
            }
        });
    }
}

/// Whether a comparison holds; nothing when the types cannot be compared.
fn holds(op: BinaryOp, left: Sample<'_>, right: Sample<'_>, remarks: &mut Remarks) -> Option<bool> {
    match (left, right) {
        (Sample::Float(a), Sample::Float(b)) => Some(scalars(op, a, b) == 1.0),
        (Sample::Histogram(a), Sample::Histogram(b)) if op == BinaryOp::Eq => Some(a.equals(b)),
        (Sample::Histogram(a), Sample::Histogram(b)) if op == BinaryOp::Ne => Some(!a.equals(b)),
        _ => {
            remarks.add(incompatible(op, left, right));
            None
        }
    }
}

/// The result of an operator that is no comparison; nothing when the types have none.
fn computed(
    op: BinaryOp,
    left: Sample<'_>,
    right: Sample<'_>,
    remarks: &mut Remarks,
) -> Option<Value> {
    let changed = |histogram: &FloatHistogram, change: &dyn Fn(&mut FloatHistogram)| {
        let mut histogram = histogram.clone();
        change(&mut histogram);
        histogram.compact();
        Some(Value::from(histogram))
    };
    match (op, left, right) {
        (_, Sample::Float(a), Sample::Float(b)) if !op.is_trim() => {
            Some(Value::Float(scalars(op, a, b)))
        }
        (BinaryOp::Mul, Sample::Float(factor), Sample::Histogram(h))
        | (BinaryOp::Mul, Sample::Histogram(h), Sample::Float(factor)) => {
            changed(h, &|h| h.multiply(factor))
        }
        (BinaryOp::Div, Sample::Histogram(h), Sample::Float(divisor)) => {
            changed(h, &|h| h.divide(divisor))
        }
        (BinaryOp::TrimUpper, Sample::Histogram(h), Sample::Float(at)) => {
            Some(Value::from(trim::below(h, at)))
        }
        (BinaryOp::TrimLower, Sample::Histogram(h), Sample::Float(at)) => {
            Some(Value::from(trim::above(h, at)))
        }
        (BinaryOp::Add | BinaryOp::Sub, Sample::Histogram(a), Sample::Histogram(b)) => {
            summed(op, a, b, remarks).map(Value::from)
        }
        _ => {
            remarks.add(incompatible(op, left, right));
            None
        }
    }
}

/// The sum or difference of two histograms; none when what they say of resets contradicts.
fn summed(
    op: BinaryOp,
    left: &FloatHistogram,
    right: &FloatHistogram,
    remarks: &mut Remarks,
) -> Option<FloatHistogram> {
    let mut sum = HistogramSum::from(left);
    let (work, added) = if op == BinaryOp::Add {
        (Work::Addition, sum.add(right))
    } else {
        (Work::Subtraction, sum.subtract(right))
    };
    let Ok(added) = added else {
        remarks.add(Remark::BucketLayouts(op.as_str()));
        return None;
    };
    if added.resets_conflict {
        remarks.add(Remark::ResetsConflict(work));
        return None;
    }
    if added.bounds_reconciled {
        remarks.add(Remark::BoundsReconciled(work));
    }
    if op == BinaryOp::Sub {
        sum.counter_reset = CounterReset::Gauge;
    }
    Some(sum.total())
}

fn incompatible(op: BinaryOp, left: Sample<'_>, right: Sample<'_>) -> Remark {
    let name = |sample| match sample {
        Sample::Float(_) => "float",
        Sample::Histogram(_) => "histogram",
    };
    Remark::Types(name(left), op.as_str(), name(right))
}
