//! Events about objects that are left out.

use super::*;

/// All Events, by the API.
async fn events(world: &World) -> Vec<Value> {
    let request = http::Request::builder().uri("/apis/events.k8s.io/v1/events").body(Vec::new());
    let list: Value = world.access.client().request(request.unwrap()).await.unwrap();
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_object_that_is_left_out_has_an_event() {
    let world = World::reporting().await;
    let (bad, good) = (world.monitor("bad", &json!({})), world.monitor("good", &json!({})));
    world.plan([state(&bad, rejected("endpoints[0]: bad")), state(&good, accepted())]);
    world.settled().await;
    let all = events(&world).await;
    assert_eq!(all.len(), 1);
    let event = &all[0];
    let check = |pointer: &str, expected: &str| {
        assert_eq!(event.pointer(pointer).and_then(Value::as_str), Some(expected), "{pointer}");
    };
    check("/metadata/namespace", "a");
    check("/type", "Warning");
    check("/reason", "InvalidConfiguration");
    check("/action", "Sync");
    check("/note", "endpoints[0]: bad");
    check("/reportingInstance", "mon/main");
    check("/regarding/kind", "ServiceMonitor");
    check("/regarding/apiVersion", "monitoring.coreos.com/v1");
    check("/regarding/name", "bad");
    check("/regarding/uid", bad["metadata"]["uid"].as_str().unwrap());
    until("the count", || world.counted(EVENTS, "sent") == 1.0).await;
}

#[tokio::test]
async fn the_same_is_said_once_also_by_who_starts_anew() {
    let mut world = World::reporting().await;
    let bad = world.monitor("bad", &json!({}));
    world.plan([state(&bad, rejected("x"))]);
    world.until_status("bad", "False").await;
    world.plan([state(&bad, accepted())]);
    world.until_status("bad", "True").await;
    world.plan([state(&bad, rejected("x"))]);
    world.until_status("bad", "False").await;
    assert_eq!(world.counted(EVENTS, "known"), 1.0);
    world.plan([state(&bad, rejected("y"))]);
    until("another", || world.counted(EVENTS, "sent") == 2.0).await;
    assert_eq!(events(&world).await.len(), 2);
    world.stop().await;
    world.metrics = Arc::default();
    world.start().await;
    until("a repetition", || world.counted(EVENTS, "known") == 1.0).await;
    // The hour may have ended just now.
    assert!(events(&world).await.len() <= 3);
}

#[tokio::test]
async fn without_permission_there_are_none() {
    let world = World::new().await;
    world.server.trouble().forbid("create", "events");
    let mut world = world;
    world.start().await;
    let bad = world.monitor("bad", &json!({}));
    world.plan([state(&bad, rejected("x"))]);
    world.until_status("bad", "False").await;
    assert_eq!(world.server.asked("create", "events"), 0);
    let why = world.standing().events.clone();
    let expected = "we may not create events.events.k8s.io in all namespaces";
    assert_eq!(why, Some(Writing::Off(expected.into())));
    // Once it is given, what was left out is made good.
    world.server.trouble().allow("create", "events");
    world.apply().await;
    until("an Event", || world.counted(EVENTS, "sent") == 1.0).await;
    // And taken away.
    world.server.trouble().forbid("create", "events");
    world.plan([state(&bad, rejected("y"))]);
    until("a refusal", || world.counted(EVENTS, "forbidden") == 1.0).await;
    until("it to be known", || world.standing().events != Some(Writing::On)).await;
    world.plan([state(&bad, rejected("z"))]);
    world.settled().await;
    assert_eq!(world.server.asked("create", "events"), 2);
}
