//! Pages of messages, written by another implementation and read by ours.

use exposition::{Format, Options, Predictor};
use model::FloatHistogram;
use model::histogram::{CounterReset, Span};
use proptest::prelude::*;

use crate::client_model::{
    self as client, Bucket, COUNTER, Counter, Exemplar, GAUGE, GAUGE_HISTOGRAM, Gauge, HISTOGRAM,
    Histogram, Metric, MetricFamily, Quantile, SUMMARY, Summary, Timestamp, UNTYPED, labels,
};
use crate::fixtures::describe_told;
use crate::pieces;
use crate::recorder::{Recorder, Told, read_fresh_with};

fn options() -> Options {
    Options::new(Format::Protobuf)
}

fn native() -> Options {
    Options { native_histograms: true, ..options() }
}

fn converted() -> Options {
    Options { native_histograms: true, classic_to_nhcb: true, ..options() }
}

fn family(name: &str, kind: i32, metrics: Vec<Metric>) -> MetricFamily {
    let (name, help) = (name.to_owned(), "Some help.".to_owned());
    MetricFamily { name, help, kind, metric: metrics, unit: String::new() }
}

fn histogram(histogram: Histogram) -> Metric {
    Metric { histogram: Some(histogram), label: labels(&[("a", "b")]), ..Metric::default() }
}

fn exemplar(id: &str, value: f64, seconds: Option<i64>) -> Exemplar {
    let timestamp = seconds.map(|seconds| Timestamp { seconds, nanos: 5_999_999 });
    Exemplar { label: labels(&[("id", id)]), value, timestamp }
}

/// What a page of families tells, one line for each thing; the same when all is known, and however
/// the page is cut.
#[track_caller]
fn check(options: &Options, families: &[MetricFamily], expected: &str) {
    let page = client::page(families);
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    recorder.page_with(options, &page, &mut memory).unwrap();
    let told = describe_told(&recorder.told);
    let expected = expected.lines().map(str::trim).filter(|line| !line.is_empty());
    let expected: Vec<String> = expected.map(as_labels_show).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    let samples = recorder.samples();
    recorder.page_with(options, &page, &mut memory).unwrap();
    assert_eq!((recorder.known, &recorder.samples()), (samples.len(), &samples));
    assert_eq!(recorder.told.len(), samples.len(), "metadata is told once");
    recorder.forget_every = Some(3);
    recorder.page_with(options, &page, &mut memory).unwrap();
    assert_eq!(recorder.samples(), samples);
    for at in 1..page.len() {
        pieces::check(options, &page, &[at, page.len()]).unwrap();
    }
    pieces::check(options, &page, &[1]).unwrap();
}

/// Puts the metric name among the labels.
fn as_labels_show(line: &str) -> String {
    let Some(series) = line.strip_prefix("sample ") else { return line.to_owned() };
    if let Some(quoted) = series.strip_prefix("{\"") {
        return format!("sample {{__name__=\"{quoted}");
    }
    let (name, rest) = series.split_at(series.find(['{', ' ']).unwrap());
    match rest.strip_prefix('{') {
        Some(labels) => format!("sample {{__name__=\"{name}\", {labels}"),
        None => format!("sample {{__name__=\"{name}\"}}{rest}"),
    }
}

#[track_caller]
fn check_refused(options: &Options, families: &[MetricFamily], message: &str) {
    let page =
        [client::page(&[family("first", GAUGE, vec![Metric::default()])]), client::page(families)];
    let error = read_fresh_with(options, &page.concat()).unwrap_err();
    assert!(error.message.contains(message), "{error:?}");
    assert_eq!((error.line, error.offset), (1, page[0].len()), "{error:?}");
}

