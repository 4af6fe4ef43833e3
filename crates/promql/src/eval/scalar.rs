//! Expressions without labels: one number a step.

use super::binary;
use super::{Column, Context, Grid, Node, Operator, Series};
use crate::engine::EvalError;
use crate::functions::{math, window};
use crate::syntax::BinaryOp;
use model::Labels;

/// A scalar expression; to be evaluated once.
pub(crate) enum Scalar {
    /// A number.
    Constant(f64),
    /// The same at every step: its value at the first.
    Once(Box<Self>),
    /// The time of the step in seconds.
    Time(Grid),
    /// The only value of a vector, else NaN.
    Of(Node, Grid),
    /// The negative of another one.
    Negative(Box<Self>),
    /// An operation on two.
    Binary(BinaryOp, Box<Self>, Box<Self>),
    /// The smaller of two.
    Min(Box<Self>, Box<Self>),
    /// The larger of two.
    Max(Box<Self>, Box<Self>),
}

/// The values of a scalar expression.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// The same at every step.
    Constant(f64),
    /// One a step.
    Steps(Vec<f64>),
}

impl Numbers {
    #[inline]
    pub(crate) fn at(&self, i: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Steps(values) => values[i],
        }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(f(value)),
            Self::Steps(mut values) => {
                values.iter_mut().for_each(|v| *v = f(*v));
                Self::Steps(values)
            }
        }
    }

    fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (a, Self::Constant(b)) => a.map(|a| f(a, b)),
            (Self::Constant(a), b) => b.map(|b| f(a, b)),
            (Self::Steps(mut a), Self::Steps(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, b));
                Self::Steps(a)
            }
        }
    }
}

impl Scalar {
    pub(crate) fn eval(&mut self, cx: &mut Context<'_>) -> Result<Numbers, EvalError> {
        cx.check()?;
        Ok(match self {
            Self::Constant(value) => Numbers::Constant(*value),
            Self::Once(inner) => Numbers::Constant(inner.eval(cx)?.at(0)),
            Self::Time(grid) => {
                Numbers::Steps((0..grid.n).map(|i| window::seconds(grid.time(i))).collect())
            }
            Self::Of(node, grid) => Numbers::Steps(only_values(node, grid.n, cx)?),
            Self::Negative(inner) => inner.eval(cx)?.map(|v| -v),
            Self::Binary(op, left, right) => {
                let (left, right, op) = (left.eval(cx)?, right.eval(cx)?, *op);
                left.zip(right, |a, b| binary::scalars(op, a, b))
            }
            Self::Min(left, right) => left.eval(cx)?.zip(right.eval(cx)?, math::min),
            Self::Max(left, right) => left.eval(cx)?.zip(right.eval(cx)?, math::max),
        })
    }
}

/// The value of the only series at each step.
fn only_values(node: &mut Node, n: usize, cx: &mut Context<'_>) -> Result<Vec<f64>, EvalError> {
    let mut values = vec![f64::NAN; n];
    let mut seen = vec![0_u8; n];
    let mut column = Column::default();
    for _ in node.series(cx)? {
        cx.check()?;
        node.next(cx, &mut column)?;
        column.for_each(|i, value| {
            seen[i] = seen[i].saturating_add(1);
            values[i] = if seen[i] == 1 { value } else { f64::NAN };
        });
    }
    Ok(values)
}

/// `vector(s)`: a scalar as a series without labels.
pub(crate) struct AsVector {
    pub(crate) scalar: Scalar,
    pub(crate) n: usize,
}

impl Operator for AsVector {
    fn series(&mut self, _cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        Ok(vec![Series::of(Labels::empty())])
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        let numbers = self.scalar.eval(cx)?;
        out.set_all_present(self.n);
        out.map_steps(|i, _| numbers.at(i));
        Ok(())
    }
}
