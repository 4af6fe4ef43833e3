//! What targets say about their metrics.

use super::FamilyMetadata;
use crate::envelope;
use crate::json::{write_label, write_labels, write_text};
use crate::params::Params;
use crate::selectors::parse_selector;
use crate::{ApiError, State};
use axum::extract;
use axum::response::IntoResponse;
use http::Uri;
use model::Labels;
use std::collections::BTreeMap;

/// `/metadata`: by family, what different targets say, each once.
pub(crate) async fn metadata(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<impl IntoResponse, ApiError> {
    let params = Params::from_url(uri.query());
    let limit = params.open_limit("limit", "limit")?;
    let limit_per_metric = params.open_limit("limit_per_metric", "limit_per_metric")?;
    let per_metric = limit_per_metric.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let mut families: BTreeMap<String, Vec<FamilyMetadata>> = BTreeMap::new();
    state.targets.metadata(params.get("metric"), &mut |_, family| {
        let known = families.entry(family.metric.clone()).or_default();
        if known.len() < per_metric && !known.contains(family) {
            known.push(family.clone());
        }
        true
    });
    let limit = limit.unwrap_or(usize::MAX);
    Ok(envelope::data(|out| {
        out.push('{');
        for (i, (metric, known)) in families.iter().take(limit).enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_label(out, metric);
            out.push_str(":[");
            for (i, family) in known.iter().enumerate() {
                out.push_str(if i > 0 { ",{" } else { "{" });
                write_fields(out, [("type", &family.kind), ("unit", &family.unit)]);
                out.push(',');
                write_fields(out, [("help", &family.help)]);
                out.push('}');
            }
            out.push(']');
        }
        out.push('}');
    }))
}

/// `/targets/metadata`: by target.
pub(crate) async fn targets_metadata(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<impl IntoResponse, ApiError> {
    let params = Params::from_url(uri.query());
    let limit = params.open_limit("limit", "limit")?.unwrap_or(usize::MAX);
    let matchers = match params.get("match_target") {
        "" => Vec::new(),
        text => parse_selector(text).map_err(|error| ApiError::parameter("match_target", error))?,
    };
    let metric = params.get("metric");
    let mut rows: Vec<(Labels, FamilyMetadata)> = Vec::new();
    if limit > 0 {
        state.targets.metadata(metric, &mut |labels, family| {
            if matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                rows.push((labels.clone(), family.clone()));
            }
            rows.len() < limit
        });
    }
    Ok(envelope::data(|out| {
        out.push('[');
        for (i, (labels, family)) in rows.iter().enumerate() {
            out.push_str(if i > 0 { r#",{"target":"# } else { r#"{"target":"# });
            write_labels(out, labels);
            out.push(',');
            if metric.is_empty() {
                write_fields(out, [("metric", &family.metric)]);
                out.push(',');
            }
            let FamilyMetadata { kind, help, unit, .. } = family;
            write_fields(out, [("type", kind), ("help", help), ("unit", unit)]);
            out.push('}');
        }
        out.push(']');
    }))
}

fn write_fields<const N: usize>(out: &mut String, fields: [(&str, &String); N]) {
    for (i, (key, text)) in fields.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write_label(out, key);
        out.push(':');
        write_text(out, text);
    }
}
