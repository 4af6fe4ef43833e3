//! The cases of the conformance set: requests with their answers, exact encodings, times.
//!
//! What is left out, and why: exemplars of the endpoints' set, and the cases about metadata and
//! targets, which are about the targets of the test they were taken from.

use super::harness::{Api, TestRules, form, load, settings};
use crate::json::{Annotated, Keep, Out, write_point, write_query_answer};
use crate::rules::{Alerting, Rule, RuleGroup};
use crate::time::{parse_duration, parse_time};
use model::histogram::Span;
use model::{FloatHistogram, Labels, float};
use promql::{InstantSeries, RangeSeries};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use storage::{Exemplar, SeriesExemplars};

/// A file of the set, or `None` after saying that it is not there.
fn file(name: &str) -> Option<Value> {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: api/{name}: no folder {}", folder.display());
        return None;
    }
    let path = folder.join("api").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// Counts cases, and fails at the end when one failed.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    skipped: usize,
}

impl Tally {
    fn case(&mut self, id: &Value, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.passed += 1,
            Err(why) => self.failed.push(format!("{id}: {why}")),
        }
    }

    fn finish(self, name: &str) {
        let Self { passed, failed, skipped } = self;
        println!("{name}: {passed} passed, {} failed, {skipped} skipped", failed.len());
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => float::parse(text).expect("a float"),
        other => other.as_f64().unwrap_or(0.0),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().into_iter().flatten().map(number).collect()
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    Labels::from_pairs(pairs.map(|(name, value)| (name, value.as_str().unwrap_or(""))))
}

fn t_ms(value: &Value) -> i64 {
    value["T"].as_i64().expect("milliseconds")
}

fn histogram(value: &Value) -> FloatHistogram {
    let spans = |value: &Value| {
        let spans = value.as_array().into_iter().flatten();
        let offset = |span: &Value| span["Offset"].as_i64().and_then(|v| i32::try_from(v).ok());
        let length = |span: &Value| span["Length"].as_u64().and_then(|v| u32::try_from(v).ok());
        spans
            .map(|span| Span {
                offset: offset(span).expect("an offset"),
                length: length(span).expect("a length"),
            })
            .collect()
    };
    let schema = value["Schema"].as_i64().and_then(|v| i32::try_from(v).ok());
    FloatHistogram {
        schema: schema.unwrap_or(0),
        count: number(&value["Count"]),
        sum: number(&value["Sum"]),
        zero_count: number(&value["ZeroCount"]),
        zero_threshold: number(&value["ZeroThreshold"]),
        positive_spans: spans(&value["PositiveSpans"]),
        negative_spans: spans(&value["NegativeSpans"]),
        positive_buckets: numbers(&value["PositiveBuckets"]),
        negative_buckets: numbers(&value["NegativeBuckets"]),
        custom_values: numbers(&value["CustomValues"]),
        ..FloatHistogram::default()
    }
}

fn query_value(value: &Value) -> promql::Value {
    let series = value["Result"].as_array().expect("series");
    if value["ResultType"] == "vector" {
        let one = |series: &Value| InstantSeries {
            labels: labels(&series["Metric"]),
            t_ms: t_ms(series),
            value: number(&series["F"]),
            histogram: series.get("H").map(|h| Arc::new(histogram(h))),
        };
        return promql::Value::Vector(series.iter().map(one).collect());
    }
    let one = |series: &Value| {
        let floats = series["Floats"].as_array().into_iter().flatten();
        let histograms = series["Histograms"].as_array().into_iter().flatten();
        RangeSeries {
            labels: labels(&series["Metric"]),
            t_ms: floats.clone().map(t_ms).collect(),
            values: floats.map(|point| number(&point["F"])).collect(),
            histograms: histograms.map(|h| (t_ms(h), Arc::new(histogram(&h["H"])))).collect(),
        }
    };
    promql::Value::Matrix(series.iter().map(one).collect())
}

