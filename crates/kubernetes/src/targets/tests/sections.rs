//! What a section asks for: namespaces, selectors, other clusters.

use super::*;
use std::io::Write as _;

const OBJECTS: &[(&str, &str, &str)] = &[
    ("here", "a", "10.0.0.1"),
    ("here", "b", "10.0.0.2"),
    ("there", "c", "10.0.0.3"),
    ("far", "d", "10.0.0.4"),
];

fn objects() -> String {
    OBJECTS
        .iter()
        .map(|(namespace, name, ip)| {
            let labels = format!("app: {name}");
            pod(namespace, name, ip, &labels) + &service(namespace, name, &labels, &[(name, ip)])
        })
        .collect()
}

#[tokio::test]
async fn namespaces_and_selectors_narrow_what_is_found() {
    let mut world = World::of(&objects()).await;
    let all = ["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080", "10.0.0.4:8080"];
    for role in ["pod", "endpoints", "endpointslice"] {
        world.discover([
            ("all", config(&format!("{{role: {role}}}"))),
            (
                "some",
                config(&format!("{{role: {role}, namespaces: {{names: [there, far, none]}}}}")),
            ),
            (
                "selected",
                config(&format!(
                    "{{role: {role}, selectors: [{{role: {role}, label: 'app in (b, c)'}}]}}"
                )),
            ),
            (
                "one",
                config(&format!(
                    "{{role: {role}, namespaces: {{names: [here]}},
                      selectors: [{{role: {role}, field: 'metadata.name={}'}}]}}",
                    if role == "endpointslice" { "a-1" } else { "a" }
                )),
            ),
        ]);
        world.wait_for("all", &all).await;
        world.wait_for("some", &all[2..]).await;
        // Slices have no label of their own.
        let selected = if role == "endpointslice" { &all[..0] } else { &all[1..3] };
        world.wait_for("selected", selected).await;
        world.wait_for("one", &all[..1]).await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_selector_of_pods_leaves_the_addresses_of_others_without_their_labels() {
    let mut world = World::of(&objects()).await;
    let yaml =
        "{role: endpoints, selectors: [{role: pod, label: app=a}, {role: service, label: app=b}]}";
    world.discover([("j", config(yaml))]);
    let groups = world.wait("j", "four groups", |groups| groups.len() == 4).await;
    let of = |source: &str| groups.iter().find(|group| group.source == source).expect("is there");
    let (a, b) = (of("endpoints/here/a"), of("endpoints/here/b"));
    assert_eq!(a.targets[0].get("__meta_kubernetes_pod_name"), Some("a"));
    assert_eq!(b.targets[0].get("__meta_kubernetes_pod_name"), None);
    assert_eq!((label(a, "service_name"), label(b, "service_name")), (None, Some("b")));
    world.end().await;
}

#[tokio::test]
async fn monitors_share_one_watch_and_see_their_own() {
    let mut world = World::of(&objects()).await;
    world.discover([
        ("by-label", monitor("{role: endpointslice}", &[("app", "b")])),
        ("in-one", monitor("{role: endpointslice, namespaces: {names: [here]}}", &[])),
        ("in-two", monitor("{role: endpointslice, namespaces: {names: [there, far]}}", &[])),
        ("in-wrong", monitor("{role: endpointslice, namespaces: {names: [far]}}", &[("app", "a")])),
        ("all", monitor("{role: endpointslice}", &[])),
    ]);
    world.wait_for("by-label", &["10.0.0.2:8080"]).await;
    world.wait_for("in-one", &["10.0.0.1:8080", "10.0.0.2:8080"]).await;
    world.wait_for("in-two", &["10.0.0.3:8080", "10.0.0.4:8080"]).await;
    world.wait_for("in-wrong", &[]).await;
    let all = world.wait("all", "four groups", |groups| groups.len() == 4).await;
    // The group is made once for all of them.
    let b = &world.found.borrow().jobs["by-label"][0].clone();
    assert!(all.iter().any(|group| Arc::ptr_eq(group, b)));
    assert_eq!(world.built(Role::EndpointSlice), 4.0);
    for plural in ["endpointslices", "services", "pods"] {
        assert_eq!(world.server.asked("watch", plural), 1, "{plural}");
    }
    assert_eq!(world.count("rushlight_kubernetes_tables endpointslice"), 1.0);
    world.end().await;
}

