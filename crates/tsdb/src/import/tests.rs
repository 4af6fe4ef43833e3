//! Samples of the past beside those of the present.

use crate::faulty_disk::FaultyDisk;
use crate::{Batch, Db, ImportError, Options};
use model::histogram::Span;
use model::{FloatHistogram, Labels, TimeRange, stale_marker};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use storage::{
    Absence, Appendable, Columns, Group, GroupSpec, Queryable, Row, SelectHints, Source,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Bits of floats, and sums of histograms, by labels and time.
type Contents = BTreeMap<String, BTreeMap<i64, u64>>;

fn open(dir: &Path) -> Db {
    let (db, report) = Db::open(dir, Options::default()).unwrap();
    assert_eq!(report.damage, []);
    db
}

fn series(i: usize) -> Labels {
    Labels::from_pairs([("__name__", format!("s{}", i % 3)), ("i", i.to_string())])
}

fn contents(db: &Db) -> Contents {
    let range = TimeRange::ALL;
    let hints = SelectHints { range, sorted: true, labels_only: false };
    let set = db.querier(range).unwrap().select(&[], &hints).unwrap();
    let mut all = Contents::new();
    for i in 0..set.len() {
        let mut columns = Columns::default();
        set.read(i, range, &mut columns).unwrap();
        assert!(columns.t_ms.is_sorted_by(|a, b| a < b), "{:?}", columns.t_ms);
        let floats = columns.t_ms.iter().copied().zip(columns.values.iter().map(|v| v.to_bits()));
        let histograms = columns.histograms.iter().map(|(t_ms, h)| (*t_ms, h.sum.to_bits()));
        all.insert(set.labels(i).to_string(), floats.chain(histograms).collect());
    }
    all.retain(|_, samples| !samples.is_empty());
    all
}

fn live(db: &Db, absence: Absence) -> Box<dyn Group> {
    let (key, common) = ("live".into(), Labels::empty());
    db.open_group(&GroupSpec { source: Source::Rules, key, common, absence }).unwrap()
}

fn append(group: &mut dyn Group, t_ms: i64, numbers: impl Iterator<Item = usize>) {
    let mut row = Row::new();
    row.begin(t_ms);
    for i in numbers {
        let (column, _) = group.column(&series(i)).unwrap();
        row.set(column, value(i, t_ms));
    }
    group.append(&row).unwrap();
}

/// What all writers say about a series at a time, but imports are told apart by a half.
fn value(i: usize, t_ms: i64) -> f64 {
    (t_ms / 1000) as f64 + i as f64 * 1e7
}

fn columns(i: usize, times: impl Iterator<Item = i64>) -> Columns {
    let t_ms: Vec<i64> = times.collect();
    let values = t_ms.iter().map(|t_ms| value(i, *t_ms) + 0.5).collect();
    Columns { t_ms, values, histograms: Vec::new() }
}

/// Samples every so often, from a time to before another.
fn batch(numbers: impl Iterator<Item = usize>, from: i64, to: i64, step: i64) -> Batch {
    let times = || (0..).map(|n| from + n * step).take_while(|t_ms| *t_ms < to);
    let series = numbers.map(|i| (series(i), columns(i, times()))).collect();
    Batch { key: "history".into(), apart_ms: 1, series }
}

/// What is there after a batch, of which nothing takes the place of what is there before.
fn expect(contents: &mut Contents, batch: &Batch) {
    for (labels, columns) in &batch.series {
        let samples = contents.entry(labels.to_string()).or_default();
        for (t_ms, value) in columns.t_ms.iter().zip(&columns.values) {
            samples.entry(*t_ms).or_insert(value.to_bits());
        }
    }
    contents.retain(|_, samples| !samples.is_empty());
}

#[test]
fn history_joins_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(dir.path());
    let mut group = live(&db, Absence::EndsSeries);
    // A day of blocks, and a head, of which series 0 is known.
    for t in 0..30 * 60 {
        append(&mut *group, DAY + t * MINUTE, 0..2);
    }
    let now = 2 * DAY + 6 * HOUR;
    db.maintain(now).unwrap();
    let mut expected = contents(&db);
    // Days without any data, a day with blocks, the head up to now; a new series and a known one.
    let history = batch([1, 4].into_iter(), 0, now, 2 * MINUTE + 1000);
    expect(&mut expected, &history);
    let done = db.import(vec![history.clone()], now).unwrap();
    let (floats, known) = (history.series[0].1.t_ms.len() as u64, 15);
    assert_eq!((done.samples + done.known, done.blocks), (2 * floats, 3), "{done:?}");
    assert_eq!(done.known, known, "one has a sample at every 121st minute");
    assert_eq!(contents(&db), expected, "at once");

    let again = db.import(vec![history], now).unwrap();
    assert_eq!((again.samples, again.known, again.blocks), (0, 2 * floats, 0));
    assert_eq!(contents(&db), expected, "once more");
    drop((group, db));
    db = open(dir.path());
    assert_eq!(contents(&db), expected, "after a crash");
    let report = db.maintain(now).unwrap();
    assert!(report.merged >= 2, "{report:?}");
    assert_eq!(contents(&db), expected, "compacted");

    // The present goes on, and the rest of history goes to blocks.
    let mut group = live(&db, Absence::EndsSeries);
    for t in 30 * 60..60 * 60 {
        append(&mut *group, DAY + t * MINUTE, 0..2);
        for i in 0..2 {
            let at = DAY + t * MINUTE;
            let samples = expected.entry(series(i).to_string()).or_default();
            samples.insert(at, value(i, at).to_bits());
        }
    }
    db.maintain(DAY + 60 * HOUR).unwrap();
    assert_eq!(contents(&db), expected, "all in blocks");
    db.close().unwrap();
    drop(group);
    assert_eq!(contents(&open(dir.path())), expected, "opened again");
}

