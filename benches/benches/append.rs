//! Rows into the head: 100 targets of 2,000 series, one value in ten changes from row to row.
//! Mini-batches, chunks and the log are in the figures.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::Labels;
use std::hint::black_box;
use storage::{Absence, Appendable, Column, Group, GroupSpec, Row, Source};
use tsdb::{Db, Options};

const TARGETS: u32 = 100;
const SERIES: u32 = 2_000;

struct Target {
    group: Box<dyn Group>,
    columns: Vec<Column>,
    row: Row,
}

fn targets(db: &Db) -> Vec<Target> {
    let open = |t: u32| {
        let target = format!("10.0.0.{t}:9100");
        let common = Labels::from_pairs([("instance", target.as_str()), ("job", "node")]);
        let spec = GroupSpec {
            source: Source::Scrape,
            key: target,
            common: common.clone(),
            absence: Absence::EndsSeries,
        };
        let mut group = db.open_group(&spec).expect("the head takes groups");
        let columns = (0..SERIES).map(|s| {
            let mut labels = common.to_builder();
            labels.set("__name__", &format!("metric_{}_total", s / 10));
            labels.set("device", &format!("dev{}", s % 10));
            group.column(&labels.build()).expect("no limit is set").0
        });
        let columns = columns.collect();
        Target { group, columns, row: Row::new() }
    };
    (0..TARGETS).map(open).collect()
}

/// One scrape of one target.
fn append(target: &mut Target, n: u32) {
    target.row.begin(1_700_000_000_000 + i64::from(n) * 1000);
    for column in &target.columns {
        // As recorded from node_exporter: most series never change, some do with most rows.
        let changes = if column.0 % 100 < 15 { n * 2 / 3 } else { 0 };
        target.row.set(*column, f64::from(column.0 * 1000 + changes * 3));
    }
    black_box(target.group.append(&target.row).expect("rows ascend"));
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(u64::from(TARGETS * SERIES)));
    let mut run = |name: &str, db: &Db| {
        let mut targets = targets(db);
        let mut n = 0;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                n += 1;
                targets.iter_mut().for_each(|target| append(target, n));
                db.flush().expect("the disk takes writes");
            });
        });
    };
    let dir = tempfile::tempdir().expect("a folder for the log");
    let (db, _) = Db::open(dir.path(), Options::default()).expect("an empty folder opens");
    run("100 targets with log", &db);
    run("100 targets in memory", &Db::in_memory(Options::default()));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
