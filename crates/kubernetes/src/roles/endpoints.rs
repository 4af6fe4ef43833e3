//! Endpoints: a target for each address and port of a service.

use super::labels::{Meta, host_and_port, yes_or_no};
use super::pod::Behind;
use super::service::service_labels;
use super::{Cluster, attach_namespace};
use crate::objects::{EndpointAddress, EndpointPort, Endpoints, TargetRef};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;

/// The targets of a service's endpoints, and one for each further port of the pods behind them.
#[must_use]
pub fn endpoints(endpoints: &Endpoints, attach: AttachMetadata, cluster: &dyn Cluster) -> Group {
    let meta = &endpoints.metadata;
    let mut shared = Meta::default();
    shared.set("namespace", &meta.namespace);
    shared.object("endpoints", meta);
    if let Some(service) = cluster.service(&meta.namespace, &meta.name) {
        shared.extend(&service_labels(&service));
    }
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    let (mut behind, mut targets) = (Behind::new(attach, cluster), Vec::new());
    for subset in &endpoints.subsets {
        let ready = subset.addresses.iter().map(|address| (address, true));
        let others = subset.not_ready_addresses.iter().map(|address| (address, false));
        let addresses: Vec<_> = ready.chain(others).collect();
        for port in &subset.ports {
            for (address, is_ready) in &addresses {
                let mut target = target(address, port, *is_ready);
                if attach.node {
                    attach_node(&mut target, address, cluster);
                }
                if behind.cover(address.target_ref.as_ref(), Some(port.port), &mut target) {
                    // That of the service's port; a number may be one of UDP and of TCP.
                    target.set("pod_container_port_protocol", &port.protocol);
                }
                targets.push(target.labels());
            }
        }
    }
    targets.extend(behind.uncovered());
    let source = format!("endpoints/{}/{}", meta.namespace, meta.name);
    Group { source, labels: shared.labels(), targets }
}

fn target(address: &EndpointAddress, port: &EndpointPort, is_ready: bool) -> Meta {
    let mut target = Meta::default();
    target.address(&host_and_port(&address.ip.to_string(), port.port));
    target.set("endpoint_port_name", &port.name);
    target.set("endpoint_port_protocol", &port.protocol);
    target.set("endpoint_ready", yes_or_no(is_ready));
    if let Some(reference) = &address.target_ref {
        target.set("endpoint_address_target_kind", &reference.kind);
        target.set("endpoint_address_target_name", &reference.name);
    }
    target.set_some("endpoint_node_name", address.node_name.as_deref());
    target.set("endpoint_hostname", &address.hostname);
    target
}

/// The labels of the machine: of that on which what is there runs, or which the address is.
fn attach_node(target: &mut Meta, address: &EndpointAddress, cluster: &dyn Cluster) {
    let is_node = |reference: &&TargetRef| &*reference.kind == "Node";
    let itself = address.target_ref.as_ref().filter(is_node).map(|node| &*node.name);
    let name = address.node_name.as_deref().or(itself);
    if let Some(node) = name.and_then(|name| cluster.node(name)) {
        target.object("node", &node.metadata);
    }
}