#[tokio::test]
async fn monitors_look_only_where_they_may() {
    let mut world = World::limited_to(&["here", "far"]).await;
    world.server.apply_yaml(&objects());
    world.discover([
        ("all", monitor("{role: pod}", &[])),
        ("named", monitor("{role: pod, namespaces: {names: [far, there]}}", &[])),
    ]);
    world.wait_for("all", &["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.4:8080"]).await;
    world.wait_for("named", &["10.0.0.4:8080"]).await;
    world.end().await;
}

#[tokio::test]
async fn a_section_may_name_another_cluster() {
    let other = ApiServer::start().await.expect("loopback can be listened on");
    other.apply_yaml(&pod("here", "x", "10.9.0.1", "app: x"));
    let mut world = World::of(&objects()).await;
    let mut file = tempfile::NamedTempFile::new().expect("a file can be made");
    write!(
        file,
        "{{apiVersion: v1, kind: Config, current-context: c,
           clusters: [{{name: k, cluster: {{server: '{}'}}}}], users: [{{name: u, user: {{}}}}],
           contexts: [{{name: c, context: {{cluster: k, user: u, namespace: here}}}}]}}",
        other.url()
    )
    .expect("can be written");
    let path = file.path().display();
    world.discover([
        ("by-url", config(&format!("{{role: pod, api_server: '{}'}}", other.url()))),
        ("by-file", config(&format!("{{role: pod, kubeconfig_file: '{path}'}}"))),
        ("own", config("{role: pod, namespaces: {names: [there]}}")),
    ]);
    world.wait_for("by-url", &["10.9.0.1:8080"]).await;
    world.wait_for("by-file", &["10.9.0.1:8080"]).await;
    world.wait_for("own", &["10.0.0.3:8080"]).await;
    world.end().await;
}

#[test]
fn a_cluster_that_cannot_be_reached_is_refused() {
    let clusters = Clusters::new(Dialer::net(1), "test", Arc::default());
    let metrics = Arc::new(discovery::Metrics::new("scrape"));
    let check = |yaml: &str, expected: &str| {
        let error = clusters.discoverer(&config(yaml), &metrics).err().expect(yaml);
        assert!(error.contains(expected), "{error}");
    };
    check("{role: pod}", "not in a cluster: api_server or kubeconfig_file");
    check("{role: pod, kubeconfig_file: /none/such}", "/none/such");
    check("{role: pod, api_server: 'ftp://a'}", "ftp://a");
}

#[tokio::test]
async fn what_is_asked_once_ends() {
    let world = World::of(&objects()).await;
    let discoverer = world.clusters.discoverer(&config("{role: service}"), &world.metrics);
    let job = Job { name: "j".into(), discoverers: vec![discoverer.expect("is reached")] };
    let found = discovery::once(job, DEADLINE).await;
    let groups = found[0].groups.as_ref().expect("it found out in time");
    let expected = ["d.far.svc:80", "a.here.svc:80", "b.here.svc:80", "c.there.svc:80"];
    assert_eq!(addresses(groups), expected);
    world.end().await;
}

#[tokio::test]
async fn a_password_is_told_apart_and_not_shown() {
    let world = World::new().await;
    let of = |password: &str| {
        let url = format!("https://me:{password}@10.0.0.1:6443");
        let config = config(&format!("{{role: pod, api_server: '{url}'}}"));
        world.clusters.discoverer(&config, &world.metrics).expect("is a URL")
    };
    let (one, other) = (of("first-secret"), of("other-secret"));
    assert!(one.same(&*of("first-secret")) && !one.same(&*other));
    for identity in [one.identity(), other.identity()] {
        assert!(identity.contains("me:xxxxx@10.0.0.1:6443"), "{identity}");
        assert!(!identity.contains("-secret"), "{identity}");
    }
    drop((one, other));
    world.end().await;
}
