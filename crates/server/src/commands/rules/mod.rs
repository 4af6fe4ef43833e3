//! `rushlight rules backtest|backfill`: asks a server to evaluate rules over what it has stored.
//!
//! The work is done by the server, beside the data; here files are read, the question is asked, and
//! progress and outcome are told to people.

mod ask;
mod bar;
mod text;
mod times;

use crate::clock;
use crate::flags::{OverHistory, Rules, RulesFormat};
use anyhow::{Context, bail};
use api::history::{Backfill, Backtest, File, Question, rfc3339};
use client::files::{Content, read_once};
use serde_json::Value;
use std::io::Write;

/// A file of the command line may hold at most this much.
const MAX_BYTES: u64 = 64 << 20;

/// Asks, and tells what came out.
pub(crate) async fn run(rules: &Rules) -> anyhow::Result<()> {
    let failed;
    let text = match rules {
        Rules::Backtest { over, format } => {
            let answer = ask(over, "rules/backtest", "nothing is told of a part").await?;
            failed = self::failed(&answer);
            match format {
                RulesFormat::Json => format!("{answer:#}\n"),
                RulesFormat::Text => {
                    let found: Backtest = serde_json::from_value(answer).context("reading JSON")?;
                    text::backtest(&found)
                }
            }
        }
        Rules::Backfill { over, format } => {
            let again = "what was stored stays; the same command goes on from there";
            let answer = ask(over, "admin/rules/backfill", again).await?;
            failed = self::failed(&answer);
            match format {
                RulesFormat::Json => format!("{answer:#}\n"),
                RulesFormat::Text => {
                    let done: Backfill = serde_json::from_value(answer).context("reading JSON")?;
                    text::backfill(&done)
                }
            }
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    match failed.as_slice() {
        [] => Ok(()),
        failed => bail!("no evaluation went well of: {}", failed.join(", ")),
    }
}

/// Names of rules of which every evaluation failed.
fn failed(answer: &Value) -> Vec<String> {
    let rules = answer["rules"].as_array().into_iter().flatten();
    let failed = rules.filter(|rule| {
        let failures = rule["failures"].as_u64().unwrap_or(0);
        failures > 0 && rule["evaluations"].as_u64() == Some(failures)
    });
    failed.filter_map(|rule| rule["name"].as_str().map(str::to_owned)).collect()
}

/// The answer to a question; `after` is told to who ends it early.
async fn ask(over: &OverHistory, path: &str, after: &str) -> anyhow::Result<Value> {
    let question = question(over, clock::now_ms())?;
    tokio::select! {
        answer = ask::ask(over, path, &question) => answer,
        _ = tokio::signal::ctrl_c() => bail!("stopped: {after}"),
    }
}

fn question(over: &OverHistory, now_ms: i64) -> anyhow::Result<Question> {
    let mut files = Vec::new();
    for path in &over.files {
        let name = path.display().to_string();
        let text = read_once(path, MAX_BYTES).and_then(Content::into_text);
        let text = text.with_context(|| name.clone())?;
        // The server knows its own files by where they are.
        let name = std::fs::canonicalize(path).map_or(name, |path| path.display().to_string());
        files.push(File { name, text });
    }
    let from_ms = times::parse(&over.from, now_ms).context("--from")?;
    let to_ms = times::parse(&over.to, now_ms).context("--to")?;
    if to_ms < from_ms {
        bail!("--from {} is later than --to {}", rfc3339::text(from_ms), rfc3339::text(to_ms));
    }
    Ok(Question {
        files,
        from: seconds(from_ms),
        to: (over.to != times::NOW).then(|| seconds(to_ms)),
        eval_interval: over.eval_interval.map(|interval| interval.to_string()),
    })
}

fn seconds(t_ms: i64) -> String {
    format!("{}{}.{:03}", if t_ms < 0 { "-" } else { "" }, t_ms.abs() / 1000, t_ms.abs() % 1000)
}
