//! Runs the commands of a script and collects what went wrong.

use super::compare;
use super::expect::{Eval, When};
use super::invariance;
use super::read::{Command, read};
use super::store::{LoadedSeries, Need, ScriptStore};
use crate::engine::{Answer, Control, Engine, EngineOptions};
use crate::syntax::{Expr, Features, Function, Node, parse};
use crate::value::{InstantSeries, Value};
use std::fmt;

/// What is checked besides the expectations as written.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// Instant queries give the same with `@` on every selector, at any evaluation time.
    pub step_invariance: bool,
    /// Instant queries give the same as the middle step of a range query.
    pub range_mode: bool,
}

impl Default for Checks {
    fn default() -> Self {
        Self { step_invariance: true, range_mode: true }
    }
}

/// What became of a script.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The number of `eval` cases that gave what they should.
    pub passed: usize,
    /// Everything else, in the order of the script.
    pub failures: Vec<Failure>,
}

/// A command that failed; prints as `line: text: reason`.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The number of the command's first line, from 1.
    pub line: usize,
    /// The query, or the line itself when it is not an `eval`.
    pub text: String,
    /// Why.
    pub reason: Reason,
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It selects samples of a kind that cannot be stored yet.
    Needs(Need),
    /// It cannot be read, or its result is not the expected one.
    Wrong(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.text, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needs(need) => write!(f, "needs {need}"),
            Self::Wrong(reason) => f.write_str(reason),
        }
    }
}

/// Runs a script over a store, which is cleared first.
pub fn run(script: &str, store: &mut dyn ScriptStore, checks: Checks) -> Report {
    let mut runner = Runner::new(store, checks);
    let mut report = Report::default();
    if let Err(reason) = runner.clear() {
        let text = String::from("clear");
        report.failures.push(Failure { line: 0, text, reason: Reason::Wrong(reason) });
        return report;
    }
    for numbered in read(script) {
        let (text, outcome) = match numbered.command {
            Err(fault) => (numbered.text, Err(Reason::Wrong(fault))),
            Ok(Command::Clear) => (numbered.text, runner.clear().map_err(Reason::Wrong)),
            Ok(Command::Load(series)) => {
                (numbered.text, runner.load(series).map_err(Reason::Wrong))
            }
            Ok(Command::Eval(eval)) => {
                let outcome = runner.eval(&eval);
                report.passed += usize::from(outcome.is_ok());
                (eval.query, outcome)
            }
        };
        if let Err(reason) = outcome {
            report.failures.push(Failure { line: numbered.line, text, reason });
        }
    }
    report
}

struct Runner<'a> {
    store: &'a mut dyn ScriptStore,
    checks: Checks,
    engine: Engine,
    /// Series that are in the store in part only.
    partial: Vec<LoadedSeries>,
}

impl<'a> Runner<'a> {
    fn new(store: &'a mut dyn ScriptStore, checks: Checks) -> Self {
        let engine = Engine::new(EngineOptions {
            lookback_ms: 5 * 60_000,
            default_step_ms: 60_000,
            max_samples: 10_000,
            delayed_name_removal: true,
        });
        Self { store, checks, engine, partial: Vec::new() }
    }

    fn clear(&mut self) -> Result<(), String> {
        self.partial.clear();
        self.store.clear()
    }

    fn load(&mut self, series: Vec<LoadedSeries>) -> Result<(), String> {
        let loaded = self.store.load(&series);
        self.partial.extend(series.into_iter().filter(|series| series.needs.is_some()));
        loaded
    }

    fn eval(&self, eval: &Eval) -> Result<(), Reason> {
        let parsed = parse(&eval.query, &Features::ALL);
        if let Some(need) = parsed.as_ref().ok().and_then(|expr| self.need(expr)) {
            return Err(Reason::Needs(need));
        }
        let expr = match (parsed, &eval.fail) {
            (Ok(expr), _) => expr,
            (Err(error), Some(text)) if text.accepts(&error.to_string()) => return Ok(()),
            (Err(error), _) => return Err(Reason::Wrong(error.to_string())),
        };
        self.evaluate(eval, &expr).map_err(Reason::Wrong)
    }

    /// What a query selects that is not in the store.
    fn need(&self, expr: &Expr) -> Option<Need> {
        let selected = |series: &LoadedSeries| {
            expr.ids().any(|id| match expr.node(id) {
                Node::VectorSelector(selector) => {
                    selector.matchers.iter().all(|m| m.matches_labels(&series.labels))
                }
                // Its metadata may be found by labels that are not in the query.
                Node::Call { func, .. } => *func == Function::Info,
                _ => false,
            })
        };
        self.partial.iter().find(|series| selected(series)).and_then(|series| series.needs)
    }

