//! A question's way to its thread, and the lines of its answer back.

use super::{History, Job, Progress, Question, Watch};
use crate::metrics::Metrics;
use crate::time::{parse_duration, parse_time};
use crate::{ApiError, Kind, State, envelope, json};
use axum::body::Body;
use axum::extract;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Limited};
use promql::Control;
use serde::Serialize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Files of a question may be as large together.
const MAX_BODY_BYTES: usize = 32 << 20;
/// Lines on their way to a client who does not take them yet.
const LINES: usize = 16;
/// Time after which what runs is stopped once more.
const STOP_AGAIN: Duration = Duration::from_millis(100);
/// Steps of one rule at most: a year of every 15 seconds, and more.
const MAX_STEPS: i64 = 4_000_000;

/// Who evaluates, and whose turn it is.
pub(crate) struct Slot {
    turn: Arc<Semaphore>,
    history: OnceLock<Arc<dyn History>>,
    /// Stops what runs.
    running: Mutex<Control>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            history: OnceLock::new(),
            running: Mutex::default(),
        }
    }
}

impl Slot {
    pub(crate) fn set(&self, history: Arc<dyn History>) {
        // The first one stays; there is only one database.
        self.history.set(history).ok();
    }

    /// Stops what runs, waits until it has ended, and lets nothing begin any more. Cancel safe.
    pub(crate) async fn close(&self) {
        loop {
            self.running.lock().unwrap_or_else(PoisonError::into_inner).cancel();
            // One that began just now is stopped by the next round.
            let ended = tokio::time::timeout(STOP_AGAIN, self.turn.acquire()).await;
            if let Ok(Ok(turn)) = ended {
                turn.forget();
                return;
            }
        }
    }
}

/// `/rules/backtest`
pub(crate) async fn backtest(
    extract::State(state): extract::State<State>,
    body: Body,
) -> Result<Response, ApiError> {
    start(state, body, |history, job, watch| history.backtest(job, watch)).await
}

/// `/admin/rules/backfill`
pub(crate) async fn backfill(
    extract::State(state): extract::State<State>,
    body: Body,
) -> Result<Response, ApiError> {
    if !state.settings.enable_admin_api {
        return Err(ApiError::new(Kind::Unavailable, "admin APIs disabled"));
    }
    start(state, body, |history, job, watch| history.backfill(job, watch)).await
}

async fn start<T: Serialize + 'static>(
    state: State,
    body: Body,
    work: impl FnOnce(&dyn History, &Job, &mut dyn Watch) -> Result<T, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let late = |_| ApiError::bad_data("the body came too slowly");
    let body = tokio::time::timeout(state.settings.read_timeout, read(body)).await;
    let job = understand(&state, &body.map_err(late)??)?;
    let Some(history) = state.history.history.get().map(Arc::clone) else {
        return Err(storage::Error::NotReady.into());
    };
    let Ok(turn) = Arc::clone(&state.history.turn).try_acquire_owned() else {
        let message = "rules are being evaluated over history already; one at a time";
        return Err(ApiError::new(Kind::Unavailable, message));
    };
    let (sender, receiver) = channel(LINES);
    let control = Control::default();
    *state.history.running.lock().unwrap_or_else(PoisonError::into_inner) = control.clone();
    let mut lines = Lines { sender, control: control.clone(), turn };
    let metrics = Arc::clone(&state.metrics);
    let run = move || {
        let last = catch_unwind(AssertUnwindSafe(|| work(&*history, &job, &mut lines)));
        let line = match last {
            Ok(Ok(data)) => success(&data),
            Ok(Err(error)) => failure(&error),
            Err(_) => failure(&panicked(&metrics)),
        };
        // Who hears the last line may ask again at once; and nobody may be left to hear it.
        let Lines { sender, turn, .. } = lines;
        drop(turn);
        sender.blocking_send(line).ok();
    };
    let thread = std::thread::Builder::new().name("history".to_owned()).spawn(run);
    thread.map_err(|error| ApiError::internal(format!("no thread: {error}")))?;
    let stream = stream::unfold((receiver, CancelOnDrop(control)), |mut open| async {
        let line: Option<Bytes> = Receiver::recv(&mut open.0).await;
        line.map(|line| (Ok::<_, std::convert::Infallible>(line), open))
    });
    let kind = HeaderValue::from_static("application/x-ndjson; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind)], Body::from_stream(stream)).into_response())
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(ApiError::bad_data(format!("error reading the body: {error}"))),
    }
}

fn understand(state: &State, body: &[u8]) -> Result<Job, ApiError> {
    let question: Question = serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_data(format!("error parsing the body: {error}")))?;
    let named = |name: &'static str| move |e: ApiError| ApiError::parameter(name, e.message);
    if question.files.is_empty() {
        return Err(ApiError::bad_data("no rule files are given"));
    }
    let now_ms = state.host.now_ms();
    let from_ms = parse_time(&question.from).map_err(named("from"))?;
    let to_ms = match question.to.as_deref() {
        None | Some("") => now_ms,
        Some(to) => parse_time(to).map_err(named("to"))?.min(now_ms),
    };
    if to_ms < from_ms {
        return Err(ApiError::parameter("from", "is later than the end, or than now"));
    }
    let interval_ms = match question.eval_interval.as_deref() {
        None | Some("") => None,
        Some(text) => Some(parse_duration(text).map_err(named("evalInterval"))?),
    };
    if interval_ms.is_some_and(|ms| ms <= 0) {
        return Err(ApiError::parameter("evalInterval", "must be positive"));
    }
    // The shortest interval of any group is a millisecond, which nobody means.
    if interval_ms.is_some_and(|ms| (to_ms - from_ms) / ms > MAX_STEPS) {
        let message = format!("more than {MAX_STEPS} evaluations of each rule");
        return Err(ApiError::parameter("evalInterval", message));
    }
    let (engine, features) = (state.engine(), state.settings.features);
    Ok(Job { files: question.files, from_ms, to_ms, interval_ms, engine, features })
}

/// Stops the work when the answer is not read any more.
struct CancelOnDrop(Control);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// The answer, as the thread writes it.
struct Lines {
    sender: Sender<Bytes>,
    control: Control,
    turn: OwnedSemaphorePermit,
}

impl Watch for Lines {
    fn tell(&mut self, progress: Progress) -> bool {
        #[derive(Serialize)]
        struct Line {
            progress: Progress,
        }
        let line = Bytes::from(envelope::json(&Line { progress }) + "\n");
        self.sender.blocking_send(line).is_ok()
    }

    fn control(&self) -> &Control {
        &self.control
    }
}

fn success(data: &impl Serialize) -> Bytes {
    let data = envelope::json(data);
    Bytes::from(format!("{{\"status\":\"success\",\"data\":{data}}}\n"))
}

fn failure(error: &ApiError) -> Bytes {
    let mut line = String::from(r#"{"status":"error","errorType":""#);
    line.push_str(error.kind.as_str());
    line.push_str(r#"","error":"#);
    json::write_text(&mut line, &error.message);
    line.push_str("}\n");
    Bytes::from(line)
}

fn panicked(metrics: &Metrics) -> ApiError {
    metrics.panics.inc();
    tracing::error!(component = "api", "the evaluation of rules over history panicked");
    ApiError::internal("the request failed by a bug; the log has the details")
}
