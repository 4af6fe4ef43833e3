//! `/status/...`: what runs here, how it was configured, what it holds.

use crate::envelope::{self, Data};
use crate::params::Params;
use crate::query::blocking;
use crate::state::{BuildInfo, Count, HeadStats};
use crate::{ApiError, State};
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::Uri;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `/status/config`
pub(crate) async fn config(extract::State(state): extract::State<State>) -> impl IntoResponse {
    envelope::shape(&json!({ "yaml": state.host.config_yaml() }))
}

/// `/status/flags`
pub(crate) async fn flags(extract::State(state): extract::State<State>) -> impl IntoResponse {
    envelope::shape(&state.host.flags())
}

/// `/status/buildinfo`
pub(crate) async fn build_info(extract::State(state): extract::State<State>) -> impl IntoResponse {
    envelope::shape(&build_info_shape(&state.host.build_info()))
}

/// `/version`: the same without an envelope.
pub(crate) async fn version(extract::State(state): extract::State<State>) -> impl IntoResponse {
    let body = build_info_shape(&state.host.build_info());
    (crate::json::content_type(), Value::Object(body).to_string())
}

fn build_info_shape(info: &BuildInfo) -> Map<String, Value> {
    let fields = [
        ("version", &info.version),
        ("revision", &info.revision),
        ("branch", &info.branch),
        ("buildUser", &info.build_user),
        ("buildDate", &info.build_date),
        ("goVersion", &info.go_version),
    ];
    fields.into_iter().map(|(key, text)| (key.to_owned(), Value::from(text.as_str()))).collect()
}

/// `/status/runtimeinfo`
pub(crate) async fn runtime_info(
    extract::State(state): extract::State<State>,
) -> impl IntoResponse {
    let info = state.host.runtime_info();
    envelope::shape(&json!({
        "startTime": rfc3339(info.start_time_ms),
        "CWD": info.working_directory,
        "hostname": info.hostname,
        "serverTime": rfc3339(state.host.now_ms()),
        "reloadConfigSuccess": info.reload_success,
        "lastConfigTime": rfc3339(info.last_config_ms),
        "corruptionCount": info.corruptions,
        "goroutineCount": info.threads,
        "GOMAXPROCS": info.processors,
        "GOMEMLIMIT": info.memory_limit,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": info.storage_retention,
    }))
}

fn rfc3339(t_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(t_ms).map_or_else(|_| String::new(), |at| at.to_string())
}

/// `/status/tsdb`
pub(crate) async fn tsdb(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let limit = match Params::from_url(uri.query()).get("limit") {
        "" => 10,
        text => match text.parse() {
            Ok(limit @ 1..=10_000) => limit,
            Ok(_) | Err(_) => {
                return Err(ApiError::bad_data("limit must be a positive number up to 10000"));
            }
        },
    };
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let database = state.readiness.database().ok_or(storage::Error::NotReady)?;
        Ok(head_shape(&database.head_stats(limit)?))
    })
    .await
    .map(Data::into_response)
}

fn head_shape(stats: &HeadStats) -> Data {
    let list = |counts: &[Count]| -> Vec<Value> {
        counts.iter().map(|count| json!({ "name": count.name, "value": count.value })).collect()
    };
    envelope::shape(&json!({
        "headStats": {
            "numSeries": stats.series,
            "numLabelPairs": stats.label_pairs,
            "chunkCount": stats.chunks,
            "minTime": stats.min_time_ms,
            "maxTime": stats.max_time_ms,
        },
        "seriesCountByMetricName": list(&stats.series_by_metric),
        "labelValueCountByLabelName": list(&stats.values_by_label),
        "memoryInBytesByLabelName": list(&stats.bytes_by_label),
        "seriesCountByLabelValuePair": list(&stats.series_by_pair),
    }))
}
