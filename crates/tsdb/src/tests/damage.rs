//! Files that are not as they were written: right answers, or told damage; never a wrong value.

use super::*;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

const MINUTE: i64 = 60_000;

/// A database with a block, two segments of rows, and labels in several records.
fn make(dir: &Path) -> Contents {
    let db = reopen(dir);
    for target in ["a", "b"] {
        let common = [("instance", target), ("job", "test")];
        let mut group = db.open_group(&spec(target, &common, Absence::EndsSeries)).unwrap();
        for i in 0..400_usize {
            let mut values = vec![
                (series("n", target), Value::Float(i as f64)),
                (series(&format!("gone{}", i / 100), target), Value::Float(0.5)),
                (series("buckets", target), Value::Histogram(Arc::new(histogram(0, i)))),
            ];
            if i % 7 < 5 {
                values.push((series("half", target), Value::Float(i as f64 / 2.0)));
            } else if i % 7 == 5 {
                values.push((series("half", target), Value::Histogram(Arc::new(histogram(3, i)))));
            }
            append(&mut *group, i64::try_from(i).unwrap() * MINUTE, &values);
            if i % 40 == 39 {
                db.flush().unwrap();
            }
        }
        if target == "a" {
            db.0.head.rotate().unwrap();
        }
    }
    assert_eq!(db.maintain(250 * MINUTE).unwrap().cut, 1);
    let all = contents(&db, TimeRange::ALL);
    db.close().unwrap();
    all
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
}

fn copy(from: &Path, to: &Path) {
    let mut all = Vec::new();
    files(from, &mut all);
    for file in all {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
}

/// What can be read, and whether some could not.
fn readable(db: &Db) -> (Contents, bool) {
    let hints = SelectHints { range: TimeRange::ALL, sorted: true, labels_only: false };
    let querier = db.querier(TimeRange::ALL).unwrap();
    let Ok(set) = querier.select(&[], &hints) else { return (Contents::new(), true) };
    let (mut contents, mut failed) = (Contents::new(), false);
    for i in 0..set.len() {
        let mut columns = Columns::default();
        if set.read(i, TimeRange::ALL, &mut columns).is_err() {
            failed = true;
            continue;
        }
        contents.insert(set.labels(i).to_string(), samples(&columns));
    }
    (contents, failed)
}

/// Opens a damaged database twice, and goes on with it.
fn check(all: &Contents, dir: &Path, what: &str) {
    let done = catch_unwind(AssertUnwindSafe(|| {
        let (db, report) = match Db::open(dir, small()) {
            Ok(opened) => opened,
            Err(error) => {
                let text = error.to_string();
                let is_clear = text.contains("newer release") || text.contains("is no format");
                assert!(text.contains("FORMAT") && is_clear, "{what}: {text}");
                return;
            }
        };
        let told = !report.damage.is_empty() || report.torn_tail || report.lost_rows > 0;
        let (found, failed) = readable(&db);
        let is_real = |sample: &&(i64, u64)| !model::is_stale(f64::from_bits(sample.1));
        let (mut wrong, mut lost) = (0, 0);
        for (labels, samples) in &found {
            let right = all.get(labels).map_or(&[][..], |samples| samples);
            wrong += samples.iter().filter(is_real).filter(|s| !right.contains(s)).count();
        }
        for (labels, samples) in all {
            let found = found.get(labels).map_or(&[][..], |samples| samples);
            lost += samples.iter().filter(is_real).filter(|s| !found.contains(s)).count();
        }
        assert_eq!(wrong, 0, "{what}: wrong values");
        // Segments may go in any order when their rows are in blocks, so nothing misses a whole one.
        let may_be_gone = what.starts_with("wal") && what.ends_with("missing");
        assert!(
            lost == 0 || told || failed || may_be_gone,
            "{what}: {lost} samples lost and not told: {report:?}"
        );
        // It takes rows again, and has them after the next start.
        let mut group = db.open_group(&spec("a", &[], Absence::EndsSeries)).unwrap();
        append(&mut *group, 1000 * MINUTE, &[(series("n", "a"), 7.0), (series("new", "a"), 8.0)]);
        drop(group);
        db.flush().unwrap();
        let maintained = db.maintain(1000 * MINUTE);
        assert!(maintained.is_ok() || failed, "{what}: {maintained:?}");
        drop(db);
        let (db, again) = Db::open(dir, small()).unwrap();
        let nameless = |damage: &crate::Damage| damage.what.contains("labels of");
        let once = again.damage.iter().all(nameless);
        assert!(once, "{what}: told twice {:?} after {:?}", again.damage, report.damage);
        let late = TimeRange { min_ms: 1000 * MINUTE, ..TimeRange::ALL };
        let found = contents(&db, late);
        for (name, value) in [("n", 7.0_f64), ("new", 8.0)] {
            let samples = found.get(&series(name, "a").to_string());
            let newest = samples.and_then(|samples| samples.last());
            assert_eq!(newest, Some(&(1000 * MINUTE, value.to_bits())), "{what}: {name}");
        }
    }));
    if done.is_err() {
        println!("FAILED: {what}");
        FAILED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

static FAILED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

#[test]
fn damaged_files_give_right_answers_or_are_told() {
    let original = tempfile::tempdir().unwrap();
    let all = make(original.path());
    let mut paths = Vec::new();
    files(original.path(), &mut paths);
    let names: Vec<PathBuf> =
        paths.iter().map(|path| path.strip_prefix(original.path()).unwrap().into()).collect();
    let damaged = |what: &str, change: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        change(dir.path());
        check(&all, dir.path(), what);
    };
    // Every byte is asked for with DAMAGE=1.
    let every = std::env::var("DAMAGE").map_or(101, |n| n.parse().expect("a number"));
    for name in &names {
        let shown = name.display();
        let bytes = fs::read(original.path().join(name)).unwrap();
        // Of a segment all but the zeros at its end.
        let len =
            bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 2).min(bytes.len());
        println!("{shown}: {len} bytes");
        for at in (0..len).step_by(every) {
            damaged(&format!("{shown}: byte {at} flipped"), &|dir| {
                let mut bytes = fs::read(dir.join(name)).unwrap();
                bytes[at] ^= 1 << (at % 8);
                fs::write(dir.join(name), bytes).unwrap();
            });
        }
        for cut in (0..len).step_by(every * 3) {
            damaged(&format!("{shown}: cut at {cut}"), &|dir| {
                let bytes = fs::read(dir.join(name)).unwrap();
                fs::write(dir.join(name), &bytes[..cut]).unwrap();
            });
        }
        damaged(&format!("{shown}: missing"), &|dir| fs::remove_file(dir.join(name)).unwrap());
        damaged(&format!("{shown}: zeros"), &|dir| {
            fs::write(dir.join(name), vec![0; len]).unwrap()
        });
        damaged(&format!("{shown}: garbage"), &|dir| {
            fs::write(dir.join(name), vec![0xa5; len]).unwrap();
        });
        for other in names.iter().filter(|other| *other > name) {
            damaged(&format!("{shown} and {} swapped", other.display()), &|dir| {
                let bytes = fs::read(dir.join(name)).unwrap();
                fs::rename(dir.join(other), dir.join(name)).unwrap();
                fs::write(dir.join(other), bytes).unwrap();
            });
        }
        if name.starts_with("wal") {
            damaged(&format!("{shown}: doubled"), &|dir| {
                fs::copy(dir.join(name), dir.join("wal/00000077")).unwrap();
            });
        }
    }
    let failed = FAILED.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(failed, 0, "kinds of damage");
}
