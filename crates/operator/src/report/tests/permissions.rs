//! What may not be done is known, told with what to add, and not tried.

use super::*;
use kubernetes::section::WriteBack;

fn off(why: &str) -> Writing {
    Writing::Off(why.to_owned())
}

#[tokio::test]
async fn with_all_permissions_nothing_is_missing() {
    let world = World::reporting().await;
    let standing = world.checked().await;
    assert_eq!((&standing.missing[..], &standing.unknown), (&[][..], &None));
    assert!(standing.statuses.values().all(|writing| *writing == Writing::On));
    assert_eq!((standing.statuses.len(), &standing.events), (5, &Some(Writing::On)));
    assert_eq!(standing.yaml(), "");
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_add() {
    let mut world = World::new().await;
    for (verb, what) in [("watch", "pods"), ("list", "probes"), ("patch", "probes/status")] {
        world.server.trouble().forbid(verb, what);
    }
    world.start().await;
    let standing = world.standing();
    let missing: Vec<_> = standing.missing.iter().map(|m| m.rule.to_string()).collect();
    let expected = [
        "list probes.monitoring.coreos.com in all namespaces",
        "watch pods in all namespaces",
        "patch probes/status.monitoring.coreos.com in all namespaces",
    ];
    assert_eq!(missing, expected);
    assert!(standing.yaml().contains("resources: [\"probes/status\"]\n  verbs: [\"patch\"]"));
    assert_eq!(world.writing(MonitorKind::Probe), off(&format!("we may not {}", expected[2])));
    assert_eq!(world.writing(MonitorKind::PodMonitor), Writing::On);
    assert_eq!(counted(&world.metrics, "rushlight_operator_missing_permissions", ""), 3.0);
}

#[tokio::test]
async fn without_permission_no_status_is_tried() {
    let mut world = World::new().await;
    world.server.trouble().forbid("update", "servicemonitors/status");
    world.start().await;
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, rejected("bad"))]);
    // What comes after it is done, so nothing of before is left.
    until("the Event", || world.counted(EVENTS, "sent") == 1.0).await;
    let list = world.server.asked("list", "servicemonitors");
    assert_eq!((world.writes(), list), (0, 0));
    world.server.trouble().allow("update", "servicemonitors/status");
    world.apply().await;
    world.until_status("m", "False").await;
    // Taken away meanwhile: one refusal, and no more are tried.
    world.server.trouble().forbid("patch", "servicemonitors/status");
    let writes = world.writes();
    world.plan([state(&object, accepted())]);
    until("a refusal", || world.counted(STATUSES, "forbidden") == 1.0).await;
    until("it to be known", || {
        matches!(world.writing(MonitorKind::ServiceMonitor), Writing::Off(_))
    })
    .await;
    world.plan([state(&object, rejected("worse"))]);
    until("the Event", || world.counted(EVENTS, "sent") == 2.0).await;
    assert_eq!(world.writes(), writes + 1);
}

#[tokio::test]
async fn nothing_is_written_that_the_configuration_does_not_want() {
    let mut world = World::new().await;
    world.section.write_back = WriteBack::Off;
    // What it does not want need not be allowed, either.
    world.server.trouble().forbid("create", "events");
    world.start().await;
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, rejected("bad"))]);
    world.apply().await;
    assert_eq!(world.writing(MonitorKind::Probe), off("the configuration says so"));
    assert_eq!(world.standing().events, Some(off("the configuration says so")));
    assert_eq!(world.standing().missing, []);
    world.server.trouble().allow("create", "events");
    world.section.write_back = WriteBack::Auto;
    assert_eq!((world.writes(), world.server.asked("create", "events")), (0, 0));
    world.apply().await;
    world.until_status("m", "False").await;
    until("the Event", || world.counted(EVENTS, "sent") == 1.0).await;
    // Off again: what was said stays.
    world.section.write_back = WriteBack::Off;
    world.apply().await;
    world.plan([state(&object, rejected("worse"))]);
    world.apply().await;
    assert_eq!(world.condition("m").unwrap()["message"], "bad");
    assert_eq!(world.server.asked("create", "events"), 1);
}

#[tokio::test]
async fn an_operator_of_the_same_name_writes_itself() {
    let mut world = World::new().await;
    let prometheus = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
                            "metadata": {"name": "main", "namespace": "mon"}});
    world.server.apply(&prometheus);
    world.start().await;
    let why = "Prometheus mon/main has statuses of its own";
    assert_eq!(world.writing(MonitorKind::ServiceMonitor), off(why));
    // One of another name is somebody else.
    world.server.delete("prometheuses", "mon", "main");
    let mut other = prometheus;
    other["metadata"]["name"] = json!("other");
    world.server.apply(&other);
    world.apply().await;
    assert_eq!(world.writing(MonitorKind::ServiceMonitor), Writing::On);
    // Nobody knows.
    world.server.trouble().forbid("get", "prometheuses");
    world.apply().await;
    let Writing::Off(why) = world.writing(MonitorKind::ServiceMonitor) else { panic!() };
    assert!(why.contains("we may not look"), "{why}");
    let yaml = world.standing().yaml();
    assert!(yaml.contains("resourceNames: [\"main\"]"), "{yaml}");
    // Without the definition there cannot be one, and nothing is missing.
    world.server.trouble().undefine("prometheuses");
    world.apply().await;
    assert_eq!(world.writing(MonitorKind::ServiceMonitor), Writing::On);
    assert_eq!(world.standing().missing, []);
}

#[tokio::test]
async fn kinds_that_are_not_there_are_not_missed() {
    let mut world = World::new().await;
    world.server.trouble().undefine("probes");
    world.server.trouble().forbid("list", "probes");
    world.start().await;
    assert_eq!(world.standing().missing, []);
    assert_eq!(world.writing(MonitorKind::Probe), off("the cluster does not know the kind"));
    assert_eq!(world.writing(MonitorKind::ServiceMonitor), Writing::On);
}

#[tokio::test]
async fn some_namespaces_need_roles_only() {
    let mut world = World::new().await;
    world.section.connection.namespaces = vec!["a".into(), "b".into()];
    world.server.trouble().forbid_in("b", "list", "pods");
    world.start().await;
    let missing: Vec<_> = world.standing().missing.iter().map(|m| m.rule.to_string()).collect();
    assert_eq!(missing, ["list pods in namespace b"]);
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, accepted())]);
    world.until_status("m", "True").await;
}

#[tokio::test]
async fn a_server_that_is_away_leaves_it_open() {
    let mut world = World::new().await;
    world.server.stop_listening().await;
    world.start().await;
    let standing = world.standing();
    assert!(standing.unknown.as_ref().unwrap().contains("refused"), "{standing:?}");
    assert_eq!(standing.missing, []);
    let open =
        |writing: &Writing| matches!(writing, Writing::Off(why) if why.contains("not known"));
    assert!(standing.statuses.values().all(open), "{standing:?}");
    let object = world.monitor("m", &json!({}));
    world.plan([state(&object, accepted())]);
    world.server.listen_again().await.unwrap();
    world.apply().await;
    world.until_status("m", "True").await;
}
