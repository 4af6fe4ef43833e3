//! Rows come back: from memory, and after a restart.

use super::*;
use model::stale_marker;
use storage::LabelQuery;

#[test]
fn rows_are_read_from_memory() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap();
    let (up, load) = (series("up", "a"), series("load", "a"));
    append(&mut *group, 1000, &[(up.clone(), 1.0), (load.clone(), 0.25)]);
    append(&mut *group, 2000, &[(up.clone(), 1.0)]);
    append(&mut *group, 3000, &[(up.clone(), 0.0)]);
    let found = contents(&db, TimeRange::ALL);
    let bits = |v: f64| v.to_bits();
    assert_eq!(found[&up.to_string()], [(1000, bits(1.0)), (2000, bits(1.0)), (3000, bits(0.0))]);
    assert_eq!(found[&load.to_string()], [(1000, bits(0.25)), (2000, bits(stale_marker()))]);
    let part = contents(&db, TimeRange { min_ms: 1500, max_ms: 2000 });
    assert_eq!(part[&up.to_string()], [(2000, bits(1.0))]);
    let only = selected(&db, &[Matcher::equal("__name__", "load")], TimeRange::ALL);
    assert_eq!(only.len(), 1);

    let querier = db.querier(TimeRange::ALL).unwrap();
    assert_eq!(querier.label_names(LabelQuery::default()).unwrap(), ["__name__", "instance", "job"]);
    assert_eq!(querier.label_values("__name__", LabelQuery::default()).unwrap(), ["load", "up"]);
    let load_only = [Matcher::equal("__name__", "load")];
    let query = LabelQuery { matchers: &load_only, limit: 1 };
    assert_eq!(querier.label_values("__name__", query).unwrap(), ["load"]);
}

#[test]
fn long_histories_go_through_minis_and_chunks() {
    let db = Db::in_memory(small());
    let store = testkit::MemoryStore::new();
    let spec = spec("a", &[("instance", "a"), ("job", "test")], Absence::EndsSeries);
    let mut groups = [db.open_group(&spec).unwrap(), store.open_group(&spec).unwrap()];
    for group in &mut groups {
        for i in 0..700_u32 {
            let t_ms = 1_700_000_000_000 + i64::from(i) * 1000;
            let mut values = vec![
                (series("constant", "a"), 5.0),
                (series("counter", "a"), f64::from(i * 7)),
                (series("noise", "a"), f64::from(i).sin()),
            ];
            if i % 37 != 3 {
                values.push((series("gaps", "a"), 1.5));
            }
            if i > 333 {
                values.push((series("late", "a"), f64::from(i / 10) / 10.0));
            }
            append_remapped(&mut **group, t_ms, &values);
        }
    }
    assert_eq!(contents(&db, TimeRange::ALL), contents(&store, TimeRange::ALL));
    let range = TimeRange { min_ms: 1_700_000_100_500, max_ms: 1_700_000_500_000 };
    assert_eq!(contents(&db, range), contents(&store, range));
}

/// Columns are looked up for every row, so a renumbering needs no care.
fn append_remapped(group: &mut dyn Group, t_ms: i64, values: &[(Labels, f64)]) {
    append(group, t_ms, values);
}

#[test]
fn flushed_rows_survive() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let spec = spec("a", &[("job", "test")], Absence::EndsSeries);
    let mut group = db.open_group(&spec).unwrap();
    for i in 0..300_u32 {
        append(&mut *group, i64::from(i) * 15_000, &[(series("n", "a"), f64::from(i))]);
        if i % 10 == 0 {
            db.flush().unwrap();
        }
    }
    db.flush().unwrap();
    let before = contents(&db, TimeRange::ALL);
    drop(group);
    drop(db);
    let db = reopen(dir.path());
    assert_eq!(contents(&db, TimeRange::ALL), before);
    let mut group = db.open_group(&spec).unwrap();
    assert!(!group.column(&series("n", "a")).unwrap().1, "the column is found again");
    append(&mut *group, 5_000_000, &[(series("m", "a"), 1.0)]);
    let after = contents(&db, TimeRange::ALL);
    db.close().unwrap();
    let db = reopen(dir.path());
    assert_eq!(contents(&db, TimeRange::ALL), after);
}
