//! The end.

use super::world::{Manner, World, set};
use crate::Options;
use std::time::Duration;
use tokio::time::Instant;

const GRACE: Duration = Duration::from_secs(20);

/// How long the end took, and whether all was told.
async fn end(world: &World) -> (Duration, bool) {
    let begun = Instant::now();
    let all_told = world.notifier.shutdown(GRACE).await;
    (begun.elapsed(), all_told)
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_told_first() {
    let world = World::with(Options { batch_size: 2, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:1"])]);
    world.alertmanagers.set("a:1", Manner::Slow(Duration::from_secs(1)));
    world.send(&[("A", 1), ("B", 1), ("C", 1), ("D", 1), ("E", 1)]);
    assert_eq!(end(&world).await, (Duration::from_secs(3), true));
    assert_eq!(world.alertmanagers.taken("a:1").concat(), ["A=1", "B=1", "C=1", "D=1", "E=1"]);
    // Nothing is taken any more.
    world.send(&[("F", 1)]);
    world.discover(&[("s", &["b:1"])]);
    world.apply([]);
    assert_eq!(world.metric("dropped_total"), Some(1.0));
    assert_eq!(world.notifier.alertmanagers().active, ["http://a:1/api/v2/alerts"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_comes_back_in_time_is_told() {
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Down);
    world.send(&[("X", 4)]);
    world.pass(600).await;
    // The pause after a long outage is cut short.
    world.alertmanagers.set("a:1", Manner::Take);
    assert_eq!(end(&world).await, (Duration::ZERO, true));
    assert_eq!(world.alertmanagers.taken("a:1"), [["X=4"]]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_down_is_given_up() {
    let world = World::of(&["a:1", "b:1"]);
    world.alertmanagers.set("a:1", Manner::Down);
    world.send(&[("X", 4), ("Y", 4)]);
    world.pass(600).await;
    let (took, all_told) = end(&world).await;
    assert!(took < Duration::from_secs(4) && !all_told, "{took:?}");
    assert_eq!(world.metric("dropped_total a:1"), Some(2.0));
    assert_eq!(world.metric("dropped_total b:1"), Some(0.0));
    assert_eq!(world.metric("queue_length a:1"), Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_waited_for_no_longer_than_the_grace() {
    let world = World::of(&["a:1"]);
    world.alertmanagers.set("a:1", Manner::Hang);
    world.send(&[("X", 4)]);
    world.pass(1).await;
    world.send(&[("Y", 4)]);
    assert_eq!(end(&world).await, (GRACE, false));
    assert_eq!(world.metric("dropped_total a:1"), Some(2.0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_nobody_is_dropped() {
    let world = World::new();
    world.apply([set("s")]);
    world.send(&[("X", 4)]);
    assert_eq!(end(&world).await, (Duration::ZERO, false));
    assert_eq!(world.metric("dropped_total"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn it_may_end_without_telling() {
    let world = World::with(Options { drain_on_shutdown: false, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:1"])]);
    world.alertmanagers.set("a:1", Manner::Take);
    world.send(&[("X", 4)]);
    assert_eq!(end(&world).await, (Duration::ZERO, false));
    assert_eq!(world.metric("dropped_total a:1"), Some(1.0));
    assert!(world.alertmanagers.heard("a:1").is_empty());
}
