//! What recording rules store.

use super::world::{MINUTE, World};
use crate::Health;
use model::FloatHistogram;
use proptest::prelude::*;

const SERIES: [(&str, f64); 3] =
    [("x{job=\"a\",i=\"1\"}", 1.0), ("x{job=\"a\",i=\"2\"}", 2.0), ("x{job=\"b\",i=\"1\"}", 4.0)];

/// What a rule over these series stores.
#[track_caller]
fn check(rule: &str, expected: &[&str]) {
    let world = World::new();
    world.put(MINUTE, &SERIES);
    let mut group = world.group(&format!("rules:\n  - {rule}"));
    world.good(&mut group, MINUTE);
    world.check("{__name__=~\"r|r:.*\"}", MINUTE, expected);
    assert_eq!(group.rules()[0].health, Health::Good);
}

/// What a rule says that fails; it stores nothing.
#[track_caller]
fn check_failure(head: &str, rule: &str, expected: &str) {
    let world = World::new();
    world.put(MINUTE, &SERIES);
    let text = format!("groups:\n- name: g\n{head}  rules:\n  - {rule}");
    let mut group = world.group(&text);
    let evaluated = world.evaluate(&mut group, MINUTE);
    assert_eq!(evaluated.rules[0].error.as_deref(), Some(expected));
    assert_eq!((evaluated.failed(), evaluated.samples()), (1, 0));
    let rule = &group.rules()[0];
    assert_eq!((rule.health, rule.last_error.as_deref()), (Health::Bad, Some(expected)));
    world.check("{__name__=~\"r|ALERTS.*\"}", MINUTE, &[]);
}

#[test]
fn names_and_labels_are_set() {
    check("{record: r, expr: sum(x)}", &["r 7"]);
    check(
        "{record: 'r:sum', expr: sum by (job) (x)}",
        &["r:sum{job=\"a\"} 3", "r:sum{job=\"b\"} 4"],
    );
    check("{record: r, expr: 'x{i=\"2\"}'}", &["r{i=\"2\",job=\"a\"} 2"]);
    check("{record: r, expr: sum(x), labels: {l: v, m: ''}}", &["r{l=\"v\"} 7"]);
    check("{record: r, expr: 'x{job=\"b\"}', labels: {i: '', job: c}}", &["r{job=\"c\"} 4"]);
    check("{record: r, expr: 1 + 1}", &["r 2"]);
    check("{record: r, expr: scalar(sum(x)), labels: {l: v}}", &["r{l=\"v\"} 7"]);
    check("{record: r, expr: x > 100}", &[]);
    check("{record: r, expr: 0 * sum(x) / 0}", &["r NaN"]);
}

#[test]
fn labels_of_the_group_are_defaults() {
    let world = World::new();
    world.put(MINUTE, &SERIES);
    let mut group = world.group(
        "groups:\n- name: g\n  labels: {team: t, tier: a, i: '3'}\n  rules:\n\
         \x20 - {record: r, expr: 'x{i=\"2\"}', labels: {tier: b}}\n\
         \x20 - {alert: A, expr: 'x{i=\"2\"}', labels: {tier: '{{ $labels.job }}', team: ''}}",
    );
    world.good(&mut group, MINUTE);
    world.check("r", MINUTE, &["r{i=\"3\",job=\"a\",team=\"t\",tier=\"b\"} 2"]);
    let expected = "ALERTS{alertname=\"A\",alertstate=\"firing\",i=\"3\",job=\"a\",tier=\"a\"} 1";
    world.check("ALERTS", MINUTE, &[expected]);
}