    fn evaluate(&self, eval: &Eval, expr: &Expr) -> Result<(), String> {
        match eval.when {
            When::Range { times, end_ms } => {
                let (start, step) = (times.start_ms, times.step_ms);
                let control = Control::default();
                let queryable = self.store.queryable();
                let answer = self.engine.range(queryable, expr, start, end_ms, step, &control);
                let Some(answer) = self.outcome(eval, answer)? else { return Ok(()) };
                compare::range(eval, &answer.value, times)
            }
            When::Instant(at_ms) => {
                if !self.instant(eval, expr, at_ms)? {
                    return Ok(());
                }
                if self.checks.step_invariance {
                    self.check_step_invariance(eval, expr, at_ms)?;
                }
                if self.checks.range_mode {
                    self.check_range_mode(eval, expr, at_ms)?;
                }
                Ok(())
            }
        }
    }

    /// Evaluates at one time and compares; false when it failed as it should.
    fn instant(&self, eval: &Eval, expr: &Expr, at_ms: i64) -> Result<bool, String> {
        let queryable = self.store.queryable();
        let answer = self.engine.instant(queryable, expr, at_ms, &Control::default());
        let Some(answer) = self.outcome(eval, answer)? else { return Ok(false) };
        compare::instant(eval, &answer.value, eval.ordered)?;
        Ok(true)
    }

    /// The answer with its remarks checked, or nothing when the query failed as it should.
    fn outcome<E: fmt::Display>(
        &self,
        eval: &Eval,
        answer: Result<Answer, E>,
    ) -> Result<Option<Answer>, String> {
        match (answer, &eval.fail) {
            (Ok(_), Some(_)) => Err(String::from("expected a failure, got an answer")),
            (Ok(answer), None) => {
                let annotations = &answer.annotations;
                eval.warnings.check("warning", &annotations.warnings().collect::<Vec<_>>())?;
                eval.infos.check("info", &annotations.infos().collect::<Vec<_>>())?;
                Ok(Some(answer))
            }
            (Err(error), Some(text)) if text.accepts(&error.to_string()) => Ok(None),
            (Err(error), Some(text)) => Err(format!("expected the failure {text}, got: {error}")),
            (Err(error), None) => Err(format!("failed: {error}")),
        }
    }

    fn check_step_invariance(&self, eval: &Eval, expr: &Expr, at_ms: i64) -> Result<(), String> {
        let Some(text) = invariance::pinned(expr, at_ms) else { return Ok(()) };
        let pinned = parse(&text, &Features::ALL).map_err(|error| format!("{text}: {error}"))?;
        for t_ms in invariance::times(at_ms) {
            let same = self.instant(eval, &pinned, t_ms);
            same.map_err(|reason| format!("as {text} at {t_ms} ms: {reason}"))?;
        }
        Ok(())
    }

    fn check_range_mode(&self, eval: &Eval, expr: &Expr, at_ms: i64) -> Result<(), String> {
        const AROUND_MS: i64 = 60_000;
        let bound_to_range = ["start()", "end()", "range()", "step()"];
        if eval.window.is_some()
            || eval.string.is_some()
            || bound_to_range.iter().any(|call| eval.query.contains(call))
        {
            return Ok(());
        }
        let (start, end) = (at_ms - AROUND_MS, at_ms + AROUND_MS);
        let queryable = self.store.queryable();
        let control = Control::default();
        let answer = self.engine.range(queryable, expr, start, end, AROUND_MS, &control);
        let in_range = |reason| format!("as a range query: {reason}");
        let answer = answer.map_err(|error| in_range(format!("failed: {error}")))?;
        let middle = middle(answer.value, at_ms, eval.scalar.is_some());
        compare::instant(eval, &middle, false).map_err(in_range)
    }
}

/// One step of a matrix, as an instant answer.
fn middle(value: Value, t_ms: i64, scalar: bool) -> Value {
    let Value::Matrix(matrix) = value else { return value };
    let at_step = matrix.into_iter().filter_map(|series| {
        if let Ok(i) = series.t_ms.binary_search(&t_ms) {
            let (labels, value) = (series.labels, series.values[i]);
            return Some(InstantSeries { labels, t_ms, value, histogram: None });
        }
        let found = series.histograms.into_iter().find(|(t, _)| *t == t_ms);
        found.map(|(_, histogram)| InstantSeries {
            labels: series.labels,
            t_ms,
            value: 0.0,
            histogram: Some(histogram),
        })
    });
    let vector: Vec<_> = at_step.collect();
    match vector.first() {
        Some(only) if scalar => Value::Scalar { t_ms, value: only.value },
        _ => Value::Vector(vector),
    }
}
