//! Values to chunks and back, per sample: what compaction and queries spend most of their time on.
//!
//! The series are of the kinds that scrapes bring, 480 samples each; a mix of them has the shares that
//! the storage study found on node_exporter (83 of 100 constant).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tsdb::codec::{Scratch, decode, encode};

const SAMPLES: usize = 480;

/// A small generator with a fixed seed: the same series in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u32) -> f64 {
        let high = u32::try_from(self.next() >> 32).expect("32 bits");
        f64::from(high % n)
    }
}

fn series(kind: &str, random: &mut Random) -> Vec<f64> {
    let start = random.below(1_000_000);
    let mut sum = start;
    let mut next = |i: usize| {
        let i = f64::from(u32::try_from(i).expect("480"));
        match kind {
            "constant" => start,
            "steady counter" => start + i * 100.0,
            "counter" => {
                sum += random.below(40);
                sum
            }
            "idle counter" => {
                sum += if random.below(30) < 1.0 { 1.0 } else { 0.0 };
                sum
            }
            "pages" => 4096.0 * random.below(500),
            "seconds" => {
                sum += random.below(100);
                sum / 100.0
            }
            "ticks" => {
                sum += random.below(100);
                sum * 0.001
            }
            _ => {
                sum += 1.0 / (1.0 + random.below(1_000_000));
                sum
            }
        }
    };
    (0..SAMPLES).map(&mut next).collect()
}

const KINDS: [(&str, usize); 8] = [
    ("constant", 83),
    ("steady counter", 1),
    ("counter", 3),
    ("idle counter", 4),
    ("pages", 3),
    ("seconds", 4),
    ("ticks", 1),
    ("noise", 1),
];

fn codec(criterion: &mut Criterion) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sets: Vec<(&str, Vec<Vec<f64>>)> = Vec::new();
    let mut mix = Vec::new();
    for (kind, share) in KINDS {
        mix.extend((0..share).map(|_| series(kind, &mut random)));
        sets.push((kind, (0..20).map(|_| series(kind, &mut random)).collect()));
    }
    sets.push(("mix", mix));

    let mut scratch = Scratch::default();
    for direction in ["encode", "decode"] {
        let mut group = criterion.benchmark_group(format!("codec/{direction}"));
        for (kind, series) in &sets {
            group.throughput(Throughput::Elements((series.len() * SAMPLES) as u64));
            let mut bytes = Vec::new();
            let mut chunks = Vec::new();
            for values in series {
                let start = bytes.len();
                encode(values, &mut scratch, &mut bytes);
                chunks.push(start);
            }
            if direction == "encode" {
                group.bench_function(*kind, |bencher| {
                    let mut out = Vec::new();
                    bencher.iter(|| {
                        out.clear();
                        for values in series {
                            encode(black_box(values), &mut scratch, &mut out);
                        }
                        out.len()
                    });
                });
            } else {
                group.bench_function(*kind, |bencher| {
                    let mut out = Vec::new();
                    bencher.iter(|| {
                        for start in &chunks {
                            out.clear();
                            let chunk = black_box(&bytes[*start..]);
                            decode(chunk, SAMPLES, &mut scratch, &mut out).expect("just encoded");
                        }
                        out.len()
                    });
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
