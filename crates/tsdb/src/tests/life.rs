//! Hours pass: blocks are cut, merged and dropped.

use super::*;
use crate::MaintainReport;
use model::metrics::{Collect, Kind, Visitor};
use storage::{AppendError, ExemplarQueryable};

const HOUR: i64 = 3_600_000;

fn hours(db: &Db, group: &mut dyn Group, from: i64, to: i64) {
    for i in from * 60..to * 60 {
        let t_ms = i * 60_000;
        append(group, t_ms, &[(series("n", "a"), i as f64), (series("c", "a"), 7.0)]);
        if i % 60 == 59 {
            db.flush().unwrap();
        }
    }
}

/// Histograms with the floats of [`hours`].
fn hours_with_histograms(db: &Db, group: &mut dyn Group, from: usize, to: usize) {
    for i in from * 60..to * 60 {
        let of = |kind, n| Value::Histogram(Arc::new(histogram(kind, n)));
        let switching = if i / 200 % 2 == 0 { of(1, i) } else { Value::Float(i as f64) };
        let mut values = vec![
            (series("n", "a"), Value::Float(i as f64)),
            (series("h", "a"), of(0, i / 7)),
            (series("nhcb", "a"), of(2, i)),
            (series("switching", "a"), switching),
        ];
        if i % 50 < 40 {
            values.push((series("gaps", "a"), of(3, i)));
        }
        append(group, i64::try_from(i).unwrap() * 60_000, &values);
        if i % 60 == 59 {
            db.flush().unwrap();
        }
    }
}

#[test]
fn histograms_go_through_all_levels() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let store = testkit::MemoryStore::new();
    let mut group = open(&db);
    hours_with_histograms(&db, &mut *group, 0, 31);
    let mut model = store.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap();
    hours_with_histograms(&db, &mut *model, 0, 31);
    let expected = contents(&store, TimeRange::ALL);
    assert_eq!(contents(&db, TimeRange::ALL), expected);
    let part = TimeRange { min_ms: 5 * HOUR + 1, max_ms: 29 * HOUR };
    let check = |db: &Db, when: &str| {
        assert_eq!(contents(db, TimeRange::ALL), expected, "{when}");
        assert_eq!(contents(db, part), contents(&store, part), "part, {when}");
    };
    let report = db.maintain(31 * HOUR).unwrap();
    assert_eq!((report.cut, report.merged), (14, 12));
    check(&db, "merged");
    drop(group);
    db.close().unwrap();
    let db = reopen(dir.path());
    check(&db, "opened again");
    let copy = tempfile::tempdir().unwrap();
    db.snapshot(copy.path()).unwrap();
    check(&reopen(copy.path()), "snapshot");
}

#[test]
fn exemplars_are_kept_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let keeping = Options { max_exemplars: 4, ..small() };
    let reopened = || Db::open(dir.path(), keeping.clone()).unwrap().0;
    let exemplar = |t_ms: i64| storage::Exemplar {
        labels: Labels::from_pairs([("trace_id", t_ms.to_string())]),
        value: 0.25,
        t_ms,
    };
    let times = |db: &Db, range| -> Vec<(String, Vec<i64>)> {
        let found = db.exemplars(&[vec![Matcher::equal("job", "test")], vec![]], range).unwrap();
        let times = |found: &storage::SeriesExemplars| {
            found.exemplars.iter().map(|exemplar| exemplar.t_ms).collect()
        };
        let name = |labels: &Labels| labels.get("__name__").unwrap().to_owned();
        found.iter().map(|series| (name(&series.labels), times(series))).collect()
    };
    let db = reopened();
    let mut group = open(&db);
    let (n, _) = group.column(&series("n", "a")).unwrap();
    let (c, _) = group.column(&series("c", "a")).unwrap();
    assert_eq!(group.add_exemplars(n, &[exemplar(1)]).unwrap(), 0, "no series as yet");
    append(&mut *group, -1, &[(series("n", "a"), 1.0), (series("c", "a"), 1.0)]);
    assert_eq!(group.add_exemplars(n, &[exemplar(1), exemplar(2), exemplar(2)]).unwrap(), 2);
    hours(&db, &mut *group, 0, 1);
    assert_eq!(group.add_exemplars(c, &[exemplar(3), exemplar(1), exemplar(4)]).unwrap(), 2);
    let both = vec![("c".to_owned(), vec![3, 4]), ("n".to_owned(), vec![1, 2])];
    assert_eq!(times(&db, TimeRange::ALL), both);
    let part = TimeRange { min_ms: 2, max_ms: 3 };
    assert_eq!(times(&db, part), [("c".to_owned(), vec![3]), ("n".to_owned(), vec![2])]);
    db.flush().unwrap();
    drop((group, db));
    let db = reopened();
    assert_eq!(times(&db, TimeRange::ALL), both, "from the log");
    let mut group = open(&db);
    let (n, _) = group.column(&series("n", "a")).unwrap();
    assert_eq!(group.add_exemplars(n, &[exemplar(2)]).unwrap(), 0, "it is known");
    db.set_max_exemplars(1);
    assert_eq!(times(&db, TimeRange::ALL), [("c".to_owned(), vec![4])]);
    db.set_max_exemplars(0);
    assert_eq!(group.add_exemplars(n, &[exemplar(9)]).unwrap(), 0);
    drop((group, db));
    let in_memory = Db::in_memory(small());
    let mut group = open(&in_memory);
    append(&mut *group, 0, &[(series("n", "a"), 1.0)]);
    let (n, _) = group.column(&series("n", "a")).unwrap();
    assert_eq!(group.add_exemplars(n, &[exemplar(2)]).unwrap(), 0, "off by default");
}

fn open(db: &Db) -> Box<dyn Group> {
    db.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap()
}

