//! Evaluation: a tree of operators that hand over one series at a time, as a column over all steps.
//!
//! [`plan`] turns the syntax tree into operators. Each operator is asked twice: first for the labels
//! of all its series, when groups and joins are worked out, then for one column after the other, in
//! the same order. So an operator holds what it must (the groups of an aggregation, the "one" side
//! of a join) and never its whole input. An instant query is a grid of one step.

mod absent;
mod aggregate;
mod aggregate_mixed;
mod binary;
mod binary_mixed;
mod buckets;
mod calls;
mod column;
mod context;
mod count_values;
mod durations;
mod gather;
mod grid;
mod grouping;
mod histograms;
mod info;
mod instant;
mod joins;
mod labels;
mod matching;
mod merge;
mod over;
mod over_mixed;
mod plan;
mod range;
mod ranked;
mod repeat;
mod scalar;
mod selector;
mod sets;
mod sort;

pub(crate) use column::{Column, Sample};
pub(crate) use context::Context;
pub(crate) use grid::Grid;
pub(crate) use merge::Merge;
pub(crate) use plan::{Planner, Query};
pub(crate) use range::RangeSource;
pub(crate) use scalar::{Numbers, Scalar};

use crate::engine::EvalError;
use model::{Labels, METRIC_NAME};

/// A series before its values are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) labels: Labels,
    /// Whether the name goes away at the very end (delayed name removal).
    pub(crate) drop_name: bool,
}

impl Series {
    pub(crate) fn of(labels: Labels) -> Self {
        Self { labels, drop_name: false }
    }

    /// Takes the name away, now or at the end.
    pub(crate) fn without_name(mut self, cx: &Context<'_>) -> Self {
        if cx.options.delayed_name_removal {
            self.drop_name = true;
        } else {
            self.labels = without_name(&self.labels);
        }
        self
    }

    /// The labels that the answer shows.
    pub(crate) fn final_labels(&self) -> Labels {
        if self.drop_name { without_name(&self.labels) } else { self.labels.clone() }
    }
}

/// Labels that say what a metric is, not where it comes from.
pub(crate) fn is_reserved(label: &str) -> bool {
    matches!(label, METRIC_NAME | "__type__" | "__unit__")
}

fn without_name(labels: &Labels) -> Labels {
    labels.filter(|name, _| !is_reserved(name))
}

/// A part of a query that evaluates to an instant vector.
pub(crate) trait Operator {
    /// The series, in the order in which their columns will come. Asked once, before any column.
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError>;

    /// The column of the next series. Asked exactly once per series.
    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError>;
}

/// Any operator.
pub(crate) type Node = Box<dyn Operator>;

/// Two series of one vector are called the same.
pub(crate) fn same_labelset() -> EvalError {
    EvalError::Execution("vector cannot contain metrics with the same labelset".into())
}

#[cfg(test)]
mod tests;
