//! Rows come back: from memory, and after a restart.

use super::*;
use model::stale_marker;
use storage::{AppendError, LabelQuery};

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
    assert_eq!(
        querier.label_names(LabelQuery::default()).unwrap(),
        ["__name__", "instance", "job"]
    );
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
            append(&mut **group, t_ms, &values);
        }
    }
    assert_eq!(contents(&db, TimeRange::ALL), contents(&store, TimeRange::ALL));
    let range = TimeRange { min_ms: 1_700_000_100_500, max_ms: 1_700_000_500_000 };
    assert_eq!(contents(&db, range), contents(&store, range));
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

#[test]
fn histograms_are_refused_or_come_back() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
    let labels = series("h", "x");
    let of = |n| Value::Histogram(Arc::new(histogram(0, n)));
    for n in 0..3 {
        append(&mut *group, i64::try_from(n).unwrap() * 1000, &[(labels.clone(), of(n))]);
    }
    // What stands for a histogram is a NaN like others when it comes as a float.
    let mark = f64::from_bits(storage::HISTOGRAM_BITS);
    append(&mut *group, 3000, &[(labels.clone(), mark)]);
    let stale = Value::Histogram(Arc::new(FloatHistogram::stale()));
    append(&mut *group, 4000, &[(labels.clone(), stale)]);
    append(&mut *group, 5000, &[(labels.clone(), of(9))]);
    let mut row = Row::new();
    row.begin(6000);
    let mut wrong = histogram(0, 5);
    wrong.positive_buckets.push(1.0);
    let (column, _) = group.column(&labels).unwrap();
    assert!(row.set_histogram(column, Arc::new(wrong)));
    assert!(!row.set(column, 1.0), "it has a value");
    assert_eq!((row.len(), row.get(column), row.histograms().len()), (1, None, 1));
    let refused = group.append(&row).unwrap_err().to_string();
    assert!(refused.contains("spans"), "{refused}");
    let found = &contents(&db, TimeRange::ALL)[&labels.to_string()];
    let bits = |n| histogram_bits(&histogram(0, n));
    let nan = model::sample::NORMAL_NAN_BITS;
    let expected = [bits(0), bits(1), bits(2), nan, stale_marker().to_bits(), bits(9)];
    assert_eq!(found.iter().map(|sample| sample.1).collect::<Vec<_>>(), expected);
}

#[test]
fn a_series_of_two_groups_is_one() {
    let db = Db::in_memory(small());
    let mut groups = ["a", "b"]
        .map(|key| db.open_group(&spec(key, &[("job", key)], Absence::MeansNothing)).unwrap());
    for t_ms in 0..200 {
        append(&mut *groups[0], t_ms * 20, &[(series("n", "x"), 1.0)]);
        append(&mut *groups[1], t_ms * 30, &[(series("n", "x"), 2.0), (series("m", "x"), 3.0)]);
    }
    let found = contents(&db, TimeRange::ALL);
    assert_eq!(found.len(), 2);
    let n = &found[&series("n", "x").to_string()];
    // Every 60 ms both have a sample, and one of them counts.
    assert_eq!(n.len(), 200 + 200 - 67);
    assert!(n.iter().all(|(t, v)| t % 20 == 0 || *v == 2f64.to_bits()));
}

/// A target moves to another group with the same final labels: the old one's end is not the series'.
#[test]
fn the_end_of_one_group_does_not_blank_what_another_goes_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let mut groups =
        ["old", "new"].map(|key| db.open_group(&spec(key, &[], Absence::EndsSeries)).unwrap());
    let (n, h) = (series("n", "x"), series("h", "x"));
    let values = |i: usize| {
        let histogram = Value::Histogram(Arc::new(histogram(0, i)));
        [(n.clone(), Value::Float(i as f64)), (h.clone(), histogram)]
    };
    let none: [(Labels, f64); 0] = [];
    for i in 0..5 {
        append(&mut *groups[0], i * 15_000, &values(usize::try_from(i).unwrap()));
    }
    for i in 0..5 {
        append(&mut *groups[1], 65_000 + i * 15_000, &values(100));
        if i == 0 {
            append(&mut *groups[0], 75_000, &none);
        }
    }
    append(&mut *groups[1], 140_000, &none);
    let check = |db: &Db, when: &str| {
        let found = contents(db, TimeRange::ALL);
        for labels in [&n, &h] {
            let of_series = &found[&labels.to_string()];
            let ends = of_series.iter().filter(|(_, bits)| *bits == stale_marker().to_bits());
            let ends: Vec<i64> = ends.map(|(t_ms, _)| *t_ms).collect();
            assert_eq!((of_series.len(), ends), (11, vec![140_000]), "{labels} {when}");
        }
    };
    check(&db, "written");
    db.flush().unwrap();
    drop((groups, db));
    let db = reopen(dir.path());
    check(&db, "read back");
    let mut groups =
        ["old", "new"].map(|key| db.open_group(&spec(key, &[], Absence::EndsSeries)).unwrap());
    append(&mut *groups[0], 4 * 3_600_000, &[(series("late", "x"), 1.0)]);
    assert_eq!(db.maintain(4 * 3_600_000).unwrap().cut, 1);
    check(&db, "in a block");
    // One that both wrote to and one ended at the same time as the other's last value has ended
    // only when both have.
    let mut other = db.open_group(&spec("other", &[], Absence::EndsSeries)).unwrap();
    let o = series("o", "x");
    for (group, t_s, is_there) in
        [(0, 0, true), (1, 5, true), (0, 15, false), (1, 20, true), (1, 35, false), (0, 30, false)]
    {
        let group = if group == 0 { &mut groups[1] } else { &mut other };
        let values = [(o.clone(), 1.0)];
        let values = if is_there { &values[..] } else { &[] };
        append(&mut **group, 5 * 3_600_000 + t_s * 1000, values);
    }
    let found = &contents(&db, TimeRange::ALL)[&o.to_string()];
    let times: Vec<_> = found.iter().map(|(t_ms, _)| t_ms / 1000 - 5 * 3600).collect();
    assert_eq!(times, [0, 5, 20, 35]);
}

