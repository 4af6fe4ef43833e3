//! `/federate`: the newest sample of the selected series, in the text format, for another server.

use crate::params::Params;
use crate::query::blocking;
use crate::selectors::match_params;
use crate::{ApiError, State};
use axum::extract;
use axum::response::{IntoResponse, Response};
use http::{Uri, header};
use model::names::{is_legacy_label_name, is_legacy_metric_name, write_quoted};
use model::{Labels, METRIC_NAME, TimeRange, float, is_stale};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use storage::{Columns, SelectHints};

/// `/federate`
pub(crate) async fn federate(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<Response, Response> {
    let params = Params::from_url(uri.query());
    let plain = |error: ApiError| {
        let status = error.clone().into_response().status();
        (status, error.message + "\n").into_response()
    };
    let selectors = match_params(&params).map_err(plain)?;
    let metrics = Arc::clone(&state.metrics);
    let page = blocking(&metrics, move || page(&state, &selectors)).await.map_err(|error| {
        metrics.federation_errors.inc();
        plain(error)
    })?;
    let kind = "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], page).into_response())
}

fn page(state: &State, selectors: &[Vec<model::Matcher>]) -> Result<String, ApiError> {
    let now_ms = state.host.now_ms();
    let min_ms = now_ms.saturating_sub(state.engine().options.lookback_ms);
    let range = TimeRange { min_ms, max_ms: now_ms };
    let database = state.readiness.database().ok_or(storage::Error::NotReady)?;
    let querier = database.querier(range)?;
    let hints = SelectHints { range, sorted: false, labels_only: false };
    let external = state.host.external_labels();
    // By metric name first: a family's lines must stand together.
    let mut newest: BTreeMap<(String, Labels), (i64, f64)> = BTreeMap::new();
    let mut samples = Columns::default();
    for matchers in selectors {
        let set = querier.select(matchers, &hints)?;
        for series in 0..set.len() {
            samples.clear();
            set.read(series, range, &mut samples)?;
            let (Some(t_ms), Some(value)) = (samples.t_ms.last(), samples.values.last()) else {
                continue;
            };
            if !is_stale(*value) {
                let labels = set.labels(series);
                newest.insert((labels.metric_name().to_owned(), labels), (*t_ms, *value));
            }
        }
    }
    let mut page = String::new();
    let mut family = "";
    for ((name, labels), (t_ms, value)) in &newest {
        if name.is_empty() {
            continue;
        }
        if name != family {
            family = name;
            page.push_str("# TYPE ");
            write_name(&mut page, name);
            page.push_str(" untyped\n");
        }
        write_line(&mut page, labels, &external, *t_ms, *value);
    }
    Ok(page)
}

fn write_name(page: &mut String, name: &str) {
    if is_legacy_metric_name(name) {
        page.push_str(name);
    } else {
        write_quoted(page, name).expect("a string takes text");
    }
}

fn write_line(page: &mut String, labels: &Labels, external: &Labels, t_ms: i64, value: f64) {
    let name = labels.metric_name();
    let mut separator = "{";
    if is_legacy_metric_name(name) {
        page.push_str(name);
    } else {
        page.push('{');
        write_name(page, name);
        separator = ",";
    }
    let mut pair = |name: &str, value: &str| {
        page.push_str(std::mem::replace(&mut separator, ","));
        if is_legacy_label_name(name) {
            page.push_str(name);
        } else {
            write_quoted(page, name).expect("a string takes text");
        }
        page.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => page.push_str("\\\\"),
                '"' => page.push_str("\\\""),
                '\n' => page.push_str("\\n"),
                c => page.push(c),
            }
        }
        page.push('"');
    };
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME) {
        pair(name, value);
    }
    for (name, value) in external.iter().filter(|(name, _)| labels.get(name).is_none()) {
        pair(name, value);
    }
    // An empty instance keeps the scraper from adding its own.
    if labels.get("instance").is_none() && external.get("instance").is_none() {
        pair("instance", "");
    }
    page.push_str("} ");
    float::write_g(page, value).expect("a string takes text");
    writeln!(page, " {t_ms}").expect("a string takes text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_external_labels_and_an_instance() {
        let check = |labels: &[(&str, &str)], expected: &str| {
            let labels = Labels::from_pairs(labels.iter().copied());
            let external = Labels::from_pairs([("zone", "ie")]);
            let mut line = String::new();
            write_line(&mut line, &labels, &external, 6_000_000, 100.0);
            assert_eq!(line, expected);
        };
        check(
            &[("__name__", "up"), ("instance", "a\"b")],
            "up{instance=\"a\\\"b\",zone=\"ie\"} 100 6000000\n",
        );
        check(
            &[("__name__", "a.b"), ("zone", "x")],
            "{\"a.b\",zone=\"x\",instance=\"\"} 100 6000000\n",
        );
    }
}
