//! Series out of the head and out of blocks: 50 targets of 1,000 series, 4 hours at 15 s.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::{Labels, MatchOp, Matcher, TimeRange};
use std::hint::black_box;
use storage::{
    Absence, Appendable, Column, Columns, GroupSpec, Queryable, Row, SelectHints, Source,
};
use tsdb::{Db, Options};

const TARGETS: u32 = 50;
const SERIES: u32 = 1_000;
const STEP_MS: i64 = 15_000;
const ROWS: i64 = 4 * 240;
const START_MS: i64 = 1_700_006_400_000;

fn fill(db: &Db) {
    for t in 0..TARGETS {
        let target = format!("10.0.0.{t}:9100");
        let common = Labels::from_pairs([("instance", target.as_str()), ("job", "node")]);
        let spec = GroupSpec {
            source: Source::Scrape,
            key: target,
            common: common.clone(),
            absence: Absence::EndsSeries,
        };
        let mut group = db.open_group(&spec).expect("the head takes groups");
        let columns: Vec<Column> = (0..SERIES)
            .map(|s| {
                let mut labels = common.to_builder();
                labels.set("__name__", &format!("metric_{}_total", s / 20));
                labels.set("device", &format!("dev{}", s % 20));
                group.column(&labels.build()).expect("no limit is set").0
            })
            .collect();
        let mut row = Row::new();
        for n in 0..ROWS {
            row.begin(START_MS + n * STEP_MS);
            for column in &columns {
                let rate = i64::from(column.0 % 10);
                let value = if rate < 8 { i64::from(column.0) } else { n * rate + n % 7 };
                row.set(*column, value as f64);
            }
            group.append(&row).expect("rows ascend");
        }
    }
}

fn read(db: &Db, matchers: &[Matcher], range: TimeRange, columns: &mut Columns) -> usize {
    let hints = SelectHints { range, sorted: false, labels_only: false };
    let querier = db.querier(range).expect("the store is open");
    let set = querier.select(matchers, &hints).expect("the store is whole");
    let mut samples = 0;
    for series in 0..set.len() {
        columns.clear();
        set.read(series, range, columns).expect("the store is whole");
        samples += black_box(&columns).t_ms.len();
    }
    samples
}

fn bench(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, _) = Db::open(dir.path(), Options::default()).expect("an empty folder opens");
    fill(&db);
    db.flush().expect("the disk takes writes");
    let end = START_MS + (ROWS - 1) * STEP_MS;
    let last = |ms: i64| TimeRange { min_ms: end - ms, max_ms: end };
    let whole = last(4 * 3_600_000);
    let one = [
        Matcher::equal("__name__", "metric_7_total"),
        Matcher::equal("device", "dev9"),
        Matcher::equal("instance", "10.0.0.7:9100"),
    ];
    let metric = [Matcher::equal("__name__", "metric_7_total")];
    let regex = [
        Matcher::new(MatchOp::Regex, "__name__", "metric_[0-4]_total").expect("a pattern"),
        Matcher::new(MatchOp::NotRegex, "device", "dev1.*").expect("a pattern"),
    ];
    let mut group = criterion.benchmark_group("select");
    let mut columns = Columns::default();
    let mut run = |place: &str, db: &Db| {
        for (name, matchers, range) in [
            ("one series, 5 minutes", &one[..], last(300_000)),
            ("one series, 4 hours", &one[..], whole),
            ("1,000 series, 5 minutes", &metric[..], last(300_000)),
            ("1,000 series, 1 hour", &metric[..], last(3_600_000)),
            ("2,500 series by regex, 4 hours", &regex[..], whole),
        ] {
            let samples = read(db, matchers, range, &mut columns);
            group.throughput(Throughput::Elements(samples as u64));
            group.bench_function(format!("{name}, {place}"), |bencher| {
                bencher.iter(|| read(db, matchers, range, &mut columns));
            });
        }
    };
    run("head", &db);
    db.maintain(i64::MAX).expect("the disk takes writes");
    run("block and head", &db);
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