#[test]
fn single_values() {
    let created = Some(Timestamp { seconds: 10, nanos: 999_999 });
    let counter = Metric {
        label: labels(&[("z", "1"), ("a", "x\"y\\z\n")]),
        counter: Some(Counter { value: 5.5, exemplar: Some(exemplar("e", 2.0, None)), created }),
        timestamp_ms: 1234,
        ..Metric::default()
    };
    let other = Metric { counter: Some(Counter::default()), timestamp_ms: -5, ..Metric::default() };
    let gauge = Metric { gauge: Some(Gauge { value: f64::INFINITY }), ..Metric::default() };
    let untyped = Metric { untyped: Some(Gauge { value: -0.5 }), ..Metric::default() };
    let mut families = vec![
        family("c.s_seconds_total", COUNTER, vec![counter, other]),
        family("none", GAUGE, vec![]),
        family(
            "g",
            GAUGE,
            vec![gauge, Metric { label: labels(&[("b", "c")]), ..Metric::default() }],
        ),
        family("u", UNTYPED, vec![untyped]),
    ];
    families[0].unit = "seconds".to_owned();
    let starts = Options { start_timestamps: true, ..options() };
    check(
        &starts,
        &families,
        r#"help "c.s_seconds_total" "Some help."
        unit "c.s_seconds_total" "seconds"
        type "c.s_seconds_total" counter
        sample {"c.s_seconds_total", a="x\"y\\z\n", z="1"} 5.5 at 1234 ms, from 10000 ms, exemplar {id="e"} 2
        sample {"c.s_seconds_total"} 0 at -5 ms
        help "g" "Some help."
        type "g" gauge
        sample g inf
        sample g{b="c"} 0
        help "u" "Some help."
        type "u" unknown
        sample u -0.5"#,
    );
    let unit_labels = Options { type_and_unit_labels: true, ..options() };
    check(
        &unit_labels,
        &families[..1],
        r#"help "c.s_seconds_total" "Some help."
        unit "c.s_seconds_total" "seconds"
        type "c.s_seconds_total" counter
        sample {"c.s_seconds_total", __type__="counter", __unit__="seconds", a="x\"y\\z\n", z="1"} 5.5 at 1234 ms, exemplar {id="e"} 2
        sample {"c.s_seconds_total", __type__="counter", __unit__="seconds"} 0 at -5 ms"#,
    );
}

#[test]
fn summaries() {
    let quantile =
        vec![Quantile { quantile: 0.5, value: 1.0 }, Quantile { quantile: 1.0, value: f64::NAN }];
    let created = Some(Timestamp { seconds: 1, nanos: 0 });
    let summary = Summary { count: 7, sum: 2.5, quantile, created };
    let metric = Metric { summary: Some(summary), ..Metric::default() };
    let starts = Options { start_timestamps: true, ..options() };
    check(
        &starts,
        &[family("s", SUMMARY, vec![metric])],
        r#"help "s" "Some help."
        type "s" summary
        sample s_count 7, from 1000 ms
        sample s_sum 2.5, from 1000 ms
        sample s{quantile="0.5"} 1, from 1000 ms
        sample s{quantile="1.0"} NaN, from 1000 ms"#,
    );
}

fn classic_and_native() -> Histogram {
    let bucket = |bound, count, exemplar| Bucket { count, bound, exemplar, count_float: 0.0 };
    Histogram {
        count: 10,
        sum: 12.0,
        bucket: vec![
            bucket(0.5, 3, Some(exemplar("no time", 0.1, None))),
            bucket(1.0, 3, Some(exemplar("late", 0.7, Some(9)))),
            bucket(10.0, 8, Some(exemplar("early", 4.0, Some(3)))),
        ],
        schema: 3,
        zero_threshold: 0.001,
        zero_count: 2,
        negative_span: vec![client::Span { offset: 4, length: 1 }],
        negative_delta: vec![1],
        positive_span: vec![
            client::Span { offset: -2, length: 3 },
            client::Span { offset: 5, length: 1 },
        ],
        positive_delta: vec![3, -3, 1, 2],
        ..Histogram::default()
    }
}

const HEAD: &str = "help \"h\" \"Some help.\"\ntype \"h\" histogram\n";
const CLASSIC: &str = r#"
    sample h_count{a="b"} 10
    sample h_sum{a="b"} 12
    sample h_bucket{a="b", le="0.5"} 3, exemplar {id="no time"} 0.1
    sample h_bucket{a="b", le="1.0"} 3, exemplar {id="late"} 0.7 at 9005 ms
    sample h_bucket{a="b", le="10.0"} 8, exemplar {id="early"} 4 at 3005 ms
    sample h_bucket{a="b", le="+Inf"} 10
"#;
const NATIVE: &str = "sample h{a=\"b\"} histogram schema 3 count 10 sum 12 zero 2 within 0.001 \
    negative 4:1 positive -2:3 0:1 6:3, exemplar {id=\"early\"} 4 at 3005 ms, \
    exemplar {id=\"late\"} 0.7 at 9005 ms\n";
