//! The architecture as a test: arrows point downward, and the map says what is there.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every crate of the house: its row, and what it depends on outside of tests.
fn crates() -> BTreeMap<String, (u64, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let in_house = packages.iter().filter(|p| p["name"] != "benches");
    in_house
        .map(|package| {
            let name = package["name"].as_str().expect("a name").to_owned();
            let row = package["metadata"]["row"].as_u64();
            let row = row.unwrap_or_else(|| panic!("{name}: no row in its manifest"));
            let dependencies = package["dependencies"].as_array().expect("a list");
            let lasting = dependencies.iter().filter(|d| d["kind"] != "dev");
            let names = lasting.map(|d| d["name"].as_str().expect("a name").to_owned());
            (name, (row, names.collect()))
        })
        .collect()
}

#[test]
fn arrows_point_downward() {
    let crates = crates();
    assert!(crates.len() > 3, "the house is empty: {crates:?}");
    let mut wrong = Vec::new();
    for (name, (row, dependencies)) in &crates {
        for dependency in dependencies {
            if let Some((below, _)) = crates.get(dependency)
                && below >= row
            {
                wrong.push(format!("{name} (row {row}) -> {dependency} (row {below})"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that do not point downward: {wrong:#?}");
}

#[test]
fn cores_have_no_runtime_no_http_no_yaml() {
    let forbidden =
        ["tokio", "hyper", "axum", "http", "serde-saphyr", "notify", "tracing", "reqwest"];
    let crates = crates();
    for core in ["model", "storage", "exposition", "promql", "tsdb"] {
        let (_, dependencies) = &crates[core];
        let found: Vec<_> =
            dependencies.iter().filter(|d| forbidden.contains(&d.as_str())).collect();
        assert!(found.is_empty(), "{core} depends on {found:?}");
    }
}

#[test]
fn the_map_names_every_crate_with_its_row() {
    let map = std::fs::read_to_string(root().join("crates/README.md")).expect("the map");
    let crates = crates();
    for (name, (row, _)) in &crates {
        let entry = format!("| {row} | `{name}/` |");
        assert!(map.contains(&entry), "crates/README.md has no line `{entry}`");
    }
    for line in map.lines().filter(|l| l.contains("/` |") && l.as_bytes()[2].is_ascii_digit()) {
        let name = line.split('`').nth(1).and_then(|n| n.strip_suffix('/')).unwrap_or(line);
        assert!(crates.contains_key(name), "crates/README.md speaks of {name}, which is not there");
    }
}

#[test]
fn every_source_file_opens_with_its_purpose() {
    let mut silent = Vec::new();
    let mut pending = vec![root().join("crates"), root().join("tests")];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(&dir).expect("a folder of the house") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // What the fuzz targets' own workspace was built to.
                if path.file_name().is_none_or(|name| name != "target") {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("readable source");
                // Tests next door to the code say it by their place.
                let next_door = path.iter().any(|part| part == "tests.rs")
                    || path
                        .parent()
                        .is_some_and(|p| p.ends_with("tests") && p.iter().any(|x| x == "src"));
                if !next_door && !text.starts_with("//!") {
                    silent.push(path);
                }
            }
        }
    }
    assert!(silent.is_empty(), "files without a `//!` that says what they are for: {silent:#?}");
}
