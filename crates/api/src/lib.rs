//! The HTTP API, as Prometheus speaks it: exact JSON, exact parameters, exact words.
//!
//! [`router`] answers everything but the acceptance of connections. What it needs comes with the
//! [`State`]: the database once it is open ([`Readiness`]), the query engine, and the [`Parts`] that
//! are asked: the scraped [`Targets`], the [`rules`], the process around it ([`Host`]).
//!
//! - Bytes move on the reactor, queries and index look-ups run on blocking threads; queries go
//!   through a gate that bounds how many run at once, under a deadline, and end when their client
//!   leaves.
//! - Answers are written straight to text, long ones in chunks; none is built as a tree first,
//!   but for the small status pages.
//! - A path that is not built yet is an honest 404.
#![forbid(unsafe_code)]

mod envelope;
mod error;
mod exemplars;
pub mod explain;
mod federate;
pub mod history;
mod json;
mod layers;
mod management;
mod metrics;
mod notifications;
mod params;
mod query;
mod query_text;
pub mod rules;
mod selectors;
mod series;
mod state;
mod status;
mod targets;
#[cfg(test)]
mod tests;
mod time;

pub use error::{ApiError, Kind};
pub use metrics::Metrics;
pub use notifications::NoticeBoard;
pub use query::{ClientAddress, QueryLog};
pub use state::{
    Boxed, BuildInfo, Count, Database, HeadStats, Host, Parts, Readiness, RuntimeInfo, Settings,
    State,
};
pub use targets::{ActiveTarget, FamilyMetadata, Health, Pool, Targets};

use axum::Router;
use axum::extract::{self, DefaultBodyLimit};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use http::StatusCode;
use layers::cors::{cors, preflight};
use layers::{compress::compress, ready::when_ready, track::track};

/// All paths, below the route prefix of the settings.
pub fn router(state: &State) -> Router {
    let prefix = state.settings.route_prefix.clone();
    let routes = Router::new()
        .nest("/api/v1", api_v1(state))
        .merge(operations(state))
        .layer(from_fn_with_state(state.clone(), track));
    let router = if prefix.is_empty() {
        routes
    } else {
        let home = format!("{prefix}/");
        Router::new()
            .nest(&prefix, routes)
            .route(&home.clone(), get(self::home).with_state(state.clone()))
            .route("/", get(move || async move { found(&home) }))
    };
    // Forms are read with a bound of their own.
    let router = router.fallback(|| async { not_found() });
    router
        .method_not_allowed_fallback(|| async { wrong_method() })
        .layer(DefaultBodyLimit::disable())
}

fn api_v1(state: &State) -> Router {
    // These two answer also while the server starts and ends.
    let notifications = Router::new()
        .route("/notifications", get(notifications::list))
        .route("/notifications/live", get(notifications::live));
    let query = get(query::instant).post(query::instant);
    let query_range = get(query::range).post(query::range);
    let exemplars = get(exemplars::query_exemplars).post(exemplars::query_exemplars);
    let format = get(query_text::format).post(query_text::format);
    let parse = get(query_text::parse).post(query_text::parse);
    Router::new()
        .route("/query", query)
        .route("/query_range", query_range)
        .route("/query_exemplars", exemplars)
        .route("/format_query", format)
        .route("/parse_query", parse)
        .route("/labels", get(series::label_names).post(series::label_names))
        .route("/label/{name}/values", get(series::label_values))
        .route("/series", get(series::series).post(series::series))
        .route("/scrape_pools", get(targets::pools))
        .route("/targets", get(targets::targets))
        .route("/targets/metadata", get(targets::targets_metadata))
        .route("/explain/target", get(explain::target))
        .route("/explain/{kind}/{namespace}/{name}", get(explain::object))
        .route("/metadata", get(targets::metadata))
        .route("/rules", get(rules::rules))
        .route("/rules/backtest", post(history::backtest))
        .route("/alerts", get(rules::alerts))
        .route("/alertmanagers", get(rules::alertmanagers))
        .route("/status/config", get(status::config))
        .route("/status/flags", get(status::flags))
        .route("/status/runtimeinfo", get(status::runtime_info))
        .route("/status/buildinfo", get(status::build_info))
        .route("/status/tsdb", get(status::tsdb))
        .route("/admin/rules/backfill", post(history::backfill).put(history::backfill))
        .route("/admin/tsdb/snapshot", post(management::snapshot).put(management::snapshot))
        .route_layer(from_fn_with_state(state.clone(), when_ready))
        .merge(notifications)
        .fallback(|| async { not_found() })
        .layer(from_fn(preflight))
        .layer(from_fn(compress))
        .layer(from_fn_with_state(state.clone(), cors))
        .with_state(state.clone())
}

fn operations(state: &State) -> Router {
    let federate = get(federate::federate).layer(from_fn_with_state(state.clone(), when_ready));
    Router::new()
        .route("/-/healthy", get(management::healthy))
        .route("/-/ready", get(management::ready))
        .route("/-/reload", any(management::reload))
        .route("/-/quit", any(management::quit))
        .route("/metrics", get(management::metrics))
        .route("/federate", federate)
        .route("/version", get(status::version))
        .route("/", get(home))
        .layer(from_fn(compress))
        .with_state(state.clone())
}

async fn home(extract::State(state): extract::State<State>) -> impl IntoResponse {
    format!(
        "{}\n\n\
     The HTTP API is below /api/v1, for example /api/v1/query?query=up and /api/v1/targets.\n\
     Own metrics: /metrics. Health: /-/healthy, /-/ready.\n",
        state.settings.page_title
    )
}

/// Sends to another path for this once, by the status of Go's `http.StatusFound`.
fn found(path: &str) -> impl IntoResponse + use<> {
    (StatusCode::FOUND, [(http::header::LOCATION, path.to_owned())])
}

/// The answer to a method that a path does not serve; the router adds which it does.
fn wrong_method() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

/// The answer to a path nobody serves.
fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "404 page not found\n")
}