const CONVERTED: &str = "sample h{a=\"b\"} histogram schema -53 count 10 sum 12 zero 0 within 0 \
    positive 0:3 2:5 3:2 bounds [0.5, 1.0, 10.0], exemplar {id=\"early\"} 4 at 3005 ms, \
    exemplar {id=\"late\"} 0.7 at 9005 ms\n";

#[test]
fn the_forms_of_a_histogram() {
    let both = classic_and_native();
    let mut classic = both.clone();
    classic.schema = 0;
    (classic.zero_threshold, classic.zero_count) = (0.0, 0);
    classic.negative_span.clear();
    classic.positive_span.clear();
    let mut native_only = both.clone();
    let exemplars = std::mem::take(&mut native_only.bucket);
    native_only.exemplars = exemplars.into_iter().rev().filter_map(|b| b.exemplar).collect();
    let (both, classic, native_only) = (
        [family("h", HISTOGRAM, vec![histogram(both)])],
        [family("h", HISTOGRAM, vec![histogram(classic)])],
        [family("h", HISTOGRAM, vec![histogram(native_only)])],
    );
    let told = |parts: &[&str]| [&[HEAD], parts].concat().concat();
    let keep = |options: Options| Options { keep_classic: true, ..options };
    let off = |options: Options| Options { native_histograms: false, ..options };

    for options in [options(), native()] {
        check(&options, &classic, &told(&[CLASSIC]));
        check(&keep(options), &classic, &told(&[CLASSIC]));
    }
    for options in [converted(), off(converted())] {
        check(&options, &classic, &told(&[CONVERTED]));
        check(&keep(options), &classic, &told(&[CLASSIC, CONVERTED]));
    }
    check(&native(), &both, &told(&[NATIVE]));
    check(&converted(), &both, &told(&[NATIVE]));
    check(&keep(converted()), &both, &told(&[NATIVE, CLASSIC]));
    check(&options(), &both, &told(&[CLASSIC]));
    check(&off(converted()), &both, &told(&[CONVERTED]));

    let infinite = "sample h_count{a=\"b\"} 10\nsample h_sum{a=\"b\"} 12\n\
        sample h_bucket{a=\"b\", le=\"+Inf\"} 10\n";
    check(&native(), &native_only, &told(&[NATIVE]));
    check(&keep(native()), &native_only, &told(&[NATIVE]));
    check(&options(), &native_only, &told(&[infinite]));
    let one_bucket = "sample h{a=\"b\"} histogram schema -53 count 10 sum 12 zero 0 within 0 \
        positive 0:10 bounds [], exemplar {id=\"early\"} 4 at 3005 ms, \
        exemplar {id=\"late\"} 0.7 at 9005 ms\n";
    check(&off(converted()), &native_only, &told(&[one_bucket]));
}

#[test]
fn floats_gauges_and_fine_schemas() {
    let told =
        |histogram_text: &str| format!("{HEAD}sample h{{a=\"b\"}} histogram {histogram_text}");
    let float = Histogram {
        count_float: 6.5,
        sum: 1.0,
        schema: -1,
        zero_count_float: 0.5,
        positive_span: vec![client::Span { offset: 1, length: 3 }],
        positive_count: vec![2.0, 0.0, 4.0],
        ..Histogram::default()
    };
    let one = |kind, one: &Histogram| [family("h", kind, vec![histogram(one.clone())])];
    check(
        &native(),
        &one(HISTOGRAM, &float),
        &told("schema -1 count 6.5 sum 1 zero 0.5 within 0 positive 1:2 3:4"),
    );
    let gauge = told("gauge schema -1 count 6.5 sum 1 zero 0.5 within 0 positive 1:2 3:4");
    let gauge = gauge.replace("type \"h\" histogram", "type \"h\" gaugehistogram");
    check(&native(), &one(GAUGE_HISTOGRAM, &float), &gauge);
    let fine = Histogram {
        count: 7,
        schema: 10,
        positive_span: vec![client::Span { offset: 1, length: 5 }],
        positive_delta: vec![1, 0, 0, 0, 2],
        ..Histogram::default()
    };
    check(
        &native(),
        &one(HISTOGRAM, &fine),
        &told("schema 8 count 7 sum 0 zero 0 within 0 positive 1:4 2:3"),
    );
    // A span of nothing says that it is native.
    let empty = Histogram {
        positive_span: vec![client::Span { offset: 0, length: 0 }],
        ..Histogram::default()
    };
    check(&native(), &one(HISTOGRAM, &empty), &told("schema 0 count 0 sum 0 zero 0 within 0"));
}

