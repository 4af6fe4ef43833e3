//! The problems of real pages are those that `promtool check metrics` reports, where it is installed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Tally, folder};

/// Problems that only newer ones report than the one compared with.
const NEWER: [&str; 2] =
    ["metric not unique", "non-gauge metrics should not have \"_timestamp_seconds\" suffix"];

/// No scrape takes it.
const TIMESTAMP_BEFORE_1970: &str = "expfmt-fuzz-ok-3.prom";

#[test]
fn real_pages_have_the_problems_that_promtool_reports() {
    let what = "problems of real pages";
    let Some(folder) = folder("DATA_DIR", "data", "exposition", what) else { return };
    if promtool(b"a 1\n").is_none() {
        println!("skipped: {what}: no promtool");
        return;
    }
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "prom") {
            tally.add(&path.display().to_string(), check(&path));
        }
    }
    tally.finish(what);
}

fn check(path: &Path) -> Result<(), String> {
    let page = std::fs::read(path).unwrap();
    let reported = promtool(&page).expect("it was there before");
    if reported.contains("while linting:") {
        // Its reader is stricter than that of a scrape; ours must only come to an end.
        drop(exposition::lint(&page));
        return Ok(());
    }
    if path.ends_with(TIMESTAMP_BEFORE_1970) {
        return exposition::lint(&page).map_or(Ok(()), |_| Err("accepted".to_owned()));
    }
    let problems = exposition::lint(&page).map_err(|error| error.to_string())?;
    let ours: Vec<String> = problems
        .into_iter()
        .filter(|problem| !NEWER.contains(&&*problem.text))
        .map(|problem| format!("{} {}", problem.metric, problem.text))
        .collect();
    let theirs: Vec<&str> = reported.lines().collect();
    if ours == theirs { Ok(()) } else { Err(format!("\n{ours:#?}\nbut promtool\n{theirs:#?}")) }
}

/// What it says of a page; `None` when it is not there.
fn promtool(page: &[u8]) -> Option<String> {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let page = page.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&page));
    let output = child.wait_with_output().ok()?;
    // It stops reading at the first error.
    drop(writer.join());
    String::from_utf8(output.stderr).ok()
}
