//! `/query_exemplars`: the exemplars of every series that an expression selects.

use crate::envelope;
use crate::json::{write_labels, write_time, write_value};
use crate::params::Params;
use crate::query::blocking;
use crate::time::{MAX_TIME_MS, MIN_TIME_MS};
use crate::{ApiError, State};
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use model::{Matcher, TimeRange};
use promql::Expr;
use promql::syntax::Node;
use std::sync::Arc;
use storage::SeriesExemplars;

/// `/query_exemplars`
pub(crate) async fn query_exemplars(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    params.well_formed()?;
    let min_ms = params.time_or("start", MIN_TIME_MS)?;
    let max_ms = params.time_or("end", MAX_TIME_MS)?;
    if max_ms < min_ms {
        return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
    }
    let expr = promql::parse(params.get("query"), &state.settings.features)
        .map_err(|errors| ApiError::parameter("query", errors))?;
    let selectors = selectors(&expr);
    if selectors.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let metrics = Arc::clone(&state.metrics);
    let body = blocking(&metrics, move || {
        let database = state.readiness.database().ok_or(storage::Error::NotReady)?;
        let found = database.exemplars(&selectors, TimeRange { min_ms, max_ms })?;
        Ok(envelope::data(|out| write(out, &found)))
    });
    body.await.map(IntoResponse::into_response)
}

/// The conditions of every selector of an expression.
fn selectors(expr: &Expr) -> Vec<Vec<Matcher>> {
    let matchers = expr.ids().filter_map(|id| match expr.node(id) {
        Node::VectorSelector(selector) => Some(selector.matchers.clone()),
        _ => None,
    });
    matchers.collect()
}

/// Writes a list: `[{"seriesLabels":{..},"exemplars":[..]},..]`.
pub(crate) fn write(out: &mut String, found: &[SeriesExemplars]) {
    out.push('[');
    for (i, series) in found.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        out.push_str(r#"{"seriesLabels":"#);
        write_labels(out, &series.labels);
        out.push_str(r#","exemplars":["#);
        for (i, exemplar) in series.exemplars.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { "," });
            out.push_str(r#"{"labels":"#);
            write_labels(out, &exemplar.labels);
            out.push_str(r#","value":"#);
            write_value(out, exemplar.value);
            out.push_str(r#","timestamp":"#);
            write_time(out, exemplar.t_ms);
            out.push('}');
        }
        out.push_str("]}");
    }
    out.push(']');
}
