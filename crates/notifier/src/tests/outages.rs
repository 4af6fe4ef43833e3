//! Alertmanagers that are down, slow, silent, or refuse.

use super::world::{Manner, World, set};
use crate::Options;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn down_for_ten_minutes() {
    let world = World::of(&["a:9093", "b:9093"]);
    world.alertmanagers.set("a:9093", Manner::Down);
    for minute in 0..10 {
        // Fires for five minutes and is then told as ended; another one begins meanwhile.
        let x = if minute < 5 { minute + 4 } else { 5 };
        let begun = Instant::now();
        world.send(&[("X", x)]);
        if minute >= 7 {
            world.send(&[("Y", minute + 4)]);
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "sending never waits");
        world.pass(60).await;
    }
    assert_eq!(world.metric("queue_length a:9093"), Some(2.0));
    assert_eq!(world.metric("sent_total a:9093"), Some(0.0));
    assert!(world.metric("errors_total a:9093").unwrap() >= 40.0);
    world.alertmanagers.set("a:9093", Manner::Take);
    world.pass(15).await;
    assert_eq!(world.alertmanagers.taken("a:9093"), [["X=5", "Y=13"]]);
    assert_eq!(world.metric("queue_length a:9093"), Some(0.0));
    assert_eq!(world.metric("sent_total a:9093"), Some(2.0));
    assert_eq!(world.metric("dropped_total a:9093"), Some(0.0));
    // The other one has heard of it all in time.
    let told: Vec<_> = world.alertmanagers.taken("b:9093").concat();
    assert_eq!(told[..6], ["X=4", "X=5", "X=6", "X=7", "X=8", "X=5"]);
    assert_eq!(told.len(), 13);
    assert_eq!(world.metric("errors_total b:9093"), Some(0.0));
    // When it is up, nothing waits.
    world.send(&[("X", 30)]);
    world.pass(0).await;
    assert_eq!(world.alertmanagers.taken("a:9093").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_up_nobody() {
    let world = World::of(&["a:9093", "b:9093"]);
    world.alertmanagers.set("a:9093", Manner::Hang);
    world.send(&[("X", 1)]);
    world.pass(1).await;
    // While it is being told of one state, there is a newer one.
    world.send(&[("X", 2)]);
    world.pass(1).await;
    assert_eq!(world.alertmanagers.taken("b:9093"), [["X=1"], ["X=2"]]);
    assert_eq!(world.alertmanagers.heard("a:9093").len(), 1);
    world.alertmanagers.set("a:9093", Manner::Take);
    world.pass(7).await;
    assert!(world.alertmanagers.taken("a:9093").is_empty(), "still within its time");
    world.pass(3).await;
    assert_eq!(world.alertmanagers.taken("a:9093"), [["X=2"]]);
    assert_eq!(world.metric("errors_total a:9093"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_slow_gets_all() {
    let world = World::with(Options { batch_size: 1, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:9093"])]);
    world.alertmanagers.set("a:9093", Manner::Slow(Duration::from_secs(9)));
    world.send(&[("X", 1), ("Y", 1), ("Z", 1)]);
    world.pass(1).await;
    // What waits longer is overtaken by what is newer.
    world.send(&[("X", 2), ("Y", 2)]);
    world.pass(60).await;
    assert_eq!(world.alertmanagers.taken("a:9093"), [["X=1"], ["Y=2"], ["Z=1"], ["X=2"]]);
    assert_eq!(world.metric("latency_seconds_sum a:9093"), Some(36.0));
    assert_eq!(world.metric("latency_seconds 0.5"), None, "the label is the URL");
}

/// What has not arrived after the seconds, and has after the pause.
async fn check(manner: Manner, not_after: u64, pause: u64) {
    let world = World::of(&["a:9093"]);
    world.alertmanagers.set("a:9093", manner.clone());
    world.send(&[("X", 4)]);
    world.pass(0).await;
    world.alertmanagers.set("a:9093", Manner::Take);
    world.pass(not_after).await;
    assert!(world.alertmanagers.taken("a:9093").is_empty(), "{manner:?}");
    world.pass(pause).await;
    assert_eq!(world.alertmanagers.taken("a:9093"), [["X=4"]], "{manner:?}");
    assert_eq!(world.metric("errors_total a:9093"), Some(1.0), "{manner:?}");
    assert_eq!(world.metric("dropped_total a:9093"), Some(0.0), "{manner:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again() {
    check(Manner::Answer("500 Internal Server Error", ""), 0, 1).await;
    check(Manner::Answer("503 Service Unavailable", ""), 0, 1).await;
    check(Manner::Answer("429 Too Many Requests", ""), 0, 1).await;
    check(Manner::Answer("429 Too Many Requests", "Retry-After: 20\r\n"), 19, 2).await;
    check(Manner::Answer("503 Service Unavailable", "Retry-After: 86400\r\n"), 59, 2).await;
    // A redirect that makes a question of it does not take it.
    check(Manner::Answer("302 Found", "Location: http://elsewhere/\r\n"), 0, 1).await;
    check(Manner::Down, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_no_success() {
    let world = World::of(&["a:9093", "b:80"]);
    let found = Manner::Answer("302 Found", "Location: http://b/login\r\n");
    world.alertmanagers.set("a:9093", found);
    world.alertmanagers.set("b:80", Manner::Take);
    world.send(&[("X", 4)]);
    world.pass(5).await;
    assert_eq!(world.metric("sent_total a:9093"), Some(0.0));
    assert_eq!(world.metric("queue_length a:9093"), Some(1.0));
    let asked = world.alertmanagers.heard("b:80");
    assert!(asked.iter().any(|heard| heard.head.starts_with("GET /login ")));
    // This kind is told again where it leads.
    let found = Manner::Answer("308 Permanent Redirect", "Location: http://b/am\r\n");
    world.alertmanagers.set("a:9093", found);
    world.pass(15).await;
    assert_eq!(world.metric("sent_total a:9093"), Some(1.0));
    let told = world.alertmanagers.heard("b:80").pop().unwrap();
    assert!(told.head.starts_with("POST /am "), "{}", told.head);
    assert_eq!(told.alerts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_dropped_and_counted() {
    for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "400 Bad Request"] {
        let world = World::of(&["a:9093"]);
        world.alertmanagers.set("a:9093", Manner::Answer(status, ""));
        world.send(&[("X", 4), ("Y", 4)]);
        world.pass(60).await;
        assert_eq!(world.metric("dropped_total a:9093"), Some(2.0), "{status}");
        assert_eq!(world.metric("queue_length a:9093"), Some(0.0), "{status}");
        let times = if status.starts_with("400") { 3 } else { 1 };
        assert_eq!(world.alertmanagers.heard("a:9093").len(), times, "{status}");
        world.alertmanagers.set("a:9093", Manner::Take);
        world.send(&[("Z", 4)]);
        world.pass(0).await;
        assert_eq!(world.alertmanagers.taken("a:9093"), [["Z=4"]], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_takes_no_others_with_it() {
    for status in ["400 Bad Request", "413 Payload Too Large", "422 Unprocessable Entity"] {
        let world = World::of(&["a:9093"]);
        world.alertmanagers.set("a:9093", Manner::RefuseWith(status, "A77"));
        let names: Vec<_> = (0..200).map(|i| format!("A{i}")).collect();
        let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), 4)).collect();
        world.send(&alerts);
        world.pass(1).await;
        let mut expected: Vec<_> = names.iter().map(|name| format!("{name}=4")).collect();
        expected.remove(77);
        assert_eq!(world.alertmanagers.taken("a:9093").concat(), expected, "{status}");
        assert_eq!(world.metric("sent_total a:9093"), Some(199.0));
        assert_eq!(world.metric("dropped_total a:9093"), Some(1.0));
        assert!(world.alertmanagers.heard("a:9093").len() < 40, "not one by one");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_the_oldest() {
    let world = World::with(Options { queue_capacity: 3, ..Options::default() });
    world.apply([set("s")]);
    world.discover(&[("s", &["a:9093", "b:9093"])]);
    world.alertmanagers.set("b:9093", Manner::Take);
    for alert in [("A", 1), ("B", 1), ("C", 1), ("D", 1), ("C", 2), ("E", 1)] {
        world.send(&[alert]);
        world.pass(1).await;
    }
    assert_eq!(world.metric("queue_capacity"), Some(3.0));
    assert_eq!(world.metric("dropped_total a:9093"), Some(2.0));
    assert_eq!(world.metric("dropped_total b:9093"), Some(0.0));
    assert_eq!(world.metric("queue_length a:9093"), Some(3.0));
    world.alertmanagers.set("a:9093", Manner::Take);
    world.pass(15).await;
    assert_eq!(world.alertmanagers.taken("a:9093"), [["C=2", "D=1", "E=1"]]);
    assert_eq!(world.alertmanagers.taken("b:9093").len(), 6);
}
