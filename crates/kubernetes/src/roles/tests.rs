//! Objects and the targets they give.

use super::{Cluster, Known};
use crate::objects::{EndpointSlice, Namespace, Node, Owned, Pod, Service, Text};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;
use model::Labels;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;

/// The objects that others refer to.
#[derive(Default)]
struct Others {
    pods: Vec<Pod>,
    services: Vec<Service>,
    nodes: Vec<Node>,
    namespaces: Vec<Namespace>,
    /// By their names.
    replica_sets: Vec<(&'static str, Owned)>,
    jobs: Vec<(&'static str, Owned)>,
}

fn known<T: Clone>(all: &[T], is_it: impl Fn(&T) -> bool) -> Option<Known<T>> {
    all.iter().find(|object| is_it(object)).cloned().map(Known::from)
}

fn owned(all: &[(&str, Owned)], name: &str) -> Option<Known<Owned>> {
    let (_, owned) = all.iter().find(|(known, _)| *known == name)?;
    Some(owned.clone().into())
}

impl Cluster for Others {
    fn pod(&self, namespace: &str, name: &str) -> Option<Known<Pod>> {
        known(&self.pods, |pod| {
            *pod.metadata.namespace == *namespace && *pod.metadata.name == *name
        })
    }

    fn service(&self, namespace: &str, name: &str) -> Option<Known<Service>> {
        known(&self.services, |service| {
            *service.metadata.namespace == *namespace && *service.metadata.name == *name
        })
    }

    fn node(&self, name: &str) -> Option<Known<Node>> {
        known(&self.nodes, |node| *node.metadata.name == *name)
    }

    fn namespace(&self, name: &str) -> Option<Known<Namespace>> {
        known(&self.namespaces, |namespace| *namespace.metadata.name == *name)
    }

    fn replica_set(&self, _: &str, name: &str) -> Option<Known<Owned>> {
        owned(&self.replica_sets, name)
    }

    fn job(&self, _: &str, name: &str) -> Option<Known<Owned>> {
        owned(&self.jobs, name)
    }
}

fn read<T: DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).expect("is an object")
}

/// The labels of a group and of each of its targets, a line each, without what all names begin with.
fn text(group: &Group) -> String {
    let line = |labels: &Labels| {
        let pairs = labels.iter().map(|(name, value)| {
            let name = name.strip_prefix("__meta_kubernetes_").unwrap_or(name);
            format!("{name}={value}")
        });
        pairs.collect::<Vec<_>>().join(" ")
    };
    let first = format!("{}: {}", group.source, line(&group.labels));
    let mut out = format!("{}\n", first.trim_end());
    for target in &group.targets {
        writeln!(out, "- {}", line(target)).expect("a string takes text");
    }
    out
}

#[track_caller]
fn check(group: &Group, expected: &str) {
    let expected: String = expected.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(text(group), expected);
}

const POD: &str = "
metadata:
  {name: asr-0, namespace: smallest, uid: u1, labels: {app.kubernetes.io/name: asr},
   ownerReferences: [{kind: Node, name: n}, {kind: ReplicaSet, name: asr, controller: true}]}
spec:
  nodeName: box
  containers:
  - {name: asr, image: 'asr:1', ports: [{name: metrics, containerPort: 2269, protocol: TCP},
                                         {name: grpc, containerPort: 50051, protocol: TCP}]}
  - {name: shell, image: 'sh:2'}
  initContainers:
  - {name: mesh, image: 'mesh:3', ports: [{name: admin, containerPort: 15000, protocol: TCP}]}
status:
  phase: Running
  podIP: 10.0.0.7
  hostIP: 192.168.0.2
  conditions: [{type: Initialized, status: 'True'}, {type: Ready, status: 'True'}]
  containerStatuses: [{name: asr, containerID: 'run://a'}]
  initContainerStatuses: [{name: mesh, containerID: 'run://m'}]
";

const NODE: &str = "
metadata: {name: box, labels: {gpu: a100}, annotations: {rack: '7'}}
spec: {providerID: 'own://box'}
status:
  addresses: [{type: Hostname, address: box.lan}, {type: InternalIP, address: 'fd00::2'},
              {type: InternalIP, address: 192.168.0.2}]
  conditions: [{type: Ready, status: 'True'}, {type: DiskPressure, status: Unknown},
               {type: example.org/Hot, status: 'False'}]
  daemonEndpoints: {kubeletEndpoint: {Port: 10250}}
