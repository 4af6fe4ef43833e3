//! What changes in a cluster changes in the groups, and nothing else.

use super::*;

/// Three services with a pod each, the first two with one more that they share.
fn objects() -> String {
    [
        pod("ns", "a", "10.0.0.1", "app: a"),
        pod("ns", "b", "10.0.0.2", "app: b"),
        pod("ns", "c", "10.0.0.3", "app: c"),
        pod("ns", "both", "10.0.0.9", "app: both"),
        service("ns", "a", "app: a, team: red", &[("a", "10.0.0.1"), ("both", "10.0.0.9")]),
        service("ns", "b", "app: b, team: red", &[("b", "10.0.0.2"), ("both", "10.0.0.9")]),
        service("ns", "c", "app: c, team: blue", &[("c", "10.0.0.3")]),
        "---\n{apiVersion: v1, kind: Node, metadata: {name: box, labels: {gpu: a100}}}\n".into(),
    ]
    .concat()
}

/// Whether a target has a label.
fn has(groups: &Groups, name: &str, value: &str) -> bool {
    let name = format!("__meta_kubernetes_{name}");
    let of = |group: &Arc<Group>| {
        let own = |target: &Labels| target.get(&name) == Some(value);
        group.labels.get(&name) == Some(value) || group.targets.iter().any(own)
    };
    groups.iter().any(of)
}

/// How many sets of groups a role's discoverers were told.
fn told(world: &World, role: Role) -> f64 {
    world.count(&format!("rushlight_kubernetes_group_sets_told_total {role}"))
}

const BY_SERVICE: [Role; 2] = [Role::Endpoints, Role::EndpointSlice];

#[tokio::test]
async fn a_pod_remakes_the_groups_that_refer_to_it() {
    for role in BY_SERVICE {
        let mut world = World::of(&objects()).await;
        let yaml = format!("{{role: {role}}}");
        world.discover([
            ("all", config(&yaml)),
            ("a", monitor(&yaml, &[("app", "a")])),
            ("c", monitor(&yaml, &[("app", "c")])),
        ]);
        world.wait("all", "three groups", |groups| groups.len() == 3).await;
        world.wait_for("a", &["10.0.0.1:8080", "10.0.0.9:8080"]).await;
        let before = world.wait_for("c", &["10.0.0.3:8080"]).await;
        let counts = (world.built(role), told(&world, role));
        assert_eq!(counts, (3.0, 3.0));

        world.server.apply_yaml(&pod("ns", "both", "10.0.0.9", "app: both, new: label"));
        let new = |groups: &Groups| has(groups, "pod_label_new", "label");
        world.wait("all", "the new label", new).await;
        world.wait("a", "the new label", new).await;
        // The plain section and the first monitor are told; for the other one nothing has changed.
        assert_eq!((world.built(role), told(&world, role)), (5.0, 5.0), "{role}");
        let after = world.found.borrow().jobs["c"].clone();
        assert!(Arc::ptr_eq(&before, &after), "{role}");

        // A change that no target shows is told to nobody.
        let text = pod("ns", "c", "10.0.0.3", "app: c").replace("image:", "tty: true, image:");
        world.server.apply_yaml(&text);
        world.server.apply_yaml(&pod("ns", "a", "10.0.0.1", "app: a, last: one"));
        world.wait("a", "the last label", |groups| has(groups, "pod_label_last", "one")).await;
        assert!(world.built(role) >= 6.0);
        assert_eq!(told(&world, role), 7.0, "{role}");
        assert!(Arc::ptr_eq(&before, &world.found.borrow().jobs["c"]), "{role}");
        world.end().await;
    }
}

