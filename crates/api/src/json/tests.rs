//! The exact bytes of answers.

use super::*;
use promql::{InstantSeries, RangeSeries, Value};

fn encode(value: &Value) -> String {
    let mut out = Out::new(Keep);
    write_query_answer(&mut out, value, None, &Annotated::default()).expect("kept in memory");
    out.finish().0
}

#[test]
fn texts_and_labels_escape_differently() {
    let check = |text: &str, prose: &str, label: &str| {
        let (mut a, mut b) = (String::new(), String::new());
        write_text(&mut a, text);
        write_label(&mut b, text);
        assert_eq!((&*a, &*b), (prose, label));
    };
    check("plain", r#""plain""#, r#""plain""#);
    check("a<b>&c", r#""a\u003cb\u003e\u0026c""#, r#""a<b>&c""#);
    check("\"\\\n\r\t\u{1}\u{8}", r#""\"\\\n\r\t\u0001\u0008""#, r#""\"\\\n\r\t\u0001\u0008""#);
    check("é\u{2028}", "\"é\\u2028\"", "\"é\u{2028}\"");
}

#[test]
fn times_are_seconds() {
    let check = |t_ms: i64, expected: &str| {
        let mut out = String::new();
        write_time(&mut out, t_ms);
        assert_eq!(out, expected);
    };
    check(0, "0");
    check(1000, "1");
    check(10, "0.010");
    check(-1, "-0.001");
    check(-1500, "-1.500");
    check(1_435_781_451_781, "1435781451.781");
    check(i64::MIN, "-9223372036854775.808");
}

#[test]
fn each_kind_of_value_has_its_shape() {
    let check = |value: Value, expected: &str| {
        let expected = format!(r#"{{"status":"success","data":{expected}}}"#);
        assert_eq!(encode(&value), expected);
    };
    let labels = Labels::from_pairs([("b", "2"), ("a", "1")]);
    check(
        Value::Scalar { t_ms: 1500, value: 0.1 },
        r#"{"resultType":"scalar","result":[1.500,"0.1"]}"#,
    );
    check(
        Value::String { t_ms: 0, value: "<x>".into() },
        r#"{"resultType":"string","result":[0,"\u003cx\u003e"]}"#,
    );
    check(Value::Vector(vec![]), r#"{"resultType":"vector","result":[]}"#);
    let sample =
        InstantSeries { labels: labels.clone(), t_ms: 1, value: f64::NAN, histogram: None };
    check(
        Value::Vector(vec![sample]),
        r#"{"resultType":"vector","result":[{"metric":{"a":"1","b":"2"},"value":[0.001,"NaN"]}]}"#,
    );
    let series =
        RangeSeries { labels, t_ms: vec![0, 1000], values: vec![1.0, 2.5], histograms: vec![] };
    check(
        Value::Matrix(vec![series, RangeSeries::default()]),
        r#"{"resultType":"matrix","result":[{"metric":{"a":"1","b":"2"},"values":[[0,"1"],[1,"2.5"]]},{"metric":{}}]}"#,
    );
}

#[test]
fn remarks_stand_behind_the_data() {
    let annotated = Annotated { warnings: vec!["w".into()], infos: vec!["i".into(), "j".into()] };
    let stats = QueryStats { total_samples: 3, ..QueryStats::default() };
    let mut out = Out::new(Keep);
    let value = Value::Scalar { t_ms: 0, value: 1.0 };
    write_query_answer(&mut out, &value, Some(&stats), &annotated).expect("kept in memory");
    let text = out.finish().0;
    let tree: serde_json::Value = serde_json::from_str(&text).expect("well formed");
    assert_eq!(tree["warnings"], serde_json::json!(["w"]));
    assert_eq!(tree["infos"], serde_json::json!(["i", "j"]));
    assert_eq!(tree["data"]["stats"]["samples"]["totalQueryableSamples"], 3);
}