#[test]
fn blocks_are_cut_merged_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let mut group = open(&db);
    hours(&db, &mut *group, 0, 3);
    assert_eq!(db.maintain(3 * HOUR).unwrap(), MaintainReport::default());
    hours(&db, &mut *group, 3, 31);
    let before = contents(&db, TimeRange::ALL);
    let report = db.maintain(31 * HOUR).unwrap();
    assert_eq!((report.cut, report.merged), (14, 12));
    assert_eq!(contents(&db, TimeRange::ALL), before);
    let part = TimeRange { min_ms: 23 * HOUR, max_ms: 29 * HOUR };
    let in_part = contents(&db, part);
    assert_eq!(in_part[&series("n", "a").to_string()].len(), 6 * 60 + 1);
    let report = db.maintain(31 * HOUR).unwrap();
    assert_eq!(report, MaintainReport::default(), "nothing is left to do");

    let late = {
        let mut other = db.open_group(&spec("b", &[], Absence::EndsSeries)).unwrap();
        let mut row = Row::new();
        row.begin(20 * HOUR);
        row.set(other.column(&series("late", "b")).unwrap().0, 1.0);
        other.append(&row)
    };
    assert!(matches!(late, Err(AppendError::OutOfBounds { .. })));
    drop((group, db));
    let db = reopen(dir.path());
    assert_eq!(contents(&db, TimeRange::ALL), before);
    assert_eq!(contents(&db, part), in_part);
    let mut group = open(&db);
    hours(&db, &mut *group, 31, 33);
    assert_eq!(contents(&db, TimeRange::ALL)[&series("n", "a").to_string()].len(), 33 * 60);

    let copy = tempfile::tempdir().unwrap();
    db.snapshot(copy.path()).unwrap();
    assert_eq!(contents(&reopen(copy.path()), TimeRange::ALL), contents(&db, TimeRange::ALL));
}

#[test]
fn old_blocks_are_dropped_by_age_and_by_size() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { retention_ms: Some(10 * HOUR), ..small() };
    let (db, _) = Db::open(dir.path(), options).unwrap();
    let mut group = open(&db);
    hours(&db, &mut *group, 0, 23);
    let report = db.maintain(i64::MAX).unwrap();
    assert_eq!((report.cut, report.too_old), (10, 6));
    let found = contents(&db, TimeRange::ALL);
    assert_eq!(found[&series("n", "a").to_string()][0].0, 12 * HOUR);
    assert_eq!(db.maintain(0).unwrap(), MaintainReport::default(), "a clock that runs behind");
    db.set_retention(Some(8 * HOUR), None);
    assert_eq!(db.maintain(23 * HOUR).unwrap().too_old, 1, "set anew");
    drop((group, db));

    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert_eq!(report.blocks, 3);
    assert_eq!(db.maintain(23 * HOUR).unwrap(), MaintainReport::default());
    db.set_retention(None, Some(1));
    assert_eq!(db.maintain(23 * HOUR).unwrap().too_large, 3);
    assert_eq!(std::fs::read_dir(dir.path().join("blocks")).unwrap().count(), 0);
}

#[test]
fn what_nobody_writes_any_more_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    for i in 0..40 {
        let mut group = db.open_group(&spec(&format!("{i}"), &[], Absence::EndsSeries)).unwrap();
        let names = (0..200).map(|n| (series(&format!("n{n}"), &format!("{i}")), 1.0));
        append(&mut *group, i * HOUR, &names.collect::<Vec<_>>());
        db.flush().unwrap();
        db.maintain(i * HOUR).unwrap();
        db.flush().unwrap();
    }
    let stats = db.head_stats(10);
    assert!(stats.series <= 4 * 200, "{stats:?}");
    assert!(db.0.head.registry.read().symbol_bytes() < 400_000);
    let all = contents(&db, TimeRange::ALL);
    assert_eq!(all.len(), 40 * 200);
    drop(db);
    let db = reopen(dir.path());
    assert!(db.head_stats(1).series <= 5 * 200);
    assert_eq!(contents(&db, TimeRange::ALL), all);
    let log = std::fs::read_dir(dir.path().join("wal")).unwrap().count();
    assert!(log < 10, "{log} files");
}

#[derive(Default)]
struct Names(Vec<String>, BTreeMap<String, f64>);

impl Visitor for Names {
    fn family(&mut self, name: &str, _: Kind, help: &str) {
        assert!(!help.is_empty());
        assert!(!self.0.iter().any(|n| n == name), "{name} twice");
        self.0.push(name.into());
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels = Labels::from_pairs(labels.iter().copied());
        self.1.insert(format!("{}{suffix}{labels}", self.0[self.0.len() - 1]), value);
    }
}

#[test]
fn the_database_tells_about_itself() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let mut group = open(&db);
    hours(&db, &mut *group, 0, 5);
    db.maintain(5 * HOUR).unwrap();
    let mut names = Names::default();
    db.collect(&mut names);
    let value = |name: &str| names.1[name];
    assert_eq!(value("prometheus_tsdb_head_series{}"), 2.0);
    assert_eq!(value("prometheus_tsdb_head_samples_appended_total{type=\"float\"}"), 600.0);
    assert_eq!(value("prometheus_tsdb_blocks_loaded{}"), 1.0);
    assert_eq!(value("prometheus_tsdb_compactions_total{}"), 1.0);
    assert_eq!(value("prometheus_tsdb_wal_segment_current{}"), 1.0);
    assert!(value("prometheus_tsdb_storage_blocks_bytes{}") > 0.0);
    assert!(value("prometheus_tsdb_wal_fsync_duration_seconds_count{}") >= 1.0);
    assert_eq!(value("prometheus_tsdb_head_min_time_seconds{}"), 7200.0);
}
