//! One group of 40 rules over 100 targets of 2,000 series in the head, six minutes at 15 s: the rules of
//! `fixtures/rules/load.json`, of which one in ten is about all targets and the others about two.

use criterion::{Criterion, criterion_group, criterion_main};
use model::{Labels, LabelsBuilder};
use promql::{Control, Engine, Features, parse};
use rules::file::{Options as FileOptions, RuleFile};
use rules::{ActiveGroup, Means, Settings};
use std::hint::black_box;
use std::time::{Duration, Instant};
use storage::{Absence, Appendable, Column, Group, GroupSpec, Row, Source};
use tsdb::{Db, Options};

const RULES: &str = include_str!("../../fixtures/rules/load.json");
const WIDEST: &str =
    "histogram_quantile(0.99, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))";
const TARGETS: u32 = 100;
const STEP_MS: i64 = 15_000;
const ROWS: i64 = 24;
const START_MS: i64 = 1_700_006_400_000;

const OF_GPUS: [&str; 8] = [
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_MEMORY_TEMP",
    "DCGM_FI_DEV_SM_CLOCK",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_MEM_COPY_UTIL",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
];
const OF_ENGINES: [&str; 3] =
    ["vllm:gpu_cache_usage_perc", "vllm:gpu_prefix_cache_hit_rate", "node_hwmon_temp_celsius"];
const HISTOGRAMS: [&str; 2] =
    ["vllm:time_to_first_token_seconds", "vllm:e2e_request_latency_seconds"];
const BOUNDS: [&str; 20] = [
    "0.001", "0.005", "0.01", "0.02", "0.04", "0.06", "0.08", "0.1", "0.25", "0.5", "0.75", "1.0",
    "2.5", "5.0", "7.5", "10.0", "20.0", "40.0", "80.0", "+Inf",
];
/// Those that rules ask for, and what stands for the others.
const OF_CONTAINERS: [&str; 15] = [
    "container_spec_memory_limit_bytes",
    "container_start_time_seconds",
    "container_fs_limit_bytes",
    "container_oom_events_total",
    "container_memory_usage_bytes",
    "container_memory_cache",
    "container_fs_usage_bytes",
    "container_processes",
    "container_threads",
    "container_sockets",
    "container_cpu_usage_seconds_total",
    "container_network_receive_bytes_total",
    "container_network_receive_errors_total",
    "container_network_transmit_bytes_total",
    "container_fs_writes_bytes_total",
];
const OTHERS_OF_CONTAINERS: u32 = 16;
const NAMESPACES: [&str; 5] = ["prod", "kube-system", "monitoring", "inference", "batch-jobs"];

