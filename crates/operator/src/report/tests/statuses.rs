//! Statuses: written when something else is to be said, and only our own.

use super::*;
use crate::plan::{Missing, MissingReason, Waiting, Warning, WarningKind};

#[tokio::test]
async fn objects_are_told_what_became_of_them() {
    let world = World::reporting().await;
    let [good, bad, part, waits] =
        ["good", "bad", "part", "waits"].map(|name| world.monitor(name, &json!({})));
    let warning = |kind, text: &str| Warning { kind, message: text.to_owned() };
    let warnings = vec![
        warning(WarningKind::Note, "a note"),
        warning(WarningKind::UnsupportedDiscovery, "consulSDConfigs are left out"),
    ];
    let missing = Missing {
        kind: "Secret",
        namespace: "a".into(),
        name: "s".into(),
        key: "k".into(),
        why: MissingReason::NoObject,
    };
    let waiting = |kept| Some(Verdict::Waiting(Waiting { missing: vec![missing.clone()], kept }));
    world.plan([
        state(&good, accepted()),
        state(&bad, rejected("endpoints[0]: bad")),
        state(&part, Some(Verdict::Accepted(Accepted { warnings, ..Accepted::default() }))),
        state(&waits, waiting(Vec::new())),
    ]);
    let told = world.until_status("good", "True").await;
    assert_eq!((&told["reason"], &told["observedGeneration"]), (&Value::Null, &json!(1)));
    let told = world.until_status("bad", "False").await;
    let said = (told["reason"].as_str(), told["message"].as_str());
    assert_eq!(said, (Some("InvalidConfiguration"), Some("endpoints[0]: bad")));
    let told = world.until_status("part", "Degraded").await;
    let said = (told["reason"].as_str(), told["message"].as_str());
    assert_eq!(said, (Some("UnsupportedDiscovery"), Some("consulSDConfigs are left out")));
    let told = world.until_status("waits", "False").await;
    assert_eq!(told["message"], "Secret a/s does not exist");
    // With jobs of before it is not lost.
    world.plan([state(&waits, waiting(vec!["job".into()]))]);
    world.until_status("waits", "Degraded").await;
    assert_eq!(world.writes(), 5);
    until("the count", || world.counted(STATUSES, "written") == 5.0).await;
}

#[tokio::test]
async fn what_is_wrong_is_told_first() {
    let world = World::reporting().await;
    let good: Vec<_> =
        (0..30).map(|i| state(&world.monitor(&format!("a{i}"), &json!({})), accepted())).collect();
    let bad = state(&world.monitor("z", &json!({})), rejected("bad"));
    world.plan(good.into_iter().chain([bad]));
    world.until_status("z", "False").await;
    assert!(world.writes() < 5, "{} were told before", world.writes());
}

#[tokio::test]
async fn nothing_is_written_that_is_said_already() {
    let mut world = World::reporting().await;
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, accepted())]);
    let first = world.until_status("m", "True").await;
    // The same again, in another plan.
    world.plan([state(&object, accepted())]);
    world.settled().await;
    assert_eq!(world.writes(), 2);
    // And by somebody who starts anew, whose plans begin with nothing.
    world.stop().await;
    let before = world.plans.send_replace(whole());
    world.start().await;
    let gets = world.server.asked("get", "servicemonitors");
    world.plans.send_replace(before);
    world.settled().await;
    assert_eq!((world.writes(), world.condition("m").unwrap()), (3, first.clone()));
    assert_eq!(world.server.asked("get", "servicemonitors"), gets + 1, "only the last one");
    // Another spec that is good, too, is told at the same time as before.
    let object = world.monitor("m", &json!({"jobLabel": "x"}));
    world.plan([state(&object, accepted())]);
    until("the generation", || world.condition("m").unwrap()["observedGeneration"] == 2).await;
    assert_eq!(world.condition("m").unwrap()["lastTransitionTime"], first["lastTransitionTime"]);
}

fn foreign(name: &str) -> Value {
    json!({"group": GROUP, "resource": "prometheuses", "namespace": "mon", "name": name,
           "conditions": [{"type": "Accepted", "status": "False"}]})
}

#[tokio::test]
async fn bindings_of_others_are_left_alone_and_ours_goes() {
    let mut world = World::reporting().await;
    let with_status = |bindings: Value| {
        world.server.apply(&json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": {"name": "m", "namespace": "a"}, "spec": {},
            "status": {"bindings": bindings, "other": 1},
        }))
    };
    let object = with_status(json!([foreign("x"), foreign("y")]));
    world.plan([state(&object, accepted())]);
    world.until_status("m", "True").await;
    let bindings = world.bindings("m");
    assert_eq!(bindings.as_array().unwrap()[..2], [foreign("x"), foreign("y")]);
    // Others come before ours.
    with_status(json!([foreign("x"), bindings[2], foreign("y")]));
    world.plan([state(&object, rejected("bad"))]);
    world.until_status("m", "False").await;
    let now = world.bindings("m");
    assert_eq!((&now[0], &now[2]), (&foreign("x"), &foreign("y")));
    // No longer selected.
    world.plan([state(&object, None)]);
    world.until_status("m", "").await;
    assert_eq!(world.bindings("m"), json!([foreign("x"), foreign("y")]));
    let status = world.server.get("servicemonitors", "a", "m").unwrap()["status"].clone();
    assert_eq!(status["other"], 1);
    // Whoever starts anew removes what it finds, too; what it has not said it lets alone.
    world.plan([state(&object, accepted())]);
    world.until_status("m", "True").await;
    world.stop().await;
    assert_eq!(world.condition("m").unwrap()["status"], "True", "it stays on shutdown");
    let other = world.monitor("other", &json!({}));
    world.plans.send_replace(whole());
    world.start().await;
    world.plan([]);
    let gets = world.server.asked("get", "servicemonitors");
    world.plan([state(&object, None), state(&other, None)]);
    world.until_status("m", "").await;
    assert_eq!(world.server.asked("get", "servicemonitors"), gets + 1);
}

