//! What runs the process rather than asks it: `/-/...`, `/metrics`, `/api/v1/admin/...`.

use crate::envelope::{self, Data};
use crate::layers::ready::unavailable;
use crate::params::Params;
use crate::query::blocking;
use crate::{ApiError, Kind, State};
use axum::extract;
use axum::response::{IntoResponse, Response};
use exposition::encode;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::json;
use std::sync::Arc;

/// `/-/healthy`
pub(crate) async fn healthy() -> &'static str {
    "Prometheus Server is Healthy.\n"
}

/// `/-/ready`
pub(crate) async fn ready(extract::State(state): extract::State<State>) -> Response {
    match state.readiness.database() {
        Some(_) => "Prometheus Server is Ready.\n".into_response(),
        None => unavailable(&state),
    }
}

/// The refusal of what is not POST or PUT, or not allowed by the flag.
fn refusal(state: &State, method: &Method) -> Option<Response> {
    if !matches!(*method, Method::POST | Method::PUT) {
        let message = "Only POST or PUT requests allowed";
        let allow = [(header::ALLOW, "POST, PUT")];
        return Some((StatusCode::METHOD_NOT_ALLOWED, allow, message).into_response());
    }
    let forbidden = || (StatusCode::FORBIDDEN, "Lifecycle API is not enabled.").into_response();
    (!state.settings.enable_lifecycle).then(forbidden)
}

/// `/-/reload`
pub(crate) async fn reload(
    extract::State(state): extract::State<State>,
    method: Method,
) -> Response {
    if let Some(refusal) = refusal(&state, &method) {
        return refusal;
    }
    match state.host.reload().await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => {
            let message = format!("failed to reload config: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}

/// `/-/quit`
pub(crate) async fn quit(extract::State(state): extract::State<State>, method: Method) -> Response {
    if let Some(refusal) = refusal(&state, &method) {
        return refusal;
    }
    state.host.quit();
    "Requesting termination... Goodbye!".into_response()
}

/// `/metrics`
pub(crate) async fn metrics(
    extract::State(state): extract::State<State>,
    headers: HeaderMap,
) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let protocol = encode::choose(accept.unwrap_or(""));
    let page = tokio::task::spawn_blocking(move || state.host.metrics_page(protocol)).await;
    match page {
        Ok(page) => {
            ([(header::CONTENT_TYPE, encode::content_type(protocol))], page).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// `/api/v1/admin/tsdb/snapshot`
pub(crate) async fn snapshot(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    if !state.settings.enable_admin_api {
        return Err(ApiError::new(Kind::Unavailable, "admin APIs disabled"));
    }
    if !matches!(params.get("skip_head"), "" | "0" | "f" | "F" | "false" | "FALSE" | "False") {
        return Err(ApiError::parameter(
            "skip_head",
            "a snapshot without the head is not built yet",
        ));
    }
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let database = state.readiness.database().ok_or(storage::Error::NotReady)?;
        let name = snapshot_name(state.host.now_ms());
        let folder = state.settings.data_dir.join("snapshots").join(&name);
        database.snapshot(&folder)?;
        Ok(envelope::shape(&json!({ "name": name })))
    })
    .await
    .map(Data::into_response)
}

/// The time to the second, and something that no other snapshot of that second has.
fn snapshot_name(now_ms: i64) -> String {
    use std::hash::{BuildHasher, RandomState};
    let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let unique = RandomState::new().hash_one(now_ms);
    format!("{}-{unique:016x}", at.strftime("%Y%m%dT%H%M%SZ"))
}

#[cfg(test)]
mod tests {
    use super::snapshot_name;

    #[test]
    fn snapshots_are_named_by_their_time() {
        let name = snapshot_name(1_512_940_344_000);
        assert!(name.starts_with("20171210T211224Z-"), "{name}");
        assert_eq!(name.len(), "20171210T211224Z-2be650b6d019eb54".len());
    }
}
