//! Quantiles and fractions of histograms: series that differ only in `le` are the buckets of a
//! classic one, and native ones are samples of their own.

use super::grouping::Groups;
use super::over::bad_quantile;
use super::{Column, Context, Grid, Node, Numbers, Operator, Scalar, Series};
use crate::annotations::{Remark, Remarks, Repair};
use crate::engine::EvalError;
use crate::functions::buckets::{Bucket, fraction, quantile};
use crate::functions::native::quantile as native;
use crate::syntax::NodeId;
use model::{FloatHistogram, Labels};
use std::sync::Arc;

/// The label that holds a bucket's upper bound.
const LE: &str = "le";

/// What is wanted of a histogram.
pub(crate) enum Wanted {
    /// `histogram_quantile`
    Quantile(Scalar, NodeId),
    /// `histogram_fraction`: of observations between two values.
    Fraction(Scalar, Scalar),
    /// `histogram_quantiles`: several, told apart by a label.
    Quantiles(String, Vec<(Scalar, NodeId)>),
}

/// A quantile or fraction, worked out.
enum Question {
    Quantile { q: Numbers, label: Option<(String, String)> },
    Fraction { lower: Numbers, upper: Numbers },
}

/// A function of histograms. The buckets of a classic one are kept until the last.
pub(crate) struct OfBuckets {
    wanted: Wanted,
    questions: Vec<Question>,
    inner: Node,
    /// The argument, for annotations.
    node: NodeId,
    grid: Grid,
    /// Input series and their bounds.
    input: Vec<(Series, Option<f64>)>,
    groups: Groups,
    buckets: Vec<Vec<(f64, Column)>>,
    /// Native histograms and their steps, by group.
    natives: Vec<Vec<(usize, Arc<FloatHistogram>)>>,
    at: usize,
    /// The histogram at hand, and the next question about it.
    current: Option<(usize, usize)>,
    scratch: Vec<Bucket>,
}

impl OfBuckets {
    pub(crate) fn new(wanted: Wanted, inner: Node, node: NodeId, grid: Grid) -> Self {
        Self {
            wanted,
            questions: Vec::new(),
            inner,
            node,
            grid,
            input: Vec::new(),
            groups: Groups::default(),
            buckets: Vec::new(),
            natives: Vec::new(),
            at: 0,
            current: None,
            scratch: Vec::new(),
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) -> Result<(), EvalError> {
        let n = self.grid.n;
        let quantile = |scalar: &mut Scalar, node, cx: &mut Context<'_>, label: Option<&str>| {
            let q = scalar.eval(cx)?;
            // Also when there are no histograms.
            let mut last = None;
            for value in (0..n).map(|i| q.at(i)) {
                if !(0.0..=1.0).contains(&value)
                    && last.replace(value.to_bits()) != Some(value.to_bits())
                {
                    bad_quantile(cx, value, node);
                }
            }
            let label = label.map(|label| {
                let mut text = String::new();
                // The value at the first step stands for all.
                let first = if n == 0 { f64::NAN } else { q.at(0) };
                model::float::write_openmetrics(&mut text, first).expect("a string takes it");
                (label.to_owned(), text)
            });
            Ok::<_, EvalError>(Question::Quantile { q, label })
        };
        match &mut self.wanted {
            Wanted::Quantile(scalar, node) => {
                self.questions.push(quantile(scalar, *node, cx, None)?);
            }
            Wanted::Quantiles(label, scalars) => {
                for (scalar, node) in scalars {
                    self.questions.push(quantile(scalar, *node, cx, Some(label))?);
                }
            }
            Wanted::Fraction(lower, upper) => {
                let (lower, upper) = (lower.eval(cx)?, upper.eval(cx)?);
                self.questions.push(Question::Fraction { lower, upper });
            }
        }
        Ok(())
    }

    /// Reads series until a histogram is complete.
    fn read_histogram(&mut self, cx: &mut Context<'_>) -> Result<usize, EvalError> {
        loop {
            cx.check()?;
            let mut column = Column::default();
            self.inner.next(cx, &mut column)?;
            let i = self.at;
            self.at += 1;
            let group = self.groups.of[i] as usize;
            if column.has_histograms() {
                let natives = column.take_histograms();
                cx.hold(weight(&natives))?;
                self.natives[group].extend(natives);
            }
            let (series, le) = &self.input[i];
            if !column.is_empty() {
                match le {
                    Some(le) => {
                        cx.hold(column.weight())?;
                        self.buckets[group].push((*le, column));
                    }
                    None => self.warn_of_bound(cx, &series.labels.clone()),
                }
            }
            if self.groups.completes(i) {
                return Ok(group);
            }
        }
    }

    fn warn_of_bound(&self, cx: &mut Context<'_>, labels: &Labels) {
        let mut text = String::from("bucket label \"le\" is missing or has a malformed value of ");
        let le = labels.get(LE).unwrap_or("");
        model::names::write_quoted(&mut text, le).expect("a string takes everything");
        cx.warn(self.node, text + &for_metric(noted_name(cx, labels)));
    }

