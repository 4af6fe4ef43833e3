//! What goes wrong is waited for; what is known stays.

use super::super::backoff::{Backoff, spread};
use super::*;
use apiserver::Fit;

/// Waits until the state of a follower is such.
async fn until_state(
    following: &mut Following<Thing>,
    is_so: impl Fn(&super::super::WatchState) -> bool,
) {
    let come = async {
        while !is_so(&following.state()) {
            following.changes().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, come).await.is_ok();
    assert!(in_time, "{:?}", following.state());
}

#[tokio::test]
async fn what_is_forbidden_is_tried_again() {
    for verb in ["*", "list", "watch"] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(verb == "list");
        test.server.trouble().forbid(verb, "pods");
        test.apply(&[("a", 1)]);
        let mut pods = test.pods();
        soon(pods.synced()).await;
        let state = pods.state();
        assert_eq!((state.synced, state.forbidden), (false, vec![String::new()]), "{verb}");
        assert!(state.error.unwrap().contains("forbidden"));
        test.server.trouble().allow(verb, "pods");
        until(&mut pods, "a/a=1").await;
        until_state(&mut pods, |state| state.synced && state.forbidden.is_empty()).await;
        assert_eq!(pods.state().error, None);
        // Forbidden later, what is known stays.
        test.server.trouble().forbid("*", "pods");
        test.server.hang_up();
        until_state(&mut pods, |state| !state.forbidden.is_empty()).await;
        assert_eq!((seen(&pods).as_str(), pods.state().synced), ("a/a=1", true));
        test.server.trouble().allow("*", "pods");
        test.apply(&[("a", 2)]);
        until(&mut pods, "a/a=2").await;
    }
}

#[tokio::test]
async fn one_namespace_that_is_forbidden_does_not_hold_up_another() {
    let test = Test::new().await;
    test.server.trouble().forbid_in("b", "*", "pods");
    test.apply(&[("a", 1)]);
    let scope = Scope::of_namespaces(["a", "b"]);
    let mut pods: Following<Thing> = test.watches.follow(&Kind::PODS, scope);
    soon(pods.synced()).await;
    let state = pods.state();
    assert_eq!((state.synced, state.forbidden), (true, vec!["b".to_owned()]));
    assert_eq!(seen(&pods), "a/a=1");
    test.server.apply(&pod("b", "x", &json!({"n": 2})));
    test.server.trouble().allow_in("b", "*", "pods");
    until(&mut pods, "a/a=1 b/x=2").await;
}

#[tokio::test]
async fn kinds_come_and_go() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        let trouble = test.server.trouble();
        trouble.no_initial_events(!is_streamed);
        trouble.undefine("servicemonitors");
        let mut monitors = test.monitors();
        assert_eq!(soon(monitors.changes()).await, Changes::All);
        let state = monitors.state();
        assert_eq!((state.synced, state.absent), (false, true));
        test.server.apply(&monitor("m", 1));
        trouble.define("servicemonitors");
        until(&mut monitors, "a/m=1").await;
        until_state(&mut monitors, |state| state.synced && !state.absent).await;
        // Gone with its kind, although nobody says so of each object.
        trouble.undefine("servicemonitors");
        test.server.hang_up();
        until(&mut monitors, "").await;
        until_state(&mut monitors, |state| state.absent && !state.synced).await;
        trouble.define("servicemonitors");
        until(&mut monitors, "a/m=1").await;
    }
}

#[tokio::test]
async fn one_answer_that_a_kind_is_gone_is_not_believed() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    test.server.apply(&monitor("m", 1));
    let (mut pods, mut monitors) = (test.pods(), test.monitors());
    soon(pods.synced()).await;
    soon(monitors.synced()).await;
    // A proxy that has no server behind it says so of every path, also of kinds that never go.
    test.server.trouble().answer_with(Some((404, None)));
    test.server.hang_up();
    until_state(&mut pods, |state| state.error.is_some()).await;
    until(&mut monitors, "").await;
    assert_eq!((seen(&pods).as_str(), pods.state().absent), ("a/a=1", false));
    test.server.trouble().answer_with(None);
    until(&mut monitors, "a/m=1").await;
    until_state(&mut pods, |state| state.error.is_none()).await;
}

#[tokio::test]
async fn what_is_known_outlives_the_server() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(!is_streamed);
        test.apply(&[("a", 1), ("b", 2)]);
        let mut pods = test.pods();
        soon(pods.synced()).await;
        test.server.stop_listening().await;
        until_state(&mut pods, |state| state.error.is_some()).await;
        let state = pods.state();
        assert!(state.synced && state.behind > Duration::ZERO, "{state:?}");
        assert_eq!(seen(&pods), "a/a=1 a/b=2");
        test.delete("a");
        test.apply(&[("b", 3)]);
        test.server.listen_again().await.unwrap();
        until(&mut pods, "a/b=3").await;
        until_state(&mut pods, |state| state.error.is_none()).await;
        assert_eq!(pods.state().behind, Duration::ZERO);
        assert_eq!(test.relists(), 0, "goes on from what it knew");
    }
}

