//! Real pages of real exporters: every one gives the number of samples its origin states.

use std::collections::HashMap;
use std::path::Path;

use exposition::{Format, Predictor};

use crate::recorder::{Recorder, Told, read_fresh};
use crate::{Tally, folder};

/// Pages that the strict reader of another project judges otherwise, by what Prometheus does with them: the number
/// of samples, or refusal.
const OTHER_VERDICTS: [(&str, Option<usize>); 20] = [
    // A negative timestamp.
    ("expfmt-fuzz-ok-3.prom", None),
    ("expfmt-fuzz-bad-00.prom", Some(1)),
    ("expfmt-fuzz-bad-01.prom", Some(1)),
    ("expfmt-fuzz-bad-02.prom", Some(1)),
    ("expfmt-fuzz-bad-03.prom", None),
    ("expfmt-fuzz-bad-05.prom", None),
    ("expfmt-fuzz-bad-06.prom", None),
    ("expfmt-fuzz-bad-07.prom", Some(1)),
    ("expfmt-fuzz-bad-08.prom", None),
    ("expfmt-fuzz-bad-10.prom", None),
    ("expfmt-fuzz-bad-11.prom", None),
    ("expfmt-fuzz-bad-12.prom", Some(0)),
    ("expfmt-fuzz-bad-13.prom", Some(0)),
    ("expfmt-fuzz-bad-15.prom", None),
    ("expfmt-fuzz-bad-16.prom", None),
    ("expfmt-fuzz-bad-17.prom", None),
    ("expfmt-fuzz-bad-18.prom", None),
    // These two break rules that only the other project's reader enforces.
    ("openmetrics-alltypes-5mfs.om", Some(53)),
    ("openmetrics-telegraf-valid_info.om", Some(1)),
    // A missing last line feed.
    ("dcgm-exporter-t4.prom", Some(38)),
];

#[test]
fn real_pages_give_their_samples() {
    let Some(folder) = folder("DATA_DIR", "data", "exposition", "real pages") else { return };
    let mut stated = stated_counts(&folder.join("README.md"));
    let (mut tally, mut exactly) = (Tally::default(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let format = match path.extension().and_then(|e| e.to_str()) {
            Some("om") => Format::OpenMetrics,
            Some("prom") => Format::Text,
            _ => continue,
        };
        let body = std::fs::read(&path).unwrap();
        let other = OTHER_VERDICTS.iter().find(|(other, _)| *other == name);
        let expected = match (other, stated.remove(&name)) {
            // Pages made to be judged may be judged otherwise; those of exporters are pages.
            (Some((_, expected)), None) => Expected::Exactly(*expected),
            (Some((_, expected)), Some(_)) if name.starts_with("expfmt-fuzz-") => {
                Expected::Exactly(*expected)
            }
            (_, Some(count)) => Expected::Exactly(Some(count)),
            // A page whose count nobody stated must only not break anything.
            (None, None) => Expected::Anything,
        };
        exactly += usize::from(matches!(expected, Expected::Exactly(Some(_))));
        tally.add(&name, check(format, &body, &expected));
    }
    for name in stated.into_keys() {
        tally.add(&name, Err("stated, but there is no such page".to_owned()));
    }
    println!("real pages: {exactly} have a stated number of samples");
    tally.finish("real pages");
}

enum Expected {
    Exactly(Option<usize>),
    Anything,
}

fn check(format: Format, body: &[u8], expected: &Expected) -> Result<(), String> {
    let outcome = read_fresh(format, body);
    let samples = outcome
        .as_ref()
        .ok()
        .map(|told| told.iter().filter(|told| matches!(told, Told::Sample(_))).count());
    match expected {
        Expected::Exactly(expected) if *expected != samples => {
            let error = outcome.err().map(|error| format!("{error:?}"));
            return Err(format!("{samples:?} samples instead of {expected:?}, {error:?}"));
        }
        _ => {}
    }
    if samples.is_some() { check_again(format, body) } else { Ok(()) }
}

/// The same page again: every series is known, and everything is told as before.
fn check_again(format: Format, body: &[u8]) -> Result<(), String> {
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    recorder.page(format, body, &mut memory).map_err(|error| error.to_string())?;
    let first = recorder.samples();
    recorder.page(format, body, &mut memory).map_err(|error| error.to_string())?;
    if recorder.known != first.len() {
        return Err(format!("{} of {} are known again", recorder.known, first.len()));
    }
    // Sixteen bytes a series and as many for each block of comments.
    let lines = body.split(|b| *b == b'\n');
    let families = lines.filter(|line| line.starts_with(b"# TYPE")).count();
    let held = memory.heap_bytes();
    if held > 16 * (first.len() + families + 8) {
        return Err(format!("{held} bytes for {} series, {families} families", first.len()));
    }
    if recorder.samples() == first { Ok(()) } else { Err("other samples".to_owned()) }
}

/// File name to sample count of each page that was accepted, from the table that comes with them.
///
/// # Panics
/// When an accepted page has no count: then it would not be compared.
fn stated_counts(readme: &Path) -> HashMap<String, usize> {
    let text = std::fs::read_to_string(readme).unwrap_or_default();
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (name, _, state) = (cells.next()?, cells.next()?, cells.next()?);
        if !state.split([' ', ',']).any(|word| word == "ok") {
            return None;
        }
        let words: Vec<_> = state.split(' ').collect();
        let at = words.iter().position(|word| word.starts_with("sample"));
        let count = at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok());
        Some((name.to_owned(), count.unwrap_or_else(|| panic!("no count: {line}"))))
    };
    text.lines().filter_map(row).collect()
}
