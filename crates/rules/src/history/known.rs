//! The answers of one rule's query over a piece of time, asked for at once.

use crate::settings::Past;
use model::{Matcher, TimeRange};
use promql::syntax::ValueType;
use promql::{Control, Engine, EvalError, Expr, InstantSeries, RangeSeries, Value};
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Error, LabelQuery, Querier, Queryable, SelectHints, SeriesSet};

/// Queries over many steps that may fail before the rest is asked one by one. A query that fails at
/// one step fails for all that are asked with it, so it is asked again for either half.
const MAX_FAILURES: usize = 24;

/// Nothing is known: every answer is asked for when it is due.
pub(super) struct Unknown;

impl Past for Unknown {
    fn answer(&self, _t_ms: i64) -> Option<Vec<InstantSeries>> {
        None
    }
}

/// The times of a query: a first one and how many, so many milliseconds apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) first_ms: i64,
    pub(super) count: usize,
    pub(super) step_ms: i64,
}

impl Steps {
    pub(super) fn time(&self, i: usize) -> i64 {
        let i = i64::try_from(i).unwrap_or(i64::MAX);
        self.first_ms.saturating_add(i.saturating_mul(self.step_ms))
    }

    fn halves(self) -> [Self; 2] {
        let half = self.count / 2;
        [
            Self { count: half, ..self },
            Self { first_ms: self.time(half), count: self.count - half, ..self },
        ]
    }
}

/// What was found out.
#[derive(Default)]
pub(super) struct Known {
    /// In order of time.
    stretches: Mutex<Vec<Stretch>>,
    /// Samples of all answers.
    pub(super) samples: usize,
}

/// The first time a query looks at when it is asked for a time; `None` when it cannot be asked.
pub(super) fn earliest(engine: &Engine, expr: &Expr, t_ms: i64) -> Option<i64> {
    /// Has no series, and remembers what it was asked for.
    #[derive(Default)]
    struct Spy(Mutex<Option<i64>>);
    impl Queryable for Spy {
        fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
            let mut earliest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *earliest = Some(earliest.unwrap_or(i64::MAX).min(range.min_ms));
            Ok(Arc::new(Nothing))
        }
    }
    let spy = Spy::default();
    engine.instant(&spy, expr, t_ms, &Control::default()).ok()?;
    let earliest = spy.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    Some(earliest.unwrap_or(t_ms))
}

struct Nothing;

impl Querier for Nothing {
    fn select(&self, _: &[Matcher], _: &SelectHints) -> Result<Box<dyn SeriesSet>, Error> {
        Ok(storage::empty_series_set())
    }

    fn label_names(&self, _: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}

/// Answers for neighbouring times.
struct Stretch {
    first_ms: i64,
    last_ms: i64,
    series: Vec<Walked>,
}

/// A series, and how far it was read.
struct Walked {
    series: RangeSeries,
    float: usize,
    histogram: usize,
}

impl Known {
    /// Asks for all steps.
    pub(super) fn find(
        engine: &Engine,
        store: &dyn Queryable,
        expr: &Expr,
        steps: Steps,
        control: &Control,
    ) -> Self {
        let mut known = Self::default();
        if !matches!(expr.value_type(expr.root()), ValueType::Vector | ValueType::Scalar) {
            return known;
        }
        let (mut left, mut failures, mut stretches) = (vec![steps], 0, Vec::new());
        while let Some(steps) = left.pop() {
            if steps.count < 2 || failures > MAX_FAILURES {
                continue;
            }
            let (first_ms, last_ms) = (steps.first_ms, steps.time(steps.count - 1));
            match engine.range(store, expr, first_ms, last_ms, steps.step_ms, control) {
                Ok(answer) => {
                    let Value::Matrix(series) = answer.value else { continue };
                    let count = |one: &RangeSeries| one.t_ms.len() + one.histograms.len();
                    known.samples += series.iter().map(count).sum::<usize>();
                    let walked = |series| Walked { series, float: 0, histogram: 0 };
                    let series = series.into_iter().map(walked).collect();
                    stretches.push(Stretch { first_ms, last_ms, series });
                }
                Err(EvalError::Canceled | EvalError::Timeout) => break,
                Err(_) => {
                    failures += 1;
                    let [early, late] = steps.halves();
                    left.extend([late, early]);
                }
            }
        }
        known.stretches = Mutex::new(stretches);
        known
    }
}

impl Past for Known {
    /// Times ascend from call to call.
    fn answer(&self, t_ms: i64) -> Option<Vec<InstantSeries>> {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut covering = stretches.iter_mut().filter(|stretch| stretch.first_ms <= t_ms);
        let stretch = covering.find(|stretch| t_ms <= stretch.last_ms)?;
        Some(stretch.series.iter_mut().filter_map(|walked| walked.at(t_ms)).collect())
    }
}

impl Walked {
    fn at(&mut self, t_ms: i64) -> Option<InstantSeries> {
        let Self { series, float, histogram } = self;
        while series.t_ms.get(*float).is_some_and(|at| *at < t_ms) {
            *float += 1;
        }
        while series.histograms.get(*histogram).is_some_and(|(at, _)| *at < t_ms) {
            *histogram += 1;
        }
        let labels = || series.labels.clone();
        if series.t_ms.get(*float) == Some(&t_ms) {
            let value = series.values[*float];
            return Some(InstantSeries { labels: labels(), t_ms, value, histogram: None });
        }
        let (at, found) = series.histograms.get(*histogram)?;
        let histogram = (*at == t_ms).then(|| found.clone())?;
        Some(InstantSeries { labels: labels(), t_ms, value: 0.0, histogram: Some(histogram) })
    }
}
