//! From the syntax tree to operators.
//!
//! Durations are worked out, `@` and offsets become fixed references, and what is the same at every
//! step is evaluated once: a subtree whose selectors all have `@`.

use super::aggregate::{Aggregation, Summary};
use super::binary::Operation;
use super::count_values::CountValues;
use super::gather::QuantileOf;
use super::grid::Timing;
use super::grouping::Key;
use super::instant::{Apply, Each};
use super::joins::Join;
use super::merge::{Collision, Merge};
use super::ranked::{Limit, LimitRatio, Rank, Ranked};
use super::repeat::Repeat;
use super::selector::{Buckets, InstantSelector, Want};
use super::sets::SetOperation;
use super::{Column, Context, Grid, Node, RangeSource, Scalar, durations};
use crate::engine::{EngineOptions, EvalError};
use crate::syntax::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Dur, Edges, Expr, Function, Node as Syntax,
    NodeId, Subquery, ValueType, VectorSelector,
};
use model::TimeRange;

/// The times of a query in milliseconds; an instant query has step 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}

/// However few samples a query may hold, so many steps are fine.
const STEPS_ALWAYS_ALLOWED: usize = 1 << 20;

/// What is read of histograms: their buckets are skipped when all that is asked for are totals and
/// nothing around needs buckets to find resets, quantiles or a place to cut.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    pub(super) totals_wanted: bool,
    pub(super) buckets_needed: bool,
}

impl Reading {
    fn buckets(self) -> Buckets {
        if self.totals_wanted && !self.buckets_needed { Buckets::Skipped } else { Buckets::Read }
    }
}

/// Whether the order of series is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// In the answer at most, which can be put in order at the end.
    #[default]
    Shown,
    /// Something around depends on it: which of equals comes first, or what an error tells.
    Needed,
    /// All around makes one of many, whatever their order.
    Free,
}

/// Makes operators of syntax.
pub(crate) struct Planner<'q> {
    pub(super) expr: &'q Expr,
    pub(super) options: &'q EngineOptions,
    pub(super) query: Query,
    invariant: Vec<bool>,
    range: Option<TimeRange>,
    /// What the expressions around the one at hand read of histograms.
    pub(super) reading: Reading,
    /// What the expressions around the one at hand make of the order of its series.
    pub(super) order: Order,
    /// Whether some selector is read in any order.
    is_shuffled: bool,
    /// Whether the expression around the one at hand asks for labels of which the name is none.
    pub(super) is_name_ignored: bool,
    /// What the plan alone gives reason to warn of.
    pub(super) warnings: Vec<(NodeId, String)>,
}

impl<'q> Planner<'q> {
    pub(crate) fn new(expr: &'q Expr, options: &'q EngineOptions, query: Query) -> Self {
        let mut invariant = Vec::with_capacity(expr.node_count());
        for id in expr.ids() {
            let is = is_invariant(expr, id, &invariant);
            invariant.push(is);
        }
        Self {
            expr,
            options,
            query,
            invariant,
            range: None,
            reading: Reading::default(),
            order: Order::default(),
            is_shuffled: false,
            is_name_ignored: false,
            warnings: Vec::new(),
        }
    }

    /// Whether the series of an instant vector come in no order that depends on their labels alone.
    pub(crate) fn is_shuffled(&self) -> bool {
        self.is_shuffled
    }

    /// Plans a part of the query around which the order of series means what is said.
    pub(super) fn with_order<T>(&mut self, order: Order, plan: impl FnOnce(&mut Self) -> T) -> T {
        let around = std::mem::replace(&mut self.order, order);
        let planned = plan(self);
        self.order = around;
        planned
    }

    /// Whether a selector is to be read in the order of labels.
    fn sorts(&mut self) -> bool {
        let sorts = self.order != Order::Free;
        self.is_shuffled |= !sorts;
        sorts
    }

