//! `rushlight explain target`: asks a server why targets are as they are, and tells it to people.

mod page;
#[cfg(test)]
mod tests;
mod text;

use crate::flags::ExplainTarget;
use anyhow::{Context, anyhow, bail};
use api::explain::Explanation;
use client::{Client, Dialer, HttpConfig};
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;

/// Longer answers are refused.
const MAX_ANSWER_BYTES: u64 = 1 << 30;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer of the API, good or bad.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    data: Option<Value>,
    error: Option<String>,
}

/// Asks and prints.
pub(crate) async fn target(asked: &ExplainTarget) -> anyhow::Result<()> {
    let server = asked.server.trim_end_matches('/');
    let scheme = if server.contains("://") { "" } else { "http://" };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("target", &asked.target).append_pair("limit", &asked.limit.to_string());
    if let Some(state) = &asked.state {
        query.append_pair("state", state);
    }
    let url = format!("{scheme}{server}/api/v1/explain/target?{}", query.finish());
    let agent = concat!("Rushlight/", env!("CARGO_PKG_VERSION"));
    let client = Client::new(&HttpConfig::default(), &Dialer::net(1), agent);
    let response = tokio::time::timeout(PATIENCE, client.get(&url, &[], MAX_ANSWER_BYTES)).await;
    let response = response.with_context(|| format!("{server}: no answer in time"))?;
    // The error tells its causes.
    let response = response.map_err(|error| anyhow!("{server}: {error}"))?;
    let answer = serde_json::from_slice::<Envelope>(&response.body).ok();
    let data = match answer {
        Some(Envelope { data: Some(data), .. }) => data,
        Some(Envelope { error: Some(error), .. }) => bail!("{error}"),
        _ if response.status == 404 => bail!("{server} does not know how to explain targets"),
        _ => bail!("{server} answered {}", response.status_text),
    };
    let mut out = std::io::stdout().lock();
    if asked.json {
        writeln!(out, "{data:#}")?;
    } else {
        let explanation: Explanation = serde_json::from_value(data).context("reading JSON")?;
        out.write_all(text::show(&explanation).as_bytes())?;
    }
    Ok(out.flush()?)
}
