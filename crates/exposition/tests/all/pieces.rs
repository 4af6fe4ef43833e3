//! However a page is cut, it tells the same and fails at the same place.

use std::path::{Path, PathBuf};

use exposition::{Format, Options, Predictor, SyntaxError};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::recorder::{Recorder, Told};
use crate::{Tally, folder};

/// What a page and the same page again tell, and what is remembered in the end.
type Outcome = (Vec<Result<Vec<Told>, SyntaxError>>, usize, usize);

fn read(options: &Options, body: &[u8], sizes: Option<&[usize]>) -> Outcome {
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    let mut told = Vec::new();
    for _ in 0..2 {
        let outcome = match sizes {
            None => recorder.page_with(options, body, &mut memory),
            Some(sizes) => recorder.page_in_pieces(options, body, sizes, &mut memory),
        };
        told.push(outcome.map(|()| recorder.told.clone()));
    }
    (told, recorder.known, memory.len())
}

pub(crate) fn check(options: &Options, body: &[u8], sizes: &[usize]) -> Result<(), String> {
    let (whole, pieces) = (read(options, body, None), read(options, body, Some(sizes)));
    if whole == pieces {
        return Ok(());
    }
    Err(format!("{options:?} in pieces of {sizes:?}:\n{pieces:?}\nbut whole\n{whole:?}"))
}

/// Ways to read a page of lines.
pub(crate) fn ways(format: Format) -> Vec<Options> {
    let plain = Options::new(format);
    let converted = Options { classic_to_nhcb: true, start_timestamps: true, ..plain };
    let all = Options {
        classic_to_nhcb: true,
        native_histograms: true,
        keep_classic: true,
        start_timestamps: true,
        type_and_unit_labels: true,
        ..plain
    };
    vec![plain, converted, all]
}

/// Cut once at every byte when it is small, else in pieces of random sizes.
fn check_page(format: Format, body: &[u8], rng: &mut TestRng) -> Result<(), String> {
    for options in ways(format) {
        if body.len() < 2000 {
            for at in 1..body.len() {
                check(&options, body, &[at, body.len()])?;
            }
            check(&options, body, &[1])?;
        } else {
            let most = rng.random_range(100..20_000);
            let sizes: Vec<usize> = (0..2000).map(|_| rng.random_range(1..most)).collect();
            check(&options, body, &sizes)?;
            check(&options, body, &[65536])?;
        }
    }
    Ok(())
}

fn check_folder(folder: &Path, what: &str) {
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut tally = Tally::default();
    for path in pages {
        let format = match path.extension().and_then(|e| e.to_str()) {
            Some("om") => Format::OpenMetrics,
            Some("prom") => Format::Text,
            _ => continue,
        };
        let body = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        tally.add(&name, check_page(format, &body, &mut rng));
    }
    tally.finish(what);
}

#[test]
fn real_pages_in_pieces() {
    let Some(folder) = folder("DATA_DIR", "data", "exposition", "real pages in pieces") else {
        return;
    };
    check_folder(&folder, "real pages in pieces");
}

#[test]
fn fixtures_in_pieces() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/exposition");
    check_folder(&folder, "fixtures in pieces");
}

/// What makes cutting hard: line feeds in values and names, runs of comments, ends.
const PARTS: [&str; 27] = [
    "a 1\n",
    "a{b=\"c\nd\"} 2 5\n",
    "a{b=\"#\n# TYPE a gauge\n\"} 2\n",
    "{\"x\ny\",b=\"c\"} 3\n",
    "# HELP \"x\ny\" z\n",
    "# TYPE a counter\n",
    "# TYPE h histogram\n",
    "# UNIT h_s s\n",
    "# HELP h text\n",
    "# just words\n",
    "h_bucket{le=\"1\"} 1\n",
    "h_bucket{le=\"+Inf\"} 2\n",
    "h_count 2\n",
    "h_sum 1.5\n",
    "h_created 12.5\n",
    "h_bucket{a=\"b\",le=\"1\"} 1 # {x=\"y\"} 1 2\n",
    "h_count{a=\"b\"} 1\n",
    "h_created{a=\"b\"} 13\n",
    "a_total 4\n",
    "a_created 5\n",
    " \t# HELP a b\n",
    "\n",
    " a 1\n",
    "a{",
    "a{b=\"",
    "# EOF\n",
    "# E",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_page_in_any_pieces(
        parts in proptest::collection::vec(0..PARTS.len(), 0..14),
        sizes in proptest::collection::vec(1..40usize, 1..30),
        openmetrics: bool,
        way in 0..3usize,
        ends in 0..4u8,
        long: bool,
    ) {
        let mut page: String = parts.iter().map(|at| PARTS[*at]).collect();
        if long {
            // A run of comments that is too long to be remembered.
            let run = "# HELP long A text of some length, as often found.\n".repeat(100);
            page.insert_str(page.find('\n').map_or(0, |at| at + 1), &run);
        }
        match ends {
            0 => { page.pop(); }
            1 => {}
            _ => page.push_str("# EOF\n"),
        }
        let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
        let options = ways(format)[way];
        if let Err(difference) = check(&options, page.as_bytes(), &sizes) {
            prop_assert!(false, "{}", difference);
        }
    }
}

#[test]
fn a_long_line_is_refused_the_same() {
    let mut page = b"a 1\nb{c=\"".to_vec();
    page.resize(page.len() + (16 << 20), b'x');
    for end in [&b"\"} 1\n"[..], b"", b"\"} 1\nd 1\n"] {
        let page = [&page[..], end].concat();
        let options = Options::new(Format::Text);
        check(&options, &page, &[1 << 20]).unwrap();
        let (told, _, _) = read(&options, &page, None);
        let error = told[0].as_ref().unwrap_err();
        assert_eq!((error.line, error.offset), (2, 4), "{error:?}");
        assert!(error.message.starts_with("line longer than"), "{error:?}");
    }
}
