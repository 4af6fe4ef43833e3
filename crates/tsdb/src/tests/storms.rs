//! A disk that fails now and then, at any call: what was flushed is there after a crash at any time.

use super::*;
use crate::faulty_disk::FaultyDisk;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

const GROUPS: usize = 3;
const HOUR: i64 = 3_600_000;

/// The numbers of a seed, one after the other.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % sides
    }
}

/// Samples by labels, and how many of them survive a crash.
#[derive(Default)]
struct Model {
    samples: BTreeMap<String, Vec<(i64, u64)>>,
    flushed: BTreeMap<String, usize>,
}

impl Model {
    fn flush(&mut self) {
        self.flushed = self.samples.iter().map(|(k, v)| (k.clone(), v.len())).collect();
    }

    /// What is found must be what was written, and at least what was flushed, less what is too old.
    #[track_caller]
    fn check(&self, db: &Db, what: &str) {
        let found = contents(db, TimeRange::ALL);
        for (labels, samples) in &found {
            let real = samples.iter().filter(|sample| !model::is_stale(f64::from_bits(sample.1)));
            let written = &self.samples[labels];
            for sample in real {
                assert!(written.binary_search(sample).is_ok(), "{what}: {labels} {sample:?}");
            }
        }
        for (labels, flushed) in &self.flushed {
            let found = found.get(labels).map_or(&[][..], |samples| samples);
            for sample in &self.samples[labels][..*flushed] {
                assert!(found.contains(sample), "{what}: {labels} lost {sample:?} of {flushed}");
            }
        }
    }
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

fn rows(
    model: &mut Model,
    group: &mut dyn Group,
    number: usize,
    dice: &mut Dice,
    now_ms: &mut i64,
) {
    let step = [1000, 15_000, 60_000, 600_000][usize::try_from(dice.roll(4)).unwrap()];
    for _ in 0..=dice.roll(12) {
        *now_ms += step;
        let generation = *now_ms / HOUR;
        let mut values = Vec::new();
        for i in 0..6 {
            let name = if i < 3 { format!("s{i}") } else { format!("s{i}_{generation}") };
            if dice.roll(8) > 0 {
                values.push((series(&name, &format!("i{number}")), dice.roll(1000) as f64 / 8.0));
            }
        }
        append(group, *now_ms, &values);
        for (labels, value) in values {
            let samples = model.samples.entry(labels.to_string()).or_default();
            samples.push((*now_ms, value.to_bits()));
        }
    }
}

fn storm(seed: u64) {
    let dice = &mut Dice(seed);
    let kind = if dice.roll(2) == 0 { ErrorKind::StorageFull } else { ErrorKind::Other };
    let disk = FaultyDisk::failing_after(u64::MAX, kind);
    let dir = tempfile::tempdir().unwrap();
    let options = Options { max_block_ms: 12 * HOUR, ..small() };
    let start =
        |disk: &FaultyDisk| Db::open_on(Arc::new(disk.clone()), dir.path(), options.clone());
    let (mut db, _) = start(&disk).unwrap();
    let open = |db: &Db, i: usize| {
        db.open_group(&spec(&format!("g{i}"), &[("job", "test")], Absence::EndsSeries)).unwrap()
    };
    let mut groups: Vec<_> = (0..GROUPS).map(|i| open(&db, i)).collect();
    let (mut model, mut now_ms) = (Model::default(), 1_700_000_000_000);
    for step in 0..60 {
        let action = dice.roll(12);
        match action {
            0..=4 => {
                let i = usize::try_from(dice.roll(GROUPS as u64)).unwrap();
                rows(&mut model, &mut *groups[i], i, dice, &mut now_ms);
            }
            5 | 6 => {
                if db.flush().is_ok() {
                    model.flush();
                }
            }
            7 => drop(db.sync()),
            8 => drop(db.maintain(now_ms)),
            9 => disk.fail_one_in([2, 4, 10, 30][usize::try_from(dice.roll(4)).unwrap()], dice.0),
            10 => disk.fail_one_in(0, 0),
            _ => {
                // The process dies, and starts again on a copy; or for good, perhaps with failures.
                if dice.roll(3) > 0 {
                    let crashed = tempfile::tempdir().unwrap();
                    copy(dir.path(), crashed.path());
                    let (after, report) = Db::open(crashed.path(), options.clone()).unwrap();
                    model.check(&after, &format!("seed {seed} step {step}"));
                    assert_eq!(report.damage, [], "seed {seed} step {step}");
                } else {
                    groups.clear();
                    drop(db);
                    db = loop {
                        if let Ok((db, report)) = start(&disk) {
                            assert_eq!(report.damage, [], "seed {seed} step {step}");
                            break db;
                        }
                        if dice.roll(3) == 0 {
                            disk.fail_one_in(0, 0);
                        }
                    };
                    model.check(&db, &format!("seed {seed} step {step}, again"));
                    let found = contents(&db, TimeRange::ALL);
                    for (labels, samples) in &mut model.samples {
                        let found = found.get(labels).map_or(&[][..], |found| found);
                        samples.retain(|sample| found.binary_search(sample).is_ok());
                    }
                    model.flush();
                    groups.extend((0..GROUPS).map(|i| open(&db, i)));
                }
            }
        }
    }
    disk.fail_one_in(0, 0);
    db.flush().unwrap();
    db.maintain(now_ms).unwrap();
    model.flush();
    model.check(&db, &format!("seed {seed}, at the end"));
    drop((groups, db));
    let (db, report) = Db::open(dir.path(), options).unwrap();
    assert_eq!(report.damage, [], "seed {seed}");
    model.check(&db, &format!("seed {seed}, reopened"));
}

#[test]
fn what_was_flushed_survives_a_disk_that_fails_now_and_then() {
    // A longer run is asked for with STORMS, another one with STORM.
    let number = |name: &str| std::env::var(name).ok().map(|n| n.parse::<u64>().expect("a number"));
    let first = number("STORM").unwrap_or(0);
    for seed in first..first + number("STORMS").unwrap_or(25) {
        storm(seed);
    }
}
