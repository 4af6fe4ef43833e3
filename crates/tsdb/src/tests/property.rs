//! Whatever is done to the database, it says what plain memory says.

use super::*;
use proptest::prelude::*;
use testkit::MemoryStore;

const GROUPS: usize = 3;
const SERIES: usize = 12;

#[derive(Clone, Debug)]
enum Op {
    /// Rows of one group: how many, milliseconds between them, which series have values, and what
    /// kind of values.
    Rows {
        group: usize,
        count: u16,
        step_ms: i64,
        present: u16,
        kind: u8,
    },
    Flush,
    /// The process dies: what was not flushed is lost.
    Crash,
    /// The group's writer goes and comes again.
    Reopen(usize),
    Maintain,
    Close,
}

fn rows() -> impl Strategy<Value = Op> {
    let step = prop_oneof![Just(1), Just(1000), Just(15_000), Just(61_000), Just(2_000_000)];
    let count = prop_oneof![4 => 1..20_u16, 1 => 100..300_u16];
    (0..GROUPS, count, step, any::<u16>(), 0..7_u8).prop_map(
        |(group, count, step_ms, present, kind)| Op::Rows { group, count, step_ms, present, kind },
    )
}

/// Time, and values by series.
type ModelRow = (i64, Vec<(usize, Value)>);

/// All rows ever committed and still there, per group, and how many of them were flushed.
#[derive(Default)]
struct Model {
    rows: [Vec<ModelRow>; GROUPS],
    flushed: [usize; GROUPS],
    now_ms: i64,
}

impl Model {
    fn store(&self) -> MemoryStore {
        let store = MemoryStore::new();
        for (i, rows) in self.rows.iter().enumerate() {
            let mut group = store.open_group(&group_spec(i)).unwrap();
            for (t_ms, values) in rows {
                append(&mut *group, *t_ms, &named(i, values));
            }
        }
        store
    }

    fn flush(&mut self) {
        self.flushed = self.rows.each_ref().map(Vec::len);
    }

    fn crash(&mut self) {
        for (rows, flushed) in self.rows.iter_mut().zip(self.flushed) {
            rows.truncate(flushed);
        }
    }
}

fn group_spec(i: usize) -> GroupSpec {
    let absence = if i == 2 { Absence::MeansNothing } else { Absence::EndsSeries };
    spec(&format!("g{i}"), &[("instance", &format!("i{i}")), ("job", "test")], absence)
}

fn named(group: usize, values: &[(usize, Value)]) -> Vec<(Labels, Value)> {
    let target = format!("i{group}");
    values.iter().map(|(i, value)| (series(&format!("s{i}"), &target), value.clone())).collect()
}

fn value(kind: u8, series: usize, n: usize) -> Value {
    match kind {
        5 => Value::Histogram(Arc::new(histogram(series, n))),
        // Some series, and some rows.
        6 if series.is_multiple_of(3) || (n / 4).is_multiple_of(5) => value(5, series, n),
        _ => Value::Float(float(kind, series, n)),
    }
}

fn float(kind: u8, series: usize, n: usize) -> f64 {
    let x = n as f64;
    match kind {
        0 => series as f64,
        1 => x * 3.0,
        2 => (x / 7.0).floor() / 10.0,
        3 => (x + series as f64).sin(),
        _ => [0.0, -0.0, f64::NAN, f64::INFINITY, 1e300, 0.1][(n + series) % 6],
    }
}

