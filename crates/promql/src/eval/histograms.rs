//! Functions of one native histogram that give one number.

use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use crate::functions::native::quantile::variance;
use model::FloatHistogram;

/// What of a histogram is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// The number of observations.
    Count,
    /// The sum of observations.
    Sum,
    /// The mean of observations.
    Avg,
    /// The standard deviation of observations.
    Stddev,
    /// The variance of observations.
    Stdvar,
}

impl Figure {
    fn of(self, histogram: &FloatHistogram) -> f64 {
        match self {
            Self::Count => histogram.count,
            Self::Sum => histogram.sum,
            Self::Avg => histogram.sum / histogram.count,
            Self::Stddev => variance(histogram).sqrt(),
            Self::Stdvar => variance(histogram),
        }
    }
}

/// A figure of each histogram; floats have none.
pub(crate) struct OfHistogram {
    pub(crate) figure: Figure,
    pub(crate) inner: Node,
    pub(crate) input: Column,
}

impl Operator for OfHistogram {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let series = self.inner.series(cx)?;
        Ok(series.into_iter().map(|series| series.without_name(cx)).collect())
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        cx.check()?;
        self.inner.next(cx, &mut self.input)?;
        out.reset(self.input.values.len());
        for (i, histogram) in self.input.histograms() {
            out.set(i, self.figure.of(histogram));
        }
        Ok(())
    }
}
