//! Pods: a target for each port of each container.

use super::labels::{Meta, host_and_port, yes_or_no};
use super::{Cluster, Known, attach_namespace};
use crate::objects::{Container, ContainerPort, Owned, Owner, Pod, TargetRef};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;
use model::Labels;
use std::collections::HashMap;

/// The targets of a pod. A pod without an address has none, and neither has one whose machine is not
/// known when its labels are wanted.
#[must_use]
pub fn pod(pod: &Pod, attach: AttachMetadata, cluster: &dyn Cluster) -> Group {
    let meta = &pod.metadata;
    let source = format!("pod/{}/{}", meta.namespace, meta.name);
    let nothing = Group { source: source.clone(), labels: Labels::empty(), targets: Vec::new() };
    if pod.status.pod_ip.is_empty() {
        return nothing;
    }
    let mut shared = pod_labels(pod, attach, cluster);
    shared.set("namespace", &meta.namespace);
    if attach.node {
        let Some(node) = cluster.node(&pod.spec.node_name) else { return nothing };
        shared.object("node", &node.metadata);
    }
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    let ip = pod.status.pod_ip.to_string();
    let mut targets = Vec::new();
    for (container, is_init) in containers(pod) {
        let mut of_container = Meta::default();
        of_container.set("pod_container_name", &container.name);
        let id = pod.status.container_id(&container.name, is_init);
        of_container.set_some("pod_container_id", id.as_deref());
        of_container.set("pod_container_image", &container.image);
        of_container.set("pod_container_init", yes_or_no(is_init));
        if container.ports.is_empty() {
            // Whoever wants it adds the port.
            of_container.address(&ip);
            targets.push(of_container.labels());
        }
        for port in &container.ports {
            let mut target = of_container.clone();
            target.address(&host_and_port(&ip, port.container_port));
            port_labels(&mut target, port);
            targets.push(target.labels());
        }
    }
    Group { source, labels: shared.labels(), targets }
}

/// The labels of a pod itself, and of those who made it.
fn pod_labels(pod: &Pod, attach: AttachMetadata, cluster: &dyn Cluster) -> Meta {
    let (meta, status) = (&pod.metadata, &pod.status);
    let mut labels = Meta::default();
    labels.set("pod_ip", &status.pod_ip.to_string());
    labels.set("pod_ready", &ready(pod));
    labels.set("pod_phase", &status.phase);
    labels.set("pod_node_name", &pod.spec.node_name);
    labels.set("pod_host_ip", &status.host_ip.to_string());
    labels.set("pod_uid", &meta.uid.to_string());
    if let Some(owner) = meta.controller() {
        labels.set("pod_controller_kind", &owner.kind);
        labels.set("pod_controller_name", &owner.name);
        owner_labels(&mut labels, &meta.namespace, owner, attach, cluster);
    }
    labels.object("pod", meta);
    labels
}

/// The labels of those who made the maker of a pod.
fn owner_labels(
    labels: &mut Meta,
    namespace: &str,
    owner: &Owner,
    attach: AttachMetadata,
    cluster: &dyn Cluster,
) {
    let mut set = |name: &str, maker: Option<Known<Owned>>, kind: &str| {
        let maker = maker.as_ref().and_then(|maker| maker.metadata.controller());
        if let Some(maker) = maker.filter(|maker| *maker.kind == *kind) {
            labels.set(name, &maker.name);
        }
    };
    match &*owner.kind {
        "ReplicaSet" if attach.deployment => {
            let replica_set = cluster.replica_set(namespace, &owner.name);
            set("pod_deployment_name", replica_set, "Deployment");
        }
        "Job" => {
            if attach.cronjob {
                set("pod_cronjob_name", cluster.job(namespace, &owner.name), "CronJob");
            }
            if attach.job {
                labels.set("pod_job_name", &owner.name);
            }
        }
        _ => {}
    }
}

/// All containers, and whether each runs before the others.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = (&Container, bool)> {
    let main = pod.spec.containers.iter().map(|container| (container, false));
    main.chain(pod.spec.init_containers.iter().map(|container| (container, true)))
}

/// The labels of a container's port at an address that is known otherwise.
pub(super) fn container_labels(
    labels: &mut Meta,
    container: &Container,
    is_init: bool,
    port: &ContainerPort,
) {
    labels.set("pod_container_name", &container.name);
    labels.set("pod_container_image", &container.image);
    labels.set("pod_container_init", yes_or_no(is_init));
    port_labels(labels, port);
}

fn port_labels(labels: &mut Meta, port: &ContainerPort) {
    labels.set("pod_container_port_name", &port.name);
    labels.set("pod_container_port_number", &port.container_port.to_string());
    labels.set("pod_container_port_protocol", &port.protocol);
}

fn ready(pod: &Pod) -> String {
    let ready = pod.status.ready.as_ref();
    ready.map_or_else(|| "unknown".to_owned(), |ready| ready.to_ascii_lowercase())
}

/// The pods behind the addresses of one service: which of their ports it covers.
pub(super) struct Behind<'a> {
    attach: AttachMetadata,
    cluster: &'a dyn Cluster,
    pods: Vec<Covered>,
    /// Where each pod stands in the list.
    places: HashMap<(String, String), usize>,
}

struct Covered {
    pod: Known<Pod>,
    labels: Meta,
    ports: Vec<u16>,
}

impl<'a> Behind<'a> {
    pub(super) fn new(attach: AttachMetadata, cluster: &'a dyn Cluster) -> Self {
        Self { attach, cluster, pods: Vec::new(), places: HashMap::new() }
    }

    /// If a pod is referred to and known: takes note of it and of a port of the service that leads to
    /// it, and labels the target with the pod and the container that listens there. Whether one does.
    pub(super) fn cover(
        &mut self,
        reference: Option<&TargetRef>,
        port: Option<u16>,
        target: &mut Meta,
    ) -> bool {
        let Some(reference) = reference.filter(|reference| &*reference.kind == "Pod") else {
            return false;
        };
        let key = (reference.namespace.to_string(), reference.name.to_string());
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None => {
                let Some(pod) = self.cluster.pod(&reference.namespace, &reference.name) else {
                    return false;
                };
                let labels = pod_labels(&pod, self.attach, self.cluster);
                self.pods.push(Covered { pod, labels, ports: Vec::new() });
                self.places.insert(key, self.pods.len() - 1);
                self.pods.len() - 1
            }
        };
        let Covered { pod, labels, ports } = &mut self.pods[at];
        ports.extend(port);
        target.extend(labels);
        let mut is_one = false;
        for (container, is_init) in containers(pod) {
            let listening =
                container.ports.iter().find(|listening| Some(listening.container_port) == port);
            if let Some(listening) = listening {
                container_labels(target, container, is_init, listening);
                is_one = true;
            }
        }
        is_one
    }

    /// A target for each port of those pods that the service does not lead to.
    pub(super) fn uncovered(&self) -> Vec<Labels> {
        let mut targets = Vec::new();
        for Covered { pod, labels, ports } in &self.pods {
            // A pod that starts or was evicted has no address.
            if pod.status.pod_ip.is_empty() {
                continue;
            }
            for (container, is_init) in containers(pod) {
                for port in &container.ports {
                    if ports.contains(&port.container_port) {
                        continue;
                    }
                    let mut target = labels.clone();
                    target.address(&host_and_port(
                        &pod.status.pod_ip.to_string(),
                        port.container_port,
                    ));
                    container_labels(&mut target, container, is_init, port);
                    targets.push(target.labels());
                }
            }
        }
        targets
    }
}
