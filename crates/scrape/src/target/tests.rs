use super::*;
use crate::config::{Global, Job, Written};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

type Pairs = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Case {
    id: String,
    discovered: Pairs,
    scrape_config: Written,
    labels_after_relabel: Option<Pairs>,
    discovered_labels: Pairs,
    error: Option<String>,
    #[serde(default)]
    dropped: bool,
}

fn labels(pairs: &Pairs) -> Labels {
    Labels::from_pairs(pairs)
}

fn job(yaml: &str) -> Job {
    let written: Written = serde_saphyr::from_str(yaml).unwrap();
    written.resolve(&Global::default()).unwrap()
}

/// The set was transcribed from Go: a constant's name and a field's name stand for what they mean,
/// and a value that is not UTF-8 for itself. Labels here are text, so such a value is refused where
/// it is read.
fn load(text: &str) -> (Vec<Case>, usize) {
    let text = text
        .replace("string('model.AddressLabel')", "__address__")
        .replace("histograms_tonhcb:", "histograms_to_nhcb:");
    let mut cases = Vec::new();
    let mut unreadable = 0;
    for (i, case) in format!("\n{text}").split("\n- discovered:").enumerate().skip(1) {
        let read = serde_saphyr::from_str::<Vec<Case>>(&format!("- discovered:{case}"));
        match read {
            Ok(read) => cases.extend(read),
            Err(error) => {
                assert!(case.contains("\\uDC") && case.contains("error:"), "case {i}: {error}");
                unreadable += 1;
            }
        }
    }
    (cases, unreadable)
}

fn run(case: &Case) -> Result<(), String> {
    let job = case.scrape_config.resolve(&Global::default()).map_err(|e| e.to_string())?;
    let discovered = discovered_labels(&job, &Labels::empty(), &labels(&case.discovered));
    let placed = place(&job, &discovered);
    if let Some(expected) = &case.error {
        return match placed {
            Err(error) if error.to_string().contains(expected) => Ok(()),
            other => Err(format!("expected {expected:?}, got {other:?}")),
        };
    }
    if discovered != labels(&case.discovered_labels) {
        return Err(format!("discovered {discovered}"));
    }
    match (&case.labels_after_relabel, placed) {
        (Some(expected), Ok(Placed::Kept(all))) if all == labels(expected) => Ok(()),
        (None, Ok(Placed::Dropped)) if case.dropped => Ok(()),
        (_, other) => Err(format!("got {other:?}")),
    }
}

#[test]
fn conformance() {
    let dir = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance")),
        PathBuf::from,
    );
    if !dir.is_dir() {
        println!("skipped: target labels: no folder {}", dir.display());
        return;
    }
    let (cases, unreadable) = load(&std::fs::read_to_string(dir.join("targets.yaml")).unwrap());
    let mut failed = 0;
    for case in &cases {
        if let Err(error) = run(case) {
            println!("{}: {error}", case.id);
            failed += 1;
        }
    }
    println!("{} passed, {failed} failed", cases.len() - failed + unreadable);
    assert_eq!(failed, 0);
}

#[track_caller]
fn check_url(config: &str, own: &[(&str, &str)], expected: &str) {
    let job = job(config);
    let discovered =
        discovered_labels(&job, &Labels::empty(), &Labels::from_pairs(own.iter().copied()));
    let Placed::Kept(all) = place(&job, &discovered).unwrap() else { panic!("dropped") };
    let target = Target::new(&job, discovered, &all).unwrap();
    assert_eq!(target.scrape_url(), expected);
}

#[test]
fn urls() {
    let address = ("__address__", "h:1");
    check_url("{job_name: j}", &[address], "http://h:1/metrics");
    check_url("{job_name: j, metrics_path: a b}", &[address], "http://h:1/a%20b");
    check_url("{job_name: j, metrics_path: '/a?b'}", &[address], "http://h:1/a%3Fb");
    check_url(
        "{job_name: j, params: {'match[]': ['{a=\"b c\"}', up], z: [1]}}",
        &[address],
        "http://h:1/metrics?match%5B%5D=%7Ba%3D%22b+c%22%7D&match%5B%5D=up&z=1",
    );
    check_url(
        "{job_name: j, params: {m: [a, b]}}",
        &[address, ("__param_m", "x"), ("__param_n", "y")],
        "http://h:1/metrics?m=x&m=b&n=y",
    );
    check_url("{job_name: j}", &[("__address__", "[::1]:9")], "http://[::1]:9/metrics");
}

#[test]
fn labels_say_how_histograms_are_read() {
    let job = job("{job_name: j, always_scrape_classic_histograms: true}");
    let flags = |own: &[(&str, &str)]| {
        let own = Labels::from_pairs([("__address__", "h:1")].iter().chain(own).copied());
        let discovered = discovered_labels(&job, &Labels::empty(), &own);
        let Placed::Kept(all) = place(&job, &discovered).unwrap() else { panic!("dropped") };
        Target::new(&job, discovered, &all).unwrap()
    };
    let told = |target: &Target| {
        let flags = target.histograms();
        (flags.scrape_native, flags.convert_classic, flags.always_classic)
    };
    let plain = flags(&[]);
    assert_eq!(told(&plain), (false, false, true));
    let native = flags(&[("__scrape_native_histograms__", "T")]);
    assert_eq!(told(&native), (true, false, true));
    assert!(!plain.same_as(&native) && plain.key() == native.key());
    let converted = [
        ("__convert_classic_histograms_to_nhcb__", "true"),
        ("__always_scrape_classic_histograms__", "0"),
    ];
    assert_eq!(told(&flags(&converted)), (false, true, false));
}

#[test]
fn the_key_tells_what_series_and_page_tell() {
    let target = |own: &[(&str, &str)]| {
        let job = job("{job_name: j}");
        let own = Labels::from_pairs([("__address__", "h:1")].iter().chain(own).copied());
        let discovered = discovered_labels(&job, &Labels::empty(), &own);
        let Placed::Kept(all) = place(&job, &discovered).unwrap() else { panic!("dropped") };
        Target::new(&job, discovered, &all).unwrap()
    };
    let plain = target(&[]);
    assert_eq!(plain.key(), target(&[("__tmp", "x")]).key());
    assert_eq!(plain.key(), target(&[("__scrape_interval__", "30s")]).key());
    assert!(!plain.same_as(&target(&[("__scrape_interval__", "30s")])));
    assert_ne!(plain.key(), target(&[("a", "b")]).key());
    assert_ne!(plain.key(), target(&[("__metrics_path__", "/x")]).key());
    assert_eq!(plain.labels().to_string(), r#"{instance="h:1", job="j"}"#);
}