";

const SERVICE: &str = "
metadata: {name: asr, namespace: smallest, labels: {app: asr}}
spec: {type: ClusterIP, clusterIP: 10.1.0.1, ports: [{name: metrics, port: 2269, protocol: TCP}]}
";

const PLAIN: AttachMetadata =
    AttachMetadata { node: false, namespace: false, deployment: false, job: false, cronjob: false };
const WITH_NODE: AttachMetadata = AttachMetadata { node: true, ..PLAIN };

fn known_ones() -> Others {
    Others {
        pods: vec![read(POD)],
        services: vec![read(SERVICE)],
        nodes: vec![read(NODE)],
        ..Others::default()
    }
}

const OF_POD: &str = "pod_controller_kind=ReplicaSet pod_controller_name=asr pod_host_ip=192.168.0.2 \
    pod_ip=10.0.0.7 pod_label_app_kubernetes_io_name=asr \
    pod_labelpresent_app_kubernetes_io_name=true pod_name=asr-0 pod_node_name=box \
    pod_phase=Running pod_ready=true pod_uid=u1";

#[test]
fn pods() {
    let expected = format!(
        "pod/smallest/asr-0: namespace=smallest {OF_POD}
         - __address__=10.0.0.7:2269 pod_container_id=run://a pod_container_image=asr:1 \
         pod_container_init=false pod_container_name=asr pod_container_port_name=metrics \
         pod_container_port_number=2269 pod_container_port_protocol=TCP
         - __address__=10.0.0.7:50051 pod_container_id=run://a pod_container_image=asr:1 \
         pod_container_init=false pod_container_name=asr pod_container_port_name=grpc \
         pod_container_port_number=50051 pod_container_port_protocol=TCP
         - __address__=10.0.0.7 pod_container_image=sh:2 pod_container_init=false \
         pod_container_name=shell
         - __address__=10.0.0.7:15000 pod_container_id=run://m pod_container_image=mesh:3 \
         pod_container_init=true pod_container_name=mesh pod_container_port_name=admin \
         pod_container_port_number=15000 pod_container_port_protocol=TCP"
    );
    check(&super::pod(&read(POD), PLAIN, &known_ones()), &expected);

    let group = super::pod(&read(POD), WITH_NODE, &known_ones());
    assert_eq!(group.labels.get("__meta_kubernetes_node_label_gpu"), Some("a100"));
    assert_eq!(group.labels.get("__meta_kubernetes_node_name"), Some("box"));
    let unknown = super::pod(&read(POD), WITH_NODE, &Others::default());
    check(&unknown, "pod/smallest/asr-0: ");
    let starting = "{metadata: {name: a, namespace: b}, spec: {containers: [{name: c}]}}";
    check(&super::pod(&read(starting), PLAIN, &known_ones()), "pod/b/a: ");
    let other_family = "{metadata: {name: a, namespace: b}, status: {podIP: 'fd00::7'},
        spec: {containers: [{name: c, ports: [{containerPort: 80}]}]}}";
    let group = super::pod(&read(other_family), PLAIN, &known_ones());
    assert_eq!(group.targets[0].get("__address__"), Some("[fd00::7]:80"));
    assert_eq!(group.labels.get("__meta_kubernetes_pod_ready"), Some("unknown"));
}