#[test]
fn failures_store_nothing() {
    let same = "vector contains metrics with the same labelset after applying rule labels";
    check_failure("", "{record: r, expr: x, labels: {i: ''}}", same);
    check_failure(
        "",
        "{record: r, expr: 'label_replace(x, \"__name__\", \"$1\", \"i\", \"(.*)\")', labels: {i: ''}}",
        same,
    );
    check_failure("  limit: 2\n", "{record: r, expr: x}", "exceeded limit of 2 with 3 series");
    check_failure("  limit: 2\n", "{record: r, expr: x, labels: {i: ''}}", same);
    check_failure("", "{record: r, expr: '\"text\"'}", "rule result is not a vector or scalar");
    check_failure("", "{record: r, expr: 'x[5m]'}", "rule result is not a vector or scalar");
    let alerts = "vector contains metrics with the same labelset after applying alert labels";
    check_failure("", "{alert: A, expr: x, labels: {i: ''}}", alerts);
    check_failure("  limit: 2\n", "{alert: A, expr: x}", "exceeded limit of 2 with 3 alerts");
}

#[test]
fn histograms_are_recorded() {
    let world = World::new();
    let mut histogram = FloatHistogram::default();
    (histogram.count, histogram.sum, histogram.zero_count) = (3.0, 1.5, 3.0);
    world.put_histogram(MINUTE, "h{a=\"b\"}", histogram);
    let mut group = world.group(
        "rules:\n  - {record: r, expr: h * 2}\n  - {alert: A, expr: h, annotations: {v: '{{ $value.Count }} {{ $value }}'}}",
    );
    world.good(&mut group, MINUTE);
    world.check("r", MINUTE, &["r{a=\"b\"} count 6"]);
    let rules = group.rules();
    assert_eq!(rules[1].alerts[0].value, 0.0);
    assert_eq!(rules[1].alerts[0].annotations[0].1, "3 {count:3, sum:1.5, [-0,0]:3}");
}

#[test]
fn series_that_vanish_end_and_failures_end_nothing() {
    let world = World::new();
    let mut group = world.group("rules:\n  - {record: r, expr: x}");
    world.put(MINUTE, &SERIES[..2]);
    world.good(&mut group, MINUTE);
    world.put(2 * MINUTE, &[("x{job=\"a\",i=\"1\"}", model::stale_marker()), SERIES[2]]);
    world.good(&mut group, 2 * MINUTE);
    world.check("r", 2 * MINUTE, &["r{i=\"1\",job=\"b\"} 4", "r{i=\"2\",job=\"a\"} 2"]);
    world.check("r", 2 * MINUTE - 1, &["r{i=\"1\",job=\"a\"} 1", "r{i=\"2\",job=\"a\"} 2"]);
    // All at once, and back again.
    world.put(
        3 * MINUTE,
        &[
            ("x{job=\"a\",i=\"2\"}", model::stale_marker()),
            ("x{job=\"b\",i=\"1\"}", model::stale_marker()),
        ],
    );
    world.good(&mut group, 3 * MINUTE);
    world.check("r", 3 * MINUTE, &[]);
    world.good(&mut group, 4 * MINUTE);
    world.put(5 * MINUTE, &SERIES);
    world.good(&mut group, 5 * MINUTE);
    assert_eq!(world.query("r", 5 * MINUTE).len(), 3);

    let mut group = world.group("rules:\n  - {record: s, expr: x * on() group_left() y}");
    world.put(6 * MINUTE, &[("y{a=\"1\"}", 1.0)]);
    world.good(&mut group, 6 * MINUTE);
    world.put(7 * MINUTE, &[("y{a=\"2\"}", 1.0)]);
    assert_eq!(world.evaluate(&mut group, 7 * MINUTE).failed(), 1);
    assert_eq!(world.query("s", 7 * MINUTE).len(), 3, "what was there is there");
    world.put(8 * MINUTE, &[("y{a=\"2\"}", model::stale_marker()), ("y{a=\"1\"}", 1.0)]);
    world.good(&mut group, 8 * MINUTE);
    assert_eq!(world.query("s", 8 * MINUTE).len(), 3);
}

