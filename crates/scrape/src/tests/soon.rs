//! Targets that are wanted soon.

use super::world::{World, jobs_of};
use crate::Global;
use std::time::Duration;

const JOB: &str = "- {job_name: j, scrape_interval: 30s, scrape_timeout: 4s}";

/// The jobs of a cluster.
fn soon(world: &World, configs: &str) {
    let within = Some(Duration::from_secs(1));
    let global = Global { first_scrape_within: within, ..Global::default() };
    world.manager.apply(jobs_of(configs, &global));
}

fn times(world: &World, address: &str) -> Vec<i64> {
    world.samples("up", address).iter().map(|(t_ms, _)| *t_ms).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_scrape_comes_soon_and_the_others_at_the_place() {
    let (world, usual) = (World::new(), World::new());
    let addresses: Vec<_> = (0..200).map(|i| format!("h{i}:1")).collect();
    let all: Vec<_> = addresses.iter().map(String::as_str).collect();
    soon(&world, JOB);
    usual.apply(JOB);
    world.pass(7_000).await;
    world.discover(&[("j", &all)]);
    usual.discover(&[("j", &all)]);
    world.pass(70_000).await;
    let mut firsts = Vec::new();
    for address in &addresses {
        let (times, usual) = (times(&world, address), times(&usual, address));
        assert!((7_000..8_000).contains(&times[0]), "{address}: {times:?}");
        assert!(usual.len() >= 2 && times.ends_with(&usual[1..]), "{times:?} {usual:?}");
        assert!(times[1] == usual[0] || usual[0] - times[0] < 3_000, "{times:?} {usual:?}");
        firsts.push(times[0]);
    }
    firsts.sort_unstable();
    firsts.dedup();
    assert!(firsts.len() > 100, "one after the other: {firsts:?}");
}

#[tokio::test(start_paused = true)]
async fn targets_that_are_known_stay_at_their_places() {
    let world = World::new();
    soon(&world, JOB);
    world.discover(&[("j", &["a:1"])]);
    world.pass(100_000).await;
    let before = times(&world, "a:1");
    // Found again before its series ended, then under other settings.
    world.discover(&[("j", &[])]);
    world.pass(100).await;
    world.discover(&[("j", &["a:1"])]);
    world.pass(100).await;
    soon(&world, "- {job_name: j, scrape_interval: 30s, scrape_timeout: 5s}");
    world.pass(60_000).await;
    let after = times(&world, "a:1");
    let steps: Vec<_> = after.windows(2).skip(1).map(|pair| pair[1] - pair[0]).collect();
    assert!(after.len() == before.len() + 2 && steps.iter().all(|s| *s == 30_000), "{after:?}");
    // Moved to another job, where it has another place.
    let relabel = "relabel_configs: [{target_label: job, replacement: j}]";
    soon(&world, &format!("- {{job_name: k, scrape_interval: 30s, {relabel}}}"));
    world.discover(&[("k", &["a:1"])]);
    world.pass(1_000).await;
    assert_eq!(times(&world, "a:1"), after);
}

#[tokio::test(start_paused = true)]
async fn a_change_before_the_first_scrape_does_not_put_it_off() {
    let world = World::new();
    let addresses: Vec<_> = (0..500).map(|i| format!("h{i}:1")).collect();
    let all: Vec<_> = addresses.iter().map(String::as_str).collect();
    soon(&world, JOB);
    world.discover(&[("j", &all)]);
    soon(&world, "- {job_name: j, scrape_interval: 30s, scrape_timeout: 5s}");
    world.pass(1_000).await;
    let late: Vec<_> = addresses.iter().filter(|a| times(&world, a).len() != 1).collect();
    assert!(late.is_empty(), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_leaves_before_its_place_ends() {
    let world = World::new();
    soon(&world, JOB);
    world.discover(&[("j", &["a:1"])]);
    world.pass(1_000).await;
    world.discover(&[("j", &[])]);
    world.pass(70_000).await;
    let up = world.samples("up", "a:1");
    assert_eq!(up.len(), 2, "{up:?}");
    assert!(up[0].1.is_some() && up[1].1.is_none() && up[1].0 <= 30_000, "{up:?}");
    // What comes back later is new.
    world.discover(&[("j", &["a:1"])]);
    world.pass(1_000).await;
    assert_eq!(world.samples("up", "a:1").len(), 3);
}
