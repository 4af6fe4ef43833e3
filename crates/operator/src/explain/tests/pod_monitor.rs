//! PodMonitors: Pods and their containers' ports.

use super::super::Outcome::{Fail, Skipped};
use super::world::{World, all_up, world};

const GATEWAY: &str = "
kind: Pod
metadata: {name: voice-gateway-7d-x, namespace: voice, labels: {app: voice-gateway}}
spec:
  containers:
  - name: gateway
    ports: [{name: http, containerPort: 8080}]
status: {phase: Running, podIP: 10.0.1.1}
---
kind: Service
metadata: {name: voice-gateway, namespace: voice}
spec: {selector: {app: voice-gateway}, ports: [{name: web, port: 80, targetPort: http}]}
---
kind: PodMonitor
metadata: {name: voice-gateway, namespace: voice}
spec:
  selector: {matchLabels: {app: voice-gateway}}
  podMetricsEndpoints: [{port: http}]
";

fn gateway() -> World {
    world(GATEWAY)
}

fn port(port: &str) -> World {
    gateway().edit("[{port: http}]", &format!("[{{{port}}}]"))
}

#[test]
fn all_is_well() {
    let explanation = gateway().given(all_up).passes();
    let checks: Vec<_> = explanation.checks[4..].iter().map(|c| (c.check, &*c.message)).collect();
    assert_eq!(
        checks,
        [
            ("namespaces", "only its own namespace voice: spec.namespaceSelector names no other"),
            ("pods", "1 Pod matches app=voice-gateway: voice/voice-gateway-7d-x"),
            ("endpoints", "1 Pod with an address"),
            ("port", "the containers declare a port called http"),
            ("relabeling", "1 target found, none dropped"),
            ("limits", "no limit is passed"),
            ("scrapes", "the target is up"),
        ]
    );
    port("portNumber: 8080").given(all_up).passes();
    port("path: /metrics").given(all_up).passes();
}

#[test]
fn no_pod_matches() {
    let explanation =
        gateway().edit("{matchLabels: {app: voice-gateway}}", "{matchLabels: {app: voice}}");
    let explanation = explanation.fails(
        "pods",
        "no Pod in namespace voice matches spec.selector: app=voice",
        "add app=voice to the labels of the Pods' template; or write app: voice-gateway in \
         spec.selector",
    );
    assert_eq!(
        explanation.details("pods"),
        ["Pod voice/voice-gateway-7d-x has app=voice-gateway, not voice"]
    );
    assert_eq!(
        explanation.outcomes()[5..8],
        [("pods", Fail), ("endpoints", Skipped), ("port", Skipped)]
    );
    gateway()
        .edit(
            "name: voice-gateway, namespace: voice}\nspec:\n  sel",
            "name: voice-gateway, namespace: a}\nspec:\n  sel",
        )
        .fails(
            "pods",
            "there is no Pod in namespace a",
            "write spec.namespaceSelector: {matchNames: [voice]}",
        );
}

#[test]
fn pods_that_are_alike_are_told_once() {
    let pod = |n: usize| {
        format!(
            "kind: Pod\nmetadata: {{name: voice-gateway-{n}, namespace: voice, labels: {{app: \
             voice-gatewy}}}}"
        )
    };
    let world = gateway().edit("labels: {app: voice-gateway}}", "labels: {app: voice-gatewy}}");
    let explanation = world.and(&pod(1)).and(&pod(2)).explained();
    assert_eq!(
        explanation.details("pods"),
        [
            "Pod voice/voice-gateway-7d-x has app=voice-gatewy, not voice-gateway, and 2 more like it"
        ]
    );
}

#[test]
fn pods_without_an_address() {
    gateway().edit("phase: Running, podIP: 10.0.1.1", "phase: Pending").fails(
        "endpoints",
        "1 Pod, none with an address: 1 Pending",
        "kubectl describe pod -n voice voice-gateway-7d-x",
    );
    gateway().edit("phase: Running", "phase: Succeeded").fails(
        "endpoints",
        "1 Pod, none with an address: 1 Succeeded",
        "kubectl describe pod -n voice voice-gateway-7d-x",
    );
}

#[test]
fn the_containers_have_no_such_port() {
    let check = |asked: &str, message: &str, fix: &str| {
        let explanation = port(asked).fails("port", message, fix);
        assert_eq!(explanation.details("port"), ["declared ports: http (8080) of gateway"]);
    };
    check(
        "port: '8080'",
        "no container declares a port called 8080",
        "8080 is a number: write spec.podMetricsEndpoints[0].portNumber: 8080 in place of port",
    );
    check(
        "port: web",
        "no container declares a port called web",
        "that is a port of Service voice/voice-gateway; the container's is http: write \
         spec.podMetricsEndpoints[0].port: http",
    );
    check(
        "portNumber: 80",
        "no container declares a port 80",
        "that is a port of Service voice/voice-gateway; the container's is http: write \
         spec.podMetricsEndpoints[0].port: http",
    );
    check(
        "port: htt",
        "no container declares a port called htt",
        "write spec.podMetricsEndpoints[0].port: http",
    );
    check(
        "portNumber: 9999",
        "no container declares a port 9999",
        "declare the port in the Pods' template: ports: [{containerPort: 9999}], or write one of http \
         as spec.podMetricsEndpoints[0].port",
    );
}

#[test]
fn no_endpoints_in_the_spec() {
    gateway().edit("podMetricsEndpoints: [{port: http}]", "podMetricsEndpoints: []").fails(
        "port",
        "spec.podMetricsEndpoints is empty, so nothing is scraped",
        "write spec.podMetricsEndpoints: [{port: http}]",
    );
}