#[test]
fn a_series_that_goes_on_live_has_no_gap_and_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let mut group = live(&db, Absence::EndsSeries);
    // Something else has been there for long; the rule is new.
    for t in 0..150 {
        let new = (t >= 140).then_some(5);
        append(&mut *group, 10 * DAY + t * MINUTE + 700, std::iter::once(3).chain(new));
    }
    let now = 10 * DAY + 149 * MINUTE + 900;
    let mut history = batch(5..6, 9 * DAY, now, MINUTE);
    history.apart_ms = MINUTE;
    db.import(vec![history], now).unwrap();
    let all = contents(&db);
    let times: Vec<i64> = all[&series(5).to_string()].keys().copied().collect();
    assert_eq!(times[0], 9 * DAY);
    assert_eq!(times.len(), 24 * 60 + 150);
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= MINUTE + 700), "{times:?}");
    assert!(
        all[&series(5).to_string()]
            .values()
            .all(|bits| { !model::is_stale(f64::from_bits(*bits)) })
    );
}

#[test]
fn histograms_and_ends_of_series_are_kept() {
    let histogram = |n: u32| {
        Arc::new(FloatHistogram {
            count: f64::from(n),
            sum: f64::from(n) * 1.5,
            positive_spans: vec![Span { offset: 0, length: 1 }],
            positive_buckets: vec![f64::from(n)],
            ..FloatHistogram::default()
        })
    };
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let mut mixed = Columns::default();
    for n in 0..1500_u32 {
        let t_ms = i64::from(n) * MINUTE;
        match n % 7 {
            0 => {}
            1 => {
                mixed.t_ms.push(t_ms);
                mixed.values.push(stale_marker());
            }
            2 => {
                mixed.t_ms.push(t_ms);
                mixed.values.push(f64::from_bits(storage::HISTOGRAM_BITS));
            }
            _ => mixed.histograms.push((t_ms, histogram(n))),
        }
    }
    let one = Batch { key: "h".into(), apart_ms: 1, series: vec![(series(0), mixed)] };
    let done = db.import(vec![one], 25 * HOUR).unwrap();
    assert_eq!((done.samples, done.blocks), (1500 - 215, 1));
    let check = |db: &Db| {
        let all = contents(db);
        let found = &all[&series(0).to_string()];
        assert_eq!(found.len(), 1500 - 215);
        for (t_ms, bits) in found {
            let n = u32::try_from(t_ms / MINUTE).unwrap();
            let expected = match n % 7 {
                1 => stale_marker().to_bits(),
                2 => model::sample::NORMAL_NAN_BITS,
                _ => (f64::from(n) * 1.5).to_bits(),
            };
            assert_eq!(*bits, expected, "at {n}");
        }
    };
    check(&db);
    drop(db);
    check(&open(dir.path()));
}