#[test]
fn endpoints() {
    let written = "
metadata: {name: asr, namespace: smallest, labels: {app: asr}}
subsets:
- addresses:
  - {ip: 10.0.0.7, nodeName: box, hostname: h, targetRef: {kind: Pod, namespace: smallest, name: asr-0}}
  - {ip: 192.168.0.2, targetRef: {kind: Node, name: box}}
  notReadyAddresses: [{ip: 10.9.9.9}]
  ports: [{name: metrics, port: 2269, protocol: TCP}]
";
    let shared = "endpoints/smallest/asr: endpoints_label_app=asr endpoints_labelpresent_app=true \
        endpoints_name=asr namespace=smallest service_label_app=asr service_labelpresent_app=true \
        service_name=asr";
    let port = "endpoint_port_name=metrics endpoint_port_protocol=TCP";
    let expected = format!(
        "{shared}
         - __address__=10.0.0.7:2269 endpoint_address_target_kind=Pod \
         endpoint_address_target_name=asr-0 endpoint_hostname=h endpoint_node_name=box {port} \
         endpoint_ready=true pod_container_image=asr:1 pod_container_init=false \
         pod_container_name=asr pod_container_port_name=metrics pod_container_port_number=2269 \
         pod_container_port_protocol=TCP {OF_POD}
         - __address__=192.168.0.2:2269 endpoint_address_target_kind=Node \
         endpoint_address_target_name=box {port} endpoint_ready=true
         - __address__=10.9.9.9:2269 {port} endpoint_ready=false
         - __address__=10.0.0.7:50051 pod_container_image=asr:1 pod_container_init=false \
         pod_container_name=asr pod_container_port_name=grpc pod_container_port_number=50051 \
         pod_container_port_protocol=TCP {OF_POD}
         - __address__=10.0.0.7:15000 pod_container_image=mesh:3 pod_container_init=true \
         pod_container_name=mesh pod_container_port_name=admin pod_container_port_number=15000 \
         pod_container_port_protocol=TCP {OF_POD}"
    );
    check(&super::endpoints(&read(written), PLAIN, &known_ones()), &expected);
    let group = super::endpoints(&read(written), WITH_NODE, &known_ones());
    for target in &group.targets[..2] {
        assert_eq!(target.get("__meta_kubernetes_node_annotation_rack"), Some("7"));
    }
    assert_eq!(group.targets[2].get("__meta_kubernetes_node_name"), None);
    let elsewhere = "{metadata: {name: a, namespace: b}, subsets: [{ports: [{port: 1}], addresses:
        [{ip: 10.0.0.1, nodeName: box, targetRef: {kind: Node, name: other}}]}]}";
    let group = super::endpoints(&read(elsewhere), WITH_NODE, &known_ones());
    assert_eq!(group.targets[0].get("__meta_kubernetes_node_name"), Some("box"));
}

#[test]
fn one_number_for_two_protocols() {
    let ports = "[{name: dns, containerPort: 53, protocol: UDP},
                  {name: dns-tcp, containerPort: 53, protocol: TCP}]";
    let pod = format!(
        "{{metadata: {{name: dns-0, namespace: b}}, status: {{podIP: 10.0.0.1}},
           spec: {{containers: [{{name: dns, ports: {ports}}}]}}}}"
    );
    let others = Others { pods: vec![read(&pod)], ..Others::default() };
    let there = "targetRef: {kind: Pod, namespace: b, name: dns-0}";
    let protocols = |group: Group| -> Vec<String> {
        let of = |target: &Labels| {
            let get = |name: &str| target.get(&format!("__meta_kubernetes_{name}"));
            let name = get("pod_container_port_name").unwrap_or("-");
            format!("{name} {}", get("pod_container_port_protocol").unwrap_or("-"))
        };
        group.targets.iter().map(of).collect()
    };
    let port = "[{name: dns-tcp, port: 53, protocol: TCP}]";
    let endpoints = format!(
        "{{metadata: {{name: dns, namespace: b}},
           subsets: [{{addresses: [{{ip: 10.0.0.1, {there}}}], ports: {port}}}]}}"
    );
    let found = super::endpoints(&read(&endpoints), PLAIN, &others);
    assert_eq!(protocols(found), ["dns TCP"], "the first one of the number, as it is asked for");
    let slice = format!(
        "{{metadata: {{name: dns-x, namespace: b}}, addressType: IPv4, ports: {port},
           endpoints: [{{addresses: [10.0.0.1], {there}}}]}}"
    );
    let found = super::endpointslice(&read(&slice), PLAIN, &others);
    assert_eq!(protocols(found), ["dns UDP"], "the first one of the number, as it is");
    let service = "{metadata: {name: dns, namespace: b}}";
    let slices = [super::Known::from(read::<EndpointSlice>(&slice))];
    let found = super::endpoints_of_slices(&read(service), &slices, PLAIN, &others);
    assert_eq!(protocols(found), ["dns TCP"]);
}

