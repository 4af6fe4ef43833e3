//! New series: when they are made, when they are taken back, and when there are too many.

use super::*;
use storage::{AppendError, Column, LabelQuery};

fn names(db: &Db) -> Vec<String> {
    let querier = db.querier(TimeRange::ALL).unwrap();
    querier.label_values("__name__", LabelQuery::default()).unwrap()
}

#[test]
fn series_are_made_by_their_first_value() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap();
    let mut column = |name: &str| group.column(&series(name, "a")).unwrap();
    assert_eq!(
        ["a", "b", "a", "c"].map(&mut column).map(|(c, new)| (c.0, new)),
        [(0, true), (1, true), (0, false), (2, true)]
    );
    assert_eq!(db.head_stats(1).series, 0);
    assert_eq!((group.new_columns(), group.find(&series("b", "a"))), (3, Some(Column(1))));
    assert_eq!((group.take_back(), group.find(&series("b", "a"))), (Some(Column(0)), None));
    assert_eq!(group.column(&series("d", "a")).unwrap(), (Column(0), true));
    assert_eq!(group.column(&series("e", "a")).unwrap(), (Column(1), true));
    let mut row = Row::new();
    // A row makes those up to the last it has a value for.
    row.begin(1000);
    row.set(Column(0), 1.0);
    group.append(&row).unwrap();
    assert_eq!(names(&db), ["d"]);
    assert_eq!(group.column(&series("e", "a")).unwrap(), (Column(1), false));
    assert_eq!(group.column(&series("f", "a")).unwrap(), (Column(2), true));
    row.begin(2000);
    group.append(&row).unwrap();
    assert_eq!((names(&db), db.head_stats(1).series), (vec!["d".to_owned()], 1));
    row.begin(3000);
    row.set(Column(2), 7.0);
    group.append(&row).unwrap();
    assert_eq!(db.head_stats(1).series, 3);
    assert_eq!(contents(&db, TimeRange::ALL)[&series("f", "a").to_string()].len(), 1);
    assert_eq!((group.take_back(), group.new_columns()), (None, 0));
    // What a writer leaves behind is nobody's.
    group.column(&series("g", "a")).unwrap();
    drop(group);
    let mut group = db.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap();
    assert_eq!(group.column(&series("h", "a")).unwrap(), (Column(3), true));
    assert_eq!(db.head_stats(1).series, 3);
}

#[test]
fn two_writers_may_ask_for_one_new_series() {
    let db = Db::in_memory(small());
    let [mut a, mut b] =
        ["a", "b"].map(|key| db.open_group(&spec(key, &[], Absence::EndsSeries)).unwrap());
    let shared = series("shared", "x");
    let columns = [&mut a, &mut b].map(|group| group.column(&shared).unwrap().0);
    let mut row = Row::new();
    for (t_ms, group, column) in [(1000, &mut a, columns[0]), (1500, &mut b, columns[1])] {
        row.begin(t_ms);
        row.set(column, 1.0);
        group.append(&row).unwrap();
    }
    assert_eq!(db.head_stats(1).series, 1);
    assert_eq!(contents(&db, TimeRange::ALL)[&shared.to_string()].len(), 2);
}

#[test]
fn what_is_asked_for_counts_against_the_limit() {
    let db = Db::in_memory(Options { max_series: Some(3), ..small() });
    let [mut a, mut b] =
        ["a", "b"].map(|key| db.open_group(&spec(key, &[], Absence::EndsSeries)).unwrap());
    append(&mut *a, 1000, &[(series("a", "x"), 1.0)]);
    a.column(&series("b", "x")).unwrap();
    b.column(&series("c", "x")).unwrap();
    assert!(matches!(b.column(&series("d", "x")), Err(AppendError::SeriesLimit { .. })));
    a.take_back();
    b.column(&series("d", "x")).unwrap();
}

