//! The quantile aggregation: needs all values of a group at once.

use super::grouping::{Groups, Key};
use super::over::bad_quantile;
use super::{Column, Context, Node, Numbers, Operator, Scalar, Series, column};
use crate::annotations::Remark;
use crate::engine::EvalError;
use crate::functions::quantile::quantile;
use crate::syntax::NodeId;

/// A quantile over the series of each group. A group's columns are kept until its last series.
pub(crate) struct QuantileOf {
    inner: Node,
    inner_node: NodeId,
    key: Key,
    q: Scalar,
    q_node: NodeId,
    n: usize,
    numbers: Numbers,
    groups: Groups,
    columns: Vec<Vec<Column>>,
    at: usize,
    scratch: Vec<f64>,
}

impl QuantileOf {
    pub(crate) fn new(
        (inner, inner_node): (Node, NodeId),
        key: Key,
        (q, q_node): (Scalar, NodeId),
        n: usize,
    ) -> Self {
        Self {
            inner,
            inner_node,
            key,
            q,
            q_node,
            n,
            numbers: Numbers::Constant(f64::NAN),
            groups: Groups::default(),
            columns: Vec::new(),
            at: 0,
            scratch: Vec::new(),
        }
    }

    fn write(&mut self, columns: &[Column], out: &mut Column) {
        out.reset(self.n);
        for column in columns {
            column::unite(&mut out.present, &column.present);
        }
        let Column { values, present, .. } = out;
        column::for_each(present, |i| {
            self.scratch.clear();
            self.scratch.extend(columns.iter().filter_map(|column| column.get(i)));
            values[i] = quantile(self.numbers.at(i), &mut self.scratch);
        });
    }
}

impl Operator for QuantileOf {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.numbers = self.q.eval(cx)?;
        // Warned of even when there is nothing to rank.
        let steps = (0..self.n).map(|i| self.numbers.at(i));
        if let Some(q) = steps.into_iter().find(|q| !(0.0..=1.0).contains(q)) {
            bad_quantile(cx, q, self.q_node);
        }
        let input = self.inner.series(cx)?;
        let (groups, series) = Groups::by_key(self.key.clone(), &input);
        self.columns.resize_with(groups.len(), Vec::new);
        let series = groups.in_order(&series);
        self.groups = groups;
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        loop {
            cx.check()?;
            let mut column = Column::default();
            self.inner.next(cx, &mut column)?;
            if column.drop_histograms() {
                cx.remark(self.inner_node, Remark::IgnoredIn("quantile"), "");
            }
            cx.hold(column.weight())?;
            let i = self.at;
            self.at += 1;
            let group = self.groups.of[i] as usize;
            self.columns[group].push(column);
            if self.groups.completes(i) {
                let columns = std::mem::take(&mut self.columns[group]);
                self.write(&columns, out);
                cx.release(columns.iter().map(Column::weight).sum());
                return Ok(());
            }
        }
    }
}
