//! ServiceMonitors: Services, ports and what is behind them.

use super::super::Outcome::{Fail, Pass, Skipped, Unknown};
use super::super::cluster::Watched;
use super::super::facts::Facts;
use super::world::{World, all_up, world};

/// A Service, a Pod behind it, and a ServiceMonitor that finds both.
pub(super) const ASR: &str = "
apiVersion: v1
kind: Service
metadata: {name: lightning-asr, namespace: smallest, labels: {app: lightning-asr}}
spec:
  selector: {run: asr}
  ports: [{name: metrics, port: 2269, targetPort: 2269}]
---
kind: EndpointSlice
metadata:
  name: lightning-asr-x7
  namespace: smallest
  labels: {kubernetes.io/service-name: lightning-asr}
addressType: IPv4
ports: [{name: metrics, port: 2269}]
endpoints:
- addresses: [10.0.0.1]
  conditions: {ready: true}
  targetRef: {kind: Pod, name: lightning-asr-0, namespace: smallest}
---
kind: Pod
metadata: {name: lightning-asr-0, namespace: smallest, labels: {run: asr}}
spec:
  containers:
  - name: asr
    ports: [{name: http-metrics, containerPort: 2269}]
status: {phase: Running, podIP: 10.0.0.1, conditions: [{type: Ready, status: 'True'}]}
---
kind: ServiceMonitor
metadata: {name: lightning-asr, namespace: smallest, labels: {release: kps}}
spec:
  selector: {matchLabels: {app: lightning-asr}}
  endpoints: [{port: metrics}]
";

fn asr() -> World {
    world(ASR)
}

#[test]
fn all_is_well() {
    let explanation = asr().given(all_up).passes();
    let checks: Vec<_> = explanation.checks.iter().map(|c| (c.check, &*c.message)).collect();
    assert_eq!(
        checks,
        [
            ("watched", "servicemonitors are followed, and in sync"),
            ("namespace", "namespace smallest is selected"),
            ("labels", "its labels are those serviceMonitorSelector asks for"),
            ("valid", "the ServiceMonitor is valid"),
            (
                "namespaces",
                "only its own namespace smallest: spec.namespaceSelector names no other"
            ),
            ("services", "1 Service matches app=lightning-asr: smallest/lightning-asr"),
            ("port", "the Service port is called metrics"),
            ("endpoints", "1 address, all ready"),
            ("relabeling", "1 target found, none dropped"),
            ("limits", "no limit is passed"),
            ("scrapes", "the target is up"),
        ]
    );
    let verdict = "ServiceMonitor smallest/lightning-asr is well: 1 target up";
    assert_eq!(explanation.verdict, verdict);
    assert_eq!(explanation.jobs, ["serviceMonitor/smallest/lightning-asr/0"]);
    let targets = explanation.targets;
    assert_eq!((targets.discovered, targets.states), (1, [("up", 1)].into()));
    assert_eq!(targets.examples[0].target, "http://10.0.0.1:2269/metrics");
}

const NO_MATCH: &str = "no Service in namespace smallest matches spec.selector: app=lightning-asr";

#[test]
fn no_service_matches() {
    let labelled =
        |labels: &str| asr().edit("labels: {app: lightning-asr}", &format!("labels: {{{labels}}}"));
    let explanation = labelled("app: lightning-ars").fails(
        "services",
        NO_MATCH,
        "kubectl label service -n smallest lightning-asr --overwrite app=lightning-asr; or write \
         app: lightning-ars in spec.selector",
    );
    assert_eq!(
        explanation.details("services"),
        ["Service smallest/lightning-asr has app=lightning-ars, not lightning-asr"]
    );
    assert_eq!(
        explanation.outcomes()[5..],
        [
            ("services", Fail),
            ("port", Skipped),
            ("endpoints", Skipped),
            ("relabeling", Skipped),
            ("limits", Skipped),
            ("scrapes", Skipped)
        ]
    );
    assert_eq!(
        explanation.verdict,
        format!("ServiceMonitor smallest/lightning-asr has no targets: {NO_MATCH}")
    );

    let explanation = labelled("app.kubernetes.io/name: lightning-asr").fails(
        "services",
        NO_MATCH,
        "kubectl label service -n smallest lightning-asr --overwrite app=lightning-asr; or write \
         app.kubernetes.io/name: lightning-asr in spec.selector",
    );
    assert_eq!(
        explanation.details("services"),
        [
            "Service smallest/lightning-asr has app.kubernetes.io/name=lightning-asr instead of a label \
          app"
        ]
    );

    let explanation = labelled("").fails(
        "services",
        NO_MATCH,
        "kubectl label service -n smallest lightning-asr --overwrite app=lightning-asr",
    );
    assert_eq!(
        explanation.details("services"),
        ["Service smallest/lightning-asr has no label app"]
    );

    let explanation = labelled("app: web").edit("name: lightning-asr,", "name: web,").fails(
        "services",
        NO_MATCH,
        "give the Service the labels app=lightning-asr, or correct spec.selector",
    );
    assert_eq!(explanation.details("services"), ["Services there: smallest/web"]);
}

