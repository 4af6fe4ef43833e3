//! EndpointSlices: a target for each address and port of a part of a service.

use super::labels::{Meta, host_and_port, yes_or_no};
use super::pod::Behind;
use super::service::service_labels;
use super::{Cluster, attach_namespace};
use crate::objects::{EndpointSlice, Service, SliceEndpoint, SlicePort};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;

/// The label that names the service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The targets of a slice, and one for each further port of the pods behind it. The addresses of the
/// second family of a service with two are no targets: they are the same pods.
#[must_use]
pub fn endpointslice(
    slice: &EndpointSlice,
    attach: AttachMetadata,
    cluster: &dyn Cluster,
) -> Group {
    let meta = &slice.metadata;
    let mut shared = Meta::default();
    shared.set("namespace", &meta.namespace);
    shared.set("endpointslice_address_type", &slice.address_type);
    shared.object("endpointslice", meta);
    let name = meta.labels.get(SERVICE_NAME);
    let service = name.and_then(|name| cluster.service(&meta.namespace, name));
    if let Some(service) = &service {
        shared.extend(&service_labels(service));
    }
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    let source = format!("endpointslice/{}/{}", meta.namespace, meta.name);
    let (mut behind, mut targets) = (Behind::new(attach, cluster), Vec::new());
    if service.as_ref().is_some_and(|service| is_second_family(service, &slice.address_type)) {
        return Group { source, labels: shared.labels(), targets };
    }
    for endpoint in &slice.endpoints {
        for port in &slice.ports {
            for address in &endpoint.addresses {
                let mut target = target(&address.to_string(), endpoint, port);
                if attach.node {
                    attach_node(&mut target, endpoint, cluster);
                }
                behind.cover(endpoint.target_ref.as_ref(), port.port, &mut target);
                targets.push(target.labels());
            }
        }
    }
    targets.extend(behind.uncovered());
    Group { source, labels: shared.labels(), targets }
}

/// Whether a service has two families of addresses, and this is not the first of them.
pub(super) fn is_second_family(service: &Service, address_type: &str) -> bool {
    let spec = &service.spec;
    let has_two = matches!(spec.ip_family_policy.as_str(), "PreferDualStack" | "RequireDualStack");
    has_two && spec.ip_families.first().is_some_and(|first| first != address_type)
}

fn target(address: &str, endpoint: &SliceEndpoint, port: &SlicePort) -> Meta {
    let mut target = Meta::default();
    match port.port {
        Some(number) => {
            target.address(&host_and_port(address, number));
            target.set("endpointslice_port", &number.to_string());
        }
        None => target.address(address),
    }
    target.set_some("endpointslice_port_name", port.name.as_deref());
    target.set_some("endpointslice_port_protocol", port.protocol.as_deref());
    target.set_some("endpointslice_port_app_protocol", port.app_protocol.as_deref());
    let conditions = endpoint.conditions;
    for (name, value) in [
        ("ready", conditions.ready),
        ("serving", conditions.serving),
        ("terminating", conditions.terminating),
    ] {
        let name = format!("endpointslice_endpoint_conditions_{name}");
        target.set_some(&name, value.map(yes_or_no));
    }
    target.set_some("endpointslice_endpoint_hostname", endpoint.hostname.as_deref());
    target.set_some("endpointslice_endpoint_node_name", endpoint.node_name.as_deref());
    target.set_some("endpointslice_endpoint_zone", endpoint.zone.as_deref());
    if let Some(reference) = &endpoint.target_ref {
        target.set("endpointslice_address_target_kind", &reference.kind);
        target.set("endpointslice_address_target_name", &reference.name);
    }
    for (name, value) in endpoint.deprecated_topology.as_deref().into_iter().flatten() {
        let prefix = "endpointslice_endpoint_topology_";
        target.set_named(prefix, &format!("{prefix}present_"), name, value);
    }
    target
}

/// The labels of the machine: of that which the endpoint is, or on which it runs.
pub(super) fn attach_node(target: &mut Meta, endpoint: &SliceEndpoint, cluster: &dyn Cluster) {
    let itself = endpoint.target_ref.as_ref().filter(|reference| &*reference.kind == "Node");
    let name = itself.map(|node| &*node.name).or(endpoint.node_name.as_deref());
    if let Some(node) = name.and_then(|name| cluster.node(name)) {
        target.object("node", &node.metadata);
    }
}
