//! Over history rules do what they would have done live.

use super::backtest::Followed;
use super::{
    Backfilled, Episode, Past, Progress, Raised, Recorded, Stopped, Tested, backfill, backtest,
};
use crate::file::{Options, RuleFile};
use crate::group::{ActiveGroup, of_group};
use crate::manager::{LoadedFile, schedule};
use crate::settings::{Means, Settings};
use crate::view::RuleKind;
use model::{Labels, TimeRange, stale_marker};
use promql::{Control, Engine};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Columns, Queryable, SelectHints};
use testkit::MemoryStore;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn file(text: &str) -> LoadedFile {
    let groups = RuleFile::parse(text, &Options::default()).unwrap();
    LoadedFile { name: "rules.yml".into(), groups: Arc::new(groups) }
}

fn past<'a>(
    files: &'a [LoadedFile],
    settings: &'a Settings,
    store: &MemoryStore,
    (from_ms, to_ms): (i64, i64),
    means: &'a (Engine, Control),
) -> Past<'a> {
    let store: Arc<dyn Queryable> = Arc::new(store.clone());
    let (engine, control) = means;
    Past { files, settings, engine, store, from_ms, to_ms, control }
}

fn tested(text: &str, store: &MemoryStore, span: (i64, i64)) -> Vec<Tested> {
    let (files, settings, means) = ([file(text)], Settings::default(), Default::default());
    backtest(&past(&files, &settings, store, span, &means), &mut |_| true).unwrap()
}

fn backfilled(
    text: &str,
    store: &MemoryStore,
    span: (i64, i64),
) -> (Vec<Backfilled>, Vec<Vec<Recorded>>) {
    let (files, settings, means) = ([file(text)], Settings::default(), Default::default());
    let past = past(&files, &settings, store, span, &means);
    let mut all = Vec::new();
    let take = |recorded: Vec<Recorded>| {
        for (labels, columns) in recorded.iter().flat_map(|recorded| &recorded.series) {
            for (t_ms, value) in columns.t_ms.iter().zip(&columns.values) {
                store.put(labels, *t_ms, *value);
            }
        }
        all.push(recorded);
        Ok::<_, Stopped>(())
    };
    (backfill(&past, &mut |_| true, take).unwrap(), all)
}

/// All samples as bits, of series whose name has a colon.
fn recorded_series(store: &MemoryStore) -> BTreeMap<String, Vec<(i64, u64)>> {
    let range = TimeRange::ALL;
    let hints = SelectHints { range, sorted: true, labels_only: false };
    let set = store.querier(range).unwrap().select(&[], &hints).unwrap();
    let mut all = BTreeMap::new();
    for i in (0..set.len()).filter(|i| set.labels(*i).metric_name().contains(':')) {
        let mut columns = Columns::default();
        set.read(i, range, &mut columns).unwrap();
        let bits = columns.values.iter().map(|value| value.to_bits());
        all.insert(set.labels(i).to_string(), columns.t_ms.iter().copied().zip(bits).collect());
    }
    all
}

/// A rule evaluated live: failures, the first of them, samples, and its alerts.
type Lived = (u64, Option<(i64, String)>, u64, Vec<Episode>);

