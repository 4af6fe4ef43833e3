//! What can be said about a query from its text alone: formatting, its tree.

mod pretty;
mod tree;

use crate::envelope;
use crate::json::write_text;
use crate::params::Params;
use crate::query::blocking;
use crate::{ApiError, Kind, State};
use axum::extract;
use axum::response::{IntoResponse, Response};
use promql::Expr;
use std::sync::Arc;

fn parse_param(state: &State, params: &Params) -> Result<Expr, ApiError> {
    promql::parse(params.get("query"), &state.settings.features)
        .map_err(|errors| ApiError::parameter("query", errors))
}

/// `/format_query`
pub(crate) async fn format(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let expr = parse_param(&state, &params)?;
        Ok(envelope::data(|out| write_text(out, &pretty::pretty(&expr))))
    })
    .await
    .map(IntoResponse::into_response)
}

/// `/parse_query`
pub(crate) async fn parse(
    extract::State(state): extract::State<State>,
    params: Params,
) -> Result<Response, ApiError> {
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let expr = parse_param(&state, &params)?;
        let too_deep = || ApiError::new(Kind::Execution, "the query is nested too deeply");
        let tree = tree::tree(&expr).ok_or_else(too_deep)?;
        Ok(envelope::shape(&tree))
    })
    .await
    .map(IntoResponse::into_response)
}
