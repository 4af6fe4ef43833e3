//! `rushlight explain`: asks a server why targets are as they are, or why an object of a cluster has the
//! targets it has, and tells it to people.

mod object;
mod page;
#[cfg(test)]
mod tests;
mod text;

use crate::flags::{ExplainObject, ExplainTarget, RulesFormat};
use anyhow::{Context, anyhow, bail};
use api::explain::{CheckOutcome, Explanation, ObjectExplanation};
use client::{Client, Dialer, HttpConfig};
use serde::Deserialize;
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;
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

/// Asks for targets and prints what is told of them.
pub(crate) async fn target(asked: &ExplainTarget) -> anyhow::Result<()> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("target", &asked.target).append_pair("limit", &asked.limit.to_string());
    if let Some(state) = &asked.state {
        query.append_pair("state", state);
    }
    let path = format!("target?{}", query.finish());
    let data = ask(&asked.server, &path, "targets").await?;
    print(data, asked.json, |explanation: &Explanation| text::show(explanation)).map(drop)
}

/// Asks for an object and prints what is told of it; a failure unless every check passes.
pub(crate) async fn object(kind: &str, asked: &ExplainObject) -> anyhow::Result<ExitCode> {
    let named = asked.object.split_once('/');
    let named = named.filter(|(namespace, name)| {
        !namespace.is_empty() && !name.is_empty() && !name.contains('/')
    });
    let (namespace, name) =
        named.with_context(|| format!("{:?} is not NAMESPACE/NAME", asked.object))?;
    let path = format!("{kind}/{}/{}", in_path(namespace), in_path(name));
    let data = ask(&asked.server, &path, "objects of a cluster").await?;
    let is_json = asked.format == RulesFormat::Json;
    let explanation =
        print(data, is_json, |explained: &ObjectExplanation| object::show(explained))?;
    let all_pass = explanation.checks.iter().all(|check| check.outcome == CheckOutcome::Pass);
    Ok(if all_pass { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A part of a path, with everything escaped that could end it.
fn in_path(part: &str) -> String {
    let mut out = String::new();
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The data of an answer from below `/api/v1/explain/`.
async fn ask(server: &str, path: &str, what: &str) -> anyhow::Result<Value> {
    let server = server.trim_end_matches('/');
    let scheme = if server.contains("://") { "" } else { "http://" };
    let url = format!("{scheme}{server}/api/v1/explain/{path}");
    let agent = concat!("Rushlight/", env!("CARGO_PKG_VERSION"));
    let client = Client::new(&HttpConfig::default(), &Dialer::net(1), agent);
    let response = tokio::time::timeout(PATIENCE, client.get(&url, &[], MAX_ANSWER_BYTES)).await;
    let response = response.with_context(|| format!("{server}: no answer in time"))?;
    // The error tells its causes.
    let response = response.map_err(|error| anyhow!("{server}: {error}"))?;
    let answer = serde_json::from_slice::<Envelope>(&response.body).ok();
    match answer {
        Some(Envelope { data: Some(data), .. }) => Ok(data),
        Some(Envelope { error: Some(error), .. }) => bail!("{error}"),
        _ if response.status == 404 => bail!("{server} does not know how to explain {what}"),
        _ => bail!("{server} answered {}", response.status_text),
    }
}

/// Prints an answer, as it is or as a text.
fn print<T: for<'de> Deserialize<'de>>(
    data: Value,
    is_json: bool,
    text: impl Fn(&T) -> String,
) -> anyhow::Result<T> {
    let mut out = std::io::stdout().lock();
    if is_json {
        writeln!(out, "{data:#}")?;
    }
    let read: T = serde_json::from_value(data).context("reading JSON")?;
    if !is_json {
        out.write_all(text(&read).as_bytes())?;
    }
    out.flush()?;
    Ok(read)
}