#[tokio::test]
async fn a_pod_that_is_gone_is_what_it_was_until_its_service_lets_it_go() {
    for role in BY_SERVICE {
        let mut world = World::of(&objects()).await;
        let yaml = format!("{{role: {role}}}");
        world.discover([
            ("a", monitor(&yaml, &[("app", "a")])),
            ("c", monitor(&yaml, &[("app", "c")])),
        ]);
        let before = world.wait_for("a", &["10.0.0.1:8080", "10.0.0.9:8080"]).await;
        world.wait_for("c", &["10.0.0.3:8080"]).await;
        assert!(world.server.delete("pods", "ns", "a"));
        // What comes later over the same watch is seen later.
        world.server.apply_yaml(&pod("ns", "c", "10.0.0.3", "app: c, new: label"));
        world.wait("c", "the new label", |groups| has(groups, "pod_label_new", "label")).await;
        assert!(Arc::ptr_eq(&before, &world.found.borrow().jobs["a"]), "{role}");
        let without = service("ns", "a", "app: a, team: red", &[("both", "10.0.0.9")]);
        world.server.apply_yaml(&without);
        world.wait_for("a", &["10.0.0.9:8080"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_service_that_is_labelled_otherwise_is_anothers() {
    for role in BY_SERVICE {
        let mut world = World::of(&objects()).await;
        let yaml = format!("{{role: {role}}}");
        world.discover([
            ("x", monitor(&yaml, &[("team", "red")])),
            ("y", monitor(&yaml, &[("team", "blue")])),
            ("z", monitor(&yaml, &[("team", "green")])),
        ]);
        world.wait("x", "two groups", |groups| groups.len() == 2).await;
        world.wait_for("y", &["10.0.0.3:8080"]).await;
        world.wait_for("z", &[]).await;
        let label = |team: &str| {
            format!(
                "{{apiVersion: v1, kind: Service, metadata: {{name: c, namespace: ns,
                  labels: {{app: c, team: {team}}}}}, spec: {{type: ClusterIP}}}}"
            )
        };
        world.server.apply_yaml(&label("green"));
        world.wait_for("z", &["10.0.0.3:8080"]).await;
        world.wait_for("y", &[]).await;
        // Whose nobody's is not made, and is when it is somebody's.
        let built = world.built(role);
        world.server.apply_yaml(&label("none"));
        world.wait_for("z", &[]).await;
        assert_eq!(world.built(role), built);
        world.server.apply_yaml(&label("red"));
        world.wait("x", "three groups", |groups| groups.len() == 3).await;
        assert_eq!(world.built(role), built + 1.0);
        // Without its service an address has no labels to be selected by.
        assert!(world.server.delete("services", "ns", "c"));
        world.wait("x", "two groups", |groups| groups.len() == 2).await;
        world.end().await;
    }
}

#[tokio::test]
async fn objects_come_and_go() {
    let mut world = World::of(&objects()).await;
    world.discover([
        ("slices", config("{role: endpointslice}")),
        ("pods", monitor("{role: pod}", &[("app", "new")])),
    ]);
    world.wait("slices", "three groups", |groups| groups.len() == 3).await;
    world.wait_for("pods", &[]).await;
    world.server.apply_yaml(&pod("ns", "new", "10.0.0.5", "app: new"));
    world.server.apply_yaml(&service("ns", "new", "", &[("new", "10.0.0.5")]));
    world.wait("slices", "four groups", |groups| groups.len() == 4).await;
    world.wait_for("pods", &["10.0.0.5:8080"]).await;
    // Not running any more: no address, and no target.
    let ended = pod("ns", "new", "''", "app: new").replace("Running", "Succeeded");
    world.server.apply_yaml(&ended);
    world.wait_for("pods", &[]).await;
    world.server.apply_yaml(&service("ns", "new", "", &[]));
    world.wait("slices", "three groups", |groups| groups.len() == 3).await;
    assert!(world.server.delete("endpointslices", "ns", "a-1"));
    assert!(world.server.delete("endpointslices", "ns", "b-1"));
    world.wait_for("slices", &["10.0.0.3:8080"]).await;
    // What is looked at is counted as Prometheus counts it.
    for (event, count) in [("add", 4.0), ("update", 1.0), ("delete", 2.0)] {
        let series = format!("prometheus_sd_kubernetes_events_total endpointslice {event}");
        assert_eq!(world.count(&series), count, "{event}");
    }
    world.end().await;
}

#[tokio::test]
async fn machines_and_namespaces_are_attached() {
    let mut world = World::of(&objects()).await;
    world
        .server
        .apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: ns, labels: {env: test}}}");
    let attach = "attach_metadata: {node: true, namespace: true}";
    for role in ["pod", "endpoints", "endpointslice"] {
        world.discover([(role, config(&format!("{{role: {role}, {attach}}}")))]);
        let there = |groups: &Groups| {
            has(groups, "node_label_gpu", "a100") && has(groups, "namespace_label_env", "test")
        };
        world.wait(role, "both", there).await;
    }
    let built = world.built(Role::EndpointSlice);
    world
        .server
        .apply_yaml("{apiVersion: v1, kind: Node, metadata: {name: box, labels: {gpu: h100}}}");
    for role in ["pod", "endpoints", "endpointslice"] {
        world.wait(role, "the new label", |groups| has(groups, "node_label_gpu", "h100")).await;
    }
    assert_eq!(world.built(Role::EndpointSlice), built + 3.0);
    world.server.apply_yaml("{apiVersion: v1, kind: Node, metadata: {name: other}}");
    world
        .server
        .apply_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: ns, labels: {env: live}}}");
    for role in ["pod", "endpoints", "endpointslice"] {
        world
            .wait(role, "the namespace's label", |groups| {
                has(groups, "namespace_label_env", "live")
            })
            .await;
    }
    assert_eq!(world.built(Role::EndpointSlice), built + 6.0);
    // A pod is no target while its machine is not known, as it would be one without its labels.
    assert!(world.server.delete("nodes", "", "box"));
    world.wait_for("pod", &[]).await;
    world.end().await;
}

