//! What the conformance scripts do not ask: names removed at once, limits, costs, being stopped.

use crate::{Answer, Control, Engine, EngineOptions, EvalError, Features, Value, parse};
use model::histogram::Layout;
use model::{FloatHistogram, Labels, stale_marker};
use std::fmt::Write;
use std::sync::Arc;
use testkit::MemoryStore;

const MINUTE: i64 = 60_000;

/// `m`, `n` and `x_total` of three instances, rising by 1, 2 and 3 a minute; and one that ended.
fn store() -> MemoryStore {
    let store = MemoryStore::new();
    for (n, name) in (1..).zip(["m", "n", "x_total"]) {
        for i in 1..=3 {
            let instance = format!("i{i}");
            let labels = Labels::from_pairs([("__name__", name), ("instance", &instance)]);
            for t in 0..=60 {
                store.put(&labels, t * MINUTE, (t * i * n) as f64);
            }
        }
    }
    let ended = Labels::from_pairs([("__name__", "ended")]);
    store.put(&ended, 0, 1.0);
    store.put(&ended, MINUTE, stale_marker());
    store
}

fn immediate() -> Engine {
    Engine::default()
}

fn delayed() -> Engine {
    Engine::new(EngineOptions { delayed_name_removal: true, ..EngineOptions::default() })
}

fn instant(engine: &Engine, query: &str) -> Result<Answer, EvalError> {
    let expr = parse(query, &Features::ALL).unwrap_or_else(|error| panic!("{query}: {error}"));
    engine.instant(&store(), &expr, 60 * MINUTE, &Control::default())
}

fn range(engine: &Engine, query: &str, minutes: [i64; 2]) -> Result<Answer, EvalError> {
    let expr = parse(query, &Features::ALL).unwrap_or_else(|error| panic!("{query}: {error}"));
    let [start, end] = minutes.map(|m| m * MINUTE);
    engine.range(&store(), &expr, start, end, MINUTE, &Control::default())
}

fn print(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Scalar { value, .. } => write!(out, "{value}").unwrap(),
        Value::String { value, .. } => out.push_str(value),
        Value::Vector(vector) => {
            let lines = vector.iter().map(|s| format!("{} {}", s.labels, s.value));
            out = lines.collect::<Vec<_>>().join("; ");
        }
        Value::Matrix(matrix) => {
            let lines = matrix.iter().map(|s| format!("{} {:?} {:?}", s.labels, s.t_ms, s.values));
            out = lines.collect::<Vec<_>>().join("; ");
        }
    }
    out
}

#[track_caller]
fn check(engine: &Engine, query: &str, expected: &str) {
    let got = match instant(engine, query) {
        Ok(answer) => print(&answer.value),
        Err(error) => format!("error: {error}"),
    };
    assert_eq!(got, expected, "{query}");
}

