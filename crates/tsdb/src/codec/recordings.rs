//! Figures on recorded scrapes: bytes per sample of values and rows, every bit compared.
//!
//! Reads `scrapes/*.scrapes.zst` below the folder of the environment variable `DATA_DIR`.

use super::{Scratch, decode, encode, row, times};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use storage::{Column, Row};

/// A recorded target: times, and per series its key as exposed and the rows with their values.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) times: Vec<i64>,
    pub(crate) keys: Vec<String>,
    pub(crate) series: Vec<Vec<(usize, f64)>>,
    rows: Vec<Row>,
}

/// All recordings, one after another; none, and a line that says so, without the folder.
pub(crate) fn recordings(what: &str) -> impl Iterator<Item = Recording> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let dir = std::env::var_os("DATA_DIR").map_or_else(|| PathBuf::from(here), PathBuf::from);
    let dir = dir.join("scrapes");
    let mut paths: Vec<PathBuf> = Vec::new();
    match std::fs::read_dir(&dir) {
        Ok(entries) => paths.extend(entries.map(|entry| entry.unwrap().path())),
        Err(_) => println!("skipped: {what}: no folder {}", dir.display()),
    }
    paths.retain(|path| path.to_string_lossy().ends_with(".scrapes.zst"));
    paths.sort();
    paths.into_iter().map(|path| read(&path))
}

fn read(path: &Path) -> Recording {
    let file = std::fs::File::open(path).unwrap();
    let mut decoder = zstd::stream::read::Decoder::new(file).unwrap();
    decoder.window_log_max(27).unwrap();
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap();

    let mut recording = Recording {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        times: Vec::new(),
        keys: Vec::new(),
        series: Vec::new(),
        rows: Vec::new(),
    };
    let mut columns: HashMap<String, usize> = HashMap::new();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let mut words = head.strip_prefix("#SCRAPE ").unwrap().split(' ');
        let t_ms = words.next().unwrap().parse().unwrap();
        let len: usize = words.next().unwrap().parse().unwrap();
        let body = std::str::from_utf8(&rest[end + 1..end + 1 + len]).unwrap();
        rest = &rest[end + 2 + len..];

        let number = recording.times.len();
        recording.times.push(t_ms);
        let mut row = Row::new();
        row.begin(t_ms);
        for line in body.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            let next = columns.len();
            let column = *columns.entry(key.to_owned()).or_insert(next);
            if column == next {
                recording.series.push(Vec::new());
                recording.keys.push(key.to_owned());
            }
            if row.set(Column(u32::try_from(column).unwrap()), value) {
                recording.series[column].push((number, value));
            }
        }
        recording.rows.push(row);
    }
    recording
}

/// Nanoseconds this thread has been on a processor, where the system tells.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// Calls `work` for a while (the system counts in ticks) and prints the nanoseconds per sample.
fn print_ns(what: &str, samples: usize, mut work: impl FnMut()) {
    if cfg!(debug_assertions) {
        return;
    }
    let start = cpu_ns();
    let mut times = 0_u32;
    while times < 200 && cpu_ns() - start < 200_000_000 {
        work();
        times += 1;
    }
    let ns = (cpu_ns() - start) as f64 / f64::from(times);
    println!("  {what}: {:.2} ns a sample", ns / samples as f64);
}

