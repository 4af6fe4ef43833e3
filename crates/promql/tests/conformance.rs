//! Prometheus' test scripts over a store in memory.

use promql::script::{Checks, Need, Reason, Report, RowStore, run};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::MemoryStore;

fn scripts() -> Option<Vec<PathBuf>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let folder = std::env::var_os("CONFORMANCE_DIR").map_or_else(beside, PathBuf::from);
    let folder = folder.join("promqltest");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: PromQL scripts: no folder {}", folder.display());
        return None;
    };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "test")).collect();
    paths.sort();
    Some(paths)
}

fn report(path: &Path) -> Report {
    let text = String::from_utf8_lossy(&fs::read(path).expect("a readable script")).into_owned();
    let mut store = RowStore::new(|| Ok::<_, Infallible>(MemoryStore::new())).unwrap();
    run(&text, &mut store, Checks::default())
}

/// `SCRIPT_FAILURES=1` prints every failure, not only those that must not be.
#[test]
fn scripts_pass() {
    let Some(scripts) = scripts() else { return };
    let all = std::env::var_os("SCRIPT_FAILURES").is_some();
    let (mut passed, mut failed, mut broken) = (0, 0, Vec::new());
    for path in scripts {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let report = report(&path);
        let excused = report.failures.iter().filter(|f| matches!(f.reason, Reason::Needs(_)));
        let excused = excused.count();
        passed += report.passed;
        failed += report.failures.len();
        println!(
            "{name}: {} passed, {} failed ({excused} for want of storage)",
            report.passed,
            report.failures.len()
        );
        for failure in &report.failures {
            let excused = failure.reason == Reason::Needs(Need::StartTimestamps);
            let line = format!("{name}.test:{failure}");
            if all {
                println!("{line}");
            }
            if !excused {
                broken.push(line);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    assert!(broken.is_empty(), "{} cases must pass:\n{}", broken.len(), broken.join("\n"));
}