fn run(ops: &[Op], keeps_markers: bool) {
    let dir = tempfile::tempdir().unwrap();
    let mut model = Model { now_ms: 1_700_000_000_000, ..Model::default() };
    let mut db = Some(reopen(dir.path()));
    let open = |db: &Db, i| db.open_group(&group_spec(i)).unwrap();
    let mut groups: Vec<_> = (0..GROUPS).map(|i| open(db.as_ref().unwrap(), i)).collect();
    for op in ops {
        match op {
            Op::Rows { group, count, step_ms, present, kind } => {
                for n in 0..usize::from(*count) {
                    model.now_ms += step_ms;
                    // Some series come and go within the rows.
                    let is_there =
                        |i: &usize| present >> i & 1 == 1 || (n / 5 + i).is_multiple_of(7);
                    let values: Vec<_> = (0..SERIES)
                        .filter(is_there)
                        .map(|i| (i, value(*kind, i, model.rows[*group].len())))
                        .collect();
                    append(&mut *groups[*group], model.now_ms, &named(*group, &values));
                    model.rows[*group].push((model.now_ms, values));
                }
            }
            Op::Flush => {
                db.as_ref().unwrap().flush().unwrap();
                model.flush();
            }
            Op::Reopen(i) => groups[*i] = open(db.as_ref().unwrap(), *i),
            Op::Maintain => {
                let report = db.as_ref().unwrap().maintain(model.now_ms).unwrap();
                assert_eq!(report.damage, []);
                // What was cut is in a block, and the rest was flushed with the turn of the segment.
                if report.cut > 0 {
                    model.flush();
                }
            }
            Op::Crash | Op::Close => {
                groups.clear();
                let old = db.take().unwrap();
                if matches!(op, Op::Close) {
                    model.flush();
                    old.close().unwrap();
                } else {
                    drop(old);
                }
                model.crash();
                db = Some(reopen(dir.path()));
                groups.extend((0..GROUPS).map(|i| open(db.as_ref().unwrap(), i)));
            }
        }
    }
    let store = model.store();
    let middle = model.rows.iter().flatten().map(|row| row.0).nth(20).unwrap_or(0);
    let part = TimeRange { min_ms: middle, max_ms: model.now_ms - 12_345 };
    let early = TimeRange { min_ms: middle - 30_000, max_ms: middle + 30_000 };
    // The same rows are read in another way when they are read again.
    for range in [TimeRange::ALL, part, TimeRange::ALL, early] {
        let [mut found, mut expected] =
            [contents(db.as_ref().unwrap(), range), contents(&store, range)];
        if !keeps_markers {
            without_markers(&mut found);
            without_markers(&mut expected);
        }
        assert_eq!(found, expected);
    }
}

fn without_markers(contents: &mut Contents) {
    for samples in contents.values_mut() {
        samples.retain(|(_, bits)| !model::is_stale(f64::from_bits(*bits)));
    }
    contents.retain(|_, samples| !samples.is_empty());
}

fn cases(cases: u32) -> ProptestConfig {
    // A longer run is asked for with PROPTEST_CASES.
    let cases = std::env::var("PROPTEST_CASES").map_or(Ok(cases), |n| n.parse()).expect("a number");
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn crashes_lose_nothing_that_was_flushed(
        ops in prop::collection::vec(
            prop_oneof![
                6 => rows(),
                3 => Just(Op::Flush),
                1 => Just(Op::Crash),
                1 => Just(Op::Close),
                1 => (0..GROUPS).prop_map(Op::Reopen),
            ],
            1..30,
        )
    ) {
        run(&ops, true);
    }

    #[test]
    fn cutting_blocks_changes_nothing(
        ops in prop::collection::vec(
            prop_oneof![
                6 => rows(),
                2 => Just(Op::Maintain),
                1 => (0..GROUPS).prop_map(Op::Reopen),
            ],
            1..25,
        )
    ) {
        run(&ops, true);
    }

    /// A group that is only in blocks when the process dies is a new group afterwards: what ended in
    /// between has no marker.
    #[test]
    fn crashes_between_cuts_lose_nothing(
        ops in prop::collection::vec(
            prop_oneof![
                6 => rows(),
                2 => Just(Op::Flush),
                2 => Just(Op::Maintain),
                1 => Just(Op::Crash),
            ],
            1..30,
        )
    ) {
        run(&ops, false);
    }
}

/// What random operations once found.
#[test]
fn found_before() {
    let rows = Op::Rows { group: 0, count: 100, step_ms: 61_000, present: 39_218, kind: 0 };
    run(&[rows, Op::Flush, Op::Crash], false);
}