/// Evaluates groups live, one step after the other; what they write is in the store afterwards.
fn live(text: &str, store: &MemoryStore, (from_ms, to_ms): (i64, i64)) -> Vec<Lived> {
    let (file, settings) = (file(text), Settings::default());
    let (engine, control) = (Engine::default(), Control::default());
    let mut groups: Vec<(ActiveGroup, i64)> = Vec::new();
    let mut lives: Vec<Vec<(Lived, Followed)>> = Vec::new();
    let mut due = Vec::new();
    for (g, group) in file.groups.groups.iter().enumerate() {
        let interval_ms = of_group(&settings, group).interval_ms;
        let place = schedule::place_ms(schedule::hash(&file.name, &group.name), interval_ms);
        let times = (from_ms..=to_ms).filter(|t_ms| t_ms.rem_euclid(interval_ms) == place);
        due.extend(times.map(|t_ms| (t_ms, g)));
        groups.push((ActiveGroup::new(&file.name, group, &settings), interval_ms));
        let none = |_| (Lived::default(), Followed::without_limit());
        lives.push(group.rules.iter().map(none).collect());
    }
    due.sort_unstable();
    let mut seen = vec![false; groups.len()];
    for (t_ms, g) in due {
        let group = &mut groups[g].0;
        let evaluated = group.evaluate(t_ms, &Means::new(&engine, store, store, &control));
        let is_first = !std::mem::replace(&mut seen[g], true);
        let rules = evaluated.rules.into_iter().zip(group.rules()).zip(&mut lives[g]);
        for ((outcome, view), ((failures, first, samples, _), followed)) in rules {
            *samples += outcome.samples as u64;
            if let Some(error) = outcome.error {
                *failures += 1;
                first.get_or_insert((t_ms, error.to_string()));
            }
            followed.observe(t_ms, is_first, &view.alerts);
        }
    }
    let lives = lives.into_iter().flatten();
    lives.map(|((f, first, n, _), followed)| (f, first, n, followed.finish().episodes)).collect()
}

fn told(tested: Vec<Tested>) -> Vec<Lived> {
    let told = tested.into_iter().map(|Tested { tally, raised }| {
        let first = tally.first_failure.map(|(t_ms, error)| (t_ms, error.to_string()));
        (tally.failures, first, tally.samples, raised.unwrap_or_default().episodes)
    });
    told.collect()
}

/// Rules that read each other in every order, fail now and then, and ask for more.
const RULES: &str = r#"
groups:
- name: reads_later
  interval: 30s
  rules:
  - alert: TooMuch
    expr: sum:m > 60
    for: 2m
    keep_firing_for: 90s
    labels: {severity: '{{ if gt $value 90.0 }}page{{ else }}ticket{{ end }}'}
    annotations: {summary: '{{ $value }} of {{ with query "count(m)" }}{{ . | first | value }}{{ end }}'}
  - alert: None
    expr: absent(sum:m)
    for: 1m
- name: writes
  interval: 15s
  rules:
  - record: sum:m
    expr: sum(m)
  - record: sum:twice
    expr: sum:m * 2
    labels: {a: b}
  - record: m:by_i
    expr: m > 20
  - alert: High
    expr: m:by_i > 70
    for: 45s
    annotations: {summary: '{{ $labels.i }}: {{ $value | humanize }}'}
  - record: alerts:high
    expr: count(ALERTS{alertname="High", alertstate="firing"})
- name: itself
  interval: 20s
  rules:
  - record: steps:count
    expr: (steps:count or vector(0)) + 1
  - record: later:before
    expr: sum:later
  - record: sum:later
    expr: sum(m) + steps:count
- name: late
  interval: 30s
  query_offset: 40s
  limit: 3
  rules:
  - record: m:late
    expr: max_over_time(m[3m])
  - alert: Many
    expr: m > 10
- name: reads_late
  interval: 25s
  rules:
  - record: late:copy
    expr: sum(m:late)
- name: fails
  interval: 15s
  rules:
  - record: same:labels
    expr: m > 40
    labels: {i: x}
  - record: joined:m
    expr: m * on (j) (m > 50)
  - record: start:m
    expr: sum(m @ start()) - sum(m @ end())
"#;

/// A value of each series every 10 seconds, or none, or an end.
fn store(values: &[[Option<u8>; 4]]) -> MemoryStore {
    let store = MemoryStore::new();
    for (n, row) in (0..).zip(values) {
        for (i, value) in row.iter().enumerate() {
            let labels =
                [("__name__", "m".to_owned()), ("i", i.to_string()), ("j", "j".to_owned())];
            let value = match value {
                Some(u8::MAX) => stale_marker(),
                Some(value) => f64::from(*value),
                None => continue,
            };
            store.put(&Labels::from_pairs(labels), n * 10 * SECOND, value);
        }
    }
    store
}

