//! The engine: a parsed query and a store in, an answer out.

use crate::annotations::Annotations;
use crate::eval::{
    Column, Context, Grid, Merge, Node, Operator as _, Planner, Query, RangeSource, Sample,
};
use crate::functions::edges;
use crate::syntax::{Edges, Expr, Node as Syntax, ValueType};
use crate::value::{InstantSeries, RangeSeries, Value};
use model::Labels;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use storage::Queryable;

/// How an engine evaluates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// How far an instant selector looks back, in milliseconds.
    pub lookback_ms: i64,
    /// The step of subqueries that name none, in milliseconds.
    pub default_step_ms: i64,
    /// How many samples a query may hold in memory at a time.
    pub max_samples: usize,
    /// Whether names are removed at the very end instead of by each operation
    /// (`promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lookback_ms: 5 * 60_000,
            default_step_ms: 60_000,
            max_samples: 50_000_000,
            delayed_name_removal: false,
        }
    }
}

/// Stops a running query; clones stop the same one.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<AtomicU8>);

impl Control {
    const CANCELED: u8 = 1;
    const TIMED_OUT: u8 = 2;

    /// Lets the query end with [`EvalError::Canceled`] soon.
    pub fn cancel(&self) {
        self.0.store(Self::CANCELED, Ordering::Relaxed);
    }

    /// Lets the query end with [`EvalError::Timeout`] soon.
    pub fn time_out(&self) {
        self.0.store(Self::TIMED_OUT, Ordering::Relaxed);
    }

    /// Whether somebody wants it to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    pub(crate) fn check(&self) -> Result<(), EvalError> {
        match self.0.load(Ordering::Relaxed) {
            Self::CANCELED => Err(EvalError::Canceled),
            Self::TIMED_OUT => Err(EvalError::Timeout),
            _ => Ok(()),
        }
    }
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The data does not allow it.
    #[error("{0}")]
    Execution(String),
    /// The caller canceled it.
    #[error("query was canceled in query execution")]
    Canceled,
    /// It took too long.
    #[error("query timed out in query execution")]
    Timeout,
    /// It would hold more samples in memory than it may; the limit.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples(usize),
    /// The store failed.
    #[error(transparent)]
    Storage(storage::Error),
}

impl From<storage::Error> for EvalError {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Canceled => Self::Canceled,
            error => Self::Storage(error),
        }
    }
}

/// What a query cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Samples that selectors looked at, summed over steps (`totalQueryableSamples`).
    pub total_queryable_samples: u64,
    /// Most samples in memory at a time (`peakSamples`).
    pub peak_samples: u64,
}

/// The answer to a query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its value.
    pub value: Value,
    /// Remarks on it.
    pub annotations: Annotations,
    /// What it cost.
    pub stats: Stats,
}

/// Evaluates queries.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    /// How.
    pub options: EngineOptions,
}

impl Engine {
    /// An engine.
    #[must_use]
    pub fn new(options: EngineOptions) -> Self {
        Self { options }
    }

    /// Evaluates at one time, in milliseconds.
    ///
    /// # Errors
    /// When the query cannot be evaluated on the data, costs too much, is stopped, or the store
    /// fails.
    pub fn instant(
        &self,
        store: &dyn Queryable,
        expr: &Expr,
        at_ms: i64,
        control: &Control,
    ) -> Result<Answer, EvalError> {
        with_room_for(expr, || self.at_one_time(store, expr, at_ms, control))
    }