#[test]
fn rules_have_a_reserve_of_series() {
    let db = Db::in_memory(Options { max_series: Some(32), ..small() });
    let of = |source| GroupSpec { source, ..spec("a", &[], Absence::EndsSeries) };
    let made = |source, t_ms| {
        let mut group = db.open_group(&of(source)).unwrap();
        let names = (0..99).map(|i| series(&format!("m{source:?}{i}"), "x"));
        let made: Vec<_> = names.take_while(|name| group.column(name).is_ok()).collect();
        let values: Vec<_> = made.iter().map(|name| (name.clone(), 1.0)).collect();
        append(&mut *group, t_ms, &values);
        made.len()
    };
    assert_eq!((made(Source::Scrape, 1), made(Source::Rules, 1)), (32, 2));
    let again = (made(Source::Scrape, 2), made(Source::Rules, 2));
    assert_eq!(again, (32, 2), "those that are known go on");
    assert_eq!(made(Source::Other, 1), 0);
}

#[test]
fn rows_are_refused_whole() {
    let db = Db::in_memory(Options { max_series: Some(2), ..small() });
    let spec = spec("a", &[], Absence::EndsSeries);
    let mut group = db.open_group(&spec).unwrap();
    append(&mut *group, 1000, &[(series("a", "x"), 1.0), (series("b", "x"), 1.0)]);
    assert!(matches!(group.column(&series("c", "x")), Err(AppendError::SeriesLimit { .. })));
    let mut row = Row::new();
    row.begin(1000);
    row.set(group.column(&series("a", "x")).unwrap().0, 2.0);
    let refused = group.append(&row);
    assert!(matches!(refused, Err(AppendError::OutOfOrder { t_ms: 1000, last_ms: 1000 })));
    let mut other = db.open_group(&spec).unwrap();
    row.begin(2000);
    assert!(group.append(&row).is_err(), "the newer writer has it");
    assert_eq!(other.append(&row).unwrap().samples, 0);
    let stats = db.head_stats(1);
    assert_eq!((stats.series, stats.label_pairs, stats.chunks), (2, 4, 1));
    assert_eq!(stats.series_by_metric.len(), 1);
    assert_eq!(stats.series_by_pair[0], crate::Count { name: "instance=x".into(), value: 2 });
}

#[test]
fn columns_out_of_use_are_dropped_and_come_back() {
    let db = Db::in_memory(small());
    let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| series(name, "x"));
    let columns = [&a, &b, &c].map(|labels| group.column(labels).unwrap().0);
    let mut row = Row::new();
    let mut remaps = Vec::new();
    for i in 0..250 {
        row.begin(i * 15_000);
        row.set(columns[0], 1.0);
        if i < 10 {
            row.set(columns[1], 2.0);
        }
        if remaps.is_empty() {
            row.set(columns[2], 3.0);
        }
        remaps.extend(group.append(&row).unwrap().remap);
        if !remaps.is_empty() {
            break;
        }
    }
    assert_eq!(remaps.len(), 1, "b had no value in the second chunk");
    assert_eq!(*remaps[0], [0, u32::MAX, 1]);
    assert_eq!(group.column(&c).unwrap(), (storage::Column(1), false));
    assert_eq!(group.column(&b).unwrap(), (storage::Column(2), true));
    append(&mut *group, 250 * 15_000, &[(a.clone(), 1.0), (b.clone(), 5.0)]);
    let found = contents(&db, TimeRange::ALL);
    let ends = |labels: &Labels| *found[&labels.to_string()].last().unwrap();
    assert_eq!(found[&b.to_string()].len(), 10 + 1 + 1);
    assert_eq!(ends(&b), (250 * 15_000, 5f64.to_bits()));
    assert_eq!(ends(&c), (250 * 15_000, stale_marker().to_bits()));
}
