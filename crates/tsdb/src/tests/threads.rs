//! Writers, readers and the one who maintains, at once.

use super::*;
use model::metrics::{Collect as _, Kind, Visitor};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

const WRITERS: usize = 3;
const ROWS: i64 = 400;
const SERIES: usize = 20;

#[test]
fn readers_see_whole_rows_while_blocks_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let done = AtomicUsize::new(0);
    let looked = AtomicBool::new(false);
    // A writer that falls behind a cut is refused: here all keep step.
    let step = Barrier::new(WRITERS);
    std::thread::scope(|scope| {
        for w in 0..WRITERS {
            let (db, done, step) = (&db, &done, &step);
            scope.spawn(move || {
                let key = format!("w{w}");
                let mut group = db.open_group(&spec(&key, &[], Absence::EndsSeries)).unwrap();
                for i in 0..ROWS {
                    let value = (i * i) as f64;
                    let values = (0..SERIES).map(|s| (series(&format!("s{s}"), &key), value));
                    if i % 30 == 0 {
                        step.wait();
                    }
                    append(&mut *group, i * 60_000 + 1, &values.collect::<Vec<_>>());
                }
                done.fetch_add(1, SeqCst);
            });
        }
        scope.spawn(|| {
            while done.load(SeqCst) < WRITERS {
                db.flush().unwrap();
                db.sync().unwrap();
                db.maintain(i64::MAX).unwrap();
            }
            db.maintain(i64::MAX).unwrap();
        });
        for reader in 0..2 {
            let (db, done, looked) = (&db, &done, &looked);
            scope.spawn(move || {
                let target = Matcher::equal("instance", &format!("w{reader}"));
                let mut last = 0;
                loop {
                    let is_last = done.load(SeqCst) == WRITERS;
                    let found = selected(db, std::slice::from_ref(&target), TimeRange::ALL);
                    let mut all = found.values();
                    if let Some(first) = all.next() {
                        assert!(all.all(|samples| samples == first), "half a row");
                        for (i, (t_ms, value)) in (0..).zip(first) {
                            assert_eq!(
                                (*t_ms, *value),
                                (i * 60_000 + 1, ((i * i) as f64).to_bits())
                            );
                        }
                        assert!(first.len() >= last, "{} after {last}", first.len());
                        last = first.len();
                        looked.store(true, SeqCst);
                    }
                    if is_last {
                        break;
                    }
                }
            });
        }
    });
    assert!(looked.load(SeqCst));
    let found = contents(&db, TimeRange::ALL);
    assert_eq!(found.len(), WRITERS * SERIES);
    assert!(found.values().all(|samples| samples.len() as i64 == ROWS));
}

/// Writers lock their group first and the registry after it; whoever counts for the metrics page
/// must not hold one while waiting for the other.
#[test]
fn metrics_are_collected_while_series_are_made() {
    struct Samples(usize);
    impl Visitor for Samples {
        fn family(&mut self, _name: &str, _kind: Kind, _help: &str) {}
        fn sample(&mut self, _suffix: &str, _labels: &[(&str, &str)], _value: f64) {
            self.0 += 1;
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let db = reopen(dir.path());
    let (ended, end) = std::sync::mpsc::channel();
    let done = std::sync::Arc::new(AtomicBool::new(false));
    // Not scoped: threads that wait for each other for ever must fail the test, not hang it.
    let (writers_db, writers_done, told) = (db.clone(), done.clone(), ended.clone());
    std::thread::spawn(move || {
        let mut group = writers_db.open_group(&spec("w", &[], Absence::EndsSeries)).unwrap();
        for i in 0..20_000 {
            group.column(&series(&format!("s{i}"), "w")).unwrap();
        }
        writers_done.store(true, SeqCst);
        told.send("writer").unwrap();
    });
    std::thread::spawn(move || {
        while !done.load(SeqCst) {
            let mut samples = Samples(0);
            db.collect(&mut samples);
            assert!(samples.0 > 0);
        }
        ended.send("reader").unwrap();
    });
    for _ in 0..2 {
        end.recv_timeout(std::time::Duration::from_secs(30)).expect("nobody waits for ever");
    }
}