#[test]
fn what_is_refused() {
    let named = |name: &str| [family(name, GAUGE, vec![Metric::default()])];
    check_refused(&options(), &named(""), "invalid metric name");
    let mut unknown = named("x");
    unknown[0].kind = 9;
    check_refused(&options(), &unknown, "unknown metric type for metric \"x\": 9");
    let mut unit = named("x_seconds");
    unit[0].unit = "bytes".to_owned();
    check_refused(&options(), &unit, "unit \"bytes\" not a suffix of metric \"x_seconds\"");
    let empty_label = Metric { label: labels(&[("", "x")]), ..Metric::default() };
    check_refused(&options(), &[family("x", GAUGE, vec![empty_label])], "invalid label name");

    let check_native = |change: fn(&mut Histogram), message: &str| {
        let mut changed = classic_and_native();
        change(&mut changed);
        check_refused(&native(), &[family("h", HISTOGRAM, vec![histogram(changed)])], message);
    };
    check_native(
        |h| h.positive_delta.truncate(1),
        "positive side: spans need 4 buckets, have 1 buckets",
    );
    check_native(|h| h.positive_span[0].length = u32::MAX, "spans need 4294967296 buckets");
    check_native(|h| h.positive_delta[1] = -5, "observation count is negative");
    check_native(|h| h.count = 9, "10 observations found in buckets, but the Count field is 9");
    check_native(|h| h.positive_span[1].offset = -5, "span whose offset is negative");
    check_native(|h| h.schema = 53, "invalid schema");
    check_native(|h| h.schema = -5, "invalid schema");

    // Bytes that are no messages: an invalid UTF-8 name, a cut, an endless length.
    let page = client::page(&named("abc"));
    let mut not_utf8 = page.clone();
    not_utf8[3] = 0xff;
    let message = |bytes: &[u8]| read_fresh_with(&options(), bytes).unwrap_err().message;
    assert_eq!(message(&not_utf8), "invalid metric name: \"\\xffbc\"");
    assert!(message(&page[..page.len() - 1]).contains("cut off"));
    assert!(message(&[0xff; 11]).contains("malformed length"));
    assert!(message(&[0xff]).contains("malformed length"));
    assert!(message(&[0xff, 0xff, 0xff, 0xff, 0x7f]).contains("longer than 67108864 bytes"));
    assert!(message(&[2, 0x0a, 5]).contains("malformed"));
    assert!(message(b"# HELP x y\nx 1\n").contains("protobuf"));
}

/// Random families of all types, with labels from a small set.
fn families() -> impl Strategy<Value = Vec<MetricFamily>> {
    let label = prop_oneof![
        Just(labels(&[])),
        Just(labels(&[("a", "1")])),
        Just(labels(&[("a", "2"), ("le", "1")])),
    ];
    let buckets = proptest::collection::vec((0..5u64, -3..6i8), 0..5).prop_map(|parts| {
        let mut total = 0;
        let mut buckets = Vec::new();
        for (add, bound) in parts {
            total += add;
            let bound = if bound == 5 { f64::INFINITY } else { f64::from(bound) };
            buckets.push(Bucket { count: total, bound, ..Bucket::default() });
        }
        buckets
    });
    let metric = (label, -2.0..9.0f64, buckets, 0..3i64, 0..12u64).prop_map(
        |(label, value, bucket, timestamp_ms, count)| Metric {
            label,
            gauge: Some(Gauge { value }),
            counter: Some(Counter { value, ..Counter::default() }),
            untyped: Some(Gauge { value }),
            summary: Some(Summary { count, sum: value, ..Summary::default() }),
            histogram: Some(Histogram { count, sum: value, bucket, ..Histogram::default() }),
            timestamp_ms,
        },
    );
    let family = (
        prop_oneof![Just("m"), Just("n"), Just("n_x")],
        0..6i32,
        proptest::collection::vec(metric, 0..4),
    );
    proptest::collection::vec(family.prop_map(|(name, kind, m)| family_of(name, kind, m)), 0..5)
}

fn family_of(name: &str, kind: i32, metrics: Vec<Metric>) -> MetricFamily {
    family(name, kind, metrics)
}

