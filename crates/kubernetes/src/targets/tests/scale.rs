//! Many pods, services and monitors: one event costs what refers to its object.

use super::*;
use std::fmt::Write as _;

const PODS: usize = 10_000;
const SERVICES: usize = 2_000;
const MONITORS: usize = 1_000;
const PODS_EACH: usize = PODS / SERVICES;

fn ip(pod: usize) -> String {
    format!("10.{}.{}.1", pod / 256, pod % 256)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_costs_what_refers_to_its_object() {
    let mut world = World::new().await;
    for number in 0..SERVICES {
        let namespace = format!("n{}", number % 50);
        let mut text = String::new();
        let pods: Vec<_> = (number * PODS_EACH..(number + 1) * PODS_EACH)
            .map(|number| (format!("p{number}"), ip(number)))
            .collect();
        for (name, ip) in &pods {
            write!(text, "{}", pod(&namespace, name, ip, "a: b")).expect("a string takes text");
        }
        let pods: Vec<_> = pods.iter().map(|(name, ip)| (name.as_str(), ip.as_str())).collect();
        text += &service(&namespace, &format!("s{number}"), &format!("app: s{number}"), &pods);
        world.server.apply_yaml(&text);
    }
    let names: Vec<_> =
        (0..MONITORS).map(|number| (format!("m{number}"), format!("s{number}"))).collect();
    world.discover(
        names
            .iter()
            .map(|(job, app)| (job.as_str(), monitor("{role: endpointslice}", &[("app", app)]))),
    );
    for (job, _) in &names {
        world.wait(job, "its service", |groups| addresses(groups).len() == PODS_EACH).await;
    }
    let role = Role::EndpointSlice;
    // Of the services that somebody wants, each once, whatever came in between.
    assert_eq!(world.built(role), MONITORS as f64);
    let told =
        |world: &World| world.count(&format!("rushlight_kubernetes_group_sets_told_total {role}"));
    let before = told(&world);
    assert_eq!(world.server.asked("watch", "pods"), 1);

    let label = |number: usize, value: &str| {
        pod(
            &format!("n{}", number % 50),
            &format!("p{}", number * PODS_EACH),
            &ip(number * PODS_EACH),
            value,
        )
    };
    let is_new = |groups: &Groups| {
        groups[0].targets.iter().any(|target| target.get("__meta_kubernetes_pod_label_c").is_some())
    };
    world.server.apply_yaml(&label(7, "a: b, c: d"));
    world.wait("m7", "the new label", is_new).await;
    assert_eq!((world.built(role), told(&world)), (MONITORS as f64 + 1.0, before + 1.0));
    // Nobody looks at this one's service.
    world.server.apply_yaml(&label(MONITORS + 7, "a: b, c: d"));
    world.server.apply_yaml(&label(8, "a: b, c: d"));
    world.wait("m8", "the new label", is_new).await;
    assert_eq!((world.built(role), told(&world)), (MONITORS as f64 + 2.0, before + 2.0));
    // One more monitor makes nothing that is there.
    world.discover([("more", monitor("{role: endpointslice}", &[("app", "s7")]))]);
    world.wait("more", "its service", |groups| groups.len() == 1).await;
    assert_eq!(world.built(role), MONITORS as f64 + 2.0);
    world.end().await;
}
