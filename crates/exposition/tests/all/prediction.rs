//! What is remembered changes how fast a page is read, never what it says.

use exposition::{Format, Options, Parser, Predictor};
use proptest::prelude::*;

use crate::recorder::{Recorder, Told, read_fresh};

/// Lines whose neighbours decide what they mean, and lines that are nearly another.
const LINES: [&str; 36] = [
    "a 1\n",
    "a 2.5\n",
    "a 1e3\n",
    "a NaN\n",
    "a 1 1700000000000\n",
    "a 1 17\n",
    "a{} 1\n",
    "a {b=\"c\"} 1\n",
    "a{b=\"c\"} 1\n",
    "a{b=\"c\"} 12345678901234567890.5\n",
    "a{b=\"c\"}  1\n",
    "a{b=\"c\",} 1\n",
    "a{b=\"c\" d=\"e\"} 1\n",
    "a{b=\"}\\\"{\"} 1\n",
    "a{b=\"x\ny\"} 1\n",
    "\tlate{b=\"c\"} 1\n",
    "{\"quoted.name\",b=\"é\"} 4\n",
    "b_bucket{le=\"1\"} 1\n",
    "b_bucket{le=\"+Inf\"} 2\n",
    "b{quantile=\"0.50\"} 2\n",
    "b_total 5 # {id=\"x\"} 0.5 1.5\n",
    "b_total 6 # {} 7\n",
    "b_total 6 1.5 # {\"a.b\"=\"z\",c=\"\"} 7\n",
    "b_created 1.5\n",
    "# TYPE b histogram\n",
    "# TYPE b summary\n",
    "# TYPE b gauge\n",
    "# HELP b some \\n text\n",
    "# HELP b other text\n",
    "# UNIT b_seconds seconds\n",
    "# a remark\n",
    "  # TYPE b histogram\n",
    "\n",
    "a 1e999\n",
    "a\n",
    "# TYPE b gizmo\n",
];

/// A page of lines, mostly good ones, with a few bytes changed.
fn page() -> impl Strategy<Value = Vec<u8>> {
    let lines = proptest::collection::vec(
        prop_oneof![20 => 0..LINES.len() - 4, 1 => 0..LINES.len()],
        0..25,
    );
    let byte =
        prop_oneof![any::<u8>(), proptest::sample::select(b"\n\" {}=,#\\0aeE.+-\t".to_vec()),];
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), byte, 0..3u8), 0..3);
    let changes = prop_oneof![3 => Just(Vec::new()), 1 => changes];
    (lines, changes, 0..10u8).prop_map(|(lines, changes, end)| {
        let mut page: Vec<u8> = lines.iter().flat_map(|at| LINES[*at].bytes()).collect();
        match end {
            0 => {}
            1 => page.truncate(page.len().saturating_sub(1)),
            _ => page.extend_from_slice(b"# EOF\n"),
        }
        for (at, byte, how) in changes {
            if page.is_empty() {
                break;
            }
            let at = at.index(page.len());
            match how {
                0 => page[at] = byte,
                1 => page.insert(at, byte),
                _ => drop(page.remove(at)),
            }
        }
        page
    })
}

/// Pages of one target: each has much of the one before.
fn pages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let repeated =
        (proptest::collection::vec(page(), 1..4), any::<bool>()).prop_map(|(some, twice)| {
            let mut pages: Vec<Vec<u8>> =
                some.iter().flat_map(|p| [p.clone(), p.clone()]).collect();
            if twice {
                pages.extend(some);
            }
            pages
        });
    prop_oneof![repeated, proptest::collection::vec(page(), 1..8)]
}

