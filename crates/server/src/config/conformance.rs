//! Prometheus' own configuration files: which load, which do not, and why.
//!
//! A file that is refused because it uses a part that is not built yet says nothing about the rest
//! and counts as skipped.

use super::load;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Case {
    file: String,
    load: String,
    error_contains: Option<String>,
}

/// Refused in other words: values that are not UTF-8 do not get past the reader of YAML.
fn is_not_utf8(expected: &str) -> bool {
    expected.contains("\\xff") || expected.contains("!!binary")
}

fn is_not_built(error: &str) -> bool {
    ["not supported yet", "not built in", "only 0"].iter().any(|part| error.contains(part))
}

#[test]
fn files_load_or_say_why_not() {
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: config: no folder {}", folder.display());
        return;
    }
    let manifest = folder.join("config/manifest.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let cases: Vec<Case> = serde_saphyr::from_str(&text).unwrap();
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for case in cases {
        let path = folder.join("config/files").join(&case.file);
        let outcome = load(&path, &scrape::Global::default()).map_err(|error| error.to_string());
        // The text holds the path under which the file was loaded.
        let place = format!("parsing YAML file testdata/{}: ", case.file);
        let expected = case.error_contains.as_deref().unwrap_or("").replace(&place, "");
        match (case.load.as_str(), outcome) {
            ("fragment", _) => skipped += 1,
            ("ok", Ok(_)) => passed += 1,
            (_, Err(error)) if is_not_built(&error) => skipped += 1,
            ("error", Err(error)) if error.contains(&expected) => passed += 1,
            ("error", Err(_)) if is_not_utf8(&expected) => passed += 1,
            (wanted, outcome) => {
                let got = outcome.map_or_else(|error| error, |_| "it loaded".to_owned());
                failed.push(format!("{}: {wanted} {expected:?}, but: {got}", case.file));
            }
        }
    }
    println!("config: {passed} passed, {} failed, {skipped} skipped", failed.len());
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
