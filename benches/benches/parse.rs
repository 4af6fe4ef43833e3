//! Pages to samples: by prediction, without memory, and by another crate.
//!
//! Pages are recorded scrapes (`DATA_DIR`, default `../shared/data`; needs the `zstd` command), or a
//! generated page of the same kind. The figure to look at is the time per element: per sample.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exposition::{Format, Known, Metadata, Options, Predictor, SeriesLine, Sink, parse};
use model::FloatHistogram;

/// Takes values as a row of columns would.
#[derive(Default)]
struct Row {
    values: Vec<f64>,
    unknown: usize,
}

impl Sink for Row {
    type Error = std::convert::Infallible;

    fn known(&mut self, slot: u32, value: f64, _: Option<i64>) -> Result<Known, Self::Error> {
        self.values[slot as usize] = value;
        Ok(Known::Taken)
    }

    fn known_histogram(
        &mut self,
        _: u32,
        histogram: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<Known, Self::Error> {
        black_box(histogram);
        Ok(Known::Taken)
    }

    fn unknown_histogram(
        &mut self,
        _: &SeriesLine<'_>,
        histogram: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<u32, Self::Error> {
        black_box(histogram);
        Ok(0)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        _: Option<i64>,
    ) -> Result<u32, Self::Error> {
        black_box(series.raw());
        self.unknown += 1;
        self.values.push(value);
        Ok(u32::try_from(self.values.len() - 1).expect("few series"))
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        black_box(meta);
    }
}

fn samples(page: &[u8]) -> u64 {
    let lines = page.split(|b| *b == b'\n').filter(|line| !matches!(line, [] | [b'#', ..]));
    lines.count() as u64
}

fn bench_pages(c: &mut Criterion, name: &str, pages: &[Vec<u8>]) {
    let mut group = c.benchmark_group(format!("parse/{name}"));
    group.sample_size(20);
    group.throughput(Throughput::Elements(pages.iter().map(|page| samples(page)).sum()));
    let (mut memory, mut row) = (Predictor::new(), Row::default());
    let mut all = || {
        for page in pages {
            parse(&Options::new(Format::Text), page, &mut memory, &mut row).expect("a good page");
        }
        row.unknown
    };
    all();
    group.bench_function("predicted", |b| b.iter(&mut all));
    let (series, bytes, unknown) = (memory.len(), memory.heap_bytes(), row.unknown);
    println!("{series} series remembered in {bytes} bytes; a series was unknown {unknown} times");
    let few = &pages[..pages.len().min(5)];
    group.throughput(Throughput::Elements(few.iter().map(|page| samples(page)).sum()));
    group.bench_function("cold", |b| {
        b.iter(|| {
            for page in few {
                let (mut memory, mut row) = (Predictor::new(), Row::default());
                parse(&Options::new(Format::Text), page, &mut memory, &mut row)
                    .expect("a good page");
                black_box(row.values);
            }
        });
    });
    group.bench_function("prometheus-parse", |b| {
        b.iter(|| {
            for page in few {
                let lines = std::str::from_utf8(page).expect("text").lines();
                let scrape = prometheus_parse::Scrape::parse(lines.map(|line| Ok(line.to_owned())));
                black_box(scrape.expect("a good page"));
            }
        });
    });
    group.finish();
}

/// The first scrapes of a recording: frames of `#SCRAPE <ms> <bytes>\n<body>\n`.
fn recorded(source: &str, count: usize) -> Option<Vec<Vec<u8>>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("DATA_DIR").map_or(default, Into::into);
    let file = data.join("scrapes").join(format!("{source}.scrapes.zst"));
    let output = Command::new("zstd").args(["-dc", "--long=27"]).arg(file).output().ok()?;
    let mut rest = &output.stdout[..];
    let mut pages = Vec::new();
    while pages.len() < count && !rest.is_empty() {
        let head_end = rest.iter().position(|b| *b == b'\n')?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let len: usize = head.rsplit(' ').next()?.parse().ok()?;
        pages.push(rest.get(head_end + 1..head_end + 1 + len)?.to_vec());
        rest = rest.get(head_end + len + 2..).unwrap_or_default();
    }
    (!pages.is_empty()).then_some(pages)
}

/// Pages like those of a machine exporter: most values small and whole, some long.
fn generated() -> Vec<Vec<u8>> {
    let page = |scrape: u32| {
        let mut page = String::new();
        for family in 0..60 {
            page += &format!("# HELP node_family_{family} Some measure of the machine.\n");
            page += &format!("# TYPE node_family_{family} gauge\n");
            for device in 0..30 {
                let value = match device % 3 {
                    0 => f64::from(device),
                    1 => f64::from(scrape * 1000 + device),
                    _ => f64::from(scrape) * 1.1 + f64::from(device) / 7.0,
                };
                page += &format!(
                    "node_family_{family}{{cpu=\"{device}\",device=\"eth{device}\"}} {value}\n"
                );
            }
        }
        page.into_bytes()
    };
    (0..50).map(page).collect()
}

fn bench(c: &mut Criterion) {
    match recorded("node_exporter", 100) {
        Some(pages) => bench_pages(c, "node_exporter", &pages),
        None => bench_pages(c, "generated", &generated()),
    }
    if let Some(pages) = recorded("prometheus", 100) {
        bench_pages(c, "prometheus", &pages);
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