fn exemplars(value: &Value) -> Vec<SeriesExemplars> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let one = |exemplar: &Value| Exemplar {
        labels: labels(&exemplar["Labels"]),
        value: number(&exemplar["Value"]),
        t_ms: exemplar["Ts"].as_i64().expect("milliseconds"),
    };
    let series = list(value).into_iter().map(|series| SeriesExemplars {
        labels: labels(&series["SeriesLabels"]),
        exemplars: list(&series["Exemplars"]).iter().map(one).collect(),
    });
    series.collect()
}

#[test]
fn encodings_are_exact() {
    let Some(cases) = file("json-encoding.json") else { return };
    let mut tally = Tally::default();
    for case in cases.as_array().expect("a list of cases") {
        let value = &case["value"];
        let got = match case["kind"].as_str() {
            Some("QueryData") => {
                let mut out = Out::new(Keep);
                let written =
                    write_query_answer(&mut out, &query_value(value), None, &Annotated::default());
                written.expect("kept in memory");
                out.finish().0
            }
            Some("promql.FPoint") => {
                let mut text = String::from(r#"{"status":"success","data":"#);
                write_point(&mut text, t_ms(value), number(&value["F"]));
                text + "}"
            }
            Some("[]exemplar.QueryResult") => {
                let mut text = String::from(r#"{"status":"success","data":"#);
                crate::exemplars::write(&mut text, &exemplars(value));
                text + "}"
            }
            _ => {
                tally.skipped += 1;
                continue;
            }
        };
        let expected = case["body"].as_str().expect("a body");
        let same = (got == expected).then_some(());
        tally.case(&case["id"], same.ok_or_else(|| format!("{got}\n  not {expected}")));
    }
    tally.finish("json-encoding");
}

#[test]
fn times_and_durations_are_read() {
    let Some(cases) = file("time-duration.json") else { return };
    let mut tally = Tally::default();
    type Parse = fn(&str) -> Result<i64, crate::ApiError>;
    let parsers: [(&str, Parse); 2] = [("timestamps", parse_time), ("durations", parse_duration)];
    for (list, parse) in parsers {
        for case in cases[list].as_array().expect("a list of cases") {
            let input = case["input"].as_str().expect("an input");
            let (got, expected) = (parse(input).ok(), case["ms"].as_i64());
            let same = (got == expected).then_some(());
            let why = || format!("{input:?} is {got:?}, not {expected:?}");
            tally.case(&case["id"], same.ok_or_else(why));
        }
    }
    tally.finish("time-duration");
}

/// Vectors come in any order.
fn sorted(data: &Value) -> Value {
    let mut data = data.clone();
    let list = if data.is_array() { Some(&mut data) } else { data.get_mut("result") };
    if let Some(Value::Array(list)) = list
        && list.iter().all(Value::is_object)
    {
        list.sort_by_key(Value::to_string);
    }
    data
}

/// Numbers as floats: 123.4 and 123.400 are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

async fn endpoint(api: &Api, case: &Value) -> Result<(), String> {
    let pairs: Vec<(&str, &str)> = case["query"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(name, values)| values.as_array().into_iter().flatten().map(move |v| (name, v)))
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")))
        .collect();
    let path = case["path"].as_str().expect("a path");
    let answer = api.get(&format!("{path}?{}", form(&pairs))).await;
    let body = answer.json();
    let check = |good: bool, what: &str| if good { Ok(()) } else { Err(format!("{what}: {body}")) };
    check(Some(u64::from(answer.status)) == case["status"].as_u64(), "status")?;
    if let Some(kind) = case.get("errorType") {
        return check(body["errorType"] == *kind, "errorType");
    }
    if let Some(data) = case.get("data") {
        check(same(&sorted(&body["data"]), &sorted(data)), "data")?;
    }
    if let Some(len) = case.get("data_len") {
        let got = body["data"].as_array().map(Vec::len);
        check(got.map(|len| len as u64) == len.as_u64(), "length of data")?;
    }
    let warnings = body["warnings"].as_array().map_or(0, Vec::len) as u64;
    check(warnings == case["warnings_count"].as_u64().unwrap_or(0), "number of warnings")
}

#[tokio::test]
async fn endpoints_answer() {
    let Some(file) = file("endpoints.json") else { return };
    let api = Api::new(load(file["load"].as_str().expect("a script")), settings());
    let mut tally = Tally::default();
    for case in file["cases"].as_array().expect("a list of cases") {
        let path = case["path"].as_str().unwrap_or_default();
        if path.contains("metadata") || path.contains("targets") || path.contains("exemplars") {
            tally.skipped += 1;
            continue;
        }
        tally.case(&case["id"], endpoint(&api, case).await);
    }
    tally.finish("endpoints");
}

/// The groups of a rule file as nobody has evaluated them.
fn groups(text: &str, file: &str) -> Vec<RuleGroup> {
    let parsed = ::rules::file::RuleFile::parse(text, &::rules::file::Options::default());
    let rule = |rule: &::rules::file::Rule| Rule {
        name: rule.name.clone(),
        labels: rule.labels.clone(),
        alerting: (rule.kind != ::rules::file::Kind::Record).then(Alerting::default),
        ..Rule::default()
    };
    let groups = parsed.expect("a good file").groups.into_iter().map(|group| RuleGroup {
        name: group.name.clone(),
        file: file.to_owned(),
        rules: group.rules.iter().map(rule).collect(),
        ..RuleGroup::default()
    });
    groups.collect()
}

/// The token of a group, where the case has one of it.
fn token(value: &Value, file: &str) -> Option<String> {
    let group = value.get("token_of_group")?.as_str()?;
    let text = format!("{file};{group}");
    let hash = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    Some(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn rules_case(api: &Api, case: &Value) -> Result<(), String> {
    const FILE: &str = "RULE_FILE";
    let text = |value: &Value| token(value, FILE).or_else(|| value.as_str().map(str::to_owned));
    let pairs: Vec<(&str, String)> = case["query"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(name, values)| values.as_array().into_iter().flatten().map(move |v| (name, v)))
        .map(|(name, value)| (name.as_str(), text(value).expect("a text or a token")))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, &**value)).collect();
    let path = case["path"].as_str().expect("a path");
    let answer = api.get(&format!("{path}?{}", form(&pairs))).await;
    let body = answer.json();
    let check = |good: bool, what: &str| if good { Ok(()) } else { Err(format!("{what}: {body}")) };
    check(Some(u64::from(answer.status)) == case["status"].as_u64(), "status")?;
    if let Some(kind) = case.get("errorType") {
        return check(body["errorType"] == *kind, "errorType");
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (got, expected) = (list(&body["data"]["groups"]), list(&case["groups"]));
    check(got.len() == expected.len(), "number of groups")?;
    for (got, expected) in got.iter().zip(&expected) {
        check(got["name"] == expected["name"], "name of a group")?;
        let (got, expected) = (list(&got["rules"]), list(&expected["rules"]));
        let same = |(a, b): (&Value, &Value)| a["name"] == b["name"] && a["type"] == b["type"];
        check(got.len() == expected.len() && got.iter().zip(&expected).all(same), "rules")?;
    }
    let next = case.get("groupNextToken").and_then(text);
    check(body["data"].get("groupNextToken").and_then(Value::as_str) == next.as_deref(), "token")
}

#[tokio::test]
async fn rules_are_chosen_and_come_in_pages() {
    let Some(file) = file("rules.json") else { return };
    let groups = groups(file["rule_file"].as_str().expect("a rule file"), "RULE_FILE");
    let api = Api::of_rules(TestRules { groups, ..TestRules::default() });
    let mut tally = Tally::default();
    for case in file["cases"].as_array().expect("a list of cases") {
        tally.case(&case["id"], rules_case(&api, case).await);
    }
    tally.finish("rules");
}