    fn at_one_time(
        &self,
        store: &dyn Queryable,
        expr: &Expr,
        at_ms: i64,
        control: &Control,
    ) -> Result<Answer, EvalError> {
        let query = Query { start: at_ms, end: at_ms, step: 0 };
        let grid = Grid::instant(at_ms);
        match expr.value_type(expr.root()) {
            ValueType::String => {
                let value = Value::String { t_ms: at_ms, value: text_of(expr) };
                let (annotations, stats) = (Annotations::default(), Stats::default());
                Ok(Answer { value, annotations, stats })
            }
            ValueType::Scalar => {
                let mut planner = Planner::new(expr, &self.options, query);
                let mut scalar = planner.scalar(expr.root(), grid)?;
                let mut cx = self.open(store, planner, control)?;
                let value = scalar.eval(&mut cx)?.at(0);
                Ok(answer(Value::Scalar { t_ms: at_ms, value }, cx))
            }
            ValueType::Vector => {
                let mut planner = Planner::new(expr, &self.options, query);
                let root = planner.vector(expr.root(), grid)?;
                let is_shuffled = planner.is_shuffled();
                let mut cx = self.open(store, planner, control)?;
                let mut vector = collect_vector(root, &mut cx, at_ms)?;
                if is_shuffled {
                    vector.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
                }
                Ok(answer(Value::Vector(vector), cx))
            }
            ValueType::Matrix => {
                let mut planner = Planner::new(expr, &self.options, query);
                let mut source = planner.matrix(expr.root(), grid)?;
                let mut cx = self.open(store, planner, control)?;
                let value = Value::Matrix(collect_source(&mut source, &mut cx)?);
                Ok(answer(value, cx))
            }
        }
    }

    /// Evaluates at each step from a start to not after an end, all in milliseconds.
    ///
    /// # Errors
    /// As [`Engine::instant`]; and when the query is no scalar or instant vector, or the step is
    /// not positive.
    pub fn range(
        &self,
        store: &dyn Queryable,
        expr: &Expr,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        control: &Control,
    ) -> Result<Answer, EvalError> {
        if step_ms <= 0 {
            return Err(EvalError::Execution(format!("step {step_ms} ms is not positive")));
        }
        let query = Query { start: start_ms, end: end_ms, step: step_ms };
        with_room_for(expr, || self.over_range(store, expr, query, control))
    }

    fn over_range(
        &self,
        store: &dyn Queryable,
        expr: &Expr,
        query: Query,
        control: &Control,
    ) -> Result<Answer, EvalError> {
        let grid = Grid::range(query.start, query.end, query.step);
        let mut planner = Planner::new(expr, &self.options, query);
        planner.check_steps(grid)?;
        if grid.n == 0 {
            let (annotations, stats) = (Annotations::default(), Stats::default());
            return Ok(Answer { value: Value::Matrix(Vec::new()), annotations, stats });
        }
        match expr.value_type(expr.root()) {
            ValueType::Scalar => {
                let mut scalar = planner.scalar(expr.root(), grid)?;
                let mut cx = self.open(store, planner, control)?;
                let numbers = scalar.eval(&mut cx)?;
                cx.hold(grid.n)?;
                let series = RangeSeries {
                    labels: Labels::empty(),
                    t_ms: (0..grid.n).map(|i| grid.time(i)).collect(),
                    values: (0..grid.n).map(|i| numbers.at(i)).collect(),
                    histograms: Vec::new(),
                };
                Ok(answer(Value::Matrix(vec![series]), cx))
            }
            ValueType::Vector => {
                let root = planner.vector(expr.root(), grid)?;
                let mut cx = self.open(store, planner, control)?;
                let value = Value::Matrix(collect_matrix(root, &mut cx, grid)?);
                Ok(answer(value, cx))
            }
            other => Err(EvalError::Execution(format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                other.documented()
            ))),
        }
    }

    fn open<'q>(
        &'q self,
        store: &dyn Queryable,
        planner: Planner<'q>,
        control: &'q Control,
    ) -> Result<Context<'q>, EvalError> {
        control.check()?;
        let querier = store.querier(planner.time_range())?;
        let mut cx = Context::new(planner.expr(), &self.options, control, querier);
        planner.warn(&mut cx);
        Ok(cx)
    }
}

/// Trees up to this height are evaluated on the caller's stack.
const SHALLOW: u32 = 64;
/// Stack for each level of higher ones; a debug build needs less than a quarter of it.
const STACK_PER_LEVEL: usize = 64 << 10;

/// Runs an evaluation where its recursion, one level for each of the tree, cannot overflow the
/// stack: the tree of a deep query gets a thread of its own.
fn with_room_for(
    expr: &Expr,
    evaluate: impl FnOnce() -> Result<Answer, EvalError> + Send,
) -> Result<Answer, EvalError> {
    let height = expr.height(expr.root());
    if height <= SHALLOW {
        return evaluate();
    }
    let stack = height as usize * STACK_PER_LEVEL;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(stack);
        match thread.spawn_scoped(scope, evaluate) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => {
                Err(EvalError::Execution(format!("no thread for a query so deep: {error}")))
            }
        }
    })
}

