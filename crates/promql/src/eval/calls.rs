//! Function calls of the syntax tree as operators.

use super::absent::Absent;
use super::buckets::{OfBuckets, Wanted};
use super::histograms::{Figure, OfHistogram};
use super::info::Info;
use super::instant::{Apply, Each};
use super::labels::{SetLabel, Source};
use super::merge::{Collision, Merge};
use super::over::{Function as Over, OverRange};
use super::plan::Order;
use super::scalar::AsVector;
use super::selector::Want;
use super::sort::{By, FloatsOnly, Sort};
use super::{Column, Grid, Node, Planner, Scalar};
use crate::engine::EvalError;
use crate::functions::over_time::Summary;
use crate::functions::rate::{Change, Event};
use crate::functions::time::Part;
use crate::functions::window::seconds;
use crate::syntax::{Edges, Function, Node as Syntax, NodeId, VectorSelector};
use model::regex::Regex;

/// Functions that allow `anchored`, and those that allow `smoothed`, as error texts list them.
const ANCHORED: &str = "changes, delta, increase, rate, resets";
const SMOOTHED: &str = "delta, increase, rate";

impl Planner<'_> {
    pub(super) fn scalar_call(
        &mut self,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Scalar, EvalError> {
        let query = self.query;
        Ok(match function {
            Function::Time => Scalar::Time(grid),
            Function::Pi => Scalar::Constant(std::f64::consts::PI),
            Function::Start => Scalar::Constant(seconds(query.start)),
            Function::End => Scalar::Constant(seconds(query.end)),
            Function::Step => Scalar::Constant(seconds(query.step)),
            Function::Range => Scalar::Constant(seconds(query.end.saturating_sub(query.start))),
            Function::ScalarOf => Scalar::Of(self.vector(args[0], grid)?, grid),
            Function::MinOf | Function::MaxOf => {
                let left = Box::new(self.scalar(args[0], grid)?);
                let right = Box::new(self.scalar(args[1], grid)?);
                if function == Function::MinOf {
                    Scalar::Min(left, right)
                } else {
                    Scalar::Max(left, right)
                }
            }
            _ => unreachable!("the others return no scalar"),
        })
    }

    pub(super) fn vector_call(
        &mut self,
        id: NodeId,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let around = self.reading;
        match function {
            Function::HistogramAvg | Function::HistogramCount | Function::HistogramSum => {
                self.reading.totals_wanted = true;
            }
            Function::HistogramFraction
            | Function::HistogramQuantile
            | Function::HistogramQuantiles => self.reading.buckets_needed = true,
            _ => {}
        }
        let node = self.call(id, function, args, grid);
        self.reading = around;
        node
    }

    fn call(
        &mut self,
        id: NodeId,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let is_name_ignored = std::mem::take(&mut self.is_name_ignored);
        if let Some(over) = over_range(function) {
            let operator = self.over_range(function, over, args, grid)?;
            return Ok(self.distinct(operator, is_name_ignored));
        }
        if let Some(part) = date_part(function) {
            let Some(arg) = args.first() else {
                let now = AsVector { scalar: Scalar::Time(grid), n: grid.n };
                return Ok(Box::new(Each::new(Box::new(now), Apply::Date(part), Vec::new())));
            };
            let inner = self.vector(*arg, grid)?;
            return Ok(self.unique(Each::new(inner, Apply::Date(part), Vec::new())));
        }
        match function {
            Function::VectorOf => {
                Ok(Box::new(AsVector { scalar: self.scalar(args[0], grid)?, n: grid.n }))
            }
            Function::Clamp => self.each(Apply::Clamp, args, grid),
            Function::ClampMin => self.each(Apply::ClampMin, args, grid),
            Function::ClampMax => self.each(Apply::ClampMax, args, grid),
            Function::Round => self.each(Apply::Round, args, grid),
            Function::Timestamp => self.timestamp(args[0], grid),
            Function::Absent => {
                let inner = self.vector(args[0], grid)?;
                Ok(Box::new(Absent::new(inner, self.as_selector(args[0]), grid.n)))
            }
            Function::AbsentOverTime => {
                // Series without their names may be the same here: only whether there are any counts.
                let present = Over::Summary(Summary::Present);
                let inner = Box::new(self.over_range(function, present, args, grid)?);
                Ok(Box::new(Absent::new(inner, self.as_selector(args[0]), grid.n)))
            }
            Function::LabelReplace | Function::LabelJoin => self.set_label(function, args, grid),
            Function::Sort
            | Function::SortDesc
            | Function::SortByLabel
            | Function::SortByLabelDesc => self.sort(id, function, args, grid),
            Function::HistogramQuantile
            | Function::HistogramQuantiles
            | Function::HistogramFraction => self.buckets(function, args, grid),
            Function::HistogramAvg => self.figure(Figure::Avg, args, grid),
            Function::HistogramCount => self.figure(Figure::Count, args, grid),
            Function::HistogramStddev => self.figure(Figure::Stddev, args, grid),
            Function::HistogramStdvar => self.figure(Figure::Stdvar, args, grid),
            Function::HistogramSum => self.figure(Figure::Sum, args, grid),
            Function::StartTimestamp => Err(EvalError::Execution(
                "start_timestamp needs start timestamps, which are not stored yet".into(),
            )),
            Function::Info => self.info(args, grid),
            _ => self.each(Apply::Math(function), args, grid),
        }
    }

    fn figure(&mut self, figure: Figure, args: &[NodeId], grid: Grid) -> Result<Node, EvalError> {
        let inner = self.vector(args[0], grid)?;
        Ok(self.unique(OfHistogram { figure, inner, input: Column::default() }))
    }

    fn each(&mut self, apply: Apply, args: &[NodeId], grid: Grid) -> Result<Node, EvalError> {
        let inner = self.vector(args[0], grid)?;
        let scalars = args[1..].iter().map(|arg| self.scalar(*arg, grid));
        let scalars = scalars.collect::<Result<_, _>>()?;
        Ok(self.unique(Each::new(inner, apply, scalars)))
    }

    /// The selector that an argument is, with or without a range.
    fn as_selector(&self, id: NodeId) -> Option<&VectorSelector> {
        match self.expr.node(self.expr.unparen(id)) {
            Syntax::VectorSelector(selector) => Some(selector),
            Syntax::MatrixSelector { selector, .. } => self.as_selector(*selector),
            _ => None,
        }
    }

    /// The time of a selector's samples, or that of the steps.
    fn timestamp(&mut self, arg: NodeId, grid: Grid) -> Result<Node, EvalError> {
        let expr = self.expr;
        let (inner, apply) = match expr.node(expr.unparen(arg)) {
            Syntax::VectorSelector(selector) if selector.edges.is_none() => {
                // The times are the values already: a date's part would be another function.
                (self.selector(arg, selector, grid, Want::Time)?, Apply::Keep)
            }
            _ => (self.vector(arg, grid)?, Apply::StepTime(grid)),
        };
        Ok(self.unique(Each::new(inner, apply, Vec::new())))
    }

    /// Series that lost their names must still differ, unless their names were all the same.
    fn distinct(&self, mut operator: OverRange, is_name_ignored: bool) -> Node {
        if self.options.delayed_name_removal {
            return Box::new(operator);
        }
        operator.is_name_ignored = is_name_ignored;
        Box::new(Merge::new(Box::new(operator), Collision::Ever).unless_marked())
    }

    fn over_range(
        &mut self,
        function: Function,
        over: Over,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<OverRange, EvalError> {
        // quantile_over_time is the one whose range comes last.
        let range = if over == Over::Quantile { 1 } else { 0 };
        let source = self.matrix(args[range], grid)?;
        check_edges(function, over, source.edges.map(|(edges, _)| edges))?;
        let mut scalars = Vec::new();
        for (i, arg) in args.iter().enumerate().filter(|(i, _)| *i != range) {
            debug_assert!(i < 3, "no function has more");
            scalars.push((self.scalar(*arg, grid)?, self.expr.unparen(*arg)));
        }
        Ok(OverRange::new(over, source, grid, scalars))
    }

    fn set_label(
        &mut self,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let name = function.name();
        let complaint = format!("invalid destination label name in {name}():");
        let label = self.label_name(args[1], &complaint)?;
        let source = if function == Function::LabelReplace {
            let pattern = self.text(args[4]);
            let regex = Regex::new(&pattern).map_err(|_| {
                EvalError::Execution(format!("invalid regular expression in {name}(): {pattern}"))
            })?;
            let (template, label) = (self.text(args[2]), self.text(args[3]));
            Source::Replace { label, regex, template }
        } else {
            let complaint = format!("invalid source label name in {name}():");
            let labels = args[3..].iter().map(|arg| self.label_name(*arg, &complaint));
            let labels = labels.collect::<Result<_, _>>()?;
            Source::Join { labels, separator: self.text(args[2]) }
        };
        let inner = self.vector(args[0], grid)?;
        let operator = SetLabel { inner, label, source };
        Ok(Box::new(Merge::new(Box::new(operator), Collision::AtOneStep)))
    }

    fn sort(
        &mut self,
        id: NodeId,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let inner = self.with_order(Order::Needed, |planner| planner.vector(args[0], grid))?;
        let by_value = matches!(function, Function::Sort | Function::SortDesc);
        if grid.n > 1 {
            let text = "sort is ineffective for range queries since results are always ordered by \
                        labels";
            self.warnings.push((id, text.into()));
            return Ok(if by_value { Box::new(FloatsOnly { inner }) } else { inner });
        }
        let descending = matches!(function, Function::SortDesc | Function::SortByLabelDesc);
        let by = if by_value {
            By::Value { descending }
        } else {
            let complaint = format!("invalid label name in {}():", function.name());
            let names = args[1..].iter().map(|arg| self.label_name(*arg, &complaint));
            By::Labels { names: names.collect::<Result<_, _>>()?, descending }
        };
        Ok(Box::new(Sort::new(inner, by)))
    }

    fn buckets(
        &mut self,
        function: Function,
        args: &[NodeId],
        grid: Grid,
    ) -> Result<Node, EvalError> {
        let mut quantile =
            |arg: &NodeId| Ok::<_, EvalError>((self.scalar(*arg, grid)?, self.expr.unparen(*arg)));
        let (wanted, vector) = match function {
            Function::HistogramQuantile => {
                let (scalar, node) = quantile(&args[0])?;
                (Wanted::Quantile(scalar, node), args[1])
            }
            Function::HistogramFraction => {
                let bounds = (quantile(&args[0])?.0, quantile(&args[1])?.0);
                (Wanted::Fraction(bounds.0, bounds.1), args[2])
            }
            _ => {
                let scalars = args[2..].iter().map(quantile).collect::<Result<_, _>>()?;
                let label = self.label_name(args[1], "invalid label name")?;
                (Wanted::Quantiles(label, scalars), args[0])
            }
        };
        let inner = self.vector(vector, grid)?;
        let node = self.expr.unparen(vector);
        Ok(self.unique(OfBuckets::new(wanted, inner, node, grid)))
    }

    fn info(&mut self, args: &[NodeId], grid: Grid) -> Result<Node, EvalError> {
        let selector = args.get(1).and_then(|arg| self.as_selector(*arg));
        let matchers = selector.map_or(&[][..], |selector| &selector.matchers).to_vec();
        let timing = self.timing_of_samples(args[0], grid)?;
        let inner = self.with_order(Order::Needed, |planner| planner.vector(args[0], grid))?;
        let (info, range) = Info::new(inner, matchers, timing, self.options.lookback_ms);
        self.looks_at(range);
        Ok(Box::new(Merge::new(Box::new(info), Collision::AtOneStep)))
    }
}

/// Refuses `anchored` and `smoothed` where they mean nothing.
fn check_edges(function: Function, over: Over, edges: Option<Edges>) -> Result<(), EvalError> {
    let (modifier, allowed, is_allowed) = match edges {
        None => return Ok(()),
        Some(Edges::Anchored) => {
            ("anchored", ANCHORED, matches!(over, Over::Change(_) | Over::Events(_)))
        }
        Some(Edges::Smoothed) => ("smoothed", SMOOTHED, matches!(over, Over::Change(_))),
    };
    if is_allowed {
        return Ok(());
    }
    let name = function.name();
    Err(EvalError::Execution(format!(
        "{modifier} modifier can only be used with: {allowed} - not with {name}"
    )))
}

fn over_range(function: Function) -> Option<Over> {
    Some(match function {
        Function::Rate => Over::Change(Change::Rate),
        Function::Increase => Over::Change(Change::Increase),
        Function::Delta => Over::Change(Change::Delta),
        Function::Irate => Over::LastTwo { counter: true },
        Function::Idelta => Over::LastTwo { counter: false },
        Function::Changes => Over::Events(Event::Change),
        Function::Resets => Over::Events(Event::Reset),
        Function::Deriv => Over::Deriv,
        Function::PredictLinear => Over::PredictLinear,
        Function::DoubleExponentialSmoothing => Over::Smoothing,
        Function::QuantileOverTime => Over::Quantile,
        Function::MinOverTime => Over::Extreme { max: false },
        Function::MaxOverTime => Over::Extreme { max: true },
        Function::AvgOverTime => Over::Summary(Summary::Avg),
        Function::SumOverTime => Over::Summary(Summary::Sum),
        Function::CountOverTime => Over::Summary(Summary::Count),
        Function::LastOverTime => Over::Summary(Summary::Last),
        Function::FirstOverTime => Over::Summary(Summary::First),
        Function::PresentOverTime => Over::Summary(Summary::Present),
        Function::StddevOverTime => Over::Summary(Summary::Stddev),
        Function::StdvarOverTime => Over::Summary(Summary::Stdvar),
        Function::MadOverTime => Over::Summary(Summary::Mad),
        Function::TsOfFirstOverTime => Over::Summary(Summary::TsOfFirst),
        Function::TsOfLastOverTime => Over::Summary(Summary::TsOfLast),
        Function::TsOfMaxOverTime => Over::Summary(Summary::TsOfMax),
        Function::TsOfMinOverTime => Over::Summary(Summary::TsOfMin),
        _ => return None,
    })
}

fn date_part(function: Function) -> Option<Part> {
    Some(match function {
        Function::Minute => Part::Minute,
        Function::Hour => Part::Hour,
        Function::DayOfWeek => Part::DayOfWeek,
        Function::DayOfMonth => Part::DayOfMonth,
        Function::DayOfYear => Part::DayOfYear,
        Function::DaysInMonth => Part::DaysInMonth,
        Function::Month => Part::Month,
        Function::Year => Part::Year,
        _ => return None,
    })
}