    pub(crate) fn expr(&self) -> &'q Expr {
        self.expr
    }

    /// The times that all selectors planned so far look at.
    pub(crate) fn time_range(&self) -> TimeRange {
        let query = TimeRange { min_ms: self.query.start, max_ms: self.query.end };
        self.range.unwrap_or(query)
    }

    /// Hands over the warnings.
    pub(crate) fn warn(self, cx: &mut Context<'_>) {
        for (node, text) in self.warnings {
            cx.warn(node, text);
        }
    }

    /// Refuses grids that no memory holds.
    pub(crate) fn check_steps(&self, grid: Grid) -> Result<(), EvalError> {
        if grid.n > self.options.max_samples.max(STEPS_ALWAYS_ALLOWED) {
            return Err(EvalError::TooManySamples(self.options.max_samples));
        }
        Ok(())
    }

    pub(super) fn looks_at(&mut self, range: TimeRange) {
        let all = self.range.get_or_insert(range);
        all.min_ms = all.min_ms.min(range.min_ms);
        all.max_ms = all.max_ms.max(range.max_ms);
    }

    /// An expression that is one number a step.
    pub(crate) fn scalar(&mut self, id: NodeId, grid: Grid) -> Result<Scalar, EvalError> {
        if grid.n > 1 && self.invariant[id.index()] {
            let once = self.scalar(id, grid.first())?;
            return Ok(Scalar::Once(Box::new(once)));
        }
        match self.expr.node(id) {
            Syntax::Number { value, .. } => Ok(Scalar::Constant(*value)),
            Syntax::Paren(inner) => self.scalar(*inner, grid),
            Syntax::Unary { negative, expr } => {
                let inner = self.scalar(*expr, grid)?;
                Ok(if *negative { Scalar::Negative(Box::new(inner)) } else { inner })
            }
            Syntax::Binary(binary) => {
                let left = Box::new(self.scalar(binary.lhs, grid)?);
                let right = Box::new(self.scalar(binary.rhs, grid)?);
                Ok(Scalar::Binary(binary.op, left, right))
            }
            Syntax::Call { func, args } => self.scalar_call(*func, args, grid),
            _ => unreachable!("the parser checked the type"),
        }
    }

    /// An expression that is an instant vector.
    pub(crate) fn vector(&mut self, id: NodeId, grid: Grid) -> Result<Node, EvalError> {
        if grid.n > 1 && self.invariant[id.index()] {
            let inner = self.vector(id, grid.first())?;
            return Ok(Box::new(Repeat { inner, n: grid.n, one: Column::default() }));
        }
        let is_name_ignored = std::mem::take(&mut self.is_name_ignored);
        match self.expr.node(id) {
            Syntax::VectorSelector(selector) => {
                let want = Want::Value(self.reading.buckets());
                self.selector(id, selector, grid, want)
            }
            Syntax::Paren(inner) => {
                self.is_name_ignored = is_name_ignored;
                self.vector(*inner, grid)
            }
            Syntax::Unary { negative, expr } => {
                let inner = self.vector(*expr, grid)?;
                if !*negative {
                    return Ok(inner);
                }
                Ok(self.unique(Each::new(inner, Apply::Negate, Vec::new())))
            }
            Syntax::Binary(binary) => self.binary(id, binary, grid),
            Syntax::Aggregate(aggregate) => self.aggregate(id, aggregate, grid),
            Syntax::Call { func, args } => {
                self.is_name_ignored = is_name_ignored;
                self.vector_call(id, *func, args, grid)
            }
            _ => unreachable!("the parser checked the type"),
        }
    }

    /// Wraps an operator that takes names away now, so that series may come to be equal.
    pub(super) fn unique(&self, operator: impl super::Operator + 'static) -> Node {
        if self.options.delayed_name_removal {
            Box::new(operator)
        } else {
            Box::new(Merge::new(Box::new(operator), Collision::AtOneStep))
        }
    }

    /// Where a selector or subquery looks from.
    fn timing(&self, at: Option<At>, offset: Dur, grid: Grid) -> Result<Timing, EvalError> {
        let at = at.map(|at| match at {
            At::Time(t) => t,
            At::Start => self.query.start,
            At::End => self.query.end,
        });
        let offset = durations::offset(self.expr, &self.query, offset)?;
        Ok(Timing { grid, at, offset })
    }

    /// Where the samples of an expression come from: that of its first selector, seen through the
    /// subqueries around it.
    pub(super) fn timing_of_samples(&self, id: NodeId, grid: Grid) -> Result<Timing, EvalError> {
        let mut path = Vec::new();
        let mut around = vec![(id, 0)];
        while let Some((id, depth)) = around.pop() {
            path.truncate(depth);
            match self.expr.node(id) {
                Syntax::VectorSelector(selector) => {
                    path.push(self.timing(selector.at, selector.offset, grid)?);
                    break;
                }
                Syntax::Subquery(subquery) => {
                    path.push(self.timing(subquery.at, subquery.offset, grid)?);
                }
                _ => {}
            }
            let depth = path.len();
            around.extend(self.expr.children(id).into_iter().rev().map(|child| (child, depth)));
        }
        let mut seen = Timing { grid, at: None, offset: 0 };
        for inner in path {
            if inner.at.is_some() {
                seen = inner;
            } else {
                seen.offset = seen.offset.saturating_add(inner.offset);
            }
        }
        Ok(seen)
    }

    pub(super) fn selector(
        &mut self,
        id: NodeId,
        selector: &VectorSelector,
        grid: Grid,
        want: Want,
    ) -> Result<Node, EvalError> {
        let want = match selector.edges {
            Some(Edges::Smoothed) => Want::Smoothed(id, self.reading.buckets()),
            Some(Edges::Anchored) => {
                let text = "anchored modifier can only be used with range vectors";
                return Err(EvalError::Execution(text.into()));
            }
            None => want,
        };
        let timing = self.timing(selector.at, selector.offset, grid)?;
        let matchers = selector.matchers.clone();
        let (lookback, sorts) = (self.options.lookback_ms, self.sorts());
        let (operator, range) = InstantSelector::new(matchers, timing, lookback, want, sorts);
        self.looks_at(range);
        Ok(Box::new(operator))
    }

    /// An expression that is a range vector.
    pub(crate) fn matrix(&mut self, id: NodeId, grid: Grid) -> Result<RangeSource, EvalError> {
        match self.expr.node(id) {
            Syntax::Paren(inner) => self.matrix(*inner, grid),
            Syntax::MatrixSelector { selector, range } => {
                let Syntax::VectorSelector(selector) = self.expr.node(*selector) else {
                    unreachable!("only selectors have ranges");
                };
                let range = durations::positive(self.expr, &self.query, *range)?;
                let timing = self.timing(selector.at, selector.offset, grid)?;
                let edges = selector.edges.map(|edges| (edges, self.options.lookback_ms));
                let matchers = selector.matchers.clone();
                let (buckets, sorts) = (self.reading.buckets(), self.sorts());
                let (source, times) =
                    RangeSource::selector(id, matchers, timing, range, edges, buckets, sorts);
                self.looks_at(times);
                Ok(source)
            }
            Syntax::Subquery(subquery) => self.subquery(id, subquery, grid),
            _ => unreachable!("the parser checked the type"),
        }
    }

    fn subquery(
        &mut self,
        id: NodeId,
        subquery: &Subquery,
        grid: Grid,
    ) -> Result<RangeSource, EvalError> {
        let range = durations::positive(self.expr, &self.query, subquery.range)?;
        let step = match subquery.step {
            Some(step) => durations::positive(self.expr, &self.query, step)?,
            None => self.options.default_step_ms,
        };
        let timing = self.timing(subquery.at, subquery.offset, grid)?;
        let inner = Grid::aligned(timing.first().saturating_sub(range), timing.last(), step);
        self.check_steps(inner)?;
        let around = self.reading;
        self.reading.buckets_needed = true;
        let inner =
            if inner.n == 0 { None } else { Some((self.vector(subquery.expr, inner)?, inner)) };
        self.reading = around;
        Ok(RangeSource::subquery(id, inner, timing, range))
    }

    fn binary(&mut self, id: NodeId, binary: &Binary, grid: Grid) -> Result<Node, EvalError> {
        let around = self.reading;
        self.reading.buckets_needed |= binary.op.is_trim();
        let node = self.operation(id, binary, grid);
        self.reading = around;
        node
    }

    fn operation(&mut self, id: NodeId, binary: &Binary, grid: Grid) -> Result<Node, EvalError> {
        let (op, return_bool) = (binary.op, binary.return_bool);
        let operation = Operation { op, return_bool, swapped: false, keep_other: false };
        if let Some(matching) = &binary.matching {
            let sides = (self.vector(binary.lhs, grid)?, self.vector(binary.rhs, grid)?);
            if op.is_set() {
                let set = SetOperation::new(op, matching.clone(), sides, grid.n);
                if op == BinaryOp::Or {
                    return Ok(Box::new(Merge::new(Box::new(set), Collision::AtOneStep)));
                }
                return Ok(Box::new(set));
            }
            let join = Join::new(operation, matching.clone(), id, sides, grid.n);
            return Ok(self.unique(join));
        }
        let swapped = self.expr.value_type(binary.lhs) == ValueType::Scalar;
        let (vector, scalar) =
            if swapped { (binary.rhs, binary.lhs) } else { (binary.lhs, binary.rhs) };
        let scalar = self.scalar(scalar, grid)?;
        let vector = self.vector(vector, grid)?;
        let operation = Operation { swapped, ..operation };
        let each = Each::new(vector, Apply::With(operation, id), vec![scalar]);
        // Who keeps the names keeps what is distinct so.
        Ok(if operation.drops_name() { self.unique(each) } else { Box::new(each) })
    }

    fn aggregate(
        &mut self,
        id: NodeId,
        aggregate: &Aggregate,
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let key = Key::new(&aggregate.grouping, aggregate.without);
        let makes_one_of_many = !matches!(
            aggregate.op,
            AggregateOp::Topk
                | AggregateOp::Bottomk
                | AggregateOp::Limitk
                | AggregateOp::LimitRatio
                | AggregateOp::CountValues
        );
        let order = match self.order {
            Order::Shown | Order::Free if makes_one_of_many => Order::Free,
            _ => Order::Needed,
        };
        let is_name_ignored = makes_one_of_many && key.ignores_names();
        let inner = self.with_order(order, |planner| {
            planner.is_name_ignored = is_name_ignored && !planner.options.delayed_name_removal;
            planner.vector(aggregate.expr, grid)
        })?;
        let summary = match aggregate.op {
            AggregateOp::Sum => Summary::Sum,
            AggregateOp::Avg => Summary::Avg,
            AggregateOp::Min => Summary::Min,
            AggregateOp::Max => Summary::Max,
            AggregateOp::Count => Summary::Count,
            AggregateOp::Group => Summary::Group,
            AggregateOp::Stddev => Summary::Stddev,
            AggregateOp::Stdvar => Summary::Stdvar,
            _ => return self.with_parameter(id, aggregate, inner, key, grid),
        };
        Ok(Box::new(Aggregation::new(summary, inner, aggregate.expr, key, grid.n)))
    }

    fn with_parameter(
        &mut self,
        id: NodeId,
        aggregate: &Aggregate,
        inner: Node,
        key: Key,
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let param = aggregate.param.expect("the parser gives these a parameter");
        if aggregate.op == AggregateOp::CountValues {
            let label = self.label_name(param, "invalid label name")?;
            let (names, without) = (&aggregate.grouping, aggregate.without);
            return Ok(Box::new(CountValues::new(inner, names, without, label, grid.n)));
        }
        let scalar = self.scalar(param, grid)?;
        let node = self.expr.unparen(param);
        Ok(match aggregate.op {
            AggregateOp::Topk => {
                Box::new(Ranked::new(Rank::Largest, id, inner, key, scalar, grid.n))
            }
            AggregateOp::Bottomk => {
                Box::new(Ranked::new(Rank::Smallest, id, inner, key, scalar, grid.n))
            }
            AggregateOp::Limitk => Box::new(Limit::new(inner, key, scalar, grid.n)),
            AggregateOp::LimitRatio => Box::new(LimitRatio::new(inner, scalar, node, grid.n)),
            AggregateOp::Quantile => {
                let inner = (inner, aggregate.expr);
                Box::new(QuantileOf::new(inner, key, (scalar, node), grid.n))
            }
            _ => unreachable!("the others have no parameter"),
        })
    }

    /// A string argument; bytes that are no text are replaced.
    pub(super) fn text(&self, id: NodeId) -> String {
        match self.expr.node(self.expr.unparen(id)) {
            Syntax::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => unreachable!("the parser checked the type"),
        }
    }

    /// A string argument that must be a label name.
    pub(super) fn label_name(&self, id: NodeId, complaint: &str) -> Result<String, EvalError> {
        let Syntax::String(bytes) = self.expr.node(self.expr.unparen(id)) else {
            unreachable!("the parser checked the type");
        };
        match std::str::from_utf8(bytes) {
            Ok(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => {
                let mut text = format!("{complaint} ");
                model::names::write_quoted(&mut text, &self.text(id))
                    .expect("a string takes everything");
                Err(EvalError::Execution(text))
            }
        }
    }
}

/// Whether a node has the same value at every step; its children are known already.
fn is_invariant(expr: &Expr, id: NodeId, known: &[bool]) -> bool {
    let children = || expr.children(id).iter().all(|child| known[child.index()]);
    match expr.node(id) {
        Syntax::Number { .. } | Syntax::String(_) => true,
        Syntax::Duration(_) => false,
        Syntax::VectorSelector(selector) => selector.at.is_some(),
        Syntax::Subquery(subquery) => subquery.at.is_some(),
        Syntax::Call { func, args } => match func {
            Function::Time | Function::PredictLinear | Function::Timestamp => false,
            Function::Minute
            | Function::Hour
            | Function::DayOfWeek
            | Function::DayOfMonth
            | Function::DayOfYear
            | Function::DaysInMonth
            | Function::Month
            | Function::Year => !args.is_empty() && children(),
            _ => children(),
        },
        Syntax::MatrixSelector { .. }
        | Syntax::Aggregate(_)
        | Syntax::Binary(_)
        | Syntax::Unary { .. }
        | Syntax::Paren(_) => children(),
    }
}
