//! Running a query: its turn, its deadline, its cancellation, its panic.

use super::log::Record;
use super::reply::{Reply, Writer};
use super::{Ask, When, WithStats};
use crate::json::{Annotated, Out, QueryStats, write_query_answer};
use crate::layers::compress::Coding;
use crate::metrics::{Metrics, Slice};
use crate::state::Database;
use crate::{ApiError, Kind, State};
use axum::response::Response;
use promql::syntax::ValueType;
use promql::{Answer, Control, Engine, Value};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::Queryable;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// How many lines of each kind of annotation are shown.
const MAX_ANNOTATIONS: usize = 10;
/// How long a query that was told to stop may take to notice.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Tells a query to stop when nobody waits for it any more.
struct CancelOnDrop(Option<Control>);

impl CancelOnDrop {
    /// The query has come to its end.
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            control.cancel();
        }
    }
}

/// Runs work that takes a while and cannot be stopped; a panic in it is an answer, not an end.
pub(crate) async fn blocking<T: Send + 'static>(
    metrics: &Arc<Metrics>,
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            metrics.panics.inc();
            tracing::error!(component = "api", error = %error, "a request panicked");
            Err(ApiError::internal("the request failed by a bug; the log has the details"))
        }
    }
}

/// Runs a query and answers it.
pub(super) async fn answer(state: State, ask: Ask, coding: Coding) -> Result<Response, ApiError> {
    let begin = Instant::now();
    let deadline = tokio::time::Instant::from_std(begin + ask.timeout);
    let running = state.metrics.running();
    let Ok(permit) = timeout_at(deadline, state.gate.enter()).await else {
        return Err(ApiError::new(Kind::Timeout, "query timed out in query queue"));
    };
    let queue = begin.elapsed().as_secs_f64();
    state.metrics.slice(Slice::QueueTime, queue);
    let Some(database) = state.readiness.database() else {
        return Err(storage::Error::NotReady.into());
    };

    let control = Control::default();
    let cancel = CancelOnDrop(Some(control.clone()));
    let (reply, mut result) = oneshot::channel();
    let job = Job { ask, queue, begin, control: control.clone(), state, database };
    // Whoever waits is told by the channel; the thread itself ends on its own.
    drop(tokio::task::spawn_blocking(move || {
        let _running = running;
        let _permit = permit;
        job.run(Writer::new(coding, reply));
    }));

    let reply: Result<Reply, ApiError> = match timeout_at(deadline, &mut result).await {
        Ok(reply) => reply.unwrap_or_else(|_| Err(gone())),
        Err(_) => {
            control.time_out();
            match tokio::time::timeout(STOP_GRACE, result).await {
                Ok(reply) => reply.unwrap_or_else(|_| Err(gone())),
                Err(_) => {
                    let message = "query timed out in expression evaluation";
                    Err(ApiError::new(Kind::Timeout, message))
                }
            }
        }
    };
    let response = reply?.into_response(coding);
    // The evaluation is over; a stream that nobody reads stops at its channel.
    cancel.disarm();
    Ok(response)
}

fn gone() -> ApiError {
    ApiError::internal("the query ended without an answer")
}

/// All that a query needs on its thread.
struct Job {
    ask: Ask,
    queue: f64,
    begin: Instant,
    control: Control,
    state: State,
    database: Arc<dyn Database>,
}

impl Job {
    fn run(self, writer: Writer) {
        let evaluated = catch_unwind(AssertUnwindSafe(|| self.evaluate()));
        match evaluated {
            Ok(Ok(evaluated)) => {
                let stats = (self.ask.stats != WithStats::No).then_some(&evaluated.stats);
                let mut out = Out::new(writer);
                let written =
                    write_query_answer(&mut out, &evaluated.value, stats, &evaluated.annotated);
                let (text, writer) = out.finish();
                if written.is_ok() {
                    writer.finish(&text);
                }
            }
            Ok(Err(error)) => writer.fail(error),
            Err(_) => {
                self.state.metrics.panics.inc();
                tracing::error!(component = "api", query = self.ask.text, "a query panicked");
                let message = "the query failed by a bug; the log has the details";
                writer.fail(ApiError::internal(message));
            }
        }
    }

