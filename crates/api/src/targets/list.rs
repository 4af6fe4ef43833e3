//! The list of targets by state.

use super::{ActiveTarget, Pool, url::global_url};
use crate::envelope;
use crate::json::{separator, write_labels, write_number, write_text, write_texts};
use crate::params::Params;
use crate::time::rfc3339_ns;
use crate::{ApiError, State};
use axum::extract;
use axum::response::IntoResponse;
use http::Uri;
use std::fmt::Write;

/// `/scrape_pools`
pub(crate) async fn pools(extract::State(state): extract::State<State>) -> impl IntoResponse {
    let names: Vec<String> = state.targets.pools().into_iter().map(|pool| pool.name).collect();
    envelope::data(|out| {
        out.push_str(r#"{"scrapePools":"#);
        write_texts(out, &names);
        out.push('}');
    })
}

/// `/targets`
pub(crate) async fn targets(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<impl IntoResponse, ApiError> {
    let params = Params::from_url(uri.query());
    let wanted = params.get("state").to_ascii_lowercase();
    let any = wanted.is_empty() || wanted == "any";
    let pool_name = params.get("scrapePool");
    let mut pools = state.targets.pools();
    pools.retain(|pool| pool_name.is_empty() || pool.name == pool_name);

    Ok(envelope::data(|out| {
        out.push_str(r#"{"activeTargets":["#);
        let mut separate = separator();
        if any || wanted == "active" {
            for (pool, target) in pools.iter().flat_map(|p| p.active.iter().map(move |t| (p, t))) {
                separate(out);
                write_active(out, &state, pool, target);
            }
        }
        out.push_str(r#"],"droppedTargets":["#);
        let mut separate = separator();
        if any || wanted == "dropped" {
            for (pool, labels) in pools.iter().flat_map(|p| p.dropped.iter().map(move |l| (p, l))) {
                separate(out);
                out.push_str(r#"{"discoveredLabels":"#);
                write_labels(out, labels);
                out.push_str(r#","scrapePool":"#);
                write_text(out, &pool.name);
                out.push('}');
            }
        }
        out.push_str(r#"],"droppedTargetCounts":{"#);
        let mut separate = separator();
        for pool in &pools {
            separate(out);
            write_text(out, &pool.name);
            write!(out, ":{}", pool.dropped_total).expect("a string takes text");
        }
        out.push_str("}}");
    }))
}

fn write_active(out: &mut String, state: &State, pool: &Pool, target: &ActiveTarget) {
    out.push_str(r#"{"discoveredLabels":"#);
    write_labels(out, &target.discovered);
    out.push_str(r#","labels":"#);
    write_labels(out, &target.labels);
    let field = |out: &mut String, key: &str, text: &str| {
        write!(out, ",\"{key}\":").expect("a string takes text");
        write_text(out, text);
    };
    field(out, "scrapePool", &pool.name);
    field(out, "scrapeUrl", &target.url);
    field(out, "globalUrl", &global_url(&target.url, &state.settings));
    field(out, "lastError", &target.last_error);
    field(out, "lastScrape", &rfc3339_ns(target.last_scrape_ns));
    out.push_str(r#","lastScrapeDuration":"#);
    write_number(out, target.last_scrape_seconds);
    field(out, "health", target.health.as_str());
    field(out, "scrapeInterval", &target.interval.to_string());
    field(out, "scrapeTimeout", &target.timeout.to_string());
    // These two are ours; clients pass over what they do not know.
    if target.scrapes.total > 0 {
        out.push_str(r#","scrapes":"#);
        out.push_str(&envelope::json(&target.scrapes));
    }
    if let Some(diagnosis) = &target.diagnosis {
        out.push_str(r#","diagnosis":"#);
        out.push_str(&envelope::json(diagnosis));
    }
    out.push('}');
}
