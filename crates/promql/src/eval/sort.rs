//! Order of an instant vector: by value or by labels.

use super::column::Sample;
use super::{Column, Context, Node, Operator, Series};
use crate::engine::EvalError;
use crate::functions::mixed::Value;
use crate::functions::natural;
use std::cmp::Ordering;
use std::sync::Arc;

/// What series are sorted by.
#[derive(Clone, Debug)]
pub(crate) enum By {
    /// The value, NaN last.
    Value {
        /// Whether large values come first.
        descending: bool,
    },
    /// The values of some labels in natural order, then all labels.
    Labels {
        /// The labels.
        names: Vec<String>,
        /// Whether the order is turned around.
        descending: bool,
    },
}

impl By {
    fn compare(&self, a: &(Series, Value), b: &(Series, Value)) -> Ordering {
        match self {
            Self::Value { descending } => {
                let (Value::Float(x), Value::Float(y)) = (&a.1, &b.1) else {
                    return Ordering::Equal;
                };
                let nan = x.is_nan().cmp(&y.is_nan());
                let value = x.partial_cmp(y).unwrap_or(Ordering::Equal);
                nan.then(if *descending { value.reverse() } else { value })
            }
            Self::Labels { names, descending } => {
                let value = |series: &Series, name: &str| -> String {
                    series.labels.get(name).unwrap_or("").to_owned()
                };
                let by_names = names
                    .iter()
                    .map(|name| natural::compare(&value(&a.0, name), &value(&b.0, name)))
                    .find(|order| order.is_ne());
                let order = by_names.unwrap_or_else(|| a.0.labels.cmp(&b.0.labels));
                if *descending { order.reverse() } else { order }
            }
        }
    }
}

/// Sorts the series of one step; those without a value are left out.
pub(crate) struct Sort {
    inner: Node,
    by: By,
    values: std::vec::IntoIter<Value>,
}

impl Sort {
    pub(crate) fn new(inner: Node, by: By) -> Self {
        Self { inner, by, values: Vec::new().into_iter() }
    }
}

impl Operator for Sort {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut vector = Vec::new();
        let mut column = Column::default();
        for series in self.inner.series(cx)? {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            if matches!(self.by, By::Value { .. }) {
                // Histograms have no order.
                column.drop_histograms();
            }
            let value = match column.sample(0) {
                Some(Sample::Float(value)) => Value::Float(value),
                Some(Sample::Histogram(histogram)) => Value::Histogram(Arc::clone(histogram)),
                None => continue,
            };
            cx.hold(column.weight())?;
            vector.push((series, value));
        }
        vector.sort_by(|a, b| self.by.compare(a, b));
        let (series, values): (Vec<_>, Vec<_>) = vector.into_iter().unzip();
        self.values = values.into_iter();
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.reset(1);
        match self.values.next().expect("one value a series") {
            Value::Float(value) => out.set(0, value),
            Value::Histogram(histogram) => out.set_histogram(0, histogram),
        }
        cx.release(out.weight());
        Ok(())
    }
}

/// What is left of the series of many steps when they are sorted by value, which has no effect:
/// histograms have no order.
pub(crate) struct FloatsOnly {
    pub(crate) inner: Node,
}

impl Operator for FloatsOnly {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.inner.series(cx)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        self.inner.next(cx, out)?;
        out.drop_histograms();
        Ok(())
    }
}
