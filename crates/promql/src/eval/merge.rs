//! Series that came to be called the same, made one.

use super::grouping::Groups;
use super::{Column, Context, Node, Operator, Series, column, same_labelset};
use crate::engine::EvalError;

/// When two equal series are an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collision {
    /// When both have a value at the same step; else they become one.
    AtOneStep,
    /// When both have values at all.
    Ever,
}

/// Makes equal series one.
pub(crate) struct Merge {
    inner: Node,
    collision: Collision,
    /// Whether names go away that were marked for it.
    at_the_end: bool,
    /// Whether series whose names are still to go away are known to differ without them.
    marked_differ: bool,
    groups: Option<Groups>,
    pending: Vec<Option<Column>>,
    at: usize,
    scratch: Column,
}

impl Merge {
    pub(crate) fn new(inner: Node, collision: Collision) -> Self {
        Self {
            inner,
            collision,
            at_the_end: false,
            marked_differ: false,
            groups: None,
            pending: Vec::new(),
            at: 0,
            scratch: Column::default(),
        }
    }

    /// Takes it that series differ when their names are still to go away: an operator that was to take
    /// them away at once left them for all were the same.
    pub(crate) fn unless_marked(self) -> Self {
        Self { marked_differ: true, ..self }
    }

    /// Removes the names that are to go away before.
    pub(crate) fn at_the_end(inner: Node) -> Self {
        Self { at_the_end: true, ..Self::new(inner, Collision::AtOneStep) }
    }
}

impl Operator for Merge {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let mut series = self.inner.series(cx)?;
        if self.at_the_end {
            for series in series.iter_mut().filter(|series| series.drop_name) {
                *series = Series::of(series.final_labels());
            }
        }
        if self.marked_differ && series.first().is_some_and(|series| series.drop_name) {
            return Ok(series);
        }
        let Some((groups, merged)) = Groups::of_equals(&series) else { return Ok(series) };
        let merged = groups.in_order(&merged);
        self.pending.resize_with(groups.len(), || None);
        self.groups = Some(groups);
        Ok(merged)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        let Some(groups) = &self.groups else { return self.inner.next(cx, out) };
        loop {
            let i = self.at;
            self.at += 1;
            let group = groups.of[i] as usize;
            if groups.members[group] == 1 {
                return self.inner.next(cx, out);
            }
            self.inner.next(cx, &mut self.scratch)?;
            let merged = match self.pending[group].take() {
                None => std::mem::take(&mut self.scratch),
                Some(mut merged) => {
                    merge(&mut merged, &self.scratch, self.collision)?;
                    merged
                }
            };
            if groups.completes(i) {
                *out = merged;
                return Ok(());
            }
            self.pending[group] = Some(merged);
        }
    }
}

fn merge(into: &mut Column, other: &Column, collision: Collision) -> Result<(), EvalError> {
    let collides = match collision {
        Collision::AtOneStep => column::common(&into.present, &other.present).is_some(),
        Collision::Ever => !into.is_empty() && !other.is_empty(),
    };
    if collides {
        return Err(same_labelset());
    }
    into.absorb(other);
    Ok(())
}
