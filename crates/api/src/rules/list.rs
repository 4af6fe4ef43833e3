//! The lists in JSON.

use super::chosen::{Chosen, Page};
use super::{ActiveAlert, Alerting, Rule, RuleGroup};
use crate::envelope::{self, Data};
use crate::json::{separator, write_label, write_labels, write_number, write_text};
use crate::params::Params;
use crate::query::blocking;
use crate::time::{NS_PER_MS, rfc3339_ns};
use crate::{ApiError, State};
use axum::extract;
use axum::response::IntoResponse;
use http::Uri;
use model::float;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// `/rules`
pub(crate) async fn rules(
    extract::State(state): extract::State<State>,
    uri: Uri,
) -> Result<Data, ApiError> {
    let chosen = Chosen::of(&Params::from_url(uri.query()))?;
    let metrics = Arc::clone(&state.metrics);
    // There may be tens of thousands of alerts.
    blocking(&metrics, move || {
        let groups = state.rules.groups();
        let page = chosen.page(&groups)?;
        Ok(envelope::data(|out| write_page(out, &page, chosen.with_alerts)))
    })
    .await
}

/// `/alerts`
pub(crate) async fn alerts(extract::State(state): extract::State<State>) -> Result<Data, ApiError> {
    let metrics = Arc::clone(&state.metrics);
    blocking(&metrics, move || {
        let groups = state.rules.groups();
        let rules = groups.iter().flat_map(|group| &group.rules);
        let alerts = rules.filter_map(|rule| rule.alerting.as_ref()).flat_map(|rule| &rule.alerts);
        Ok(envelope::data(|out| {
            out.push_str(r#"{"alerts":"#);
            write_alerts(out, alerts);
            out.push('}');
        }))
    })
    .await
}

/// `/alertmanagers`
pub(crate) async fn alertmanagers(
    extract::State(state): extract::State<State>,
) -> impl IntoResponse {
    let lists = [
        ("activeAlertmanagers", state.alertmanagers.active()),
        ("droppedAlertmanagers", state.alertmanagers.dropped()),
    ];
    envelope::data(|out| {
        let mut separate = separator();
        out.push('{');
        for (key, urls) in &lists {
            separate(out);
            write_label(out, key);
            out.push_str(":[");
            let mut separate = separator();
            for url in urls {
                separate(out);
                out.push_str(r#"{"url":"#);
                write_text(out, url);
                out.push('}');
            }
            out.push(']');
        }
        out.push('}');
    })
}

fn write_page(out: &mut String, page: &Page<'_>, with_alerts: bool) {
    out.push_str(r#"{"groups":["#);
    let mut separate = separator();
    for (group, rules) in &page.groups {
        separate(out);
        write_group(out, group, rules, with_alerts);
    }
    out.push(']');
    if let Some(token) = &page.next_token {
        text_field(out, "groupNextToken", token);
    }
    out.push('}');
}

fn write_group(out: &mut String, group: &RuleGroup, rules: &[&Rule], with_alerts: bool) {
    out.push_str(r#"{"name":"#);
    write_text(out, &group.name);
    text_field(out, "file", &group.file);
    out.push_str(r#","rules":["#);
    let mut separate = separator();
    for rule in rules {
        separate(out);
        write_rule(out, rule, with_alerts);
    }
    out.push(']');
    number_field(out, "interval", seconds(group.interval_ms));
    write!(out, r#","limit":{}"#, group.limit).expect("a string takes text");
    number_field(out, "evaluationTime", group.evaluation_time.as_secs_f64());
    text_field(out, "lastEvaluation", &rfc3339_ns(group.last_evaluation_ns));
    out.push('}');
}

fn write_rule(out: &mut String, rule: &Rule, with_alerts: bool) {
    out.push('{');
    if let Some(alerting) = &rule.alerting {
        out.push_str(r#""state":"#);
        write_text(out, alerting.state.as_str());
        out.push(',');
    }
    out.push_str(r#""name":"#);
    write_text(out, &rule.name);
    text_field(out, "query", &rule.query);
    if let Some(alerting) = &rule.alerting {
        number_field(out, "duration", seconds(alerting.for_ms));
        number_field(out, "keepFiringFor", seconds(alerting.keep_firing_for_ms));
    }
    pairs_field(out, "labels", &rule.labels);
    if let Some(alerting) = &rule.alerting {
        write_alerting(out, alerting, with_alerts);
    }
    text_field(out, "health", rule.health.as_str());
    if !rule.last_error.is_empty() {
        text_field(out, "lastError", &rule.last_error);
    }
    number_field(out, "evaluationTime", rule.evaluation_time.as_secs_f64());
    text_field(out, "lastEvaluation", &rfc3339_ns(rule.last_evaluation_ns));
    text_field(out, "type", if rule.alerting.is_some() { "alerting" } else { "recording" });
    out.push('}');
}

fn write_alerting(out: &mut String, alerting: &Alerting, with_alerts: bool) {
    pairs_field(out, "annotations", &alerting.annotations);
    out.push_str(r#","alerts":"#);
    if with_alerts {
        write_alerts(out, &alerting.alerts);
    } else {
        out.push_str("null");
    }
}

fn write_alerts<'a>(out: &mut String, alerts: impl IntoIterator<Item = &'a ActiveAlert>) {
    out.push('[');
    let mut separate = separator();
    for alert in alerts {
        separate(out);
        out.push_str(r#"{"labels":"#);
        write_labels(out, &alert.labels);
        pairs_field(out, "annotations", &alert.annotations);
        text_field(out, "state", alert.state.as_str());
        time_field(out, "activeAt", alert.active_at_ms);
        if let Some(since_ms) = alert.keep_firing_since_ms {
            time_field(out, "keepFiringSince", since_ms);
        }
        out.push_str(r#","value":""#);
        float::write_e(out, alert.value).expect("a string takes text");
        out.push_str("\"}");
    }
    out.push(']');
}

fn key(out: &mut String, name: &str) {
    write!(out, ",\"{name}\":").expect("a string takes text");
}

fn text_field(out: &mut String, name: &str, text: &str) {
    key(out, name);
    write_text(out, text);
}

fn number_field(out: &mut String, name: &str, value: f64) {
    key(out, name);
    write_number(out, value);
}

fn time_field(out: &mut String, name: &str, t_ms: i64) {
    text_field(out, name, &rfc3339_ns(t_ms.checked_mul(NS_PER_MS)));
}

/// Labels or annotations, of which some may be empty.
fn pairs_field(out: &mut String, name: &str, pairs: &[(String, String)]) {
    key(out, name);
    out.push('{');
    let mut separate = separator();
    for (name, text) in pairs {
        separate(out);
        write_label(out, name);
        out.push(':');
        write_label(out, text);
    }
    out.push('}');
}

/// Seconds of a duration in milliseconds; none is negative.
fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64()
}
