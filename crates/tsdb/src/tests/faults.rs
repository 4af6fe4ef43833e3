//! Torn records, damaged segments, disks that fail.

use super::*;
use crate::faulty_disk::FaultyDisk;
use crate::wal::record;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn group_of(db: &Db) -> Box<dyn Group> {
    db.open_group(&spec("a", &[("job", "test")], Absence::EndsSeries)).unwrap()
}

/// Commits rows with times `from..to` seconds.
fn write(group: &mut dyn Group, from: u32, to: u32) {
    for i in from..to {
        let values = [(series("n", "a"), f64::from(i)), (series("half", "a"), f64::from(i) / 2.0)];
        append(group, i64::from(i) * 1000, &values);
    }
}

fn times(db: &Db) -> Vec<i64> {
    let found = contents(db, TimeRange::ALL);
    found.get(&series("n", "a").to_string()).into_iter().flatten().map(|sample| sample.0).collect()
}

fn seconds(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    numbers.map(|n| n * 1000).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join("wal").join(format!("{number:08}"))
}

/// Where the records of a segment begin, and where the last one ends.
fn record_ends(path: &Path, number: u32) -> Vec<usize> {
    let bytes = fs::read(path).unwrap();
    let mut ends = vec![0];
    while let Some(record) = record::read(&bytes, ends[ends.len() - 1], number) {
        ends.push(record.end);
    }
    ends
}

#[test]
fn a_torn_tail_is_cut_off_at_every_length() {
    let original = tempfile::tempdir().unwrap();
    let db = reopen(original.path());
    let mut group = group_of(&db);
    for i in 0..3 {
        write(&mut *group, i * 5, i * 5 + 5);
        db.flush().unwrap();
    }
    drop((group, db));
    let ends = record_ends(&segment(original.path(), 0), 0);
    let (last, end) = (ends[ends.len() - 2], ends[ends.len() - 1]);
    for cut in last..end {
        for zeroed in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            copy(original.path(), dir.path());
            let path = segment(dir.path(), 0);
            let mut bytes = fs::read(&path).unwrap();
            if zeroed {
                bytes[cut..].fill(0);
            } else {
                bytes.truncate(cut);
            }
            fs::write(&path, &bytes).unwrap();
            let (db, report) = Db::open(dir.path(), small()).unwrap();
            assert_eq!(times(&db), seconds(0..10), "cut at {cut}");
            assert_eq!(report.damage, []);
            let is_torn = bytes[last..].iter().take(record::HEADER).any(|byte| *byte != 0);
            assert_eq!(report.torn_tail, is_torn, "cut at {cut}");
            // The log goes on where it was cut.
            let mut group = group_of(&db);
            write(&mut *group, 20, 23);
            db.flush().unwrap();
            drop((group, db));
            let (db, report) = Db::open(dir.path(), small()).unwrap();
            assert!(!report.torn_tail);
            assert_eq!(times(&db), seconds((0..10).chain(20..23)), "cut at {cut}");
        }
    }
}

#[test]
fn damage_is_set_aside_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let mut group = group_of(&db);
    for i in 0..3 {
        write(&mut *group, i * 10, i * 10 + 5);
        db.flush().unwrap();
        write(&mut *group, i * 10 + 5, i * 10 + 10);
        db.0.head.rotate().unwrap();
    }
    drop((group, db));
    let path = segment(dir.path(), 1);
    let ends = record_ends(&path, 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[ends[2] + 15] ^= 1;
    fs::write(&path, &bytes).unwrap();

    let expected = seconds((0..15).chain(20..30));
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert_eq!(report.damage.len(), 1, "{report:?}");
    assert_eq!(times(&db), expected);
    assert!(dir.path().join("quarantine/wal-00000001").exists());
    drop(db);
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert_eq!(report.damage, [], "once told, not told again");
    assert_eq!(times(&db), expected);
    drop(db);

    // A whole segment is missing, one is empty, one is garbage.
    fs::remove_file(segment(dir.path(), 0)).unwrap();
    fs::write(segment(dir.path(), 1), b"").unwrap();
    let (db, _) = Db::open(dir.path(), small()).unwrap();
    assert_eq!(times(&db), seconds(20..30));
    drop(db);
    fs::write(segment(dir.path(), 2), vec![0xa5; 5000]).unwrap();
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert_eq!(times(&db), seconds(0..0));
    assert_eq!(report.damage.len(), 1);
}