#[test]
fn slices() {
    let written = "
metadata: {name: asr-x, namespace: smallest, labels: {kubernetes.io/service-name: asr}}
addressType: IPv4
endpoints:
- {addresses: [10.0.0.7], nodeName: box, zone: z1, hostname: h,
   conditions: {ready: true, serving: true, terminating: false},
   targetRef: {kind: Pod, namespace: smallest, name: asr-0}, deprecatedTopology: {a/b: c}}
- {addresses: [10.9.9.9], conditions: {ready: false}}
ports: [{name: metrics, port: 2269, protocol: TCP, appProtocol: http}]
";
    let known = known_ones();
    let group = super::endpointslice(&read(written), PLAIN, &known);
    assert_eq!(group.targets.len(), 4);
    let of_all = Group { targets: vec![group.targets[1].clone()], ..group.clone() };
    let service = "endpointslice_label_kubernetes_io_service_name=asr \
        endpointslice_labelpresent_kubernetes_io_service_name=true endpointslice_name=asr-x \
        namespace=smallest service_label_app=asr service_labelpresent_app=true service_name=asr";
    let port = "endpointslice_port=2269 endpointslice_port_app_protocol=http \
        endpointslice_port_name=metrics endpointslice_port_protocol=TCP";
    let expected = format!(
        "endpointslice/smallest/asr-x: endpointslice_address_type=IPv4 {service}
         - __address__=10.9.9.9:2269 endpointslice_endpoint_conditions_ready=false {port}"
    );
    check(&of_all, &expected);
    let expected = format!(
        "endpointslice/smallest/asr-x: endpointslice_address_type=IPv4 {service}
         - __address__=10.0.0.7:2269 endpointslice_address_target_kind=Pod \
         endpointslice_address_target_name=asr-0 endpointslice_endpoint_conditions_ready=true \
         endpointslice_endpoint_conditions_serving=true \
         endpointslice_endpoint_conditions_terminating=false endpointslice_endpoint_hostname=h \
         endpointslice_endpoint_node_name=box endpointslice_endpoint_topology_a_b=c \
         endpointslice_endpoint_topology_present_a_b=true endpointslice_endpoint_zone=z1 {port} \
         pod_container_image=asr:1 pod_container_init=false pod_container_name=asr \
         pod_container_port_name=metrics pod_container_port_number=2269 \
         pod_container_port_protocol=TCP {OF_POD}"
    );
    check(&Group { targets: vec![group.targets[0].clone()], ..group }, &expected);

    let mut two = known;
    two.services[0].spec.ip_family_policy = "PreferDualStack".into();
    two.services[0].spec.ip_families = ["IPv6", "IPv4"].into_iter().map(Text::from).collect();
    assert_eq!(super::endpointslice(&read(written), PLAIN, &two).targets, []);
    let any_port = "{metadata: {name: a, namespace: b}, addressType: FQDN, ports: [{}],
        endpoints: [{addresses: [lamp.example.org]}]}";
    let group = super::endpointslice(&read(any_port), PLAIN, &two);
    assert_eq!(group.targets[0].get("__address__"), Some("lamp.example.org"));
}

#[test]
fn services() {
    let shared = "service_label_app=asr service_labelpresent_app=true service_name=asr";
    let expected = format!(
        "svc/smallest/asr: namespace=smallest {shared}
         - __address__=asr.smallest.svc:2269 service_cluster_ip=10.1.0.1 \
         service_port_name=metrics service_port_number=2269 service_port_protocol=TCP \
         service_type=ClusterIP"
    );
    check(&super::service(&read(SERVICE), PLAIN, &Others::default()), &expected);
    let ip = |spec: &str| {
        let yaml = format!("{{metadata: {{name: a, namespace: b}}, {spec}}}");
        let group = super::service(&read(&yaml), PLAIN, &Others::default());
        let get = |name: &str| {
            group.targets[0].get(&format!("__meta_kubernetes_service_{name}")).map(str::to_owned)
        };
        (get("loadbalancer_ip"), get("external_name"), get("cluster_ip"))
    };
    let one = |text: &str| Some(text.to_owned());
    let balanced = "spec: {type: LoadBalancer, loadBalancerIP: 1.1.1.1, ports: [{port: 1}]}";
    assert_eq!(ip(balanced), (one("1.1.1.1"), None, None));
    let given = format!(
        "{balanced}, status: {{loadBalancer: {{ingress: [{{ip: 2.2.2.2}}, {{ip: 3.3.3.3}}]}}}}"
    );
    assert_eq!(ip(&given), (one("2.2.2.2,3.3.3.3"), None, None));
    let external =
        "spec: {type: ExternalName, externalName: c.org, clusterIP: x, ports: [{port: 1}]}";
    assert_eq!(ip(external), (None, one("c.org"), None));
}