#[test]
fn the_pods_have_the_label_and_the_service_has_not() {
    let world = asr().edit("matchLabels: {app: lightning-asr}", "matchLabels: {run: asr}");
    let explanation = world.fails(
        "services",
        "no Service in namespace smallest matches spec.selector: run=asr",
        "kubectl label service -n smallest lightning-asr --overwrite run=asr",
    );
    assert_eq!(
        explanation.details("services"),
        ["Service smallest/lightning-asr selects Pods by run=asr but has no such label itself"]
    );
}

#[test]
fn one_of_several_labels_is_missing() {
    let world = asr()
        .edit("matchLabels: {app: lightning-asr}", "matchLabels: {app: lightning-asr, tier: gpu}");
    let explanation = world.fails(
        "services",
        "no Service in namespace smallest matches spec.selector: app=lightning-asr, tier=gpu",
        "kubectl label service -n smallest lightning-asr --overwrite tier=gpu",
    );
    assert_eq!(
        explanation.details("services"),
        ["Service smallest/lightning-asr has no label tier"]
    );
    let expressions = "matchExpressions: [{key: app, operator: NotIn, values: [lightning-asr]}]";
    let explanation = asr().edit("matchLabels: {app: lightning-asr}", expressions).fails(
        "services",
        "no Service in namespace smallest matches spec.selector: app not in (lightning-asr)",
        "correct spec.selector",
    );
    assert_eq!(
        explanation.details("services"),
        ["Service smallest/lightning-asr has app=lightning-asr, which is not wanted"]
    );
}

#[test]
fn the_service_is_elsewhere() {
    let world = asr().edit(
        "{name: lightning-asr, namespace: smallest, labels: {release: kps}}",
        "{name: lightning-asr, namespace: monitoring}",
    );
    let explanation = world.fails(
        "services",
        "there is no Service in namespace monitoring",
        "write spec.namespaceSelector: {matchNames: [smallest]}",
    );
    assert_eq!(explanation.details("services"), ["Service smallest/lightning-asr does"]);
    let world = asr()
        .edit(
            "{name: lightning-asr, namespace: smallest, labels: {release: kps}}",
            "{name: lightning-asr, namespace: monitoring}",
        )
        .given(|facts| facts.own_namespace_only = true);
    world.fails(
        "services",
        "there is no Service in namespace monitoring",
        "move the ServiceMonitor to namespace smallest; ignoreNamespaceSelectors keeps it to its own",
    );
    let world = asr().given(|facts| facts.cluster.services.objects.clear());
    world.fails(
        "services",
        "there is no Service in namespace smallest",
        "create the Service, or write its namespace under spec.namespaceSelector.matchNames",
    );
}

