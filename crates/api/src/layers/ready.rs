//! No request is served before the database is open, or after it was closed.

use crate::State;
use axum::extract::{self, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// The answer while the server starts or stops.
pub(crate) fn unavailable(state: &State) -> Response {
    let stopping = if state.readiness.is_stopping() { "true" } else { "false" };
    let headers = [("X-Prometheus-Stopping", stopping)];
    (StatusCode::SERVICE_UNAVAILABLE, headers, "Service Unavailable").into_response()
}

/// Refuses requests while there is no database.
pub(crate) async fn when_ready(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    if state.readiness.database().is_none() {
        return unavailable(&state);
    }
    next.run(request).await
}
