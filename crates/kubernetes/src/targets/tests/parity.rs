//! Labels of targets, from the objects of a cluster and a monitor to what a scrape has.
//!
//! What is expected is what Prometheus and the Prometheus Operator make of the same objects.

use super::*;
use crate::jobs::{Written, render};
use crate::resources::Resources;

/// The job of a monitor with one endpoint, by the operator's settings.
fn job(monitor: &str, settings: &str) -> scrape::Config {
    let mut resources = Resources::default();
    let text = format!(
        "kind: Prometheus\nmetadata: {{name: p, namespace: m}}\nspec: {settings}\n---\n{monitor}"
    );
    resources.add_text(&text).expect("is YAML");
    let rendered = render(&resources, &Written::new(&resources)).expect("settings are valid");
    let [job] = rendered.jobs.as_slice() else { panic!("not one job: {:?}", rendered.rejected) };
    // Where it runs alone, all targets are its own.
    let json = serde_json::to_string(job).expect("is JSON").replace("$(SHARD)", "0");
    serde_saphyr::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// Addresses and labels as they are scraped, in order, a line each.
fn scraped(config: &scrape::Config, groups: &Groups) -> Vec<String> {
    let job = config.resolve(&scrape::Global::default()).expect("is valid");
    let targets = groups.iter().flat_map(|group| scrape::preview(&job, group));
    let kept = targets.filter_map(|target| target.outcome.expect("can be scraped"));
    let line = |labels: Labels| {
        let shown =
            labels.iter().filter(|(name, _)| !name.starts_with("__") && *name != "instance");
        let shown: String = shown.map(|(name, value)| format!(" {name}={value}")).collect();
        format!("{}{shown}", labels.get(ADDRESS).unwrap_or("?"))
    };
    let mut lines: Vec<_> = kept.map(line).collect();
    lines.sort();
    lines
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Objects, and for each monitor its targets: found through Endpoints and through EndpointSlices, by a
/// section of its own and by one that sees only what the monitor selects; and through Endpoints where
/// they may not be read.
async fn check(objects: &str, cases: &[(&str, &str)]) {
    let mut world = World::of(objects).await;
    for verb in ["list", "watch"] {
        world.server.trouble().forbid(verb, "endpoints");
    }
    for (monitor, expected) in cases {
        check_one(&mut world, monitor, "{serviceDiscoveryRole: Endpoints}", expected).await;
    }
    assert_eq!(world.count("prometheus_sd_failed_configs scrape"), 0.0);
    world.end().await;
    let mut world = World::of(objects).await;
    for (monitor, expected) in cases {
        for role in ["Endpoints", "EndpointSlice"] {
            check_one(&mut world, monitor, &format!("{{serviceDiscoveryRole: {role}}}"), expected)
                .await;
        }
    }
    world.end().await;
}

async fn check_one(world: &mut World, monitor: &str, settings: &str, expected: &str) {
    let config = job(monitor, settings);
    let [found] = config.sd().kubernetes.as_slice() else { panic!("not one section: {monitor}") };
    let written: serde_json::Value = serde_saphyr::from_str(monitor).expect("is YAML");
    let labels =
        written.pointer("/spec/selector/matchLabels").and_then(|labels| labels.as_object());
    let requirements = labels.into_iter().flatten().map(|(key, value)| Requirement {
        key: key.clone(),
        condition: Condition::In(vec![value.as_str().expect("is text").to_owned()]),
    });
    let preselect = Some(Preselect { requirements: requirements.collect() });
    let preselected = KubernetesConfig { preselect, ..found.clone() };
    world.discover([("plain", found.clone()), ("own", preselected)]);
    let expected = lines(expected);
    for name in ["plain", "own"] {
        let is_good = |groups: &Groups| scraped(&config, groups) == expected;
        let good = world.found.wait_for(|found| found.jobs.get(name).is_some_and(is_good));
        if timeout(DEADLINE / 3, good).await.is_err() {
            let groups = world.found.borrow().jobs[name].clone();
            let (got, all) = (scraped(&config, &groups), text(&groups));
            panic!("{monitor}\n{settings}, {name}:\n{got:#?}\nnot {expected:#?}\nof\n{all}");
        }
    }
    world.forget("plain");
    world.forget("own");
}

fn service_monitor(namespace: &str, spec: &str) -> String {
    format!(
        "kind: ServiceMonitor\nmetadata: {{name: sm, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )
}

const SPEECH: &str = "
{apiVersion: v1, kind: Node, metadata: {name: box, labels: {gpu: a100}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: smallest, labels: {team: speech}}}
---
apiVersion: v1
kind: Pod
metadata: {name: asr-0, namespace: smallest, labels: {app: asr, tier: gold}}
spec:
  nodeName: box
  initContainers: [{name: mesh, image: 'mesh:1', ports: [{name: admin, containerPort: 15000}]}]
  containers:
  - {name: asr, image: 'asr:1', ports: [{name: metrics, containerPort: 2269}, {name: grpc, containerPort: 50051}]}
  - {name: sidecar, image: 'side:1', ports: [{name: side, containerPort: 9000}]}
status: {phase: Running, podIP: 10.0.0.7, hostIP: 192.168.0.2, conditions: [{type: Ready, status: 'True'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: asr-1, namespace: smallest, labels: {app: asr}}
spec:
  nodeName: box
  containers:
  - {name: asr, image: 'asr:1', ports: [{name: metrics, containerPort: 2269}, {name: grpc, containerPort: 50051}]}
status: {phase: Running, podIP: 10.0.0.8, hostIP: 192.168.0.2, conditions: [{type: Ready, status: 'False'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: asr-2, namespace: smallest, labels: {app: asr}}
spec: {nodeName: box, containers: [{name: asr, image: 'asr:1', ports: [{name: metrics, containerPort: 2269}]}]}
status: {phase: Failed, podIP: 10.0.0.9, hostIP: 192.168.0.2}
---
apiVersion: v1
kind: Service
metadata: {name: asr, namespace: smallest, labels: {app: asr, release: kube-prometheus-stack, team.x/name: speech}}
spec: {type: ClusterIP, clusterIP: 10.1.0.1, ports: [{name: metrics, port: 2269, targetPort: metrics}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: smallest, labels: {app: other}}
spec: {type: ClusterIP, clusterIP: 10.1.0.2}
---
apiVersion: v1
kind: Endpoints
metadata: {name: asr, namespace: smallest}
subsets:
- addresses:
  - {ip: 10.0.0.7, nodeName: box, targetRef: {kind: Pod, name: asr-0, namespace: smallest}}
  - {ip: 10.0.0.9, nodeName: box, targetRef: {kind: Pod, name: asr-2, namespace: smallest}}
  notReadyAddresses: [{ip: 10.0.0.8, nodeName: box, targetRef: {kind: Pod, name: asr-1, namespace: smallest}}]
  ports: [{name: metrics, port: 2269, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: asr-x, namespace: smallest, labels: {kubernetes.io/service-name: asr}}
addressType: IPv4
ports: [{name: metrics, port: 2269, protocol: TCP}]
endpoints:
- {addresses: [10.0.0.7], conditions: {ready: true}, nodeName: box, targetRef: {kind: Pod, name: asr-0, namespace: smallest}}
- {addresses: [10.0.0.8], conditions: {ready: false}, nodeName: box, targetRef: {kind: Pod, name: asr-1, namespace: smallest}}
- {addresses: [10.0.0.9], conditions: {ready: true}, nodeName: box, targetRef: {kind: Pod, name: asr-2, namespace: smallest}}
---
apiVersion: v1
kind: Endpoints
metadata: {name: other, namespace: smallest}
subsets: [{addresses: [{ip: 10.0.0.77}], ports: [{name: metrics, port: 1}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: other-x, namespace: smallest, labels: {kubernetes.io/service-name: other}}
addressType: IPv4
ports: [{name: metrics, port: 1}]
endpoints: [{addresses: [10.0.0.77]}]
";

#[tokio::test]
async fn ports_by_name_and_by_what_the_pods_say() {
    let asr = |endpoint: &str| {
        service_monitor("smallest", &format!("selector: {{matchLabels: {{app: asr}}}}, {endpoint}"))
    };
    check(
        SPEECH,
        &[
            // Those that are not ready are scraped too; those that ended are not.
            (
                &asr("endpoints: [{port: metrics}]"),
                "10.0.0.7:2269 container=asr endpoint=metrics job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.8:2269 container=asr endpoint=metrics job=asr namespace=smallest pod=asr-1 service=asr",
            ),
            // Ports that the service does not have.
            (
                &asr("endpoints: [{targetPort: grpc}]"),
                "10.0.0.7:50051 container=asr endpoint=grpc job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.8:50051 container=asr endpoint=grpc job=asr namespace=smallest pod=asr-1 service=asr",
            ),
            (
                &asr("endpoints: [{targetPort: 9000}]"),
                "10.0.0.7:9000 container=sidecar endpoint=9000 job=asr namespace=smallest pod=asr-0 service=asr",
            ),
            (
                &asr("endpoints: [{targetPort: admin}]"),
                "10.0.0.7:15000 container=mesh endpoint=admin job=asr namespace=smallest pod=asr-0 service=asr",
            ),
            (&asr("endpoints: [{port: '2269'}]"), ""),
            (
                &asr("endpoints: [{path: /all}]"),
                "10.0.0.7:2269 container=asr job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.7:50051 container=asr job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.7:9000 container=sidecar job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.7:15000 container=mesh job=asr namespace=smallest pod=asr-0 service=asr
                 10.0.0.8:2269 container=asr job=asr namespace=smallest pod=asr-1 service=asr
                 10.0.0.8:50051 container=asr job=asr namespace=smallest pod=asr-1 service=asr",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_selected_and_what_labels_come_along() {
    let asr = |spec: &str| service_monitor("smallest", spec);
    let metrics = "endpoints: [{port: metrics}]";
    let both = "10.0.0.7:2269 container=asr endpoint=metrics job=asr namespace=smallest pod=asr-0 service=asr
        10.0.0.8:2269 container=asr endpoint=metrics job=asr namespace=smallest pod=asr-1 service=asr";
    let other = "10.0.0.77:1 endpoint=metrics job=other namespace=smallest service=other";
    check(
        SPEECH,
        &[
            (&asr(&format!("selector: {{}}, {metrics}")), &format!("{both}\n{other}")),
            (
                &asr(&format!("selector: {{matchExpressions: [{{key: release, operator: Exists}}]}}, {metrics}")),
                both,
            ),
            (
                &asr(&format!("selector: {{matchExpressions: [{{key: app, operator: NotIn, values: [asr, tts]}}]}}, {metrics}")),
                other,
            ),
            (&asr(&format!("selector: {{matchLabels: {{team.x/name: speech}}}}, {metrics}")), both),
            // A dot is any letter.
            (&asr(&format!("selector: {{matchLabels: {{app: a.r}}}}, {metrics}")), both),
            (&asr(&format!("selector: {{matchLabels: {{app: none}}}}, {metrics}")), ""),
            (&service_monitor("elsewhere", &format!("selector: {{}}, {metrics}")), ""),
            (
                &service_monitor(
                    "elsewhere",
                    &format!("selector: {{matchLabels: {{app: asr}}}}, namespaceSelector: {{any: true}}, {metrics}"),
                ),
                both,
            ),
            (
                &asr(
                    "selector: {matchLabels: {app: asr}}, jobLabel: release, targetLabels: [team.x/name],
                     podTargetLabels: [tier], attachMetadata: {node: true}, endpoints: [{port: metrics,
                     relabelings: [{sourceLabels: [__meta_kubernetes_node_label_gpu], targetLabel: gpu}]}]"),
                "10.0.0.7:2269 container=asr endpoint=metrics gpu=a100 job=kube-prometheus-stack namespace=smallest pod=asr-0 service=asr team_x_name=speech tier=gold
                 10.0.0.8:2269 container=asr endpoint=metrics gpu=a100 job=kube-prometheus-stack namespace=smallest pod=asr-1 service=asr team_x_name=speech",
            ),
        ],
    )
    .await;
}

/// Services of other shapes, each with the label `app` of its name.
const SHAPES: &str = "
apiVersion: v1
kind: Service
metadata: {name: headless, namespace: shapes, labels: {app: headless}}
spec: {type: ClusterIP, clusterIP: None, ports: [{name: web, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shapes}
spec: {nodeName: box, hostname: db-0, containers: [{name: db, image: 'db:1', ports: [
  {name: web, containerPort: 80}, {name: metrics, containerPort: 9090}]}]}
status: {phase: Running, podIP: 10.0.1.1}
---
apiVersion: v1
kind: Endpoints
metadata: {name: headless, namespace: shapes}
subsets: [{addresses: [{ip: 10.0.1.1, hostname: db-0, targetRef: {kind: Pod, name: db-0, namespace: shapes}}],
  ports: [{name: web, port: 80}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: headless-x, namespace: shapes, labels: {kubernetes.io/service-name: headless}}
addressType: IPv4
ports: [{name: web, port: 80}]
endpoints: [{addresses: [10.0.1.1], hostname: db-0, targetRef: {kind: Pod, name: db-0, namespace: shapes}}]
---
apiVersion: v1
kind: Service
metadata: {name: manual, namespace: shapes, labels: {app: manual}}
spec: {ports: [{name: web, port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: manual, namespace: shapes}
subsets: [{addresses: [{ip: 172.16.0.1}], ports: [{name: web, port: 9100}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: manual-x, namespace: shapes, labels: {kubernetes.io/service-name: manual}}
addressType: IPv4
ports: [{name: web, port: 9100}]
endpoints: [{addresses: [172.16.0.1]}]
---
apiVersion: v1
kind: Service
metadata: {name: dual, namespace: shapes, labels: {app: dual}}
spec: {ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4], ports: [{name: web, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: six-0, namespace: shapes}
spec: {nodeName: box, containers: [{name: six, image: 'six:1', ports: [{name: web, containerPort: 80}]}]}
status: {phase: Running, podIP: 'fd00::7', podIPs: [{ip: 'fd00::7'}, {ip: 10.0.1.7}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: dual, namespace: shapes}
subsets: [{addresses: [{ip: 'fd00::7', targetRef: {kind: Pod, name: six-0, namespace: shapes}}],
  ports: [{name: web, port: 80}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dual-6, namespace: shapes, labels: {kubernetes.io/service-name: dual}}
addressType: IPv6
ports: [{name: web, port: 80}]
endpoints: [{addresses: ['fd00::7'], targetRef: {kind: Pod, name: six-0, namespace: shapes}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: dual-4, namespace: shapes, labels: {kubernetes.io/service-name: dual}}
addressType: IPv4
ports: [{name: web, port: 80}]
endpoints: [{addresses: [10.0.1.7], targetRef: {kind: Pod, name: six-0, namespace: shapes}}]
---
apiVersion: v1
kind: Service
metadata: {name: exporter, namespace: shapes, labels: {app: exporter}}
spec: {clusterIP: None, ports: [{name: web, port: 9100}]}
---
apiVersion: v1
kind: Pod
metadata: {name: exporter-0, namespace: shapes}
spec: {nodeName: box, hostNetwork: true, containers: [{name: node, image: 'node:1', ports: [
  {name: web, containerPort: 9100, hostPort: 9100}]}]}
status: {phase: Running, podIP: 192.168.0.2, hostIP: 192.168.0.2}
---
apiVersion: v1
kind: Endpoints
metadata: {name: exporter, namespace: shapes}
subsets: [{addresses: [{ip: 192.168.0.2, nodeName: box, targetRef: {kind: Pod, name: exporter-0, namespace: shapes}}],
  ports: [{name: web, port: 9100}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: exporter-x, namespace: shapes, labels: {kubernetes.io/service-name: exporter}}
addressType: IPv4
ports: [{name: web, port: 9100}]
endpoints: [{addresses: [192.168.0.2], nodeName: box, targetRef: {kind: Pod, name: exporter-0, namespace: shapes}}]
---
apiVersion: v1
kind: Service
metadata: {name: kubelet, namespace: shapes, labels: {app: kubelet}}
spec: {clusterIP: None, ports: [{name: web, port: 10250}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubelet, namespace: shapes}
subsets: [{addresses: [{ip: 192.168.0.2, targetRef: {kind: Node, name: box}}], ports: [{name: web, port: 10250}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kubelet-x, namespace: shapes, labels: {kubernetes.io/service-name: kubelet}}
addressType: IPv4
ports: [{name: web, port: 10250}]
endpoints: [{addresses: [192.168.0.2], targetRef: {kind: Node, name: box}}]
---
apiVersion: v1
kind: Service
metadata: {name: two, namespace: shapes, labels: {app: two}}
spec: {ports: [{name: web, port: 80, targetPort: 80}, {name: also, port: 81, targetPort: 80}, {name: metrics, port: 9090}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: two, namespace: shapes}
subsets: [{addresses: [{ip: 10.0.1.1, targetRef: {kind: Pod, name: db-0, namespace: shapes}}],
  ports: [{name: web, port: 80}, {name: also, port: 80}, {name: metrics, port: 9090}]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: two-x, namespace: shapes, labels: {kubernetes.io/service-name: two}}
addressType: IPv4
ports: [{name: web, port: 80}, {name: also, port: 80}, {name: metrics, port: 9090}]
endpoints: [{addresses: [10.0.1.1], targetRef: {kind: Pod, name: db-0, namespace: shapes}}]
";

#[tokio::test]
async fn services_of_all_shapes() {
    let of = |app: &str, endpoint: &str| {
        service_monitor(
            "shapes",
            &format!("selector: {{matchLabels: {{app: {app}}}}}, endpoints: [{{{endpoint}}}]"),
        )
    };
    check(
        SHAPES,
        &[
            (
                &of("headless", "port: web"),
                "10.0.1.1:80 container=db endpoint=web job=headless namespace=shapes pod=db-0 service=headless",
            ),
            (&of("manual", "port: web"), "172.16.0.1:9100 endpoint=web job=manual namespace=shapes service=manual"),
            (&of("manual", "targetPort: 9100"), ""),
            (
                &of("dual", "port: web"),
                "[fd00::7]:80 container=six endpoint=web job=dual namespace=shapes pod=six-0 service=dual",
            ),
            (
                &of("exporter", "port: web"),
                "192.168.0.2:9100 container=node endpoint=web job=exporter namespace=shapes pod=exporter-0 service=exporter",
            ),
            (
                &of("kubelet", "port: web"),
                "192.168.0.2:10250 endpoint=web job=kubelet namespace=shapes node=box service=kubelet",
            ),
            (
                &of("two", "port: metrics"),
                "10.0.1.1:9090 container=db endpoint=metrics job=two namespace=shapes pod=db-0 service=two",
            ),
            (
                &of("two", "port: also"),
                "10.0.1.1:80 container=db endpoint=also job=two namespace=shapes pod=db-0 service=two",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn pods_of_a_monitor() {
    let mut world = World::of(SPEECH).await;
    world.server.apply_yaml(
        "{apiVersion: v1, kind: Pod, metadata: {name: bare, namespace: smallest, labels: {app: bare}},
          spec: {containers: [{name: sh, image: 'sh:1'}]}, status: {phase: Running, podIP: 10.0.0.5}}",
    );
    let of = |app: &str, endpoint: &str| {
        format!(
            "kind: PodMonitor\nmetadata: {{name: pm, namespace: smallest}}\n\
             spec: {{selector: {{matchLabels: {{app: {app}}}}}, podMetricsEndpoints: [{{{endpoint}}}]}}\n"
        )
    };
    let job = "job=smallest/pm namespace=smallest";
    let cases = [
        (
            of("asr", "port: metrics"),
            format!(
                "10.0.0.7:2269 container=asr endpoint=metrics {job} pod=asr-0
                 10.0.0.8:2269 container=asr endpoint=metrics {job} pod=asr-1"
            ),
        ),
        (of("asr", "portNumber: 15000"), format!("10.0.0.7:15000 container=mesh {job} pod=asr-0")),
        (of("bare", "path: /x"), format!("10.0.0.5 container=sh {job} pod=bare")),
        (of("none", "port: metrics"), String::new()),
        (
            of("asr", "port: metrics, filterRunning: false"),
            format!(
                "10.0.0.7:2269 container=asr endpoint=metrics {job} pod=asr-0
                 10.0.0.8:2269 container=asr endpoint=metrics {job} pod=asr-1
                 10.0.0.9:2269 container=asr endpoint=metrics {job} pod=asr-2"
            ),
        ),
    ];
    for (monitor, expected) in cases {
        check_one(&mut world, &monitor, "{}", &expected).await;
    }
    world.end().await;
}