fn print_speed(recording: &Recording, n: usize) {
    let mut scratch = Scratch::default();
    let samples: usize = recording.series.iter().map(Vec::len).sum();
    let values: Vec<Vec<f64>> =
        recording.series.iter().map(|s| s.iter().map(|(_, value)| *value).collect()).collect();
    let chunks = || values.iter().flat_map(|series| series.chunks(n));
    let mut bytes = Vec::new();
    print_ns(&format!("encode at n={n}"), samples, || {
        bytes.clear();
        chunks().for_each(|chunk| encode(chunk, &mut scratch, &mut bytes));
    });
    let mut back = Vec::new();
    print_ns(&format!("decode at n={n}"), samples, || {
        let mut rest = &bytes[..];
        for chunk in chunks() {
            back.clear();
            rest = &rest[decode(rest, chunk.len(), &mut scratch, &mut back).unwrap()..];
        }
    });
    print_ns("encode rows", samples, || {
        let mut state = row::RowState::new();
        bytes.clear();
        for row in &recording.rows {
            row::encode(row, &mut state, &mut bytes);
        }
    });
    print_ns("decode rows", samples, || {
        let mut state = row::RowState::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            rest = &rest[row::decode(rest, &mut state).unwrap()..];
        }
    });
}

/// Bytes per sample of all values in chunks of the samples of `n` rows.
fn value_bytes(recording: &Recording, n: usize) -> f64 {
    let mut scratch = Scratch::default();
    let (mut samples, mut bytes) = (0, 0);
    let (mut chunk, mut back) = (Vec::new(), Vec::new());
    let rows = recording.times.len() / n * n;
    for series in &recording.series {
        for from in (0..rows).step_by(n) {
            let within = series.iter().filter(|(row, _)| (from..from + n).contains(row));
            let values: Vec<f64> = within.map(|(_, value)| *value).collect();
            chunk.clear();
            back.clear();
            encode(&values, &mut scratch, &mut chunk);
            decode(&chunk, values.len(), &mut scratch, &mut back).unwrap();
            assert!(back.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
            samples += values.len();
            bytes += chunk.len();
        }
    }
    bytes as f64 / samples as f64
}

/// Bytes per sample of the rows after the first.
fn row_bytes(recording: &Recording) -> (f64, f64) {
    let (mut writer, mut reader) = (row::RowState::new(), row::RowState::new());
    let (mut samples, mut plain, mut packed, mut changed) = (0, 0, 0, 0);
    let mut bytes = Vec::new();
    for (i, row) in recording.rows.iter().enumerate() {
        bytes.clear();
        let changed_here = row::encode(row, &mut writer, &mut bytes);
        assert_eq!(row::decode(&bytes, &mut reader).unwrap(), bytes.len());
        assert_eq!(reader.present(), writer.present());
        if i > 0 {
            changed += changed_here;
            samples += row.len();
            plain += bytes.len();
            packed += zstd::bulk::compress(&bytes, 1).unwrap().len();
        }
    }
    println!("  {:.1} % of values change from row to row", 100.0 * changed as f64 / samples as f64);
    (plain as f64 / samples as f64, packed as f64 / samples as f64)
}

fn time_bytes(recording: &Recording) -> f64 {
    let mut bytes = Vec::new();
    times::encode(&recording.times, &mut Scratch::default(), &mut bytes);
    bytes.len() as f64 / recording.times.len() as f64
}

#[test]
fn recorded_scrapes_stay_small() {
    let (mut passed, mut failed) = (0, 0);
    for recording in recordings("recorded scrapes") {
        let name = &recording.name;
        let samples: usize = recording.series.iter().map(Vec::len).sum();
        println!("{name}: {} rows, {samples} samples", recording.times.len());
        println!("  times: {:.3} bytes a row", time_bytes(&recording));
        let (plain, packed) = row_bytes(&recording);
        println!("  rows: {plain:.3} bytes a sample, {packed:.3} with zstd");
        let [at_120, at_480] = [120, 480].map(|n| value_bytes(&recording, n));
        println!("  values: {at_120:.4} bytes a sample at n=120, {at_480:.4} at n=480");
        for n in [120, 480] {
            print_speed(&recording, n);
        }
        // The storage study's targets, for the recordings it measured.
        let limit = match name.split('.').next() {
            Some("node_exporter") => 0.20,
            Some("prometheus") => 0.25,
            _ => 1.0,
        };
        if at_120 <= limit { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    assert_eq!(failed, 0);
}