#[test]
fn what_cannot_be_stored_is_refused_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let options =
        Options { retention_ms: Some(10 * DAY), max_series: Some(3), ..Options::default() };
    let (db, _) = Db::open(dir.path(), options).unwrap();
    let mut group = live(&db, Absence::EndsSeries);
    let now = 100 * DAY + 30 * MINUTE;
    append(&mut *group, now, 0..2);
    let refused = |batches: Vec<Batch>, expected: &str| {
        let error = db.import(batches, now).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(contents(&db).values().map(BTreeMap::len).sum::<usize>(), 2);
    };
    refused(
        vec![batch(0..1, now - HOUR, now + 2, HOUR + 1)],
        "a sample at 8641800001 ms is later than now, 8641800000 ms",
    );
    refused(
        vec![batch(0..1, now - 11 * DAY, now, DAY)],
        "a sample at 7691400000 ms is older than what is kept, from 7777800000 ms on",
    );
    let mut twice = batch(0..1, now - DAY, now, HOUR);
    twice.series[0].1.t_ms[3] = twice.series[0].1.t_ms[2];
    refused(vec![twice], "are not in order of time");
    let mut broken = batch(0..1, now - DAY, now, HOUR);
    let histogram = FloatHistogram { positive_buckets: vec![1.0], ..FloatHistogram::default() };
    broken.series[0].1.histograms.push((now - 1, Arc::new(histogram)));
    refused(vec![broken], "spans of a histogram do not cover its buckets");
    refused(vec![batch(5..9, now - MINUTE, now, MINUTE)], "series refused: limit of 3 series");
    assert_eq!(db.import(Vec::new(), now).unwrap(), crate::Imported::default());
    // What lies in blocks needs no room in memory.
    db.import(vec![batch(5..9, now - DAY, now - 3 * HOUR, MINUTE)], now).unwrap();

    let in_memory = Db::in_memory(Options::default());
    let error = in_memory.import(vec![batch(0..1, 0, HOUR, MINUTE)], now).unwrap_err();
    assert!(matches!(error, ImportError::Db(crate::Error::InMemory)), "{error}");
}

#[test]
fn a_full_disk_takes_nothing_rather_than_the_oldest_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { min_free_bytes: Some(u64::MAX), ..Options::default() };
    let (db, _) = Db::open(dir.path(), options).unwrap();
    let error = db.import(vec![batch(0..1, 0, HOUR, MINUTE)], DAY).unwrap_err();
    assert!(error.to_string().contains("bytes are free, of which"), "{error}");
    assert_eq!(contents(&db), Contents::new());
}

#[test]
fn a_failing_disk_leaves_whole_blocks_only() {
    let now = 2 * DAY + 90 * MINUTE;
    // Two days in blocks, and some rows in the head.
    let history = || vec![batch(0..4, 6 * HOUR, now, 10 * MINUTE)];
    let ends = [DAY, 2 * DAY, now];
    for calls in 0..200 {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::failing_after(u64::MAX, ErrorKind::StorageFull);
        let (db, _) = Db::open_on(Arc::new(disk.clone()), dir.path(), Options::default()).unwrap();
        let mut group = live(&db, Absence::EndsSeries);
        append(&mut *group, now, 0..1);
        db.flush().unwrap();
        let mut whole = contents(&db);
        let before = whole.clone();
        expect(&mut whole, &history()[0]);
        disk.fail_after(calls);
        let failed = db.import(history(), now).is_err();
        drop((group, db));
        disk.fail_after(u64::MAX);

        let (db, report) = Db::open(dir.path(), Options::default()).unwrap();
        assert_eq!(report.damage, [], "{calls} calls");
        let found = contents(&db);
        // All series end at the same place, of which only the head's rows are one by one.
        let upto = |end: i64| {
            let mut upto = Contents::new();
            expect(&mut upto, &batch(0..4, 6 * HOUR, end, 10 * MINUTE));
            for (labels, samples) in &before {
                upto.entry(labels.clone()).or_default().extend(samples);
            }
            upto
        };
        let is_whole = found == before || ends.iter().any(|end| found == upto(*end));
        assert!(is_whole, "{calls} calls: {:?}", found.values().map(BTreeMap::len));
        db.import(history(), now).unwrap();
        assert_eq!(contents(&db), whole, "{calls} calls, done again");
        assert!(
            !dir.path()
                .join("blocks")
                .read_dir()
                .unwrap()
                .any(|entry| { entry.unwrap().file_name().to_string_lossy().ends_with(".tmp") })
        );
        if !failed {
            assert!(calls > 30, "{calls} calls of the disk");
            return;
        }
    }
    panic!("the disk never let it through");
}

