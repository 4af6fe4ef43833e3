//! Who is told, as discovery and the configuration change.

use super::world::{Manner, World, rules, set, snapshot};
use crate::{AlertmanagerSet, Known, Options, Settings};
use discovery::{Job, Manager, StaticConfig, StaticDiscovery};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const ALERTS: &str = "/api/v2/alerts";

fn known(active: &[&str], dropped: &[&str]) -> Known {
    let urls = |addresses: &[&str]| {
        addresses.iter().map(|address| format!("http://{address}{ALERTS}")).collect()
    };
    Known { active: urls(active), dropped: urls(dropped) }
}

#[tokio::test(start_paused = true)]
async fn alertmanagers_come_and_go() {
    let world = World::new();
    let relabel = rules(&["{source_labels: [__address__], regex: x.*, action: drop}"]);
    world.apply([AlertmanagerSet { relabel, ..set("s") }, set("t")]);
    assert_eq!(*world.notifier.alertmanagers(), Known::default());
    world.discover(&[("s", &["a:1", "x:1", "b:1", "a:1"]), ("t", &["c:1"]), ("other", &["o:1"])]);
    assert_eq!(*world.notifier.alertmanagers(), known(&["a:1", "b:1", "c:1"], &["x:1"]));
    assert_eq!(world.metric("alertmanagers_discovered"), Some(3.0));
    assert_eq!(world.metric("sent_total a:1"), Some(0.0));
    // A set that is not named keeps what it has.
    world.discover(&[("s", &["b:1"])]);
    world.pass(0).await;
    assert_eq!(*world.notifier.alertmanagers(), known(&["b:1", "c:1"], &[]));
    assert_eq!(world.metric("sent_total a:1"), None, "series end with their Alertmanager");
    assert_eq!(world.metric("queue_length a:1"), None);
    assert_eq!(world.metric("latency_seconds_count a:1"), None);
    assert_eq!(world.metric("sent_total b:1"), Some(0.0));
    world.apply([]);
    world.pass(0).await;
    assert_eq!(*world.notifier.alertmanagers(), Known::default());
    assert_eq!(world.metric("sent_total c:1"), None);
    assert_eq!(world.metric("alertmanagers_discovered"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn alerts_wait_for_the_first_alertmanager() {
    let world = World::new();
    world.apply([set("s")]);
    world.send(&[("X", 4), ("Y", 4)]);
    world.send(&[("X", 5)]);
    world.alertmanagers.set("a:1", Manner::Take);
    world.discover(&[("s", &[])]);
    world.send(&[("Z", 4)]);
    world.discover(&[("s", &["a:1"])]);
    world.pass(0).await;
    assert_eq!(world.alertmanagers.taken("a:1"), [["X=5", "Y=4", "Z=4"]]);
    // They have been told now.
    world.alertmanagers.set("b:1", Manner::Take);
    world.discover(&[("s", &["a:1", "b:1"])]);
    world.pass(60).await;
    assert!(world.alertmanagers.heard("b:1").is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_many_that_wait_for_nobody_are_dropped() {
    let world = World::with(Options { queue_capacity: 2, ..Options::default() });
    world.apply([set("s")]);
    world.send(&[("X", 4), ("Y", 4), ("Z", 4)]);
    assert_eq!(world.metric("dropped_total"), Some(1.0));
    world.alertmanagers.set("a:1", Manner::Take);
    world.discover(&[("s", &["a:1"])]);
    world.pass(0).await;
    assert_eq!(world.alertmanagers.taken("a:1"), [["Y=4", "Z=4"]]);
}

#[tokio::test(start_paused = true)]
async fn a_successor_hears_what_its_predecessor_missed() {
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Hang);
    world.alertmanagers.set("b:1", Manner::Take);
    world.send(&[("X", 4)]);
    world.pass(1).await;
    world.send(&[("Y", 4)]);
    // A pod comes back under another address.
    world.discover(&[("s", &["b:1"])]);
    world.pass(0).await;
    assert_eq!(world.alertmanagers.taken("b:1"), [["X=4", "Y=4"]]);
    // With nobody in between.
    world.alertmanagers.set("b:1", Manner::Down);
    world.send(&[("X", 5)]);
    world.pass(1).await;
    world.discover(&[("s", &[])]);
    world.pass(60).await;
    world.send(&[("Z", 4)]);
    world.alertmanagers.set("a:1", Manner::Take);
    world.discover(&[("s", &["a:1"])]);
    world.pass(0).await;
    assert_eq!(world.alertmanagers.taken("a:1"), [["X=5", "Z=4"]]);
}

/// Two sets whose Alertmanagers are down, alerts that wait, a reload, and all is up again: who
/// is told of what.
async fn check(
    before: [AlertmanagerSet; 2],
    after: Vec<AlertmanagerSet>,
    found: &[(&str, &[&str])],
) {
    let world = World::new();
    world.apply(before);
    world.discover(&[("config-0", &["a:1"]), ("config-1", &["b:1"])]);
    world.send(&[("X", 4)]);
    world.pass(60).await;
    world.apply(after);
    // Before discovery has told what it finds under the new configuration.
    world.send(&[("Y", 4)]);
    for address in ["a:1", "b:1", "c:1"] {
        world.alertmanagers.set(address, Manner::Take);
    }
    world.discover(found);
    world.pass(15).await;
    let names: Vec<_> = found.iter().flat_map(|(_, addresses)| addresses.iter()).collect();
    for address in names {
        let expected = if *address == "c:1" { vec!["Y=4"] } else { vec!["X=4", "Y=4"] };
        assert_eq!(world.alertmanagers.taken(address).concat(), expected, "{address} of {found:?}");
    }
    for address in ["a:1", "b:1"] {
        assert!(world.metric(&format!("dropped_total {address}")).unwrap_or_default() < 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn reloads_keep_what_waits() {
    let other = |name: &str| AlertmanagerSet { timeout: Duration::from_secs(3), ..set(name) };
    let third = |name: &str| AlertmanagerSet { timeout: Duration::from_secs(4), ..set(name) };
    let both = || [set("config-0"), other("config-1")];
    let same: &[(&str, &[&str])] = &[("config-0", &["a:1"]), ("config-1", &["b:1"])];
    // Nothing changes; settings change.
    check(both(), both().into(), same).await;
    check(both(), vec![third("config-0"), other("config-1")], same).await;
    // One is added before the others; they are swapped; the first is removed.
    check(
        both(),
        vec![third("config-0"), set("config-1"), other("config-2")],
        &[("config-0", &["c:1"]), ("config-1", &["a:1"]), ("config-2", &["b:1"])],
    )
    .await;
    check(
        both(),
        vec![other("config-0"), set("config-1")],
        &[("config-0", &["b:1"]), ("config-1", &["a:1"])],
    )
    .await;
    check(both(), vec![other("config-0")], &[("config-0", &["b:1"])]).await;
    // Two that differ by nothing but whom they find.
    let twins = || [set("config-0"), set("config-1")];
    check(twins(), vec![set("config-0")], &[("config-0", &["b:1"])]).await;
    check(twins(), twins().into(), &[("config-0", &["b:1"]), ("config-1", &["a:1"])]).await;
    // Both move into one.
    check(both(), vec![third("config-0")], &[("config-0", &["a:1", "b:1"])]).await;
}

#[tokio::test(start_paused = true)]
async fn what_did_not_change_is_not_disturbed() {
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Hang);
    world.send(&[("X", 4)]);
    world.pass(5).await;
    let external_labels = model::Labels::from_pairs([("cluster", "c")]);
    let settings = Settings { external_labels, sets: vec![set("s")], ..Settings::default() };
    world.notifier.apply(settings);
    world.discover(&[("s", &["a:1"])]);
    world.pass(4).await;
    assert_eq!(world.alertmanagers.heard("a:1").len(), 1, "the same request goes on");
    assert_eq!(world.metric("errors_total a:1"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn it_follows_discovery() {
    let world = World::new();
    world.apply([set("s")]);
    let (sender, receiver) = watch::channel(Arc::new(snapshot(&[("s", &["a:1"])])));
    let notifier = Arc::new(world.notifier);
    let following = Arc::clone(&notifier);
    let following = tokio::spawn(async move { following.follow(receiver).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*notifier.alertmanagers(), known(&["a:1"], &[]));
    sender.send_replace(Arc::new(snapshot(&[("s", &["b:1"]), ("t", &["c:1"])])));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*notifier.alertmanagers(), known(&["b:1"], &[]));
    // A set of which discovery has told before it was applied is found all the same.
    notifier.apply(Settings { sets: vec![set("s"), set("t")], ..Settings::default() });
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(*notifier.alertmanagers(), known(&["b:1", "c:1"], &[]));
    assert!(notifier.shutdown(Duration::ZERO).await);
    following.await.unwrap();
}

/// What discovery is told of sets and their static targets.
fn jobs(sets: &[(&str, &str)]) -> Vec<Job> {
    let job = |(name, address): &(&str, &str)| {
        let targets = vec![(*address).to_owned()];
        let written = StaticConfig { targets, ..StaticConfig::default() };
        let name = (*name).to_owned();
        Job { name, discoverers: vec![Arc::new(StaticDiscovery::new(vec![written]))] }
    };
    sets.iter().map(job).collect()
}

#[tokio::test(start_paused = true)]
async fn a_reload_by_discovery_keeps_what_waits() {
    let world = World::new();
    let discoverers =
        Manager::start(Duration::from_secs(5), Arc::new(discovery::Metrics::new("notify")));
    let (notifier, found) = (Arc::new(world.notifier), discoverers.snapshots());
    let following = Arc::clone(&notifier);
    let following = tokio::spawn(async move { following.follow(found).await });
    let other = |name: &str| AlertmanagerSet { timeout: Duration::from_secs(3), ..set(name) };
    let apply = |sets: Vec<AlertmanagerSet>, found: &[(&str, &str)]| {
        notifier.apply(Settings { sets, ..Settings::default() });
        discoverers.apply(jobs(found));
    };
    apply(vec![set("config-0"), other("config-1")], &[("config-0", "a:1"), ("config-1", "b:1")]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(*notifier.alertmanagers(), known(&["a:1", "b:1"], &[]));
    notifier.send(vec![super::world::alert("X", 4)]);
    tokio::time::sleep(Duration::from_secs(20)).await;
    // The first one takes alerts now, but what waits for the second one is not told to it.
    world.alertmanagers.set("a:1", Manner::Take);
    tokio::time::sleep(Duration::from_secs(20)).await;
    apply(vec![other("config-0")], &[("config-0", "b:1")]);
    notifier.send(vec![super::world::alert("Y", 4)]);
    world.alertmanagers.set("b:1", Manner::Take);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(*notifier.alertmanagers(), known(&["b:1"], &[]));
    assert_eq!(world.alertmanagers.taken("a:1"), [["X=4"]]);
    assert_eq!(world.alertmanagers.taken("b:1"), [["X=4", "Y=4"]]);
    discoverers.shutdown().await;
    following.await.unwrap();
}
