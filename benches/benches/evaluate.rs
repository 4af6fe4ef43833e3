//! Evaluation over series that lie decoded in memory: what the engine itself costs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use model::{Labels, Matcher, TimeRange};
use promql::{Control, Engine, Features, parse};
use std::hint::black_box;
use std::sync::Arc;
use storage::{Error, LabelQuery, Querier, Queryable, SampleSink, SelectHints, SeriesSet};

const STEP_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;

/// A counter per instance and mode, scraped every 15 s for two hours.
struct Counters {
    labels: Vec<Labels>,
    t_ms: Vec<i64>,
    values: Vec<Vec<f64>>,
}

#[derive(Clone)]
struct Store(Arc<Counters>);

impl Store {
    fn new(series: u32) -> Self {
        let t_ms: Vec<i64> = (0..480).map(|i| i * STEP_MS).collect();
        let labels = (0..series).map(|i| {
            let instance = format!("host-{:05}:9100", i / 8);
            let mode = format!("mode-{}", i % 8);
            Labels::from_pairs([
                ("__name__", "node_cpu_seconds_total"),
                ("instance", instance.as_str()),
                ("mode", mode.as_str()),
            ])
        });
        let values = (0..series).map(|i| {
            let slope = 1.0 + f64::from(i % 97);
            (0..480).map(|t| f64::from(t) * slope).collect()
        });
        Self(Arc::new(Counters { labels: labels.collect(), t_ms, values: values.collect() }))
    }
}

impl Queryable for Store {
    fn querier(&self, _range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

impl Querier for Store {
    fn select(
        &self,
        _matchers: &[Matcher],
        _hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, Error> {
        Ok(Box::new(self.clone()))
    }

    fn label_names(&self, _query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    fn label_values(&self, _name: &str, _query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }
}

impl SeriesSet for Store {
    fn len(&self) -> usize {
        self.0.labels.len()
    }

    fn labels(&self, series: usize) -> Labels {
        self.0.labels[series].clone()
    }

    fn read(
        &self,
        series: usize,
        range: TimeRange,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        let from = self.0.t_ms.partition_point(|t| *t < range.min_ms);
        let to = self.0.t_ms.partition_point(|t| *t <= range.max_ms).max(from);
        // Runs as long as a chunk.
        let (t_ms, values) = (&self.0.t_ms[from..to], &self.0.values[series][from..to]);
        for (t_ms, values) in t_ms.chunks(120).zip(values.chunks(120)) {
            sink.floats(t_ms, values);
        }
        Ok(())
    }
}

fn evaluate(criterion: &mut Criterion) {
    let (engine, control) = (Engine::default(), Control::default());
    let mut group = criterion.benchmark_group("evaluate");

    let store = Store::new(10_000);
    let expr = parse("node_cpu_seconds_total", &Features::ALL).expect("valid");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("instant selector/10000 series", |bencher| {
        bencher.iter(|| black_box(engine.instant(&store, &expr, HOUR_MS, &control)));
    });

    let store = Store::new(1000);
    let range = |name: &str, query: &str, group: &mut criterion::BenchmarkGroup<'_, _>| {
        let expr = parse(query, &Features::ALL).expect("valid");
        // Samples read: an hour and the range before it.
        group.throughput(Throughput::Elements(1000 * (240 + 20)));
        for (step, step_ms) in [("15s", STEP_MS), ("1m", 60_000)] {
            let id = BenchmarkId::new(name, format!("1 h, step {step}, 1000 series"));
            group.bench_function(id, |bencher| {
                let (start, end) = (HOUR_MS, 2 * HOUR_MS - STEP_MS);
                bencher
                    .iter(|| black_box(engine.range(&store, &expr, start, end, step_ms, &control)));
            });
        }
    };
    range("selector", "node_cpu_seconds_total", &mut group);
    range("rate", "rate(node_cpu_seconds_total[5m])", &mut group);
    range("sum by rate", "sum by (mode) (rate(node_cpu_seconds_total[5m]))", &mut group);
    range("max_over_time", "max_over_time(node_cpu_seconds_total[5m])", &mut group);
    range("avg_over_time", "avg_over_time(node_cpu_seconds_total[5m])", &mut group);
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
