//! `absent` and `absent_over_time`: 1 where nothing is.

use super::{Column, Context, Node, Operator, Series, column};
use crate::engine::EvalError;
use crate::syntax::VectorSelector;
use model::{Labels, LabelsBuilder, METRIC_NAME, MatchOp};

/// 1 at each step at which no series has a value.
pub(crate) struct Absent {
    inner: Node,
    labels: Labels,
    n: usize,
    seen: Column,
}

impl Absent {
    /// `selector` is the argument, if it is one: its equality matchers tell what is absent.
    pub(crate) fn new(inner: Node, selector: Option<&VectorSelector>, n: usize) -> Self {
        let labels = selector.map(labels_of).unwrap_or_default();
        Self { inner, labels, n, seen: Column::default() }
    }
}

/// The labels that a selector asks for by one `=` and nothing else.
fn labels_of(selector: &VectorSelector) -> Labels {
    let mut labels = LabelsBuilder::new();
    for matcher in &selector.matchers {
        let name = matcher.name();
        let alone = selector.matchers.iter().filter(|m| m.name() == name).count() == 1;
        if name != METRIC_NAME && alone && matcher.op() == MatchOp::Equal {
            labels.set(name, matcher.value());
        }
    }
    labels.build()
}

impl Operator for Absent {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.seen.reset(self.n);
        let mut column = Column::default();
        for _ in self.inner.series(cx)? {
            cx.check()?;
            self.inner.next(cx, &mut column)?;
            column::unite(&mut self.seen.present, &column.present);
        }
        Ok(vec![Series::of(self.labels.clone())])
    }

    fn next(&mut self, _cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        out.set_all_present(self.n);
        out.values.fill(1.0);
        out.present.iter_mut().zip(&self.seen.present).for_each(|(all, seen)| *all &= !seen);
        Ok(())
    }
}
