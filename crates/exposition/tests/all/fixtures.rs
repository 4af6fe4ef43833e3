//! The pages in `fixtures/exposition` and what stands beside them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use exposition::Format;
use model::FloatHistogram;
use model::histogram::{CUSTOM_BUCKETS, CounterReset};

use crate::Tally;
use crate::recorder::{Sample, Told, read_fresh};

#[test]
fn fixtures_tell_what_stands_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/exposition");
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut tally = Tally::default();
    for page in pages {
        let format = match page.extension().and_then(|e| e.to_str()) {
            Some("om") => Format::OpenMetrics,
            Some("prom") => Format::Text,
            _ => continue,
        };
        let told = describe(format, &std::fs::read(&page).unwrap());
        let told_path = PathBuf::from(format!("{}.told", page.display()));
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&told_path, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&told_path).unwrap();
        let outcome = if told == expected { Ok(()) } else { Err(format!("told\n{told}")) };
        tally.add(&page.display().to_string(), outcome);
    }
    assert!(tally.passed + tally.failures.len() > 10, "the fixtures are part of the checkout");
    tally.finish("fixtures");
}

fn describe(format: Format, body: &[u8]) -> String {
    match read_fresh(format, body) {
        Err(error) => {
            let (line, column) = (error.line, error.column);
            format!("refused {line}:{column}: {error}\n")
        }
        Ok(told) => describe_told(&told),
    }
}

/// A line for each thing.
pub(crate) fn describe_told(told: &[Told]) -> String {
    let mut out = String::new();
    for told in told {
        match told {
            Told::Type(family, kind) => writeln!(out, "type {family:?} {kind}"),
            Told::Help(family, text) => writeln!(out, "help {family:?} {text:?}"),
            Told::Unit(family, unit) => writeln!(out, "unit {family:?} {unit:?}"),
            Told::Sample(sample) => {
                describe_sample(&mut out, sample);
                Ok(())
            }
        }
        .unwrap();
    }
    out
}

fn describe_sample(out: &mut String, sample: &Sample) {
    match &sample.histogram {
        Some(histogram) => {
            write!(out, "sample {} histogram {}", sample.labels, describe_histogram(histogram))
        }
        None => write!(out, "sample {} {}", sample.labels, sample.value),
    }
    .unwrap();
    if let Some(t_ms) = sample.t_ms {
        write!(out, " at {t_ms} ms").unwrap();
    }
    if let Some(start_ms) = sample.start_ms {
        write!(out, ", from {start_ms} ms").unwrap();
    }
    for exemplar in &sample.exemplars {
        write!(out, ", exemplar {} {}", exemplar.labels, exemplar.value).unwrap();
        if let Some(t_ms) = exemplar.t_ms {
            write!(out, " at {t_ms} ms").unwrap();
        }
    }
    out.push('\n');
}

/// Buckets as index and count.
pub(crate) fn describe_histogram(histogram: &FloatHistogram) -> String {
    let gauge = if histogram.counter_reset == CounterReset::Gauge { "gauge " } else { "" };
    let mut out = format!(
        "{gauge}schema {} count {} sum {} zero {} within {}",
        histogram.schema,
        histogram.count,
        histogram.sum,
        histogram.zero_count,
        histogram.zero_threshold
    );
    for (side, spans, counts) in [
        ("negative", &histogram.negative_spans, &histogram.negative_buckets),
        ("positive", &histogram.positive_spans, &histogram.positive_buckets),
    ] {
        let mut index = 0;
        let mut counts = counts.iter();
        if !spans.is_empty() {
            write!(out, " {side}").unwrap();
        }
        for span in spans {
            index += span.offset;
            for _ in 0..span.length {
                write!(out, " {index}:{}", counts.next().unwrap()).unwrap();
                index += 1;
            }
        }
    }
    if histogram.schema == CUSTOM_BUCKETS {
        write!(out, " bounds {:?}", histogram.custom_values).unwrap();
    }
    out
}
