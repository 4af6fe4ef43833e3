//! `rushlight query instant|range`: asks a server and prints the answer as promtool does.

use crate::clock;
use crate::flags::{Output, OutputFormat, Query};
use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use model::{Labels, METRIC_NAME, float};
use serde_json::Value;
use std::fmt::Write;

/// Longer answers are refused.
const MAX_ANSWER_BYTES: usize = 1 << 30;

/// Asks and prints.
pub(crate) async fn run(query: &Query) -> anyhow::Result<()> {
    let (server, path, form, headers, output) = request(query)?;
    let answer = ask(&server, path, &form, headers).await?;
    print!("{}", show(&answer, output)?);
    Ok(())
}

type Form = Vec<(&'static str, String)>;

fn request(query: &Query) -> anyhow::Result<(String, &'static str, Form, &[String], &Output)> {
    let now = seconds(clock::now_ms());
    Ok(match query {
        Query::Instant { server, expr, time, output } => {
            let time = time.clone().unwrap_or(now);
            let form = vec![("query", expr.clone()), ("time", time)];
            (server.clone(), "query", form, &[][..], output)
        }
        Query::Range { server, expr, header, start, end, step, output } => {
            let end_ms = parse_time(end.as_deref().unwrap_or(&now))?;
            let start_ms = match start {
                Some(start) => parse_time(start)?,
                None => end_ms - 5 * 60_000,
            };
            if end_ms < start_ms {
                bail!("start time is not before end time");
            }
            // As many steps as a graph has use for, but not less than a second.
            let step = match step {
                Some(step) => step.clone(),
                None => ((end_ms - start_ms) / 250_000).max(1).to_string(),
            };
            let form = vec![
                ("query", expr.clone()),
                ("start", seconds(start_ms)),
                ("end", seconds(end_ms)),
                ("step", step),
            ];
            (server.clone(), "query_range", form, header, output)
        }
    })
}

fn seconds(t_ms: i64) -> String {
    format!("{}.{:03}", t_ms.div_euclid(1000), t_ms.rem_euclid(1000))
}

fn parse_time(text: &str) -> anyhow::Result<i64> {
    if let Some(seconds) = float::parse(text).filter(|seconds| seconds.abs() < 1e12) {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        return Ok((seconds * 1000.0).round() as i64);
    }
    let at: jiff::Timestamp = text.parse().with_context(|| format!("{text:?} is not a time"))?;
    Ok(at.as_millisecond())
}

async fn ask(server: &str, path: &str, form: &Form, headers: &[String]) -> anyhow::Result<Value> {
    let server = server.trim_end_matches('/');
    let server =
        if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let uri = format!("{server}/api/v1/{path}");
    let body: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = http::Request::post(&uri)
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for header in headers {
        let (name, value) =
            header.split_once(':').with_context(|| format!("{header:?} is not `name: value`"))?;
        request = request.header(name.trim(), value.trim());
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.with_context(|| uri.clone())?;
    let status = response.status();
    let body = match Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => bail!("{uri}: {error}"),
    };
    let answer: Value = serde_json::from_slice(&body).with_context(|| {
        let text = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        format!("{uri} answered {status}: {text}")
    })?;
    if answer["status"] != "success" {
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        bail!("query error: {}: {}", text("errorType"), text("error"));
    }
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        eprintln!("warning: {}", warning.as_str().unwrap_or_default());
    }
    Ok(answer)
}

fn show(answer: &Value, output: &Output) -> anyhow::Result<String> {
    let (kind, result) = (&answer["data"]["resultType"], &answer["data"]["result"]);
    if output.format == OutputFormat::Json {
        return Ok(format!("{result}\n"));
    }
    let mut out = String::new();
    match kind.as_str().unwrap_or_default() {
        "vector" => {
            for series in result.as_array().into_iter().flatten() {
                writeln!(out, "{} => {}", metric(&series["metric"]), point(&series["value"]))?;
            }
        }
        "matrix" => {
            for series in result.as_array().into_iter().flatten() {
                writeln!(out, "{} =>", metric(&series["metric"]))?;
                for value in series["values"].as_array().into_iter().flatten() {
                    writeln!(out, "{}", point(value))?;
                }
            }
        }
        "scalar" => writeln!(out, "scalar: {}", point(result))?,
        "string" => writeln!(out, "{}", result[1].as_str().unwrap_or_default())?,
        other => bail!("the server answered with a {other:?}"),
    }
    if out.is_empty() {
        // An empty vector or matrix is an empty line.
        out.push('\n');
    }
    Ok(out)
}

/// `value @[time]`; the value never has an exponent.
fn point(value: &Value) -> String {
    let (text, mut out) = (value[1].as_str().unwrap_or_default(), String::new());
    match float::parse(text) {
        Some(number) => float::write_f(&mut out, number).expect("a string takes text"),
        None => out.push_str(text),
    }
    out + &format!(" @[{}]", value[0])
}

/// `name{a="1", b="2"}`
fn metric(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    let labels =
        Labels::from_pairs(pairs.map(|(name, value)| (name, value.as_str().unwrap_or(""))));
    let rest = labels.filter(|name, _| name != METRIC_NAME);
    match (labels.metric_name(), rest.is_empty()) {
        ("", _) => rest.to_string(),
        (name, true) => name.to_owned(),
        (name, false) => format!("{name}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_print_as_promtool_prints_them() {
        let check = |kind: &str, result: Value, expected: &str| {
            let answer = json!({ "data": { "resultType": kind, "result": result } });
            let output = Output { format: OutputFormat::Promql };
            assert_eq!(show(&answer, &output).unwrap(), expected);
        };
        check("scalar", json!([1.5, "2"]), "scalar: 2 @[1.5]\n");
        check("scalar", json!([1, "1e-07"]), "scalar: 0.0000001 @[1]\n");
        check("scalar", json!([1, "1e+21"]), "scalar: 1000000000000000000000 @[1]\n");
        check("vector", json!([]), "\n");
        check("matrix", json!([]), "\n");
        check("string", json!([1, "text"]), "text\n");
        check(
            "vector",
            json!([{ "metric": { "__name__": "up", "job": "a" }, "value": [1435781451.781, "1"] }]),
            "up{job=\"a\"} => 1 @[1435781451.781]\n",
        );
        check("vector", json!([{ "metric": {}, "value": [1, "NaN"] }]), "{} => NaN @[1]\n");
        check("vector", json!([{ "metric": {}, "value": [1, "+Inf"] }]), "{} => +Inf @[1]\n");
        check(
            "matrix",
            json!([{ "metric": { "a": "b" }, "values": [[1, "2"], [2, "3"]] }]),
            "{a=\"b\"} =>\n2 @[1]\n3 @[2]\n",
        );
    }
}