fn answer(value: Value, cx: Context<'_>) -> Answer {
    Answer { value, annotations: cx.annotations, stats: cx.stats }
}

fn text_of(expr: &Expr) -> String {
    match expr.node(expr.unparen(expr.root())) {
        Syntax::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

/// The samples of an instant vector, in the order of the evaluation.
fn collect_vector(
    root: Node,
    cx: &mut Context<'_>,
    t_ms: i64,
) -> Result<Vec<InstantSeries>, EvalError> {
    let mut root = Merge::at_the_end(root);
    let series = root.series(cx)?;
    let mut vector = Vec::with_capacity(series.len());
    let mut column = Column::default();
    for series in series {
        cx.check()?;
        root.next(cx, &mut column)?;
        let (value, histogram) = match column.sample(0) {
            Some(Sample::Float(value)) => (value, None),
            Some(Sample::Histogram(histogram)) => (0.0, Some(Arc::clone(histogram))),
            None => continue,
        };
        cx.hold(column.weight())?;
        vector.push(InstantSeries { labels: series.labels, t_ms, value, histogram });
    }
    Ok(vector)
}

/// The series of a matrix, sorted by labels.
fn collect_matrix(
    root: Node,
    cx: &mut Context<'_>,
    grid: Grid,
) -> Result<Vec<RangeSeries>, EvalError> {
    let mut root = Merge::at_the_end(root);
    let series = root.series(cx)?;
    let mut matrix = Vec::with_capacity(series.len());
    let mut column = Column::default();
    for series in series {
        cx.check()?;
        root.next(cx, &mut column)?;
        let n = column.count();
        if n == 0 {
            continue;
        }
        cx.hold(column.weight())?;
        let histograms: Vec<_> =
            column.histograms().map(|(i, h)| (grid.time(i), Arc::clone(h))).collect();
        let mut t_ms = Vec::with_capacity(n - histograms.len());
        let mut values = Vec::with_capacity(n - histograms.len());
        column.for_each(|i, value| {
            t_ms.push(grid.time(i));
            values.push(value);
        });
        matrix.push(RangeSeries { labels: series.labels, t_ms, values, histograms });
    }
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(matrix)
}

/// The samples of the next series of a range vector with edges.
fn with_edges(
    source: &mut RangeSource,
    edges: Edges,
    cx: &mut Context<'_>,
) -> Result<(Vec<i64>, Vec<f64>), EvalError> {
    source.read(cx)?;
    let (samples, windows) = (source.mixed(), source.windows);
    let smoothed = edges == Edges::Smoothed;
    if !samples.histograms.is_empty() {
        let name = if smoothed { "smoothed" } else { "anchored" };
        let text = format!("{name} modifier is not supported with histograms");
        return Err(EvalError::Execution(text));
    }
    let window = (windows.start(0), windows.end(0));
    let extended = edges::extended(samples.floats, window, smoothed);
    cx.stats.total_queryable_samples += extended.0.len() as u64;
    Ok(extended)
}

/// The samples of a range vector, sorted by labels.
fn collect_source(
    source: &mut RangeSource,
    cx: &mut Context<'_>,
) -> Result<Vec<RangeSeries>, EvalError> {
    let series = source.series(cx)?;
    let mut matrix = Vec::with_capacity(series.len());
    let mut weight = 0;
    for series in series {
        cx.check()?;
        if let Some((edges, _)) = source.edges {
            let (t_ms, values) = with_edges(source, edges, cx)?;
            if !t_ms.is_empty() {
                weight += t_ms.len();
                let (labels, histograms) = (series.final_labels(), Vec::new());
                matrix.push(RangeSeries { labels, t_ms, values, histograms });
            }
            continue;
        }
        let samples = source.read_window(cx)?;
        if !samples.is_empty() {
            let (t_ms, values) = (samples.floats.t.to_vec(), samples.floats.v.to_vec());
            let histograms = samples.histograms.to_vec();
            let labels = series.final_labels();
            weight += samples.weight();
            matrix.push(RangeSeries { labels, t_ms, values, histograms });
        }
    }
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    if matrix.windows(2).any(|pair| pair[0].labels == pair[1].labels) {
        return Err(crate::eval::same_labelset());
    }
    cx.hold(weight)?;
    Ok(matrix)
}