#[test]
fn writers_are_not_hindered() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let writer = {
        let mut group = live(&db, Absence::EndsSeries);
        std::thread::spawn(move || {
            for t in 0..2000 {
                append(&mut *group, 3 * DAY + t * 1000, 0..2);
            }
        })
    };
    let now = 3 * DAY + 2000 * 1000;
    for piece in 0..24 {
        let from = 2 * DAY + piece * HOUR;
        db.import(vec![batch(1..4, from, from + HOUR, MINUTE)], now).unwrap();
        db.maintain(now).unwrap();
    }
    writer.join().unwrap();
    let check = |db: &Db| {
        let all = contents(db);
        let counts: Vec<usize> = (0..4).map(|i| all[&series(i).to_string()].len()).collect();
        assert_eq!(counts, [2000, 2000 + 1440, 1440, 1440]);
    };
    check(&db);
    db.flush().unwrap();
    drop(db);
    check(&open(dir.path()));
}

#[derive(Clone, Debug)]
enum Op {
    /// Rows of the present: how many, and how far apart.
    Live(u16, i64),
    /// A range before now: how far back and how long, in minutes, and which series.
    Import {
        back: i64,
        long: i64,
        step: i64,
        numbers: u8,
    },
    Maintain,
    Crash,
}

fn op() -> impl Strategy<Value = Op> {
    let step = || prop_oneof![Just(1000), Just(15_000), Just(MINUTE), Just(7 * MINUTE)];
    prop_oneof![
        4 => (1..200_u16, step()).prop_map(|(count, step)| Op::Live(count, step)),
        3 => (0..3000_i64, 1..900_i64, 2..10_i64, 1..=255_u8).prop_map(
            |(back, long, step, numbers)| Op::Import { back, long, step: step * 30_000, numbers }
        ),
        2 => Just(Op::Maintain),
        1 => Just(Op::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Whatever is imported when, the database says what a plain map says.
    #[test]
    fn imports_add_what_is_missing(ops in prop::collection::vec(op(), 1..25)) {
        let dir = tempfile::tempdir().unwrap();
        let mut db = open(dir.path());
        let mut group = live(&db, Absence::MeansNothing);
        let (mut now, mut expected) = (20 * DAY + 123, Contents::new());
        for op in &ops {
            match op {
                Op::Live(count, step) => {
                    for _ in 0..*count {
                        now += step;
                        append(&mut *group, now, 0..2);
                        for i in 0..2 {
                            let samples = expected.entry(series(i).to_string()).or_default();
                            samples.insert(now, value(i, now).to_bits());
                        }
                    }
                    db.flush().unwrap();
                }
                Op::Import { back, long, step, numbers } => {
                    let from = now - (back + long) * MINUTE;
                    let to = from + long * MINUTE;
                    let wanted = (0..8).filter(|i| numbers >> i & 1 == 1);
                    let batch = batch(wanted, from, to, *step);
                    expect(&mut expected, &batch);
                    db.import(vec![batch], now).unwrap();
                }
                Op::Maintain => drop(db.maintain(now).unwrap()),
                Op::Crash => {
                    drop(group);
                    drop(db);
                    db = open(dir.path());
                    group = live(&db, Absence::MeansNothing);
                }
            }
        }
        prop_assert_eq!(contents(&db), expected);
    }
}