#[test]
fn namespaces_that_are_not_there() {
    let named = |names: &str| {
        let selector = format!("  namespaceSelector: {{matchNames: [{names}]}}\n  endpoints:");
        asr().edit("  endpoints: [{port", &(selector + " [{port"))
    };
    let known = |facts: &mut Facts| {
        facts.cluster.namespaces = Some(["smallest".to_owned(), "default".to_owned()].into());
    };
    let explanation = named("smalest").given(known).fails(
        "namespaces",
        "namespace smalest of spec.namespaceSelector.matchNames does not exist",
        "write smallest instead of smalest in spec.namespaceSelector.matchNames",
    );
    assert_eq!(explanation.outcomes()[5], ("services", Skipped));
    named("production").given(known).fails(
        "namespaces",
        "namespace production of spec.namespaceSelector.matchNames does not exist",
        "correct spec.namespaceSelector.matchNames, or create namespace production",
    );
    let explanation = named("smallest, production").given(known).given(all_up).passes();
    assert_eq!(
        explanation.details("namespaces"),
        ["namespace production of spec.namespaceSelector.matchNames does not exist"]
    );
    named("other").given(|facts| facts.cluster.followed = ["smallest".to_owned()].into()).fails(
        "namespaces",
        "we do not look at namespace other",
        "add other to kubernetes.namespaces in our configuration, and give us a Role there",
    );
    named("smallest")
        .given(|facts| facts.cluster.forbidden = ["smallest".to_owned()].into())
        .fails(
            "namespaces",
            "we may not look into namespace smallest",
            "give us a Role in namespace smallest to get, list and watch services, endpoints, \
             endpointslices and pods",
        );
    let any =
        asr().edit("  endpoints: [{port", "  namespaceSelector: {any: true}\n  endpoints: [{port");
    any.given(all_up).passes();
}

#[test]
fn services_that_may_not_be_read() {
    let forbidden = |facts: &mut Facts| {
        facts.cluster.services.watched = Watched::Forbidden {
            message: "services is forbidden in namespace smallest".into(),
            rules: "- apiGroups: [\"\"]\n  resources: [services]".into(),
        };
    };
    let explanation = asr().given(forbidden).fails(
        "services",
        "we may not read Services: services is forbidden in namespace smallest",
        "add these rules to our ClusterRole, or to a Role in each namespace",
    );
    assert_eq!(explanation.details("services"), ["- apiGroups: [\"\"]", "  resources: [services]"]);
    let waiting = |facts: &mut Facts| {
        facts.cluster.services.watched = Watched::Waiting { error: Some("it is slow".into()) };
    };
    asr()
        .given(waiting)
        .waits("services", "the first list of Services has not come yet: it is slow");
}

const NO_PORT: &str = "Service smallest/lightning-asr has no port called";

#[test]
fn the_service_has_no_such_port() {
    let check = |port: &str, what: &str, fix: &str| {
        let world = asr().edit("endpoints: [{port: metrics}]", &format!("endpoints: [{{{port}}}]"));
        let name = port.trim_start_matches("port: ").trim_matches('\'');
        let explanation = world.fails("port", &format!("{NO_PORT} {name}{what}"), fix);
        assert_eq!(
            explanation.details("port"),
            ["Service smallest/lightning-asr has the ports metrics (2269)"]
        );
        assert_eq!(explanation.outcomes()[7], ("endpoints", Skipped));
    };
    check("port: metric", "", "write spec.endpoints[0].port: metrics");
    check(
        "port: '2269'",
        "; port 2269 is called metrics there",
        "write spec.endpoints[0].port: metrics",
    );
    check(
        "port: grpc",
        "",
        "write spec.endpoints[0].port: metrics, or name a port of the Service grpc",
    );
}

#[test]
fn names_of_containers_for_those_of_services() {
    let http = |target: &str| {
        asr().edit(
            "{name: metrics, port: 2269, targetPort: 2269}",
            &format!("{{name: http, port: 80, targetPort: {target}}}"),
        )
    };
    http("http-metrics").edit("[{port: metrics}]", "[{port: http-metrics}]").fails(
        "port",
        &format!("{NO_PORT} http-metrics; that is the container's port, which is called http there"),
        "write spec.endpoints[0].port: http, or spec.endpoints[0].targetPort: http-metrics in place of \
         port",
    );
    http("2269").edit("[{port: metrics}]", "[{port: '2269'}]").fails(
        "port",
        &format!("{NO_PORT} 2269; that is the container's port, which is called http there"),
        "write spec.endpoints[0].port: http, or spec.endpoints[0].targetPort: 2269 in place of port",
    );
    http("8080").edit("[{port: metrics}]", "[{port: http-metrics}]").fails(
        "port",
        &format!(
            "{NO_PORT} http-metrics; container asr of Pod lightning-asr-0 has, but no port of the \
             Service leads there"
        ),
        "add {name: http-metrics, port: 2269, targetPort: http-metrics} to spec.ports of Service \
         smallest/lightning-asr, or write spec.endpoints[0].targetPort: http-metrics in place of port",
    );
}