#[tokio::test]
async fn in_sync_again_although_nothing_happens() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    test.server.trouble().answer_with(Some((503, None)));
    test.server.hang_up();
    until_state(&mut pods, |state| state.error.is_some()).await;
    test.server.trouble().answer_with(None);
    until_state(&mut pods, |state| state.error.is_none()).await;
    assert_eq!(pods.state().behind, Duration::ZERO);
}

#[tokio::test]
async fn a_server_that_is_another_one_is_listed_anew() {
    let test = Test::new().await;
    test.apply(&[("a", 1), ("b", 2)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    let Test { server, watches: _watches, .. } = test;
    let address = server.address();
    server.stop_listening().await;
    drop(server);
    let server = restarted(address).await;
    server.apply(&pod("a", "b", &json!({"n": 3})));
    until(&mut pods, "a/b=3").await;
}

/// Another server at the address of one that has just ended.
async fn restarted(address: std::net::SocketAddr) -> ApiServer {
    let start = async {
        loop {
            match ApiServer::start_on(address).await {
                Ok(server) => return server,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    soon(start).await
}

#[tokio::test]
async fn fits_of_a_server_are_survived() {
    let test = Test::new().await;
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    let fits = [
        Fit::HalfLine,
        Fit::Garbage,
        Fit::Error(410, "Expired".into()),
        Fit::Error(500, "InternalError".into()),
        Fit::Error(410, "Gone".into()),
    ];
    for (n, fit) in (2..).zip(fits) {
        test.server.trouble().fit(fit);
        test.apply(&[("a", n)]);
        until(&mut pods, &format!("a/a={n}")).await;
    }
    test.server.trouble().answer_garbage(3);
    test.server.hang_up();
    test.apply(&[("b", 9)]);
    until(&mut pods, "a/a=6 a/b=9").await;
    until_state(&mut pods, |state| state.error.is_none()).await;
}

#[tokio::test]
async fn an_event_that_is_garbled_is_not_lost() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(!is_streamed);
        test.apply(&[("a", 1), ("b", 1)]);
        let mut pods = test.pods();
        soon(pods.synced()).await;
        test.server.trouble().fit(Fit::GarbledEvent);
        test.apply(&[("a", 2)]);
        until(&mut pods, "a/a=2 a/b=1").await;
        test.server.trouble().fit(Fit::GarbledEvent);
        test.delete("b");
        until(&mut pods, "a/a=2").await;
        until_state(&mut pods, |state| state.error.is_none()).await;
    }
}

#[tokio::test]
async fn a_version_that_is_refused_as_too_old_is_not_asked_for_again() {
    for is_streamed in [true, false] {
        let test = Test::new().await;
        test.server.trouble().no_initial_events(!is_streamed);
        test.server.trouble().refuse_old_versions(true);
        test.apply(&[("a", 1), ("b", 1)]);
        let mut pods = test.pods();
        soon(pods.synced()).await;
        test.server.stop_listening().await;
        test.apply(&[("a", 2)]);
        test.delete("b");
        test.server.forget();
        test.server.listen_again().await.unwrap();
        until(&mut pods, "a/a=2").await;
        until_state(&mut pods, |state| state.error.is_none()).await;
    }
}

#[tokio::test]
async fn what_is_told_twice_happens_once() {
    let test = Test::new().await;
    test.server.trouble().tell_twice(true);
    test.apply(&[("a", 1)]);
    let mut pods = test.pods();
    soon(pods.synced()).await;
    test.apply(&[("b", 2)]);
    until(&mut pods, "a/a=1 a/b=2").await;
    test.delete("b");
    until(&mut pods, "a/a=1").await;
    assert_eq!(test.metrics.events(&Kind::PODS), [2, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn waits_grow_until_all_was_well_for_long() {
    let mut backoff = Backoff::new(&Pace::default());
    let mut check = |expected_ms: u64| {
        let wait = backoff.after_failure();
        let range = Duration::from_millis(expected_ms)..=Duration::from_millis(expected_ms * 3 / 2);
        assert!(range.contains(&wait), "{wait:?} is not about {expected_ms} ms");
        wait
    };
    for ms in [800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000] {
        let wait = check(ms);
        tokio::time::advance(wait + Duration::from_secs(119)).await;
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    check(800);
}

#[test]
fn waits_are_spread() {
    let all: BTreeSet<Duration> = (0..100).map(|_| spread(Duration::from_secs(100), 0.1)).collect();
    assert!(all.len() > 90, "{all:?}");
    let range = Duration::from_secs(100)..=Duration::from_secs(110);
    assert!(all.iter().all(|wait| range.contains(wait)), "{all:?}");
}
