//! Functions and operators that take one series to one series, step by step.

use super::binary::Operation;
use super::column::Sample;
use super::{Column, Context, Grid, Node, Numbers, Operator, Scalar, Series};
use crate::annotations::{Remark, Remarks};
use crate::engine::EvalError;
use crate::functions::time::Part;
use crate::functions::{math, window};
use crate::syntax::{Function, NodeId};
use std::cmp::Ordering;
use std::sync::Arc;

/// What happens to each value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Apply {
    /// A mathematical function without parameters.
    Math(Function),
    /// `clamp(v, min, max)`
    Clamp,
    /// `clamp_min(v, min)`
    ClampMin,
    /// `clamp_max(v, max)`
    ClampMax,
    /// `round(v, nearest)`
    Round,
    /// A part of the date.
    Date(Part),
    /// Nothing, but the name goes away.
    Keep,
    /// The time of the step in seconds.
    StepTime(Grid),
    /// Unary minus.
    Negate,
    /// A binary operation with a scalar; the node is for annotations.
    With(Operation, NodeId),
}

/// Applies the same to each series.
pub(crate) struct Each {
    inner: Node,
    apply: Apply,
    scalars: Vec<Scalar>,
    numbers: Vec<Numbers>,
}

impl Each {
    pub(crate) fn new(inner: Node, apply: Apply, scalars: Vec<Scalar>) -> Self {
        Self { inner, apply, scalars, numbers: Vec::new() }
    }
}

impl Operator for Each {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        for scalar in &mut self.scalars {
            self.numbers.push(scalar.eval(cx)?);
        }
        let series = self.inner.series(cx)?;
        if let Apply::With(operation, _) = self.apply
            && !operation.drops_name()
        {
            return Ok(series);
        }
        Ok(series.into_iter().map(|series| series.without_name(cx)).collect())
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        cx.check()?;
        self.inner.next(cx, out)?;
        if out.has_histograms() {
            self.with_histograms(cx, out);
        } else {
            self.floats(cx, out);
        }
        Ok(())
    }
}

impl Each {
    fn floats(&self, cx: &mut Context<'_>, out: &mut Column) {
        match (self.apply, &*self.numbers) {
            (Apply::Math(function), _) => apply_math(function, out),
            (Apply::Clamp, [min, max]) => {
                // Only a NaN is neither less nor more.
                out.retain(|i, _| max.at(i).partial_cmp(&min.at(i)) != Some(Ordering::Less));
                out.map_steps(|i, v| math::max(min.at(i), math::min(max.at(i), v)));
            }
            (Apply::ClampMin, [min]) => out.map_steps(|i, v| math::max(min.at(i), v)),
            (Apply::ClampMax, [max]) => out.map_steps(|i, v| math::min(max.at(i), v)),
            (Apply::Round, []) => out.map(|v| math::round(v, 1.0)),
            (Apply::Round, [nearest]) => out.map_steps(|i, v| math::round(v, nearest.at(i))),
            (Apply::Date(part), _) => out.map(|v| part.of(v)),
            (Apply::StepTime(grid), _) => out.map_steps(|i, _| window::seconds(grid.time(i))),
            (Apply::Keep, _) => {}
            (Apply::Negate, _) => out.map(|v| -v),
            (Apply::With(operation, node), [numbers]) => {
                if operation.op.is_trim() && !out.is_empty() {
                    refuse_trim(cx, operation, node);
                }
                match numbers {
                    Numbers::Constant(value) => operation.apply(out, |_| *value),
                    Numbers::Steps(values) => operation.apply(out, |i| values[i]),
                }
            }
            _ => unreachable!("the plan gives each function its arguments"),
        }
    }

    /// Most functions are of floats, and leave histograms out.
    fn with_histograms(&self, cx: &mut Context<'_>, out: &mut Column) {
        match (self.apply, &*self.numbers) {
            (Apply::Keep, _) => {}
            (Apply::StepTime(_), _) => {
                out.forget_histograms();
                self.floats(cx, out);
            }
            (Apply::Negate, _) => {
                let histograms = out.take_histograms();
                self.floats(cx, out);
                for (i, mut histogram) in histograms {
                    Arc::make_mut(&mut histogram).multiply(-1.0);
                    out.set_histogram(i, histogram);
                }
            }
            (Apply::With(operation, node), [numbers]) => {
                let mut remarks = Remarks::default();
                let number = |i| Some(Sample::Float(numbers.at(i)));
                operation.apply_mixed(out, number, &mut remarks);
                remarks.drain().for_each(|remark| cx.remark(node, remark, ""));
            }
            _ => {
                out.drop_histograms();
                self.floats(cx, out);
            }
        }
    }
}

/// Tells that floats cannot be trimmed.
pub(crate) fn refuse_trim(cx: &mut Context<'_>, operation: Operation, node: NodeId) {
    cx.remark(node, Remark::Types("float", operation.op.as_str(), "float"), "");
}

fn apply_math(function: Function, column: &mut Column) {
    match function {
        Function::Abs => column.map(f64::abs),
        Function::Ceil => column.map(f64::ceil),
        Function::Floor => column.map(f64::floor),
        Function::Exp => column.map(f64::exp),
        Function::Sqrt => column.map(f64::sqrt),
        Function::Ln => column.map(f64::ln),
        Function::Log2 => column.map(f64::log2),
        Function::Log10 => column.map(f64::log10),
        Function::Sgn => column.map(math::sgn),
        Function::Sin => column.map(f64::sin),
        Function::Cos => column.map(f64::cos),
        Function::Tan => column.map(f64::tan),
        Function::Asin => column.map(f64::asin),
        Function::Acos => column.map(f64::acos),
        Function::Atan => column.map(f64::atan),
        Function::Sinh => column.map(f64::sinh),
        Function::Cosh => column.map(f64::cosh),
        Function::Tanh => column.map(f64::tanh),
        Function::Asinh => column.map(f64::asinh),
        Function::Acosh => column.map(f64::acosh),
        Function::Atanh => column.map(f64::atanh),
        Function::Deg => column.map(math::deg),
        Function::Rad => column.map(math::rad),
        _ => unreachable!("the plan passes mathematical functions only"),
    }
}