fn metadata(told: &[Told]) -> Vec<String> {
    let kept = told.iter().filter(|told| !matches!(told, Told::Sample(_)));
    kept.map(|told| format!("{told:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn remembering_changes_no_verdict(pages in pages(), openmetrics: bool) {
        let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
        let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
        for page in &pages {
            let before = memory.len();
            let warm = recorder.page(format, page, &mut memory);
            match (warm, read_fresh(format, page)) {
                (Ok(()), Ok(fresh)) => {
                    let fresh_samples: Vec<_> = fresh.iter().filter_map(|told| match told {
                        Told::Sample(sample) => Some(sample.clone()),
                        _ => None,
                    }).collect();
                    prop_assert_eq!(recorder.samples(), fresh_samples);
                    // All that is told of families is told by the page.
                    let fresh = metadata(&fresh);
                    prop_assert!(metadata(&recorder.told).iter().all(|m| fresh.contains(m)));
                }
                (Err(warm), Err(fresh)) => {
                    prop_assert_eq!(warm, fresh);
                    prop_assert_eq!(memory.len(), before);
                }
                (warm, fresh) => prop_assert!(false, "{warm:?} but fresh {fresh:?}"),
            }
        }
        // The last good page again: nothing is unknown.
        if let Some(last) = pages.iter().rev().find(|page| read_fresh(format, page).is_ok()) {
            recorder.page(format, last, &mut memory).unwrap();
            recorder.page(format, last, &mut memory).unwrap();
            prop_assert_eq!(recorder.known, recorder.samples().len());
        }
    }

    #[test]
    fn forgotten_slots_change_nothing(
        pages in pages(),
        openmetrics: bool,
        every in 1..5usize,
        way in 0..3usize,
    ) {
        let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
        let options = crate::pieces::ways(format)[way];
        let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
        for page in &pages {
            recorder.forget_every = Some(every + 1);
            let forgetful = recorder.page_with(&options, page, &mut memory);
            let fresh = crate::recorder::read_fresh_with(&options, page);
            let fresh_samples = fresh.as_ref().map(|told| {
                told.iter().filter(|told| matches!(told, Told::Sample(_))).cloned().collect::<Vec<_>>()
            });
            let samples: Vec<_> = recorder.samples().into_iter().map(Told::Sample).collect();
            prop_assert_eq!(forgetful.map(|()| &samples), fresh_samples.as_ref().map_err(|e| (*e).clone()));
        }
    }

    #[test]
    fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200), openmetrics: bool) {
        let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
        if let Err(error) = read_fresh(format, &body) {
            prop_assert!(error.offset <= body.len());
        }
    }
}

/// Reads pages one after the other; how many samples of each were known.
#[track_caller]
fn check_known(pages: &[&str], known: &[usize]) -> (Recorder, Predictor) {
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    for (at, (page, known)) in pages.iter().zip(known).enumerate() {
        recorder.page(Format::Text, page.as_bytes(), &mut memory).unwrap();
        assert_eq!(recorder.known, *known, "page {at}");
    }
    (recorder, memory)
}

#[test]
fn series_come_go_and_return() {
    let all = "a 1\nb 1\nc 1\nd 1\n";
    check_known(&[all, all, "a 1\nd 1\n", all], &[0, 4, 2, 4]);
    check_known(&[all, "", all], &[0, 0, 4]);
    check_known(&[all, "d 1\nc 1\nb 1\na 1\n", all], &[0, 4, 4]);
    check_known(&["b 1\n", "a 1\nb 1\nc 1\n", "c 2\na 2\n", "a 1\nb 1\nc 1\n"], &[0, 1, 2, 3]);
    // The same series twice in a page.
    check_known(&["a 1\na 2\n", "a 1\na 2\n", "a 1\n", "a 1\na 2\na 3\n"], &[0, 2, 1, 3]);
}

#[test]
fn missing_series_are_forgotten_in_the_end() {
    let (mut recorder, mut memory) = check_known(&["a 1\nb 1\nc 1\n"], &[0]);
    for _ in 0..100 {
        recorder.page(Format::Text, b"b 1\n", &mut memory).unwrap();
    }
    assert_eq!(memory.len(), 1);
    // However many come and go, only the last few pages count.
    for page in 0..1000 {
        let body: String = (0..50).map(|i| format!("x{{p=\"{page}\",i=\"{i}\"}} 1\n")).collect();
        recorder.page(Format::Text, body.as_bytes(), &mut memory).unwrap();
    }
    assert!(memory.len() <= 50 * 12, "{}", memory.len());
    assert!(memory.heap_bytes() <= 2 * 16 * memory.len(), "{}", memory.heap_bytes());
}

#[test]
fn a_failed_page_leaves_the_memory_as_it_was() {
    let (mut recorder, mut memory) = check_known(&["a 1\nb 1\n"], &[0]);
    recorder.page(Format::Text, b"new 1\nb 1\n<html>", &mut memory).unwrap_err();
    assert_eq!(memory.len(), 2);
    recorder.page(Format::Text, b"new 1\na 1\nb 1\n", &mut memory).unwrap();
    assert_eq!((recorder.known, memory.len()), (2, 3));
}

#[test]
fn the_type_decides_how_bounds_are_stored() {
    let check = |kind: &str, le: &str| {
        let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
        for kind in ["gauge", kind, kind, "summary", kind] {
            let page = format!("# TYPE h {kind}\nh_bucket{{le=\"1\"}} 4\n");
            recorder.page(Format::Text, page.as_bytes(), &mut memory).unwrap();
        }
        assert_eq!(recorder.samples()[0].labels.get("le"), Some(le), "{kind}");
    };
    check("histogram", "1.0");
    check("counter", "1");
    // Not the family's own line decides, but the last one before the series.
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    for (page, le) in [
        ("# TYPE h histogram\nm{le=\"1\"} 4\n# TYPE g gauge\n", "1.0"),
        ("# TYPE g gauge\nm{le=\"1\"} 4\n# TYPE h histogram\n", "1"),
    ] {
        recorder.page(Format::Text, page.as_bytes(), &mut memory).unwrap();
        assert_eq!(recorder.samples()[0].labels.get("le"), Some(le), "{page}");
    }
}