#[test]
fn names_go_at_once_or_at_the_end() {
    let both = |query: &str, expected: &str| {
        check(&immediate(), query, expected);
        check(&delayed(), query, expected);
    };
    both(r#"m{instance="i1"}"#, r#"{__name__="m", instance="i1"} 60"#);
    both(r#"-m{instance="i1"}"#, r#"{instance="i1"} -60"#);
    both(r#"m{instance="i1"} * 2"#, r#"{instance="i1"} 120"#);
    both(r#"m{instance="i1"} > 2"#, r#"{__name__="m", instance="i1"} 60"#);
    both(r#"m{instance="i1"} > bool 2"#, r#"{instance="i1"} 1"#);
    both(r#"m{instance="i1"} + n"#, r#"{instance="i1"} 180"#);
    both(r#"m{instance="i1"} < n"#, r#"{__name__="m", instance="i1"} 60"#);
    both(r#"increase(m{instance="i1"}[2m])"#, r#"{instance="i1"} 2"#);
    both(r#"last_over_time(m{instance="i1"}[2m])"#, r#"{__name__="m", instance="i1"} 60"#);
    both(r#"sum by (__name__) (m)"#, r#"{__name__="m"} 360"#);
    // With names gone at once the three are the same.
    let same = "error: vector cannot contain metrics with the same labelset";
    check(&immediate(), r#"count(abs({instance="i1"}))"#, same);
    check(&immediate(), r#"rate({instance="i1"}[5m])"#, same);
    // Nobody sees the series of these.
    both(r#"absent_over_time({instance="i1"}[5m])"#, "");
    both(r#"absent_over_time({instance="i1"}[5m:1m])"#, "");
    both(r#"absent({instance="i1"})"#, "");
    both(r#"absent_over_time({instance="i9"}[5m])"#, r#"{instance="i9"} 1"#);
}

#[test]
fn names_that_stay_until_the_end() {
    check(&delayed(), r#"count(abs({instance="i1"}))"#, "{} 3");
    let query = r#"label_replace(rate(x_total{instance="i1"}[2m]), "__name__", "r", "", "")"#;
    check(&delayed(), query, r#"{__name__="r", instance="i1"} 0.05"#);
    check(&immediate(), query, r#"{__name__="r", instance="i1"} 0.05"#);
    let query = r#"sum by (__name__) (rate(x_total[2m]))"#;
    check(&immediate(), query, "{} 0.3");
    check(&delayed(), query, "{} 0.3");
}

#[test]
fn values_of_all_types() {
    check(&immediate(), r#""text""#, "text");
    check(&immediate(), "2 ^ 3 ^ 2", "512");
    check(&immediate(), "time() - 600", "3000");
    check(&immediate(), "ended", "");
    check(&immediate(), r#"m{instance="i1"}[2m]"#, {
        r#"{__name__="m", instance="i1"} [3540000, 3600000] [59.0, 60.0]"#
    });
    check(&immediate(), r#"m{instance="i1"}[3m:2m]"#, {
        r#"{__name__="m", instance="i1"} [3480000, 3600000] [58.0, 60.0]"#
    });
    let sorted = "{__name__=\"m\", instance=\"i3\"} 180; {__name__=\"m\", instance=\"i2\"} 120; \
                  {__name__=\"m\", instance=\"i1\"} 60";
    check(&immediate(), "sort_desc(m)", sorted);
}

#[test]
fn joins_that_cannot_be_made() {
    check(&immediate(), "m + on () n", {
        "error: found duplicate series for the match group {} on the right hand-side of the \
         operation: [{__name__=\"n\", instance=\"i1\"}, {__name__=\"n\", instance=\"i2\"}];\
         many-to-many matching not allowed: matching labels must be unique on one side"
    });
    check(&immediate(), "m + on () sum(n)", {
        "error: multiple matches for labels: many-to-one matching must be explicit \
         (group_left/group_right)"
    });
    check(&immediate(), r#"{instance="i1"} + on (instance) group_left sum by (instance) (n)"#, {
        "error: multiple matches for labels: grouping labels must ensure unique matches"
    });
    check(&immediate(), "absent_name + on () n", "");
}

#[test]
fn one_side_that_changes_over_time() {
    // Two series take turns as the partner of one, and the result is one series.
    let store = MemoryStore::new();
    let series = |name: &str, role: &str| {
        Labels::from_pairs([("__name__", name), ("host", "h"), ("role", role)])
    };
    for t in 0..4 {
        store.put(&series("cpu", ""), t * MINUTE, 10.0);
        store.put(&series("info", if t < 2 { "a" } else { "b" }), t * MINUTE, (t + 1) as f64);
    }
    store.put(&series("info", "a"), 2 * MINUTE, stale_marker());
    let check = |query: &str, expected: &str| {
        let expr = parse(query, &Features::ALL).unwrap();
        let control = Control::default();
        let answer = immediate().range(&store, &expr, 0, 3 * MINUTE, MINUTE, &control).unwrap();
        assert_eq!(print(&answer.value), expected, "{query}");
    };
    check(
        "cpu * on (host) info",
        r#"{host="h"} [0, 60000, 120000, 180000] [10.0, 20.0, 30.0, 40.0]"#,
    );
    check(
        "cpu * on (host) group_left (role) info",
        "{host=\"h\", role=\"a\"} [0, 60000] [10.0, 20.0]; \
         {host=\"h\", role=\"b\"} [120000, 180000] [30.0, 40.0]",
    );
}

#[test]
fn ranges_are_sorted_by_labels() {
    let answer = range(&immediate(), "topk(1, m) or n", [58, 60]).unwrap();
    let Value::Matrix(matrix) = answer.value else { panic!("no matrix") };
    assert!(matrix.windows(2).all(|pair| pair[0].labels < pair[1].labels));
    assert_eq!(matrix.len(), 3);
    let error = range(&immediate(), "m[5m]", [58, 60]).unwrap_err().to_string();
    let expected = "invalid expression type \"range vector\" for range query, must be Scalar or \
                    instant Vector";
    assert_eq!(error, expected);
    let nothing = range(&immediate(), "m", [60, 58]).unwrap();
    assert_eq!(nothing.value, Value::Matrix(Vec::new()));
}

#[test]
fn samples_are_counted_and_limited() {
    let limited =
        |max_samples| Engine::new(EngineOptions { max_samples, ..EngineOptions::default() });
    let answer = range(&limited(30), "m", [51, 60]).unwrap();
    assert_eq!(answer.stats.total_queryable_samples, 30);
    assert_eq!(answer.stats.peak_samples, 30);
    let error = range(&limited(29), "m", [51, 60]).unwrap_err();
    let text = "query processing would load too many samples into memory in query execution";
    assert!(matches!(error, EvalError::TooManySamples(29)), "{error}");
    assert_eq!(error.to_string(), text);
    // Groups are held, not the series they are made of.
    let answer = range(&limited(30), "sum(rate(x_total[5m]))", [51, 60]).unwrap();
    assert_eq!(answer.stats.total_queryable_samples, 3 * 10 * 5);
    // A grid that no memory holds is refused before anything is evaluated.
    let error = instant(&limited(30), "max_over_time(m[1y:1ms])").unwrap_err();
    assert!(matches!(error, EvalError::TooManySamples(30)), "{error}");
}

#[test]
fn a_query_can_be_stopped() {
    let expr = parse("sum(m)", &Features::ALL).unwrap();
    let check = |control: Control, expected: &str| {
        let error = immediate().instant(&store(), &expr, 0, &control).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let control = Control::default();
    control.cancel();
    check(control, "query was canceled in query execution");
    let control = Control::default();
    control.clone().time_out();
    check(control, "query timed out in query execution");
}

#[test]
fn remarks_have_places() {
    let check = |query: &str, expected: &[&str]| {
        let answer = instant(&immediate(), query).unwrap();
        let remarks = answer.annotations.iter().map(|note| note.to_string());
        assert_eq!(remarks.collect::<Vec<_>>(), expected, "{query}");
    };
    let counter = "metric might not be a counter, name does not end in \
                   _total/_sum/_count/_bucket: \"m\"";
    check("rate(m[5m])", &[&format!("PromQL info: {counter} (1:6)")]);
    check("sum(\n  rate(m[5m]))", &[&format!("PromQL info: {counter} (2:8)")]);
    check("rate(x_total[5m])", &[]);
    check("quantile(2, m)", {
        &["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]
    });
}

/// The store with a counter `h` of two instances, `mixed`, which is a float every other minute, and
/// `nans`, half of whose observations are NaN.
fn with_histograms() -> MemoryStore {
    let store = store();
    for t in 0..=60_u32 {
        let at = i64::from(t) * MINUTE;
        for i in 1..=2_u32 {
            let instance = format!("i{i}");
            let labels = Labels::from_pairs([("__name__", "h"), ("instance", &*instance)]);
            store.put_histogram(&labels, at, histogram(f64::from(t * i), 1.0));
        }
        let mixed = Labels::from_pairs([("__name__", "mixed")]);
        if t % 2 == 0 {
            store.put(&mixed, at, f64::from(t));
        } else {
            store.put_histogram(&mixed, at, histogram(f64::from(t), 1.0));
        }
        let nans = Labels::from_pairs([("__name__", "nans")]);
        store.put_histogram(&nans, at, histogram(8.0, f64::NAN));
    }
    store
}

/// Half of `count` observations up to 1, the other half up to 2; without the second half when the
/// sum is NaN.
fn histogram(count: f64, sum: f64) -> Arc<FloatHistogram> {
    let half = count / 2.0;
    let counts = [half, if sum.is_nan() { 0.0 } else { half }];
    let layout: Layout = (0..).zip(counts).collect();
    let (positive_spans, positive_buckets) = layout.into_parts();
    let rest = FloatHistogram::default();
    let sum = sum * count;
    Arc::new(FloatHistogram { count, sum, positive_spans, positive_buckets, ..rest })
}

/// The answer of a query at 10 minutes, and its remarks.
fn of_histograms(engine: &Engine, query: &str) -> (String, Vec<String>) {
    let expr = parse(query, &Features::ALL).unwrap();
    let answer =
        engine.instant(&with_histograms(), &expr, 10 * MINUTE, &Control::default()).unwrap();
    let Value::Vector(vector) = answer.value else { panic!("{query} is no vector") };
    let shown = vector.iter().map(|series| match &series.histogram {
        Some(h) => format!("{} h{} ", series.labels, h.count),
        None => format!("{} {} ", series.labels, series.value),
    });
    let remarks = answer.annotations.iter().map(|note| note.to_string());
    (shown.collect::<String>().trim_end().to_owned(), remarks.collect())
}

#[test]
fn histograms_and_floats() {
    let check = |query: &str, expected: &str| {
        for engine in [immediate(), delayed()] {
            let (answer, _) = of_histograms(&engine, query);
            assert_eq!(answer, expected, "{query}");
        }
    };
    check("sum(h)", "{} h30");
    check("count({__name__=~\"h|m\"})", "{} 5");
    check("abs(h)", "");
    check("-h{instance=\"i1\"}", "{instance=\"i1\"} h-10");
    check("increase(h{instance=\"i2\"}[5m])", "{instance=\"i2\"} h10");
    check("histogram_count(sum(rate(h[5m]))) * 60", "{} 3");
    check("histogram_quantile(0.5, h) > 0", "{instance=\"i1\"} 1 {instance=\"i2\"} 1");
    check("scalar(h{instance=\"i1\"}) + vector(1)", "{} NaN");
    check("limitk(1, h) and on () mixed < 0", "");
    check("limitk(1, h) unless on () mixed < 0", "{__name__=\"h\", instance=\"i1\"} h10");
}

#[test]
fn ranges_with_edges_have_values_at_them() {
    let check = |query: &str, expected: Result<&[(i64, f64)], &str>| {
        let expr = parse(query, &Features::ALL).unwrap();
        let at = 10 * MINUTE + 30_000;
        let answer = delayed().instant(&with_histograms(), &expr, at, &Control::default());
        let got = answer.map(|answer| match answer.value {
            Value::Matrix(matrix) => {
                let series = &matrix[0];
                series.t_ms.iter().copied().zip(series.values.iter().copied()).collect()
            }
            other => panic!("{other:?}"),
        });
        let got: Result<Vec<_>, _> = got.map_err(|error| error.to_string());
        assert_eq!(got, expected.map(<[_]>::to_vec).map_err(String::from), "{query}");
    };
    let half = MINUTE / 2;
    let (start, end) = (8 * MINUTE + half, 10 * MINUTE + half);
    let inside = [(9 * MINUTE, 9.0), (10 * MINUTE, 10.0)];
    let m = r#"m{instance="i1"}"#;
    check(&format!("{m}[2m]"), Ok(&inside));
    let anchored = [(start, 8.0), inside[0], inside[1], (end, 10.0)];
    check(&format!("{m}[2m] anchored"), Ok(&anchored));
    let smoothed = [(start, 8.5), inside[0], inside[1], (end, 10.5)];
    check(&format!("{m}[2m] smoothed"), Ok(&smoothed));
    check("h[2m] smoothed", Err("smoothed modifier is not supported with histograms"));
}

#[test]
fn remarks_on_histograms_have_places() {
    let check = |query: &str, expected: &[&str]| {
        let (_, got) = of_histograms(&delayed(), query);
        assert_eq!(got, expected, "{query}");
    };
    let mix = "PromQL warning: encountered a mix of histograms and floats for";
    check("sum({__name__=~\"h|m\"})", &[&format!("{mix} aggregation (1:5)")]);
    check("rate(mixed[5m])", &[&format!("{mix} metric name \"mixed\" (1:6)")]);
    let ignored = "PromQL info: ignored histogram";
    check("max({__name__=~\"h|m\"})", &[&format!("{ignored} in max aggregation (1:5)")]);
    check("1 + topk(1, h)", &[&format!("{ignored} in topk aggregation (1:5)")]);
    let range = format!(
        "{ignored}s in a range containing both floats and histograms for metric name \"mixed\""
    );
    check("max_over_time(mixed[5m])", &[&format!("{range} (1:15)")]);
    let types = "PromQL info: incompatible sample types encountered for binary operator";
    check("h + 1", &[&format!("{types} \"+\": histogram + float (1:1)")]);
    check("2 * (h ^ h)", &[&format!("{types} \"^\": histogram ^ histogram (1:6)")]);
    let nans = "PromQL info: input to histogram_quantile has NaN observations, result is";
    check(
        "histogram_quantile(0.9, nans)",
        &[&format!("{nans} NaN for metric name \"nans\" (1:25)")],
    );
    let skewed = format!("{nans} skewed higher for metric name \"nans\" (1:25)");
    check("histogram_quantile(0.1, nans)", &[&skewed]);
}

#[test]
fn histograms_count_by_their_size() {
    let expr = parse("h[30m]", &Features::ALL).unwrap();
    let weight = histogram(1.0, 1.0).size_in_samples();
    let run = |max_samples| {
        let engine = Engine::new(EngineOptions { max_samples, ..EngineOptions::default() });
        engine.instant(&with_histograms(), &expr, 60 * MINUTE, &Control::default())
    };
    assert!(weight > 1);
    assert!(run(2 * 30 * weight).is_ok());
    assert!(matches!(run(2 * 30 * weight - 1), Err(EvalError::TooManySamples(_))));
}

#[test]
fn deep_queries_are_evaluated() {
    let nested = |levels: usize, open: &str, close: &str| {
        open.repeat(levels) + r#"m{instance="i1"}"# + &close.repeat(levels)
    };
    let queries = [
        nested(900, "abs(", ")"),
        nested(900, "sum(", ")"),
        nested(450, "-(", ")"),
        nested(900, "", " + on (instance) m"),
        nested(900, "", " + 1"),
        nested(450, "max_over_time(", "[2m:1m])"),
        nested(450, "vector(scalar(", "))"),
    ];
    for query in queries {
        for engine in [immediate(), delayed()] {
            let outcome = parse(&query, &Features::ALL).map(|_| instant(&engine, &query).is_ok());
            assert_eq!(outcome, Ok(true), "{}", &query[..40]);
        }
    }
}