#[test]
fn a_damaged_series_log_loses_only_what_was_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let mut group = group_of(&db);
    write(&mut *group, 0, 3);
    db.flush().unwrap();
    append(&mut *group, 3000, &[(series("m", "a"), 1.0)]);
    db.flush().unwrap();
    drop((group, db));
    let path = dir.path().join("series.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[12] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    let [labels, rows] = &report.damage[..] else { panic!("{report:?}") };
    assert!(labels.what.contains("1 damaged place") && rows.what.contains("labels of 2 series"));
    assert!(dir.path().join("quarantine/series.log").exists());
    let found = contents(&db, TimeRange::ALL);
    assert_eq!(found.keys().collect::<Vec<_>>(), [&series("m", "a").to_string()]);
    // Lost numbers are not given to other series as long as the log mentions them.
    let mut group = group_of(&db);
    append(&mut *group, 4000, &[(series("new", "a"), 1.0)]);
    assert_eq!(contents(&db, TimeRange::ALL)[&series("new", "a").to_string()].len(), 1);
}

#[test]
fn what_a_failing_disk_refuses_is_written_when_it_heals() {
    for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
        for calls in 0..25 {
            let dir = tempfile::tempdir().unwrap();
            let disk = FaultyDisk::failing_after(u64::MAX, kind);
            let (db, _) = Db::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
            let mut group = group_of(&db);
            disk.fail_after(calls);
            let mut surely = 0;
            for i in 0..10 {
                write(&mut *group, i * 3, i * 3 + 3);
                let flushed = if i % 4 == 3 {
                    db.flush().and_then(|()| db.0.head.rotate().map_err(Into::into))
                } else {
                    db.flush()
                };
                if flushed.is_ok() {
                    surely = i * 3 + 3;
                }
                if i % 2 == 1 {
                    db.sync().ok();
                }
            }
            let crashed = tempfile::tempdir().unwrap();
            copy(dir.path(), crashed.path());
            let (after, report) = Db::open(crashed.path(), small()).unwrap();
            let found = times(&after);
            let whole = (0..30).map(|n| i64::from(n) * 1000);
            assert!(whole.clone().take(found.len()).eq(found.iter().copied()), "{found:?}");
            assert!(found.len() >= surely as usize, "{calls}: {} < {surely}", found.len());
            assert_eq!(report.damage, [], "{calls} calls");

            disk.fail_after(u64::MAX);
            db.flush().unwrap();
            db.sync().unwrap();
            drop((group, db));
            let (db, report) = Db::open(dir.path(), small()).unwrap();
            assert_eq!(report.damage, [], "{calls} calls");
            assert_eq!(times(&db), seconds(0..30), "{calls} calls");
        }
    }
}

#[test]
fn a_block_that_cannot_be_written_leaves_its_rows_in_memory() {
    for calls in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::failing_after(u64::MAX, ErrorKind::StorageFull);
        let (db, _) = Db::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
        let mut group = group_of(&db);
        for i in 0..100 {
            append(&mut *group, i * 300_000, &[(series("n", "a"), 1.5)]);
        }
        db.flush().unwrap();
        let before = contents(&db, TimeRange::ALL);
        disk.fail_after(calls);
        let failed = db.maintain(i64::MAX).is_err();
        assert_eq!(contents(&db, TimeRange::ALL), before, "{calls} calls");
        disk.fail_after(u64::MAX);
        db.maintain(i64::MAX).unwrap();
        assert_eq!(contents(&db, TimeRange::ALL), before, "{calls} calls");
        drop((group, db));
        assert_eq!(contents(&reopen(dir.path()), TimeRange::ALL), before, "{calls} calls");
        if !failed {
            return;
        }
    }
}

#[test]
fn a_folder_has_one_user_and_one_format() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let Err(error) = Db::open(dir.path(), small()) else { panic!("opened twice") };
    assert!(error.to_string().ends_with("LOCK is in use by another process"), "{error}");
    db.close().unwrap();
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert!(report.was_closed);
    drop(db);
    let (db, report) = Db::open(dir.path(), small()).unwrap();
    assert!(!report.was_closed);
    drop(db);
    fs::write(dir.path().join("FORMAT"), "1\n").unwrap();
    drop(Db::open(dir.path(), small()).unwrap());
    assert_eq!(fs::read_to_string(dir.path().join("FORMAT")).unwrap(), "2\n", "raised");
    fs::write(dir.path().join("FORMAT"), "3\n").unwrap();
    let Err(error) = Db::open(dir.path(), small()) else { panic!("opened a newer format") };
    assert!(error.to_string().contains("says format 3"), "{error}");
}
