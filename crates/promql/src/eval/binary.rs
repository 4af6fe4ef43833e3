//! Binary operators on numbers and columns of numbers.

use super::Column;
use crate::syntax::BinaryOp;

/// The result for two scalars; comparisons give 0 or 1.
pub(crate) fn scalars(op: BinaryOp, a: f64, b: f64) -> f64 {
    let mut value = [a];
    if op.is_comparison() {
        return f64::from(u8::from(holds(op, a, b)));
    }
    arithmetic(op, &mut value, |_| b, false);
    value[0]
}

/// Whether a comparison holds.
#[inline]
fn holds(op: BinaryOp, a: f64, b: f64) -> bool {
    match op {
        BinaryOp::Eq => a == b,
        BinaryOp::Ne => a != b,
        BinaryOp::Lt => a < b,
        BinaryOp::Le => a <= b,
        BinaryOp::Gt => a > b,
        BinaryOp::Ge => a >= b,
        _ => unreachable!("not a comparison"),
    }
}

/// Replaces left values by results; with `swapped`, they are the right ones.
fn arithmetic(op: BinaryOp, values: &mut [f64], other: impl Fn(usize) -> f64, swapped: bool) {
    match op {
        BinaryOp::Add => each(values, other, swapped, |a, b| a + b),
        BinaryOp::Sub => each(values, other, swapped, |a, b| a - b),
        BinaryOp::Mul => each(values, other, swapped, |a, b| a * b),
        BinaryOp::Div => each(values, other, swapped, |a, b| a / b),
        BinaryOp::Mod => each(values, other, swapped, |a, b| a % b),
        BinaryOp::Pow => each(values, other, swapped, f64::powf),
        BinaryOp::Atan2 => each(values, other, swapped, f64::atan2),
        _ => unreachable!("not an arithmetic operator"),
    }
}

#[inline]
fn each(
    values: &mut [f64],
    other: impl Fn(usize) -> f64,
    swapped: bool,
    f: impl Fn(f64, f64) -> f64,
) {
    if swapped {
        values.iter_mut().enumerate().for_each(|(i, v)| *v = f(other(i), *v));
    } else {
        values.iter_mut().enumerate().for_each(|(i, v)| *v = f(*v, other(i)));
    }
}

/// What a binary operation does with a pair of values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) op: BinaryOp,
    /// Whether comparisons give 0 or 1 instead of filtering.
    pub(crate) return_bool: bool,
    /// Whether the column is the right operand.
    pub(crate) swapped: bool,
    /// Whether a filter keeps the other operand's values.
    pub(crate) keep_other: bool,
}

impl Operation {
    /// Whether the result is no longer the same metric.
    pub(crate) fn drops_name(&self) -> bool {
        self.return_bool || !(self.op.is_comparison() || self.op.is_trim())
    }

    /// Whether it computes something.
    pub(crate) fn is_arithmetic(&self) -> bool {
        !(self.op.is_comparison() || self.op.is_trim())
    }

    /// Applies the operation to a column and another value at each step.
    pub(crate) fn apply(&self, column: &mut Column, other: impl Fn(usize) -> f64) {
        let (op, swapped) = (self.op, self.swapped);
        if op.is_trim() {
            // Floats have nothing to trim.
            column.present.fill(0);
        } else if !op.is_comparison() {
            arithmetic(op, &mut column.values, other, swapped);
        } else if self.return_bool {
            each(&mut column.values, other, swapped, |a, b| f64::from(u8::from(holds(op, a, b))));
        } else {
            let keep = |i: usize, v: f64| {
                if swapped { holds(op, other(i), v) } else { holds(op, v, other(i)) }
            };
            column.retain(keep);
            if self.keep_other {
                column.map_steps(|i, _| other(i));
            }
        }
    }
}
