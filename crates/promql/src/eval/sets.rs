//! Set operators: and, or, unless.

use super::{Column, Context, Node, Operator, Series, column, matching};
use crate::engine::EvalError;
use crate::syntax::{BinaryOp, VectorMatching};

/// A set operation; step by step, series are equal when their match groups are.
pub(crate) struct SetOperation {
    op: BinaryOp,
    matching: VectorMatching,
    left: Node,
    right: Node,
    n: usize,
    of_left: Vec<u32>,
    of_right: Vec<u32>,
    /// Steps at which a match group has a value on the side that decides: the right one, for `or`
    /// the left one.
    present: Vec<Vec<u64>>,
    at: usize,
}

impl SetOperation {
    pub(crate) fn new(
        op: BinaryOp,
        matching: VectorMatching,
        (left, right): (Node, Node),
        n: usize,
    ) -> Self {
        let (of_left, of_right, present) = (Vec::new(), Vec::new(), Vec::new());
        Self { op, matching, left, right, n, of_left, of_right, present, at: 0 }
    }

    /// Reads the right side for what it has.
    fn read_right(&mut self, cx: &mut Context<'_>) -> Result<(), EvalError> {
        let mut column = Column::default();
        for group in &self.of_right {
            cx.check()?;
            self.right.next(cx, &mut column)?;
            let present = &mut self.present[*group as usize];
            present.resize(column::words(self.n), 0);
            column::unite(present, &column.present);
        }
        Ok(())
    }
}

impl Operator for SetOperation {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut left = self.left.series(cx)?;
        let right = self.right.series(cx)?;
        let (of_left, of_right, keys) = matching::groups(&self.matching, &left, &right);
        (self.of_left, self.of_right) = (of_left, of_right);
        self.present.resize_with(keys.len(), Vec::new);
        if self.op == BinaryOp::Or {
            left.extend(right);
        } else {
            self.read_right(cx)?;
        }
        Ok(left)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        cx.check()?;
        let i = self.at;
        self.at += 1;
        let words = column::words(self.n);
        if i < self.of_left.len() {
            self.left.next(cx, out)?;
            let present = &mut self.present[self.of_left[i] as usize];
            present.resize(words, 0);
            let pairs = out.present.iter_mut().zip(present);
            match self.op {
                BinaryOp::And => pairs.for_each(|(mine, theirs)| *mine &= *theirs),
                BinaryOp::Unless => pairs.for_each(|(mine, theirs)| *mine &= !*theirs),
                _ => pairs.for_each(|(mine, known)| *known |= *mine),
            }
        } else {
            self.right.next(cx, out)?;
            let known = &self.present[self.of_right[i - self.of_left.len()] as usize];
            out.present.iter_mut().zip(known).for_each(|(mine, known)| *mine &= !known);
        }
        Ok(())
    }
}
