//! `kill -9` at any moment: what was flushed is there again.

use crate::harness::{Rushlight, Target, wait_for};
use serde_json::Value;

/// Times and values of the only series of a range selector.
fn samples(answer: &Value) -> Vec<(f64, String)> {
    let Some(series) = answer["data"]["result"].get(0) else { return Vec::new() };
    let values = series["values"].as_array().expect("a matrix");
    let sample =
        |v: &Value| (v[0].as_f64().expect("a time"), v[1].as_str().expect("a value").to_owned());
    values.iter().map(sample).collect()
}

#[test]
fn samples_older_than_the_flush_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("kept{a=\"b\"} 1.5\n");
    let config = format!("scrape_configs:\n{}", target.job("kept"));
    let mut server = Rushlight::start(folder.path(), &config, &[]);
    let mut before: Vec<(f64, String)> = Vec::new();
    for round in 0..5 {
        let fresh = wait_for(&format!("new samples in round {round}"), || {
            let all = samples(&server.query("kept[1h]"));
            let new = all.last()?.0 - before.last().map_or(all[0].0, |last| last.0);
            (new > 2.5).then_some(all)
        });
        let newest = fresh.last().unwrap().0;
        server = server.kill_and_restart();
        let after = samples(&server.query("kept[1h]"));
        for sample in fresh.iter().filter(|s| s.0 < newest - 1.5) {
            assert!(after.contains(sample), "round {round}: {sample:?} is lost");
        }
        let mut times: Vec<_> = after.iter().map(|s| s.0).collect();
        times.dedup();
        assert_eq!(times.len(), after.len(), "round {round}: a sample came back twice");
        before = after;
    }
}

#[test]
fn a_clean_stop_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::text("kept 2\n");
    let config = format!("scrape_configs:\n{}", target.job("kept"));
    let server = Rushlight::start(folder.path(), &config, &[]);
    let before = wait_for("ten samples", || {
        Some(samples(&server.query("kept[1h]"))).filter(|s| s.len() >= 10)
    });
    assert!(server.stop().success());
    let server = Rushlight::start(folder.path(), &config, &[]);
    let after = samples(&server.query("kept[1h]"));
    assert!(before.iter().all(|s| after.contains(s)), "{before:?}\n{after:?}");
}