#[test]
fn rules_see_those_before_them_and_the_past_when_told_to() {
    let world = World::new();
    world.put(MINUTE, &SERIES);
    let mut group = world.group(
        "groups:\n- name: g\n  query_offset: 30s\n  rules:\n\
         \x20 - {record: late, expr: r2}\n\
         \x20 - {record: r1, expr: sum(x)}\n\
         \x20 - {record: r2, expr: r1 * 2}\n\
         \x20 - {alert: A, expr: r2 > 10}",
    );
    world.good(&mut group, MINUTE);
    world.check("r1", MINUTE, &[]);
    world.good(&mut group, MINUTE + 30_000);
    world.check("r2", MINUTE, &["r2 14"]);
    world.check("r2", MINUTE - 1, &[]);
    world.check("late", 2 * MINUTE, &[]);
    world.check("ALERTS", MINUTE, &["ALERTS{alertname=\"A\",alertstate=\"firing\"} 1"]);
    assert_eq!(group.rules()[3].alerts[0].active_at_ms, MINUTE + 30_000);
    world.good(&mut group, MINUTE + 31_000);
    world.check("late", MINUTE + 1000, &["late 14"]);
}

#[test]
fn time_that_stands_still_is_an_error() {
    let world = World::new();
    let mut group = world.group("rules:\n  - {record: r, expr: vector(1)}");
    world.good(&mut group, MINUTE);
    let evaluated = world.evaluate(&mut group, MINUTE);
    let error = evaluated.rules[0].error.as_deref().unwrap();
    assert!(error.starts_with("out of order sample"), "{error}");
    world.good(&mut group, 2 * MINUTE);
    world.check("r", 2 * MINUTE, &["r 1"]);
}

#[test]
fn columns_that_storage_moves_are_followed() {
    let world = World::new();
    let mut group = world.group(
        "rules:\n  - {record: r, expr: 'x{job=\"a\"} or x{job=\"b\"}'}\n  - {alert: A, expr: x}",
    );
    // Storage drops columns that had no value in a whole chunk of half an hour.
    for minute in 1..200 {
        let (a, b) = (&SERIES[..2], &SERIES[2..]);
        let now = if (40..120).contains(&minute) { b } else { a };
        world.put(minute * MINUTE, now);
        world.good(&mut group, minute * MINUTE);
        for (series, value) in now {
            let series = super::world::labels(series).with("__name__", "r");
            let shown = format!("{} {value}", super::world::shown(&series));
            assert!(world.query("r", minute * MINUTE).contains(&shown), "{minute}");
        }
    }
    assert_eq!(world.query("r", 199 * MINUTE).len(), 2);
    assert_eq!(world.query("ALERTS", 199 * MINUTE).len(), 2);
    assert_eq!(world.query("ALERTS_FOR_STATE", 199 * MINUTE).len(), 2);
}

#[test]
fn columns_that_are_taken_back_are_forgotten() {
    let world = World::new();
    let mut group = world.group("rules:\n  - {record: r, expr: x, labels: {i: '', k: ''}}");
    let end = model::stale_marker();
    world.put(MINUTE, &[("x{a=\"1\"}", 1.0)]);
    world.good(&mut group, MINUTE);
    // A series that is new, at a time that has a row.
    world.put_late(MINUTE - 1, &[("x{a=\"2\"}", 2.0)]);
    assert_eq!(world.evaluate(&mut group, MINUTE).failed(), 1);
    // Without it, and with others that cannot be told apart.
    let same = [("x{a=\"3\",i=\"1\"}", 3.0), ("x{a=\"3\",k=\"2\"}", 3.0)];
    world.put(2 * MINUTE, &[("x{a=\"2\"}", end), same[0], same[1]]);
    assert_eq!(world.evaluate(&mut group, 2 * MINUTE).failed(), 1);
    let samples = [("x{a=\"2\"}", 2.0), ("x{a=\"4\"}", 4.0), (same[0].0, 3.0), (same[1].0, end)];
    world.put(3 * MINUTE, &samples);
    world.good(&mut group, 3 * MINUTE);
    let found = world.query("r", 3 * MINUTE);
    assert_eq!(found, ["r{a=\"1\"} 1", "r{a=\"2\"} 2", "r{a=\"3\"} 3", "r{a=\"4\"} 4"]);
}

