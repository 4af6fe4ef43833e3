//! API servers that are away, refuse, or answer late.

use super::*;

const RECEIVED: &str = "prometheus_sd_received_updates_total scrape";

/// Waits for something that nobody tells.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    let come = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(DEADLINE, come).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn objects() -> String {
    pod("ns", "a", "10.0.0.1", "app: a") + &service("ns", "a", "app: a", &[("a", "10.0.0.1")])
}

#[tokio::test]
async fn what_may_not_be_read_is_nothing_and_told() {
    for (plural, role) in [("endpointslices", "endpointslice"), ("pods", "endpointslice")] {
        let mut world = World::of(&objects()).await;
        for verb in ["list", "watch", "get"] {
            world.server.trouble().forbid(verb, plural);
        }
        world.discover([("j", config(&format!("{{role: {role}}}")))]);
        let failed = || world.count("prometheus_sd_failed_configs scrape");
        until("it failed", || failed() == 1.0).await;
        until("it is told", || world.count(RECEIVED) == 1.0).await;
        world.discover([("later", monitor(&format!("{{role: {role}}}"), &[]))]);
        let failed = || world.count("prometheus_sd_failed_configs scrape");
        until("the other one failed", || failed() == 2.0).await;
        until("it is told", || world.count(RECEIVED) == 2.0).await;
        world.forget("later");
        let failed = || world.count("prometheus_sd_failed_configs scrape");
        until("who is gone does not fail", || failed() == 1.0).await;
        assert!(world.count("prometheus_sd_kubernetes_failures_total") > 0.0);
        world.end().await;
    }
}

#[tokio::test]
async fn nothing_is_told_before_all_is_known() {
    let mut world = World::of(&objects()).await;
    world.server.trouble().answer_with(Some((503, None)));
    world.discover([("j", config("{role: endpoints}"))]);
    let failures = || world.count("prometheus_sd_kubernetes_failures_total");
    until("requests fail", || failures() >= 3.0).await;
    assert_eq!(world.count(RECEIVED), 0.0, "an empty set would end the wait for targets");
    assert_eq!(world.count("prometheus_sd_failed_configs scrape"), 0.0);
    world.server.trouble().answer_with(None);
    world.wait_for("j", &["10.0.0.1:8080"]).await;
    world.end().await;
}

#[tokio::test]
async fn targets_stay_while_the_server_is_away_and_follow_when_it_is_back() {
    let mut world = World::of(&objects()).await;
    world.discover([("j", config("{role: endpointslice}"))]);
    let before = world.wait_for("j", &["10.0.0.1:8080"]).await;
    world.server.stop_listening().await;
    let failures = || world.count("prometheus_sd_kubernetes_failures_total");
    until("requests fail", || failures() >= 3.0).await;
    // Who comes meanwhile gets what is known.
    world.discover([("later", monitor("{role: endpointslice}", &[("app", "a")]))]);
    world.wait_for("later", &["10.0.0.1:8080"]).await;
    assert!(Arc::ptr_eq(&before, &world.found.borrow().jobs["j"]));
    world.server.forget();
    world.server.apply_yaml(
        &(pod("ns", "b", "10.0.0.2", "") + &service("ns", "b", "", &[("b", "10.0.0.2")])),
    );
    assert!(world.server.delete("endpointslices", "ns", "a-1"));
    world.server.listen_again().await.expect("the port is free");
    world.wait_for("j", &["10.0.0.2:8080"]).await;
    world.wait_for("later", &[]).await;
    world.end().await;
}

#[tokio::test]
async fn one_object_that_cannot_be_read_harms_no_other() {
    let mut world = World::of(&objects()).await;
    world.server.apply_yaml(
        "{apiVersion: v1, kind: Pod, metadata: {name: bad, namespace: ns}, spec: {containers: 7}}",
    );
    world.discover([("j", config("{role: pod}"))]);
    world.wait_for("j", &["10.0.0.1:8080"]).await;
    world.server.apply_yaml(&pod("ns", "bad", "10.0.0.2", ""));
    world.wait_for("j", &["10.0.0.1:8080", "10.0.0.2:8080"]).await;
    world.end().await;
}

#[tokio::test]
async fn endpoints_that_may_not_be_read_are_made_of_slices() {
    let mut world = World::of(&objects()).await;
    for verb in ["list", "watch"] {
        world.server.trouble().forbid(verb, "endpoints");
    }
    world.discover([("j", config("{role: endpoints}"))]);
    let groups = world.wait_for("j", &["10.0.0.1:8080"]).await;
    assert_eq!(groups[0].source, "endpoints/ns/a");
    assert_eq!(label(&groups[0], "endpoints_label_app"), Some("a"));
    world.server.apply_yaml(&pod("ns", "b", "10.0.0.2", "app: b"));
    let two = [("a", "10.0.0.1"), ("b", "10.0.0.2")];
    world.server.apply_yaml(&service("ns", "a", "app: a", &two));
    world.wait_for("j", &["10.0.0.1:8080", "10.0.0.2:8080"]).await;
    world.discover([("later", monitor("{role: endpoints}", &[("app", "a")]))]);
    world.wait_for("later", &["10.0.0.1:8080", "10.0.0.2:8080"]).await;
    assert!(world.server.delete("endpointslices", "ns", "a-1"));
    world.wait_for("j", &[]).await;
    world.wait_for("later", &[]).await;
    assert_eq!(world.count("prometheus_sd_failed_configs scrape"), 0.0);
    assert_eq!(world.count("rushlight_kubernetes_tables endpoints"), 1.0);
    world.end().await;
}

#[tokio::test]
async fn a_namespace_that_is_refused_first_says_nothing_of_the_others() {
    let mut world = World::of(&objects()).await;
    let in_both =
        |role: &str| config(&format!("{{role: {role}, namespaces: {{names: [ns, other]}}}}"));
    // Pods and services are known before.
    world.discover([("pods", in_both("pod")), ("services", in_both("service"))]);
    world.wait_for("pods", &["10.0.0.1:8080"]).await;
    world.wait("services", "one group", |groups| groups.len() == 1).await;
    let trouble = world.server.trouble();
    trouble.forbid_in("other", "*", "endpoints");
    trouble.no_initial_events(true);
    trouble.delay_lists(Duration::from_secs(1));
    world.discover([("j", in_both("endpoints"))]);
    // One namespace is refused, and the other one's list does not come in a stream.
    let failures = || world.count("prometheus_sd_kubernetes_failures_total");
    until("both have answered", || failures() == 2.0).await;
    // Something happens to a pod meanwhile.
    world.server.apply_yaml(&pod("ns", "a", "10.0.0.1", "app: a, new: label"));
    world.wait_for("j", &["10.0.0.1:8080"]).await;
    assert_eq!(world.count("prometheus_sd_failed_configs scrape"), 0.0);
    let asked = |verb| world.server.asked(verb, "endpointslices");
    assert_eq!((asked("list"), asked("watch")), (0, 0), "Endpoints may be read");
    world.end().await;
}