#[test]
fn a_port_without_a_name() {
    let unnamed =
        || asr().edit("[{name: metrics, port: 2269, targetPort", "[{port: 2269, targetPort");
    unnamed().fails(
        "port",
        &format!("{NO_PORT} metrics; its only port, 2269, has no name"),
        "write spec.ports[0].name: metrics in Service smallest/lightning-asr",
    );
    unnamed().edit("[{port: metrics}]", "[{port: '2269'}]").fails(
        "port",
        &format!("{NO_PORT} 2269; port 2269 has no name there"),
        "name port 2269 of Service smallest/lightning-asr, and write that name as \
         spec.endpoints[0].port",
    );
}

#[test]
fn several_services() {
    let second = "
kind: Service
metadata: {name: asr-headless, namespace: smallest, labels: {app: lightning-asr}}
spec: {selector: {run: asr}, ports: [{name: grpc, port: 9000}]}
";
    let explanation = asr().and(second).given(all_up).passes();
    assert_eq!(
        explanation.details("port"),
        ["Service smallest/asr-headless has the ports grpc (9000)"]
    );
    asr().and(second).edit("[{port: metrics}]", "[{port: web}]").fails(
        "port",
        "none of 2 Services has a port called web",
        "write one of grpc, metrics as spec.endpoints[0].port, or add a port web to the Service",
    );
}

#[test]
fn container_ports() {
    let target =
        |target: &str| asr().edit("[{port: metrics}]", &format!("[{{targetPort: {target}}}]"));
    target("http-metrics").given(all_up).passes();
    target("2269").given(all_up).passes();
    let explanation = target("metrics").fails(
        "port",
        "no container declares a port called metrics",
        "that is a port of Service smallest/lightning-asr: write spec.endpoints[0].port: metrics in \
         place of targetPort",
    );
    assert_eq!(explanation.details("port"), ["declared ports: http-metrics (2269) of asr"]);
    target("metrics-http").fails(
        "port",
        "no container declares a port called metrics-http",
        "declare the port in the Pods' template: ports: [{name: metrics-http, containerPort: ...}], or \
         write one of http-metrics as spec.endpoints[0].targetPort",
    );
    target("http-metric").fails(
        "port",
        "no container declares a port called http-metric",
        "write spec.endpoints[0].targetPort: http-metrics",
    );
    let explanation =
        target("8080").edit("    ports: [{name: http-metrics, containerPort: 2269}]\n", "").fails(
            "port",
            "no container declares a port 8080",
            "declare the port in the Pods' template: ports: [{containerPort: 8080}]",
        );
    assert_eq!(explanation.details("port"), ["the containers declare no ports at all"]);
}

#[test]
fn no_endpoints_in_the_spec() {
    asr().edit("endpoints: [{port: metrics}]", "endpoints: []").fails(
        "port",
        "spec.endpoints is empty, so nothing is scraped",
        "write spec.endpoints: [{port: metrics}]",
    );
}

/// The same without addresses.
fn empty() -> World {
    asr().given(|facts| {
        facts.cluster.addresses.objects.clear();
        facts.jobs[0].explanation = None;
    })
}

