//! What becomes of series when configuration, discovery or the process change.

use super::world::World;
use crate::Options;
use model::{Labels, TimeRange};
use std::time::Duration;
use storage::{Columns, Queryable as _, SelectHints};
use testkit::MemoryStore;

/// Values of all series of a metric, by their other labels: times in seconds since the begin, `x`
/// for the end.
fn series(world: &World, metric: &str) -> Vec<(Labels, String)> {
    let querier = world.store.querier(TimeRange::ALL).unwrap();
    let hints = SelectHints { range: TimeRange::ALL, sorted: true, labels_only: false };
    let set = querier.select(&[], &hints).unwrap();
    let mut found = Vec::new();
    for i in (0..set.len()).filter(|i| set.labels(*i).metric_name() == metric) {
        let mut columns = Columns::default();
        set.read(i, TimeRange::ALL, &mut columns).unwrap();
        let values = columns.values.iter().map(|value| match model::is_stale(*value) {
            true => "x".to_owned(),
            false => value.to_string(),
        });
        found.push((set.labels(i), values.collect::<Vec<_>>().join(" ")));
    }
    found
}

fn times(world: &World, metric: &str, address: &str) -> Vec<i64> {
    let samples = world.samples(metric, address);
    samples.windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
}

fn job(name: &str, options: &str) -> String {
    format!("- {{job_name: {name}, scrape_interval: 10s, scrape_timeout: 4s, {options}}}\n")
}

/// Sets the label `job`, so that the job's name does not matter.
const RULE: &str = "relabel_configs: [{target_label: job, replacement: x}]";

#[tokio::test(start_paused = true)]
async fn a_target_moves_to_another_job_without_a_gap() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.apply(&(job("from", RULE) + &job("to", RULE)));
    world.discover(&[("from", &["h:1"]), ("to", &[])]);
    world.pass(25_000).await;
    world.targets.page("h:1", "b 1\n");
    world.discover(&[("from", &[]), ("to", &["h:1"])]);
    world.pass(60_000).await;
    assert_eq!(world.manager.snapshot().pools[1].active.len(), 1);
    let up = series(&world, "up");
    assert_eq!(up.len(), 1);
    assert!(!up[0].1.contains('x'), "{up:?}");
    let steps = times(&world, "up", "h:1");
    // It has another place within the interval now.
    assert!(steps.iter().all(|step| *step <= 20_000) && steps.len() >= 6, "{steps:?}");
    assert!(steps.iter().filter(|step| **step != 10_000).count() <= 1, "{steps:?}");
    // What it no longer tells has ended.
    assert!(series(&world, "a")[0].1.ends_with("1 x"), "{:?}", series(&world, "a"));
    // And back, while the other still has it: two loops, one group each.
    world.discover(&[("from", &["h:1"]), ("to", &["h:1"])]);
    world.pass(30_000).await;
    world.discover(&[("from", &["h:1"]), ("to", &[])]);
    world.pass(60_000).await;
    assert!(!series(&world, "up")[0].1.contains('x'));
}

#[tokio::test(start_paused = true)]
async fn another_path_under_the_same_labels_goes_on_with_the_series() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    world.apply(&job("j", ""));
    world.discover(&[("j", &["h:1"])]);
    world.pass(25_000).await;
    world.apply(&job("j", "metrics_path: /other"));
    world.pass(60_000).await;
    let a = series(&world, "a");
    assert!(a.len() == 1 && !a[0].1.contains('x'), "{a:?}");
    assert_eq!(world.manager.snapshot().pools[0].active[0].scrape_url(), "http://h:1/other");
}

#[tokio::test(start_paused = true)]
async fn other_labels_are_other_series_and_the_old_ones_end() {
    let world = World::new();
    world.targets.page("h:1", "a 1\n");
    let with = |version: u32| {
        job("j", &format!("relabel_configs: [{{target_label: v, replacement: '{version}'}}]"))
    };
    world.apply(&with(1));
    world.discover(&[("j", &["h:1"])]);
    world.pass(25_000).await;
    world.apply(&with(2));
    world.pass(60_000).await;
    let a = series(&world, "a");
    let told: Vec<_> = a.iter().map(|(labels, values)| (labels.get("v"), &**values)).collect();
    assert_eq!(told[0].0, Some("1"));
    assert!(told[0].1.ends_with("1 x"), "{told:?}");
    assert_eq!(told[1].0, Some("2"));
    assert!(!told[1].1.contains('x'), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn rules_for_series_change_on_reload() {
    let world = World::new();
    world.targets.page("h:1", "a 1\nb 1\n");
    world.apply(&job("j", ""));
    world.discover(&[("j", &["h:1"])]);
    world.pass(25_000).await;
    let rule = "{source_labels: [__name__], regex: b, action: drop}";
    world.apply(&job("j", &format!("metric_relabel_configs: [{rule}]")));
    world.pass(25_000).await;
    assert!(series(&world, "b")[0].1.ends_with("1 x"), "{:?}", series(&world, "b"));
    world.apply(&job("j", "sample_limit: 1"));
    world.pass(20_000).await;
    assert!(series(&world, "a")[0].1.ends_with("1 x"), "{:?}", series(&world, "a"));
    world.apply(&job("j", ""));
    world.pass(20_000).await;
    for metric in ["a", "b"] {
        assert!(series(&world, metric)[0].1.ends_with('1'), "{:?}", series(&world, metric));
    }
}

#[tokio::test(start_paused = true)]
async fn series_that_vanish_while_nobody_looks() {
    let store = MemoryStore::new();
    let run = |page: &'static str, wait: u64| {
        let store = store.clone();
        async move {
            let world = World::with_store(store, Options::default());
            world.pass(wait).await;
            world.targets.page("h:1", page);
            world.apply(&job("j", ""));
            world.discover(&[("j", &["h:1"])]);
            world.pass(25_000).await;
            assert!(world.manager.shutdown(Duration::from_secs(1)).await);
            world
        }
    };
    run("a 1\nb 1\n", 0).await;
    let world = run("a 2\n", 60_000).await;
    assert!(series(&world, "a")[0].1.ends_with("1 2 2"), "{:?}", series(&world, "a"));
    assert!(series(&world, "b")[0].1.ends_with("1 x"), "{:?}", series(&world, "b"));
}
