//! Blocks of recorded scrapes: every sample comes back, and what a block takes.

use super::super::*;
use super::model_block::*;
use crate::codec::recordings::{Recording, recordings};
use model::{Labels, Matcher};
use storage::Absence;
use ulid::Ulid;

/// Labels of a key as exposed, `name{a="b",…}`.
fn labels(key: &str, instance: &str) -> Labels {
    let (name, mut rest) = key.split_once('{').unwrap_or((key, "}"));
    let mut pairs = vec![("__name__", name.to_owned()), ("instance", instance.to_owned())];
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut chars = after.char_indices();
        let mut end = after.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => value.extend(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })),
                c => value.push(c),
            }
        }
        pairs.push((name, value));
        rest = after[end..].trim_start_matches(',');
    }
    Labels::from_pairs(pairs)
}

fn model(recording: &Recording) -> ModelBlock {
    let absence = Absence::EndsSeries;
    let mut model = ModelBlock::default();
    model.groups.push(ModelGroup { key: 1, absence, times: recording.times.clone() });
    for (key, samples) in recording.keys.iter().zip(&recording.series) {
        let mut rows = vec![None; recording.times.len()];
        for (row, value) in samples {
            rows[*row] = Some(*value);
        }
        let part = ModelPart { group: 0, present_before: true, rows };
        model.series.insert(labels(key, "localhost:9100"), vec![part]);
    }
    model
}

#[test]
fn recorded_scrapes_come_back() {
    for recording in recordings("blocks of recorded scrapes") {
        let model = model(&recording);
        let dir = tempfile::tempdir().unwrap();
        let meta = model.write(real_disk(), dir.path(), Ulid::nil()).unwrap();
        let block = Block::open(&*real_disk(), &dir.path().join(meta.ulid.to_string())).unwrap();
        let job = Matcher::equal("__name__", "go_goroutines");
        check_block(&block, &model.all(), &[vec![], vec![job]]);

        let (samples, series) = (meta.stats.num_samples as f64, meta.stats.num_series as f64);
        println!("{}: {series} series, {samples} samples", recording.name);
        println!("  block: {:.4} bytes a sample", meta.bytes as f64 / samples);
        for section in &meta.sections {
            let per_series = section.length as f64 / series;
            println!("  {}/{}: {per_series:.2} bytes a series", section.file, section.name);
        }
    }
}