/// Runs of alike rows, so that alerts come and go.
fn values() -> impl Strategy<Value = Vec<[Option<u8>; 4]>> {
    let value =
        || prop_oneof![4 => (0..100_u8).prop_map(Some), 1 => Just(None), 1 => Just(Some(255))];
    let run = ([value(), value(), value(), value()], 1..30_usize);
    let runs = prop::collection::vec(run, 1..12);
    runs.prop_map(|runs| {
        runs.into_iter().flat_map(|(row, n)| std::iter::repeat_n(row, n)).collect()
    })
}

/// A longer run is asked for with `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(6, |cases| cases.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_backtest_tells_what_live_rules_do(values in values(), from in 0..600_i64) {
        let (from, to) = (from * SECOND, values.len() as i64 * 10 * SECOND);
        let stored = store(&values);
        let found = told(tested(RULES, &stored, (from, to)));
        prop_assert_eq!(recorded_series(&stored).len(), 0, "nothing is written");
        let expected = live(RULES, &stored, (from, to));
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(found, expected);
        }
        // What live rules wrote meanwhile is not to be seen.
        let again = told(tested(RULES, &stored, (from, to)));
        prop_assert_eq!(again.len(), found.len());
        for (again, found) in again.iter().zip(&found) {
            prop_assert_eq!(again, found);
        }
    }

    #[test]
    fn a_backfill_writes_what_live_rules_write(values in values(), from in 0..600_i64) {
        let (from, to) = (from * SECOND, values.len() as i64 * 10 * SECOND);
        let rules = RULES.replace("count(ALERTS{", "count(m{");
        let (live_store, stored) = (store(&values), store(&values));
        let lived = live(&rules, &live_store, (from, to));
        let (done, _) = backfilled(&rules, &stored, (from, to));
        prop_assert_eq!(recorded_series(&stored), recorded_series(&live_store));
        let of_records: Vec<(u64, u64)> = lived
            .iter()
            .zip(tested(&rules, &stored, (from, to)))
            .filter(|(_, tested)| tested.raised.is_none())
            .map(|(lived, _)| (lived.0, lived.2))
            .collect();
        let found: Vec<(u64, u64)> =
            done.iter().map(|done| (done.tally.failures, done.tally.samples)).collect();
        prop_assert_eq!(found, of_records);
    }
}

/// A group whose evaluations are at whole minutes, or whatever its place is after them.
fn simple(rules: &str) -> (String, i64) {
    let text = format!("groups:\n- name: g\n  interval: 1m\n  rules:\n{rules}");
    (text, schedule::place_ms(schedule::hash("rules.yml", "g"), MINUTE))
}

#[test]
fn times_texts_and_values_are_exact() {
    let (text, place) = simple(
        "  - alert: Down\n    expr: up == 0\n    for: 5m\n    keep_firing_for: 3m\n    \
         labels: {severity: page}\n    annotations: {summary: '{{ $labels.job }} at {{ $value }}'}\n\
         \x20 - alert: Never\n    expr: up > 1\n",
    );
    let store = MemoryStore::new();
    // Down from minute 10 to 30, from 40 to 42, and from 60 to the end.
    for minute in 0..100_i64 {
        let is_down = (10..30).contains(&minute) || (40..42).contains(&minute) || minute >= 60;
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "a")]);
        store.put(&labels, minute * MINUTE, if is_down { 0.0 } else { 1.0 });
    }
    let tested = tested(&text, &store, (0, 90 * MINUTE - 1));
    let Raised { episodes, omitted } = tested[0].raised.clone().unwrap();
    let times: Vec<_> =
        episodes.iter().map(|e| (e.pending_from_ms, e.firing_from_ms, e.resolved_at_ms)).collect();
    let at = |minute: i64| minute * MINUTE + place;
    let expected = [
        (at(10), Some(at(15)), Some(at(33))),
        (at(40), None, Some(at(42))),
        (at(60), Some(at(65)), None),
    ];
    assert_eq!((times.as_slice(), omitted), (expected.as_slice(), 0));
    let labels = [("alertname", "Down"), ("job", "a"), ("severity", "page")];
    assert!(episodes.iter().all(|episode| episode.labels == Labels::from_pairs(labels)));
    assert!(episodes.iter().all(|e| *e.annotations == [("summary".into(), "a at 0".into())]));
    let never = tested[1].raised.clone().unwrap();
    assert_eq!((tested[1].tally.evaluations, never.episodes), (90, Vec::new()));
    assert!(matches!(tested[1].tally.rule.kind, RuleKind::Alerting { .. }));
}