    fn answer(&mut self, cx: &mut Context<'_>, group: usize, question: usize, out: &mut Column) {
        out.reset(self.grid.n);
        let first = self.groups.of.iter().position(|of| *of as usize == group);
        let labels = &self.input[first.expect("a group has members")].0.labels;
        let mut remarks = Remarks::default();
        for (i, histogram) in &self.natives[group] {
            if self.buckets[group].iter().any(|(_, column)| column.has(*i)) {
                remarks.add(Remark::ClassicAndNative);
                continue;
            }
            out.set(
                *i,
                match &self.questions[question] {
                    Question::Quantile { q, .. } => {
                        native::quantile(q.at(*i), histogram, &mut remarks)
                    }
                    Question::Fraction { lower, upper } => {
                        native::fraction(lower.at(*i), upper.at(*i), histogram, &mut remarks)
                    }
                },
            );
        }
        let name = noted_name(cx, labels).to_owned();
        remarks.drain().for_each(|remark| cx.remark(self.node, remark, &name));
        let (columns, scratch) = (&self.buckets[group], &mut self.scratch);
        let mut repair: Option<Repair> = None;
        for i in 0..self.grid.n {
            scratch.clear();
            scratch.extend(
                columns.iter().filter_map(|(le, column)| {
                    column.get(i).map(|count| Bucket { le: *le, count })
                }),
            );
            if scratch.is_empty() || has_native(&self.natives[group], i) {
                continue;
            }
            match &self.questions[question] {
                Question::Quantile { q, .. } => {
                    let (value, forced) = quantile(q.at(i), scratch);
                    out.set(i, value);
                    if let Some(forced) = forced {
                        let t = self.grid.time(i);
                        let now = Repair {
                            min_bound: forced.min_bound,
                            max_bound: forced.max_bound,
                            max_diff: forced.max_diff,
                            samples: 1,
                            first_ms: t,
                            last_ms: t,
                        };
                        match &mut repair {
                            Some(repair) => repair.merge(&now),
                            None => repair = Some(now),
                        }
                    }
                }
                Question::Fraction { lower, upper } => {
                    out.set(i, fraction(lower.at(i), upper.at(i), scratch));
                }
            }
        }
        if let Some(repair) = repair {
            let text = format!(
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/\
                 #histogram_quantile){}",
                for_metric(&name)
            );
            let position = cx.expr.position(self.node);
            cx.annotations.add_repair(text, position, &repair);
        }
    }
}

/// The name that annotations tell: none when names are taken away at once.
fn noted_name<'l>(cx: &Context<'_>, labels: &'l Labels) -> &'l str {
    if cx.options.delayed_name_removal { labels.metric_name() } else { "" }
}

/// ` for metric name "m"`, when there is a name.
fn for_metric(name: &str) -> String {
    match name {
        "" => String::new(),
        name => format!(" for metric name \"{name}\""),
    }
}

fn weight(natives: &[(usize, Arc<FloatHistogram>)]) -> usize {
    natives.iter().map(|(_, histogram)| histogram.size_in_samples()).sum()
}

fn has_native(natives: &[(usize, Arc<FloatHistogram>)], step: usize) -> bool {
    natives.iter().any(|(i, _)| *i == step)
}

impl Operator for OfBuckets {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        self.ask(cx)?;
        let input = self.inner.series(cx)?;
        // The metric name tells histograms apart, so this is not what `without (le)` groups by.
        let keys: Vec<Series> = input
            .iter()
            .map(|series| Series::of(series.labels.filter(|name, _| name != LE)))
            .collect();
        let (groups, keys) = match Groups::of_equals(&keys) {
            Some((groups, merged)) => (groups, merged),
            None => {
                let count = u32::try_from(keys.len()).expect("fewer than 2^32 series");
                (Groups::new((0..count).collect(), keys.len()), keys)
            }
        };
        self.buckets.resize_with(groups.len(), Vec::new);
        self.natives.resize_with(groups.len(), Vec::new);
        let mut series = Vec::new();
        for key in groups.in_order(&keys) {
            for question in &self.questions {
                let mut series_of = key.clone();
                if let Question::Quantile { label: Some((label, value)), .. } = question {
                    series_of.labels = series_of.labels.with(label, value);
                }
                series.push(series_of.without_name(cx));
            }
        }
        let bound = |series: &Series| model::float::parse(series.labels.get(LE)?);
        self.input = input.into_iter().map(|series| (series.clone(), bound(&series))).collect();
        self.groups = groups;
        Ok(series)
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        let (group, question) = match self.current {
            Some(current) => current,
            None => (self.read_histogram(cx)?, 0),
        };
        self.answer(cx, group, question, out);
        if question + 1 < self.questions.len() {
            self.current = Some((group, question + 1));
        } else {
            self.current = None;
            let done = std::mem::take(&mut self.buckets[group]);
            cx.release(done.iter().map(|(_, column)| column.weight()).sum());
            cx.release(weight(&std::mem::take(&mut self.natives[group])));
        }
        Ok(())
    }
}