#[test]
fn nothing_behind_the_service() {
    let explanation = empty().edit("labels: {run: asr}", "labels: {run: web}").fails(
        "endpoints",
        "Service smallest/lightning-asr has no addresses: no Pod has the labels it selects, run=asr",
        "start the Pods (is their Deployment scaled to 0?), or correct spec.selector of Service \
         smallest/lightning-asr",
    );
    assert_eq!(explanation.outcomes()[8], ("relabeling", Skipped));
    let explanation = empty().edit("labels: {run: asr}", "labels: {run: asr2}").fails(
        "endpoints",
        "Service smallest/lightning-asr has no addresses: no Pod has the labels it selects, run=asr",
        "correct spec.selector of Service smallest/lightning-asr, or the labels of the Pods' template",
    );
    assert_eq!(
        explanation.details("endpoints"),
        ["Pod smallest/lightning-asr-0 has run=asr2, not asr"]
    );
    empty().edit("phase: Running, podIP: 10.0.0.1,", "phase: Pending,").fails(
        "endpoints",
        "Service smallest/lightning-asr has no addresses: 1 Pod, none with an address: 1 Pending",
        "kubectl describe pod -n smallest lightning-asr-0",
    );
    empty().waits(
        "endpoints",
        "Service smallest/lightning-asr has no addresses yet, although 1 Pod it selects run",
    );
    empty().edit("  selector: {run: asr}\n", "").fails(
        "endpoints",
        "Service smallest/lightning-asr has no selector, and nobody wrote addresses for it",
        "give the Service a selector, or write an EndpointSlice with the label \
         kubernetes.io/service-name: lightning-asr",
    );
    empty().edit("  selector: {run: asr}", "  type: ExternalName").fails(
        "endpoints",
        "Service smallest/lightning-asr is of type ExternalName, which has no addresses",
        "scrape that name by a ScrapeConfig with staticConfigs",
    );
    empty().given(|facts| facts.cluster.pods.watched = Watched::NotAsked).fails(
        "endpoints",
        "Service smallest/lightning-asr has no addresses",
        "kubectl get pods -n smallest -l run=asr",
    );
    let absent = |facts: &mut Facts| facts.cluster.addresses.watched = Watched::Absent;
    asr().given(absent).given(all_up).fails(
        "endpoints",
        "this cluster does not know EndpointSlices",
        "use a version of Kubernetes that serves EndpointSlices",
    );
}

#[test]
fn the_target_port_of_the_service_is_no_port_of_the_containers() {
    let world = asr()
        .edit("targetPort: 2269}", "targetPort: http-metric}")
        .edit("ports: [{name: metrics, port: 2269}]\nendpoints", "ports: []\nendpoints");
    let explanation = world.fails(
        "endpoints",
        "port metrics of Service smallest/lightning-asr leads to the container port http-metric, which \
         no container has",
        "write targetPort: http-metrics for that port of the Service",
    );
    assert_eq!(explanation.details("endpoints"), ["container ports: http-metrics"]);
}

#[test]
fn addresses_that_are_not_ready_are_scraped() {
    let explanation = asr().edit("ready: true", "ready: false").given(all_up).passes();
    let check = &explanation.checks[7];
    assert_eq!((check.outcome, &*check.message), (Pass, "0 of 1 addresses are ready"));
    assert_eq!(check.details, ["10.0.0.1 (Pod lightning-asr-0) is not ready"]);
}

#[test]
fn each_endpoint_is_told_of() {
    let world = asr().edit("[{port: metrics}]", "[{port: metrics}, {port: web}]").given(all_up);
    let explanation = world.fails(
        "port",
        "spec.endpoints[1]: Service smallest/lightning-asr has no port called web",
        "write spec.endpoints[1].port: metrics, or name a port of the Service web",
    );
    let outcomes = explanation.outcomes();
    assert_eq!(
        outcomes[6..],
        [
            ("port", Pass),
            ("endpoints", Pass),
            ("relabeling", Pass),
            ("limits", Pass),
            ("scrapes", Pass),
            ("port", Fail),
            ("endpoints", Skipped),
            ("relabeling", Skipped),
            ("limits", Skipped),
            ("scrapes", Skipped)
        ]
    );
    assert_eq!(explanation.checks[10].message, "spec.endpoints[0]: the target is up");
    assert_eq!(
        explanation.verdict,
        "ServiceMonitor smallest/lightning-asr has 1 target (1 up): spec.endpoints[1]: Service \
         smallest/lightning-asr has no port called web"
    );
    assert_eq!(explanation.targets.states, [("dropped", 1), ("up", 1)].into());
}

#[test]
fn not_scraped_yet() {
    let explanation = asr().waits("scrapes", "1 target has not been scraped yet");
    assert_eq!(explanation.outcomes().last(), Some(&("scrapes", Unknown)));
    asr()
        .given(|facts| facts.jobs[0].explanation = None)
        .waits("relabeling", "nothing is scraped for it yet");
    asr()
        .given(|facts| {
            let explanation = facts.jobs[0].explanation.as_mut().unwrap();
            explanation.discovered = 0;
            explanation.targets.clear();
        })
        .waits("relabeling", "discovery has found no targets for it yet");
}