    fn evaluate(&self) -> Result<Evaluated, ApiError> {
        let parse_begin = Instant::now();
        let expr = promql::parse(&self.ask.text, &self.state.settings.features)
            .map_err(|errors| ApiError::parameter("query", errors))?;
        let preparation = parse_begin.elapsed().as_secs_f64();
        self.state.metrics.slice(Slice::PrepareTime, preparation);

        let mut engine: Engine = self.state.engine();
        if let Some(lookback_ms) = self.ask.lookback_ms {
            engine.options.lookback_ms = lookback_ms;
        }
        if let When::Range { .. } = self.ask.when {
            let kind = expr.value_type(expr.root());
            if !matches!(kind, ValueType::Scalar | ValueType::Vector) {
                return Err(ApiError::parameter(
                    "query",
                    format!(
                        "invalid expression type {:?} for range query, \
                         must be Scalar or instant Vector",
                        kind.documented()
                    ),
                ));
            }
        }
        let store: &dyn Queryable = &*self.database;
        let eval_begin = Instant::now();
        let answer = match self.ask.when {
            When::At { t_ms } => engine.instant(store, &expr, t_ms, &self.control),
            When::Range { start_ms, end_ms, step_ms } => {
                engine.range(store, &expr, start_ms, end_ms, step_ms, &self.control)
            }
        };
        let inner_eval = eval_begin.elapsed().as_secs_f64();
        self.state.metrics.slice(Slice::InnerEval, inner_eval);
        match answer {
            Ok(answer) => {
                let stats = self.stats(answer.stats, preparation, inner_eval);
                self.log(&stats, None);
                Ok(self.finish(answer, stats))
            }
            Err(error) => {
                let error = ApiError::from(error);
                let stats = self.stats(promql::Stats::default(), preparation, inner_eval);
                self.log(&stats, Some(&error.message));
                Err(error)
            }
        }
    }

    fn stats(&self, counted: promql::Stats, preparation: f64, inner_eval: f64) -> QueryStats {
        QueryStats {
            eval_total: preparation + inner_eval,
            result_sort: 0.0,
            preparation,
            inner_eval,
            queue: self.queue,
            exec_total: self.begin.elapsed().as_secs_f64(),
            total_samples: counted.total_queryable_samples,
            peak_samples: counted.peak_samples,
        }
    }

    fn log(&self, stats: &QueryStats, error: Option<&str>) {
        let (times, step_ms, path) = match self.ask.when {
            When::At { t_ms } => ((t_ms, t_ms), 0, "/api/v1/query"),
            When::Range { start_ms, end_ms, step_ms } => {
                ((start_ms, end_ms), step_ms, "/api/v1/query_range")
            }
        };
        let (query, origin) = (&*self.ask.text, &self.ask.origin);
        Record { query, times, step_ms, error, stats, origin, path }.write(&self.state);
    }

    fn finish(&self, answer: Answer, stats: QueryStats) -> Evaluated {
        let Answer { mut value, annotations, .. } = answer;
        self.state.metrics.samples.add(stats.total_samples);
        let mut annotated = Annotated {
            warnings: capped(annotations.warnings(), "warning"),
            infos: capped(annotations.infos(), "info"),
        };
        if truncate(&mut value, self.ask.limit) {
            annotated.warnings.push("results truncated due to limit".to_owned());
        }
        if self.ask.stats == WithStats::Deprecated {
            let line = "stats parameter accepts only \"true\" and \"all\"; \
                        other values are deprecated";
            annotated.warnings.push(line.to_owned());
        }
        Evaluated { value, annotated, stats }
    }
}

struct Evaluated {
    value: Value,
    annotated: Annotated,
    stats: QueryStats,
}

/// Cuts a list of series; whether anything was cut.
fn truncate(value: &mut Value, limit: usize) -> bool {
    let len = match value {
        Value::Vector(series) => series.len(),
        Value::Matrix(series) => series.len(),
        Value::Scalar { .. } | Value::String { .. } => return false,
    };
    if limit == 0 || len <= limit {
        return false;
    }
    match value {
        Value::Vector(series) => series.truncate(limit),
        Value::Matrix(series) => series.truncate(limit),
        Value::Scalar { .. } | Value::String { .. } => {}
    }
    true
}

/// The first lines, and how many there are beyond.
fn capped(lines: impl Iterator<Item = String>, what: &str) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    if lines.len() > MAX_ANNOTATIONS {
        let more = lines.len() - MAX_ANNOTATIONS;
        lines.truncate(MAX_ANNOTATIONS);
        lines.push(format!("{more} more {what} annotations omitted"));
    }
    lines
}