#[test]
fn nodes() {
    check(
        &super::node(&read(NODE)),
        "node/box: node_annotation_rack=7 node_annotationpresent_rack=true \
         node_condition_diskpressure=unknown node_condition_example_org_hot=false \
         node_condition_ready=true node_label_gpu=a100 \
         node_labelpresent_gpu=true node_name=box node_provider_id=own://box
         - __address__=[fd00::2]:10250 node_address_Hostname=box.lan \
         node_address_InternalIP=fd00::2 instance=box",
    );
    check(&super::node(&read("{metadata: {name: a}}")), "node/a: ");
}

#[test]
fn ingresses() {
    let written = "
metadata: {name: front, namespace: smallest}
spec:
  ingressClassName: nginx
  tls: [{hosts: ['*.example.org', plain.example.com]}]
  rules:
  - {host: a.example.org, http: {paths: [{path: /x}, {path: ''}]}}
  - {host: a.b.example.org}
  - {host: none.example.org, http: {paths: []}}
  - {host: plain.example.com}
";
    check(
        &super::ingress(&read(written), PLAIN, &Others::default()),
        "ingress/smallest/front: ingress_class_name=nginx ingress_name=front namespace=smallest
         - __address__=a.example.org ingress_host=a.example.org ingress_path=/x ingress_scheme=https
         - __address__=a.example.org ingress_host=a.example.org ingress_path=/ ingress_scheme=https
         - __address__=a.b.example.org ingress_host=a.b.example.org ingress_path=/ \
         ingress_scheme=http
         - __address__=plain.example.com ingress_host=plain.example.com ingress_path=/ \
         ingress_scheme=https",
    );
}

#[test]
fn who_made_a_pod_and_the_namespace_it_is_in() {
    let others = |maker: &str| Others {
        namespaces: vec![read("metadata: {name: smallest, labels: {team/x: y}}")],
        replica_sets: vec![("asr", read(maker))],
        jobs: vec![("asr", read(maker))],
        ..Others::default()
    };
    let pod = |kind: &str| read::<Pod>(&POD.replace("ReplicaSet", kind));
    let get = |kind: &str, maker: &str, attach: AttachMetadata| {
        let group = super::pod(&pod(kind), attach, &others(maker));
        let get = |name: &str| {
            group.labels.get(&format!("__meta_kubernetes_{name}")).unwrap_or("-").to_owned()
        };
        ["pod_deployment_name", "pod_job_name", "pod_cronjob_name", "namespace_label_team_x"]
            .map(get)
            .join(" ")
    };
    let by = |kind: &str| {
        format!("metadata: {{ownerReferences: [{{kind: {kind}, name: up, controller: true}}]}}")
    };
    let all =
        AttachMetadata { namespace: true, deployment: true, job: true, cronjob: true, ..PLAIN };
    assert_eq!(get("ReplicaSet", &by("Deployment"), all), "up - - y");
    assert_eq!(get("ReplicaSet", &by("Rollout"), all), "- - - y");
    assert_eq!(get("ReplicaSet", &by("Deployment"), PLAIN), "- - - -");
    assert_eq!(get("Job", &by("CronJob"), all), "- asr up y");
    assert_eq!(get("Job", &by("Workflow"), all), "- asr - y");
    assert_eq!(get("Job", &by("CronJob"), PLAIN), "- - - -");
    assert_eq!(get("StatefulSet", &by("Deployment"), all), "- - - y");
    for group in [
        super::service(&read(SERVICE), all, &others("{}")),
        super::ingress(&read("metadata: {name: a, namespace: smallest}"), all, &others("{}")),
        super::endpoints(&read("metadata: {name: a, namespace: smallest}"), all, &others("{}")),
        super::endpointslice(&read("metadata: {name: a, namespace: smallest}"), all, &others("{}")),
    ] {
        let present = group.labels.get("__meta_kubernetes_namespace_labelpresent_team_x");
        assert_eq!(present, Some("true"), "{}", group.source);
    }
}