#[test]
fn a_store_that_is_full_takes_what_it_knows() {
    let options = tsdb::Options { max_series: Some(5), ..tsdb::Options::default() };
    let world = World::on(tsdb::Db::in_memory(options));
    world.put(MINUTE, &SERIES[..2]);
    let mut group = world.group("rules:\n  - {record: r, expr: x}");
    world.good(&mut group, MINUTE);
    world.put(2 * MINUTE, &SERIES);
    let evaluated = world.evaluate(&mut group, 2 * MINUTE);
    let error = evaluated.rules[0].error.as_deref().unwrap();
    assert_eq!(error, "series refused: limit of 5 series");
    assert_eq!(world.query("r", 2 * MINUTE).len(), 2);
    world.check("r{i=\"2\"}", 2 * MINUTE, &["r{i=\"2\",job=\"a\"} 2"]);
}

#[test]
fn independent_rules_run_together_with_the_same_result() {
    let text = "rules:\n  - {record: r1, expr: sum(x)}\n  - {record: r2, expr: max(x)}\n\
                \x20 - {record: r3, expr: r1 + r2}\n  - {record: r4, expr: min(x)}\n\
                \x20 - {record: r5, expr: r3 * r4}\n  - {alert: A, expr: r5 > 0}";
    let world = World::new();
    world.put(MINUTE, &SERIES);
    let mut group = world.group(text);
    let helpers = crate::Helpers::new(2);
    world.with_means(|means| {
        let means = crate::Means { helpers: Some(&helpers), ..*means };
        assert_eq!(group.evaluate(MINUTE, &means).failed(), 0);
    });
    world.check("r5", MINUTE, &["r5 11"]);
    world.check("ALERTS", MINUTE, &["ALERTS{alertname=\"A\",alertstate=\"firing\"} 1"]);
    assert_eq!(helpers.take(5).count, 2, "all are free again");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each step has a value for some of ten series and an end for the others.
    #[test]
    fn whatever_comes_and_goes_is_recorded(
        steps in prop::collection::vec(prop::collection::vec(any::<bool>(), 10), 1..20),
        limit in 0..12_usize,
    ) {
        let world = World::new();
        let text = format!(
            "groups:\n- name: g\n  limit: {limit}\n  rules:\n  - {{record: r, expr: x}}\n\
             \x20 - {{alert: A, expr: x}}"
        );
        let mut group = world.group(&text);
        let names: Vec<_> = (0..10).map(|i| format!("x{{i=\"{i}\"}}")).collect();
        let (mut expected, mut since_ms): (Vec<String>, i64) = (Vec::new(), 0);
        for (minute, step) in (1..).zip(&steps) {
            let value = |is_there: bool| if is_there { 1.5 } else { model::stale_marker() };
            let samples: Vec<_> =
                names.iter().zip(step).map(|(name, is)| (name.as_str(), value(*is))).collect();
            world.put(minute * MINUTE, &samples);
            let evaluated = world.evaluate(&mut group, minute * MINUTE);
            let there = || (0..10).filter(|i| step[*i]);
            let fails = limit > 0 && there().count() > limit;
            prop_assert_eq!(evaluated.failed(), if fails { 2 } else { 0 });
            if !fails {
                expected = there().map(|i| format!("r{{i=\"{i}\"}} 1.5")).collect();
                since_ms = minute * MINUTE;
            }
            // What failed evaluations leave as it was is not found for ever.
            if minute * MINUTE - since_ms < 5 * MINUTE {
                let at_ms = minute * MINUTE;
                prop_assert_eq!(world.query("r", at_ms), expected.clone());
                prop_assert_eq!(world.query("ALERTS", at_ms).len(), expected.len());
                prop_assert_eq!(world.query("ALERTS_FOR_STATE", at_ms).len(), expected.len());
            }
        }
    }
}