/// How many samples the families have, by the rules.
fn expected_values(families: &[MetricFamily]) -> Vec<u64> {
    let mut values: Vec<f64> = Vec::new();
    for family in families {
        for metric in &family.metric {
            match family.kind {
                COUNTER => values.extend(metric.counter.iter().map(|c| c.value)),
                GAUGE => values.extend(metric.gauge.iter().map(|c| c.value)),
                UNTYPED => values.extend(metric.untyped.iter().map(|c| c.value)),
                SUMMARY => {
                    let summary = metric.summary.as_ref().expect("always there");
                    values.extend([summary.count as f64, summary.sum]);
                }
                _ => {
                    let histogram = metric.histogram.as_ref().expect("always there");
                    values.extend([histogram.count as f64, histogram.sum]);
                    let mut has_infinite = false;
                    for bucket in histogram.bucket.iter() {
                        if has_infinite {
                            break;
                        }
                        values.push(bucket.count as f64);
                        has_infinite = bucket.bound.is_infinite();
                    }
                    if !has_infinite {
                        values.push(histogram.count as f64);
                    }
                }
            }
        }
    }
    values.into_iter().map(f64::to_bits).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn families_tell_their_values(
        pages in proptest::collection::vec(families(), 1..4),
        sizes in proptest::collection::vec(1..60usize, 1..10),
        way in 0..3usize,
    ) {
        let options = pieces::ways(Format::Protobuf)[way];
        let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
        for families in &pages {
            let page = client::page(families);
            for _ in 0..2 {
                recorder.page_with(&options, &page, &mut memory).unwrap();
                let fresh = read_fresh_with(&options, &page).unwrap();
                let is_sample = |told: &&Told| matches!(told, Told::Sample(_));
                let fresh: Vec<_> = fresh.iter().filter(is_sample).cloned().collect();
                let warm: Vec<_> = recorder.told.iter().filter(is_sample).cloned().collect();
                prop_assert_eq!(warm, fresh);
                if way == 0 {
                    let values: Vec<u64> =
                        recorder.samples().iter().map(|sample| sample.value.to_bits()).collect();
                    prop_assert_eq!(values, expected_values(families));
                }
            }
            if let Err(difference) = pieces::check(&options, &page, &sizes) {
                prop_assert!(false, "{}", difference);
            }
        }
    }

    #[test]
    fn no_change_of_bytes_panics(
        families in families(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
        way in 0..3usize,
    ) {
        let mut page = client::page(&families);
        page.extend(client::page(&[family("h", HISTOGRAM, vec![histogram(classic_and_native())])]));
        for (at, byte, how) in changes {
            let at = at.index(page.len());
            match how {
                0 => page[at] = byte,
                1 => page.insert(at, byte),
                _ => drop(page.remove(at)),
            }
        }
        let options = pieces::ways(Format::Protobuf)[way];
        if let Err(error) = read_fresh_with(&options, &page) {
            prop_assert!(error.offset <= page.len());
        }
        if let Err(difference) = pieces::check(&options, &page, &[5]) {
            prop_assert!(false, "{}", difference);
        }
    }
}

#[test]
fn a_histogram_is_written_shortly() {
    let histogram = FloatHistogram {
        positive_spans: vec![Span { offset: 1, length: 2 }, Span { offset: 1, length: 1 }],
        positive_buckets: vec![1.0, 2.0, 3.0],
        counter_reset: CounterReset::Gauge,
        ..FloatHistogram::default()
    };
    let text = crate::fixtures::describe_histogram(&histogram);
    assert_eq!(text, "gauge schema 0 count 0 sum 0 zero 0 within 0 positive 1:1 2:2 4:3");
}

/// The seed that messages are fuzzed from is what this file writes.
#[test]
fn the_seed_for_fuzzing_has_all_forms() {
    let summary = Summary {
        count: 3,
        sum: 4.5,
        quantile: vec![Quantile { quantile: 0.5, value: 1.0 }],
        created: Some(Timestamp { seconds: 7, nanos: 0 }),
    };
    let counter =
        Counter { value: 5.0, exemplar: Some(exemplar("c", 1.0, Some(4))), created: None };
    let page = client::page(&[
        family("h", HISTOGRAM, vec![histogram(classic_and_native())]),
        family("s", SUMMARY, vec![Metric { summary: Some(summary), ..Metric::default() }]),
        family("c_total", COUNTER, vec![Metric { counter: Some(counter), ..Metric::default() }]),
    ]);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/fuzz/exposition_protobuf/families.bin");
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), page);
}