#[test]
fn what_older_rules_recorded_is_seen_only_before() {
    let (text, place) = simple(
        "  - record: job:up\n    expr: sum(up) + 10\n  - alert: Old\n    expr: job:up < 10\n  \
         - alert: Counted\n    expr: count_over_time(job:up[10m]) == 10\n",
    );
    let store = MemoryStore::new();
    for minute in 0..60 {
        let up = Labels::from_pairs([("__name__", "up")]);
        store.put(&up, minute * MINUTE, 1.0);
        store.put(&Labels::from_pairs([("__name__", "job:up")]), minute * MINUTE + 7, 1.0);
    }
    let tested = tested(&text, &store, (30 * MINUTE, 50 * MINUTE));
    let episodes = |i: usize| tested[i].raised.clone().unwrap().episodes;
    assert_eq!(episodes(1), []);
    let [counted] = &episodes(2)[..] else { panic!("{:?}", episodes(2)) };
    assert!(counted.at_start && counted.resolved_at_ms.is_none(), "{counted:?}");
    assert_eq!(counted.pending_from_ms, 30 * MINUTE + place);
    assert_eq!(tested[0].tally.samples, 20);
}

#[test]
fn it_ends_when_nobody_waits() {
    let (text, _) = simple("  - record: a:b\n    expr: up\n");
    let (files, settings, means) = ([file(&text)], Settings::default(), Default::default());
    let store = MemoryStore::new();
    let past = past(&files, &settings, &store, (0, 100 * HOUR), &means);
    let mut calls = 0;
    let mut last = -1.0;
    let mut watch = |progress: Progress<'_>| {
        calls += 1;
        assert!(progress.done >= last && progress.done <= 1.0, "{progress:?}");
        assert_eq!((progress.group, progress.rule), ("g", "a:b"));
        last = progress.done;
        calls < 10
    };
    assert_eq!(backtest(&past, &mut watch).unwrap_err(), Stopped::Canceled);
    assert_eq!(calls, 10);
    means.1.cancel();
    assert_eq!(backtest(&past, &mut |_| true).unwrap_err(), Stopped::Canceled);
}

#[test]
fn a_query_that_fails_at_times_fails_at_those_alone() {
    let (text, _) = simple("  - record: joined:m\n    expr: (m < 65) * on (j) (m > 50)\n");
    // Two series of one side match from the 300th row to the 330th.
    let rows: Vec<_> = (0..900)
        .map(|n| {
            let high = if (300..330).contains(&n) { 60 } else { 10 };
            [Some(70), Some(high), None, None]
        })
        .collect();
    let stored = store(&rows);
    let [tested] = &tested(&text, &stored, (0, 150 * MINUTE - 1))[..] else { panic!() };
    assert_eq!((tested.tally.evaluations, tested.tally.failures), (150, 5));
    let (t_ms, error) = tested.tally.first_failure.clone().unwrap();
    assert!((50 * MINUTE..51 * MINUTE).contains(&t_ms), "{t_ms}");
    assert!(error.contains("found duplicate series"), "{error}");
    assert_eq!(tested.tally.samples, 145);
}