#[tokio::test]
async fn what_is_not_known_yet_changes_nothing() {
    let world = World::reporting().await;
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, accepted())]);
    let first = world.until_status("m", "True").await;
    let writes = world.writes();
    let (key, open) = state(&object, None);
    let unknown =
        Selection::NamespaceNotSelected { misses: Vec::new(), unknown: Some("forbidden".into()) };
    world.plan([(key.clone(), ObjectState { selection: unknown, ..open.clone() })]);
    world.settled().await;
    let missing = Missing {
        kind: "Secret",
        namespace: "a".into(),
        name: "s".into(),
        key: "k".into(),
        why: MissingReason::NotRead(None),
    };
    let verdict = Some(Verdict::Waiting(Waiting { missing: vec![missing], kept: Vec::new() }));
    world.plan([state(&object, verdict)]);
    world.settled().await;
    assert_eq!(world.condition("m").unwrap(), first);
    assert_eq!(world.writes(), writes + 2);
    // It is known to be another one's now.
    let differs = Selection::NamespaceNotSelected { misses: Vec::new(), unknown: None };
    world.plan([(key, ObjectState { selection: differs, ..open })]);
    world.until_status("m", "").await;
}

/// Changes the object while it is being written, and expects that it is read again.
async fn changed_meanwhile(world: &World, next: Option<Verdict>, status: &str, change: Value) {
    let object = world.server.get("servicemonitors", "a", "m").unwrap();
    let asked = |verb: &str, what: &str| world.server.asked(verb, what);
    let (gets, writes) = (asked("get", "servicemonitors"), world.writes());
    // Whatever is asked is answered as it stands half a second later.
    world.server.trouble().delay(Duration::from_millis(500));
    world.plan([state(&object, next)]);
    until("it to be read", || asked("get", "servicemonitors") > gets).await;
    world.server.apply(&change);
    until("a write", || world.writes() > writes).await;
    world.server.trouble().delay(Duration::ZERO);
    world.until_status("m", status).await;
    assert_eq!(asked("get", "servicemonitors"), gets + 2);
    assert_eq!(world.writes(), writes + 2);
}

#[tokio::test]
async fn who_was_not_fast_enough_reads_again() {
    let world = World::reporting().await;
    let with = |bindings: Value| {
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": {"name": "m", "namespace": "a", "labels": {"changed": "yes"}}, "spec": {},
            "status": {"bindings": bindings},
        })
    };
    world.monitor("m", &json!({}));
    // The first time there is a conflict of versions, the second time the test does not hold.
    changed_meanwhile(&world, accepted(), "True", with(json!([foreign("x")]))).await;
    assert_eq!(world.bindings("m")[0], foreign("x"));
    let ours = world.bindings("m")[1].clone();
    let moved = with(json!([foreign("y"), foreign("x"), ours]));
    changed_meanwhile(&world, rejected("bad"), "False", moved).await;
    assert_eq!(world.bindings("m")[0], foreign("y"));
    assert_eq!(world.bindings("m")[1], foreign("x"));
    until("the count", || world.counted(STATUSES, "written") == 2.0).await;
}

#[tokio::test]
async fn another_object_of_the_same_name_is_left_for_the_next_plan() {
    let world = World::reporting().await;
    let old = world.monitor("m", &json!({}));
    world.server.delete("servicemonitors", "a", "m");
    world.plan([state(&old, accepted())]);
    until("the first", || world.counted(STATUSES, "gone") == 1.0).await;
    let new = world.monitor("m", &json!({}));
    world.plan([state(&old, rejected("bad"))]);
    until("the second", || world.counted(STATUSES, "gone") == 2.0).await;
    assert_eq!(world.condition("m"), None);
    world.plan([state(&new, accepted())]);
    world.until_status("m", "True").await;
}

#[tokio::test]
async fn a_server_that_has_no_time_is_asked_again() {
    let world = World::reporting().await;
    let object = world.monitor("m", &json!({}));
    world.server.trouble().answer_with(Some((500, None)));
    world.plan([state(&object, accepted())]);
    until("a failure", || world.counted(STATUSES, "failed") == 1.0).await;
    world.server.trouble().answer_with(None);
    world.until_status("m", "True").await;
}