/// A number that looks like chance, the same for the same seed.
fn mix(seed: u64) -> u64 {
    let x = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// How a series moves.
#[derive(Clone, Copy)]
enum Kind {
    Constant,
    Gauge,
    Counter,
}

struct Target {
    group: Box<dyn Group>,
    series: Vec<(Column, Kind)>,
}

impl Target {
    fn open(db: &Db, number: u32) -> Self {
        let (instance, rack) = (format!("node-{number:03}"), format!("r{:02}", number / 2));
        let pairs = [("instance", instance.as_str()), ("job", "farm"), ("rack", rack.as_str())];
        let common = Labels::from_pairs(pairs);
        let spec = GroupSpec {
            source: Source::Scrape,
            key: instance,
            common: common.clone(),
            absence: Absence::EndsSeries,
        };
        let group = db.open_group(&spec).expect("the head takes groups");
        let mut target = Self { group, series: Vec::new() };
        let mut labels = LabelsBuilder::new();
        labels.reset(&common);
        target.add(labels.clone(), "up", Kind::Constant);
        target.add_machine(&labels, number);
        target.add_containers(&labels, number);
        target
    }

    fn add(&mut self, mut labels: LabelsBuilder, name: &str, kind: Kind) {
        labels.set("__name__", name);
        let (column, _) = self.group.column(&labels.build()).expect("no limit is set");
        self.series.push((column, kind));
    }

    fn add_machine(&mut self, common: &LabelsBuilder, number: u32) {
        let host = format!("gpu-node-{number:04}");
        for i in 0..20 {
            let mut labels = common.clone();
            labels.set("gpu", &i.to_string()).set("Hostname", &host);
            labels.set("UUID", &format!("GPU-{:032x}", mix(u64::from(number * 20 + i))));
            labels.set("modelName", "NVIDIA H200").set("device", &format!("nvidia{i}"));
            OF_GPUS.iter().for_each(|name| self.add(labels.clone(), name, Kind::Gauge));
            for mode in ["user", "system", "idle"] {
                let mut labels = common.clone();
                labels.set("cpu", &i.to_string()).set("mode", mode).set("host", &host);
                self.add(labels, "node_cpu_seconds_total", Kind::Counter);
            }
            let mut labels = common.clone();
            labels.set("engine", &i.to_string()).set("host", &host);
            labels.set("model_name", "meta-llama/Llama-3.1-70B-Instruct");
            OF_ENGINES.iter().for_each(|name| self.add(labels.clone(), name, Kind::Gauge));
            // Half of the engines have histograms.
            for family in HISTOGRAMS.iter().filter(|_| i % 2 == 0) {
                for bound in BOUNDS {
                    let mut labels = labels.clone();
                    labels.set("le", bound);
                    self.add(labels, &format!("{family}_bucket"), Kind::Counter);
                }
                self.add(labels.clone(), &format!("{family}_sum"), Kind::Counter);
                self.add(labels.clone(), &format!("{family}_count"), Kind::Counter);
            }
        }
    }

    fn add_containers(&mut self, common: &LabelsBuilder, number: u32) {
        for i in 0..40 {
            let seed = mix(u64::from(number * 40 + i));
            let mut labels = common.clone();
            labels.set("container", &format!("app-{:x}", seed % 200));
            labels.set("id", &format!("/kubepods.slice/kubepods-burstable.slice/pod{seed:032x}"));
            labels.set(
                "image",
                &format!("registry.local/apps/app-{:x}:v1.{}", seed % 200, seed % 40),
            );
            labels.set("namespace", NAMESPACES[(seed >> 8) as usize % 5]);
            labels.set("pod", &format!("app-{:x}-{:x}", seed % 200, seed >> 40));
            for name in OF_CONTAINERS {
                let kind = if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
                self.add(labels.clone(), name, kind);
            }
            for other in 0..OTHERS_OF_CONTAINERS {
                self.add(labels.clone(), &format!("container_other_{other}"), Kind::Constant);
            }
        }
    }

    fn append(&mut self, row: &mut Row, n: i64) {
        row.begin(START_MS + n * STEP_MS);
        for (i, (column, kind)) in (0_u64..).zip(&self.series) {
            let (chance, base) = (mix(i << 20 ^ n as u64) % 1000, mix(i) % 10_000 + 1);
            row.set(
                *column,
                match kind {
                    Kind::Constant => base as f64,
                    Kind::Gauge => base as f64 + chance as f64 / 8.0,
                    Kind::Counter => (base * n as u64) as f64 + chance as f64 / 1000.0,
                },
            );
        }
        self.group.append(row).expect("rows ascend");
    }
}

fn group() -> ActiveGroup {
    let text = RULES
        .replace("$S", r#"rack=\"r00\""#)
        .replace("$R", r#"group=\"g00\""#)
        .replace("$G", "g00")
        .replace("$H", WIDEST);
    let text = format!(r#"{{"groups":[{{"name":"g00","interval":"15s","rules":{text}}}]}}"#);
    let file = RuleFile::parse(&text, &FileOptions::default()).expect("good rules");
    ActiveGroup::new("load.json", &file.groups[0], &Settings::default())
}

fn bench(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let (db, _) = Db::open(dir.path(), Options::default()).expect("an empty folder opens");
    let mut targets: Vec<Target> = (0..TARGETS).map(|number| Target::open(&db, number)).collect();
    let (mut row, mut n) = (Row::new(), 0);
    let mut scrape = |n: i64| targets.iter_mut().for_each(|target| target.append(&mut row, n));
    while n < ROWS {
        scrape(n);
        n += 1;
    }
    let (engine, control) = (Engine::default(), Control::default());
    let at_ms = START_MS + (ROWS - 1) * STEP_MS + 7_000;

    let mut benches = criterion.benchmark_group("rules");
    for (name, query) in [
        ("quantile of 20,000 buckets", WIDEST),
        ("sum of 4,000 rates", "sum by (namespace) (rate(container_cpu_usage_seconds_total[5m]))"),
        ("80 rates of 4,000", r#"rate(container_cpu_usage_seconds_total{rack="r00"}[5m])"#),
        ("80 of 4,000 above", r#"container_sockets{rack="r00"} > 1e9"#),
        (
            "80 less 80",
            r#"container_memory_usage_bytes{rack="r00"} - container_memory_cache{rack="r00"}"#,
        ),
        ("one number", "time()"),
    ] {
        let expr = parse(query, &Features::ALL).expect("valid");
        benches.bench_function(name, |bencher| {
            bencher.iter(|| black_box(engine.instant(&db, &expr, at_ms, &control)));
        });
    }

    let mut group = group();
    let means = Means::new(&engine, &db, &db, &control);
    benches.sample_size(20);
    benches.bench_function("group of 40", |bencher| {
        bencher.iter_custom(|times| {
            let mut total = Duration::ZERO;
            for _ in 0..times {
                scrape(n);
                let begin = Instant::now();
                let evaluated = group.evaluate(START_MS + n * STEP_MS + 7_000, &means);
                total += begin.elapsed();
                assert_eq!(evaluated.failed(), 0, "{:?}", evaluated.rules);
                n += 1;
            }
            total
        });
    });
    benches.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
