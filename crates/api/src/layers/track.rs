//! Counts requests, their times and sizes by route.

use crate::State;
use axum::extract::{self, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use std::time::Instant;

/// Counts a request under the pattern of its route.
pub(crate) async fn track(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let begin = Instant::now();
    let response = next.run(request).await;
    // Paths without a route are not counted: their names are the client's, without bound.
    if let Some(route) = route {
        let path = route.as_str();
        let path = path.strip_prefix(&*state.settings.route_prefix).unwrap_or(path);
        let size = axum::body::HttpBody::size_hint(response.body()).exact();
        let seconds = begin.elapsed().as_secs_f64();
        state.metrics.request(path, response.status().as_u16(), seconds, size);
    }
    response
}
