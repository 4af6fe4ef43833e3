//! Bytes of resident memory per series with 72 rows of each, bytes of the log per sample, and the time
//! a restart takes. It prints and ends.

use model::Labels;
use storage::{Absence, Appendable, Column, Group, GroupSpec, Row, Source};
use tsdb::{Db, Options};

const TARGETS: u32 = 200;
const SERIES: u32 = 2_500;
const ROWS: u32 = 72;

/// Resident bytes of this process.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(f64::NAN) * 4096.0
}

/// Bytes of a file, or of all files in a folder.
fn bytes(path: &std::path::Path) -> f64 {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| bytes(&entry.path())).sum(),
        Err(_) => std::fs::metadata(path).map_or(0.0, |file| file.len() as f64),
    }
}

fn measure(name: &str, own_labels: impl Fn(u32, u32) -> Vec<(&'static str, String)>) {
    let before = resident();
    let dir = tempfile::tempdir().expect("a folder for the log");
    let (db, _) = Db::open(dir.path(), Options::default()).expect("an empty folder opens");
    let mut targets: Vec<(Box<dyn Group>, Vec<Column>)> = Vec::new();
    for t in 0..TARGETS {
        let target = format!("10.0.{}.{}:9100", t / 250, t % 250);
        let common = Labels::from_pairs([("instance", target.as_str()), ("job", "test")]);
        let spec = GroupSpec {
            source: Source::Scrape,
            key: target,
            common: common.clone(),
            absence: Absence::EndsSeries,
        };
        let mut group = db.open_group(&spec).expect("the head takes groups");
        let columns = (0..SERIES).map(|s| {
            let mut labels = common.to_builder();
            for (name, value) in own_labels(t, s) {
                labels.set(name, &value);
            }
            group.column(&labels.build()).expect("no limit is set").0
        });
        let columns = columns.collect();
        targets.push((group, columns));
    }
    let per_series = |bytes: f64| bytes / f64::from(TARGETS * SERIES);
    let after_labels = resident();
    let mut row = Row::new();
    for n in 0..ROWS {
        for (group, columns) in &mut targets {
            row.begin(1_700_006_400_000 + i64::from(n) * 15_000);
            for column in columns.iter() {
                let changes = if column.0 % 100 < 15 { n * 2 / 3 } else { 0 };
                row.set(*column, f64::from(column.0 * 1000 + changes * 3));
            }
            group.append(&row).expect("rows ascend");
        }
        db.flush().expect("the disk takes writes");
    }
    let after_rows = resident();
    let indexed = db.head_stats(1).series;
    let whole = resident();
    println!(
        "{name}: {indexed} series, {:.1} B each: labels {:.1}, rows {:.1}, postings {:.1}",
        per_series(whole - before),
        per_series(after_labels - before),
        per_series(after_rows - after_labels),
        per_series(whole - after_rows),
    );
    let samples = f64::from(TARGETS * SERIES * ROWS);
    let log = bytes(&dir.path().join("wal")) / samples;
    let series_log = per_series(bytes(&dir.path().join("series.log")));
    drop((db, targets));
    let (db, report) = Db::open(dir.path(), Options::default()).expect("it was ours");
    println!(
        "{name}: log {log:.2} B per sample, series log {series_log:.1} B per series; \
         {} rows of {} series are back after {:.2} s",
        report.rows, report.series, report.seconds,
    );
    // The next measurement is of fresh memory.
    std::mem::forget(db);
}

fn main() {
    measure("same exporter", |_, s| {
        vec![("__name__", format!("metric_{}_total", s / 10)), ("device", format!("dev{}", s % 10))]
    });
    measure("unique labels", |t, s| {
        let pod = u64::from(t * 50 + s / 50).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        vec![
            ("__name__", format!("container_metric_{}_total", s % 50)),
            ("container", format!("c{}", pod % 3)),
            ("id", format!("/kubepods/burstable/pod{pod:x}/{:x}", pod ^ 0x5555)),
            ("image", format!("img/app{}:v1", pod % 40)),
            ("namespace", format!("ns{}", pod % 17)),
            ("pod", format!("app{}-{:x}", pod % 40, pod >> 20)),
        ]
    });
}