#[test]
fn metadata_is_told_when_it_changes() {
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    let mut check = |page: &str, told: usize| {
        recorder.page(Format::Text, page.as_bytes(), &mut memory).unwrap();
        assert_eq!(metadata(&recorder.told).len(), told, "{page}");
    };
    let page = "# HELP a x\n# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n";
    check(page, 3);
    check(page, 0);
    check("# HELP a y\n# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n", 2);
    check("# TYPE b gauge\nb 1\n", 0);
    // It was gone for a page, so it is told again.
    check(page, 2);
}

#[test]
fn very_long_series_are_read_but_not_remembered() {
    let page = format!("a{{b=\"{}\"}} 1\nc 1\n", "x".repeat(20_000));
    check_known(&[&page, &page], &[0, 1]);
}

#[test]
fn slots_are_mapped() {
    let (mut recorder, mut memory) = check_known(&["a 1\nb 1\nc 1\n"], &[0]);
    memory.remap(&[2, u32::MAX, 0]);
    recorder.series.swap(0, 2);
    recorder.page(Format::Text, b"a 1\nb 1\nc 1\n", &mut memory).unwrap();
    assert_eq!(recorder.known, 2);
    assert_eq!(recorder.samples()[0].raw, "a");
    assert_eq!(recorder.samples()[2].raw, "c");
    memory.remap(&[]);
    assert!(memory.is_empty());
}

#[test]
fn another_format_is_another_memory() {
    let (mut recorder, mut memory) = check_known(&["a{b=\"c\", d=\"e\"} 1\n"], &[0]);
    let page = b"a{b=\"c\", d=\"e\"} 1\n# EOF\n";
    recorder.page(Format::OpenMetrics, page, &mut memory).unwrap_err();
    recorder.page(Format::Text, page, &mut memory).unwrap();
}

#[test]
fn one_text_under_two_types_is_one_series() {
    let histogram = "# TYPE h histogram\nm{le=\"1\"} 4\n";
    let summary = "# TYPE s summary\nm{le=\"1\"} 5\n";
    let gauge = "# TYPE g gauge\nm{le=\"1\"} 6\n";
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    let mut check = |page: &[&str], les: &[&str]| {
        recorder.page(Format::Text, page.concat().as_bytes(), &mut memory).unwrap();
        let samples = recorder.samples();
        let got: Vec<_> = samples.iter().map(|one| one.labels.get("le").unwrap()).collect();
        assert_eq!(got, les, "{page:?}");
    };
    for _ in 0..3 {
        check(&[histogram, gauge], &["1.0", "1.0"]);
    }
    for _ in 0..3 {
        check(&[gauge, histogram, gauge], &["1"; 3]);
        check(&[summary, histogram], &["1", "1"]);
        check(&[histogram, summary, gauge], &["1.0"; 3]);
    }
    for _ in 0..20 {
        check(&[gauge], &["1"]);
    }
    check(&[histogram], &["1.0"]);
    check(&[gauge, histogram], &["1", "1"]);
}

/// Reads the beginnings of pages, then gives them up.
fn interrupted(memory: &mut Predictor, recorder: &mut Recorder, body: &str) -> usize {
    recorder.known = 0;
    let mut parser = Parser::new(&Options::new(Format::Text), memory);
    parser.feed(body.as_bytes(), recorder).unwrap();
    parser.interrupt();
    recorder.known
}

#[test]
fn what_was_read_of_an_interrupted_page_is_remembered() {
    let lines = |range: std::ops::Range<usize>| -> String {
        range.map(|i| format!("m{{i=\"{i}\"}} {i}\n")).collect()
    };
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    for (to, known) in [(100, 0), (300, 100), (200, 200), (400, 300)] {
        assert_eq!(interrupted(&mut memory, &mut recorder, &lines(0..to)), known);
    }
    recorder.page(Format::Text, lines(0..500).as_bytes(), &mut memory).unwrap();
    assert_eq!((recorder.known, memory.len()), (400, 500));
    // New lines between known ones.
    let mixed = lines(0..50) + &lines(1000..1010) + &lines(50..60);
    assert_eq!(interrupted(&mut memory, &mut recorder, &mixed), 60);
    assert_eq!(interrupted(&mut memory, &mut recorder, &mixed), 70);
    recorder.page(Format::Text, lines(0..500).as_bytes(), &mut memory).unwrap();
    assert_eq!(recorder.known, 500);
    // Lines that never come twice are no burden.
    for i in 100..200 {
        interrupted(&mut memory, &mut recorder, &lines(i * 1000..i * 1000 + 1000));
        assert!(memory.len() <= 510 + 1000, "{}", memory.len());
    }
}