#[test]
fn the_newest_sample_of_a_series() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| series(name, "x"));
    let check = |group: &dyn Group, labels: &Labels, expected: Option<(i64, f64)>| {
        let bits = |(t_ms, value): (i64, f64)| (t_ms, value.to_bits());
        assert_eq!(group.newest(labels).map(bits), expected.map(bits), "{labels}");
    };
    check(&*group, &a, None);
    for i in 0..130_i64 {
        let mut values = vec![(a.clone(), i as f64)];
        if i < 100 {
            values.push((b.clone(), 1.0));
        }
        if i % 2 == 0 {
            values.push((c.clone(), 2.0));
        }
        append(&mut *group, i * 15_000, &values);
        check(&*group, &a, Some((i * 15_000, i as f64)));
    }
    let end = model::stale_marker();
    check(&*group, &b, Some((100 * 15_000, end)));
    check(&*group, &c, Some((129 * 15_000, end)));
    let mut other = db.open_group(&spec("b", &[], Absence::MeansNothing)).unwrap();
    check(&*other, &a, None);
    append(&mut *other, 5000, &[(a.clone(), 3.0)]);
    append(&mut *other, 6000, &[(b, 3.0)]);
    check(&*other, &a, Some((5000, 3.0)));
}

#[test]
fn series_that_never_come_twice_do_not_pile_up_as_columns() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
    let (mut most, mut made) = (0, 0);
    for i in 0..20_i64 {
        let mut values = vec![(series("steady", "x"), i as f64)];
        values.extend((0..5_000).map(|n| (series(&format!("m{i}_{n}"), "x"), 1.0)));
        let columns = values.iter().map(|(labels, _)| group.column(labels).unwrap().0.0);
        most = most.max(columns.max().unwrap());
        append(&mut *group, i * 15_000, &values);
        made += 5_000;
    }
    assert!(most < 35_000, "{most} columns");
    assert_eq!(db.head_stats(1).series, made + 1);
    let found = contents(&db, TimeRange::ALL);
    assert_eq!(found[&series("steady", "x").to_string()].len(), 20);
    for i in 0..19 {
        let fresh = &found[&series(&format!("m{i}_17"), "x").to_string()];
        let end = ((i + 1) * 15_000, model::stale_marker().to_bits());
        assert_eq!(fresh[..], [(i * 15_000, 1.0_f64.to_bits()), end]);
    }
}

#[test]
fn a_target_does_not_fill_all_of_the_room_with_series_that_ended() {
    let db = Db::in_memory(Options { max_series: Some(60_000), ..small() });
    let [mut bad, mut good] =
        ["bad", "good"].map(|key| db.open_group(&spec(key, &[], Absence::EndsSeries)).unwrap());
    let mut refused = 0;
    let mut row = Row::new();
    for i in 0..25_i64 {
        row.begin(i * 15_000);
        for n in 0..5_000 {
            match bad.column(&series(&format!("m{i}_{n}"), "x")) {
                Ok((column, _)) => drop(row.set(column, 1.0)),
                Err(AppendError::SeriesLimit { reason }) => {
                    refused += 1;
                    assert!(reason.contains("have ended"), "{reason}");
                }
                Err(error) => panic!("{error}"),
            }
        }
        bad.append(&row).unwrap();
    }
    assert!(refused > 50_000, "{refused}");
    // Others have series as before, and so have steady ones.
    let values: Vec<_> = (0..10_000).map(|n| (series(&format!("n{n}"), "y"), 1.0)).collect();
    append(&mut *good, 1000, &values);
}

#[test]
fn rows_of_a_group_without_columns() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
    let nothing: [(Labels, f64); 0] = [];
    for i in 0..300 {
        append(&mut *group, i * 15_000, &nothing);
    }
    append(&mut *group, 300 * 15_000, &[(series("a", "x"), 1.0)]);
    assert_eq!(contents(&db, TimeRange::ALL).len(), 1);
}