#[tokio::test]
async fn who_made_a_pod_is_attached() {
    let owned = |kind: &str, name: &str, by: &str| {
        let api = if kind == "ReplicaSet" { "apps/v1" } else { "batch/v1" };
        let (maker, name_of) = by.split_once('/').expect("kind and name");
        format!(
            "---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: ns,
              ownerReferences: [{{kind: {maker}, name: {name_of}, controller: true}}]}}}}\n"
        )
    };
    let made = |name: &str, ip: &str, kind: &str, by: &str| {
        let owners =
            format!("ownerReferences: [{{kind: {kind}, name: {by}, controller: true}}], labels:");
        pod("ns", name, ip, "app: a").replacen("labels:", &owners, 1)
    };
    let mut world = World::of(
        &[
            made("web-1", "10.0.0.1", "ReplicaSet", "web-5f"),
            made("night-1", "10.0.0.2", "Job", "night-77"),
            owned("ReplicaSet", "web-5f", "Deployment/web"),
            owned("Job", "night-77", "CronJob/night"),
            service("ns", "web", "", &[("web-1", "10.0.0.1"), ("night-1", "10.0.0.2")]),
        ]
        .concat(),
    )
    .await;
    let attach = "attach_metadata: {deployment: true, job: true, cronjob: true}";
    for role in ["pod", "endpoints", "endpointslice"] {
        world.discover([(role, config(&format!("{{role: {role}, {attach}}}")))]);
        let there = |groups: &Groups| {
            has(groups, "pod_deployment_name", "web")
                && has(groups, "pod_job_name", "night-77")
                && has(groups, "pod_cronjob_name", "night")
        };
        world.wait(role, "all three", there).await;
    }
    world.server.apply_yaml(&owned("ReplicaSet", "web-5f", "Deployment/web2"));
    for role in ["pod", "endpoints", "endpointslice"] {
        world.wait(role, "the other", |groups| has(groups, "pod_deployment_name", "web2")).await;
    }
    world.end().await;
}

#[tokio::test]
async fn who_comes_later_is_told_at_once_and_who_goes_is_forgotten() {
    let mut world = World::of(&objects()).await;
    let yaml = "{role: endpointslice}";
    world.discover([("a", monitor(yaml, &[("app", "a")]))]);
    world.wait_for("a", &["10.0.0.1:8080", "10.0.0.9:8080"]).await;
    assert_eq!(world.built(Role::EndpointSlice), 1.0);
    world.discover([
        ("x", monitor(yaml, &[("team", "red")])),
        ("none", monitor(yaml, &[("a", "b")])),
    ]);
    world.wait("x", "two groups", |groups| groups.len() == 2).await;
    world.wait_for("none", &[]).await;
    assert_eq!(world.built(Role::EndpointSlice), 2.0);
    assert_eq!(world.server.asked("watch", "endpointslices"), 1);
    world.forget("a");
    world.forget("x");
    // Nobody wants it any more.
    world.server.apply_yaml(&pod("ns", "both", "10.0.0.9", "app: both, new: label"));
    world.discover([("c", monitor(yaml, &[("app", "c")]))]);
    world.wait_for("c", &["10.0.0.3:8080"]).await;
    assert_eq!(world.built(Role::EndpointSlice), 3.0);
    world.end().await;
}

#[tokio::test]
async fn a_job_that_changes_keeps_the_watch_and_its_targets() {
    let mut world = World::of(&objects()).await;
    world.discover([("j", monitor("{role: pod}", &[("app", "a")]))]);
    world.wait_for("j", &["10.0.0.1:8080"]).await;
    world.discover([("j", monitor("{role: pod}", &[("app", "b")]))]);
    world.wait_for("j", &["10.0.0.2:8080"]).await;
    assert_eq!(world.server.asked("watch", "pods"), 1);
    world.end().await;
}
