//! `/query` and `/query_range`: parameters, limits, and the way of an answer to the client.
//!
//! A query waits for its turn at the [`Gate`], then runs on a blocking thread: it is parsed,
//! evaluated and written there, in chunks, so that neither a long evaluation nor a long answer
//! keeps the reactor busy. Whoever stops listening cancels it.

mod exec;
mod gate;
mod log;
mod reply;

pub(crate) use exec::blocking;
pub(crate) use gate::Gate;
pub use log::{ClientAddress, QueryLog};

use crate::layers::compress::Coding;
use crate::params::Params;
use crate::time::NS_PER_MS;
use crate::{ApiError, Kind, State};
use axum::extract;
use axum::response::Response;
use http::HeaderMap;
use log::Origin;
use std::time::Duration;

/// More points than this per series are refused: no screen shows them.
const MAX_POINTS: i128 = 11_000;

/// When a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    At { t_ms: i64 },
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// Whether times and counts come with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WithStats {
    No,
    Yes,
    /// Asked for with an unusual word, which works but is going away.
    Deprecated,
}

/// A query as asked.
#[derive(Clone, Debug)]
struct Ask {
    text: String,
    when: When,
    timeout: Duration,
    /// At most so many series; 0 is no limit.
    limit: usize,
    lookback_ms: Option<i64>,
    stats: WithStats,
    origin: Origin,
}

impl Ask {
    fn new(
        state: &State,
        params: &Params,
        origin: Origin,
        when: When,
        limit: usize,
    ) -> Result<Self, ApiError> {
        let longest = state.settings.query_timeout;
        let timeout = match params.get("timeout") {
            "" => longest,
            _ => match u64::try_from(params.duration_ns("timeout")?) {
                Ok(ns) if ns > 0 => Duration::from_nanos(ns).min(longest),
                _ => {
                    return Err(ApiError::new(Kind::Timeout, "query timed out in query execution"));
                }
            },
        };
        let lookback_ms = params.maybe_duration("lookback_delta").map_err(|error| {
            ApiError::bad_data(format!("error parsing lookback delta duration: {}", error.message))
        })?;
        let stats = match params.get("stats") {
            "" => WithStats::No,
            "true" | "all" => WithStats::Yes,
            _ => WithStats::Deprecated,
        };
        let text = params.get("query").to_owned();
        let lookback_ms = lookback_ms.filter(|ms| *ms > 0);
        Ok(Self { text, when, timeout, limit, lookback_ms, stats, origin })
    }
}

/// `/query`
pub(crate) async fn instant(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    origin: Origin,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let t_ms = params.time_or("time", state.host.now_ms())?;
    let ask = Ask::new(&state, &params, origin, When::At { t_ms }, limit)?;
    exec::answer(state, ask, Coding::accepted(&headers)).await
}

/// `/query_range`
pub(crate) async fn range(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
    origin: Origin,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = params.limit()?;
    let start_ms = params.time("start")?;
    let end_ms = params.time("end")?;
    if end_ms < start_ms {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step_ns = params.duration_ns("step")?;
    let step_ms = step_ns / NS_PER_MS;
    if step_ns <= 0 {
        let cause = "zero or negative query resolution step widths are not accepted. \
                     Try a positive integer";
        return Err(ApiError::parameter("step", cause));
    }
    let span_ns = (i128::from(end_ms) - i128::from(start_ms)) * i128::from(NS_PER_MS);
    if step_ms == 0 || span_ns / i128::from(step_ns) > MAX_POINTS {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries. \
             Try decreasing the query resolution (?step=XX)",
        ));
    }
    let when = When::Range { start_ms, end_ms, step_ms };
    let ask = Ask::new(&state, &params, origin, when, limit)?;
    exec::answer(state, ask, Coding::accepted(&headers)).await
}
