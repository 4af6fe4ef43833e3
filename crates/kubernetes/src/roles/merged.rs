//! Endpoints as they would be, made of the slices of a service: for clusters that do not let them be read.

use super::endpointslice::{attach_node, is_second_family};
use super::labels::{Meta, host_and_port, yes_or_no};
use super::pod::Behind;
use super::service::service_labels;
use super::{Cluster, Known, attach_namespace};
use crate::objects::{EndpointSlice, Service, SliceEndpoint, SlicePort};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;

/// The targets that the endpoints of a service would give, by its slices. What ends is left out, as the
/// cluster leaves it out there, and so are the addresses of a second family.
#[must_use]
pub fn endpoints_of_slices(
    service: &Service,
    slices: &[Known<EndpointSlice>],
    attach: AttachMetadata,
    cluster: &dyn Cluster,
) -> Group {
    let meta = &service.metadata;
    let mut shared = service_labels(service);
    shared.set("namespace", &meta.namespace);
    shared.set("endpoints_name", &meta.name);
    // The cluster gives them the labels of the service.
    for (name, value) in &meta.labels {
        shared.set_named("endpoints_label_", "endpoints_labelpresent_", name, value);
    }
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    let (mut behind, mut targets) = (Behind::new(attach, cluster), Vec::new());
    let slices = slices.iter().filter(|slice| !is_second_family(service, &slice.address_type));
    for slice in slices.filter(|slice| &*slice.address_type != "FQDN") {
        let ports = slice.ports.iter().filter_map(|port| Some((port, port.port?)));
        for (port, number) in ports {
            let stays = |endpoint: &&SliceEndpoint| endpoint.conditions.terminating != Some(true);
            for endpoint in slice.endpoints.iter().filter(stays) {
                for address in &endpoint.addresses {
                    let address = host_and_port(&address.to_string(), number);
                    let mut target = target(&address, endpoint, port);
                    if attach.node {
                        attach_node(&mut target, endpoint, cluster);
                    }
                    if behind.cover(endpoint.target_ref.as_ref(), Some(number), &mut target) {
                        let protocol = port.protocol.as_deref().unwrap_or_default();
                        target.set("pod_container_port_protocol", protocol);
                    }
                    targets.push(target.labels());
                }
            }
        }
    }
    targets.extend(behind.uncovered());
    let source = format!("endpoints/{}/{}", meta.namespace, meta.name);
    Group { source, labels: shared.labels(), targets }
}

fn target(address: &str, endpoint: &SliceEndpoint, port: &SlicePort) -> Meta {
    let mut target = Meta::default();
    target.address(address);
    target.set_some("endpoint_port_name", port.name.as_deref());
    target.set_some("endpoint_port_protocol", port.protocol.as_deref());
    target.set("endpoint_ready", yes_or_no(endpoint.conditions.ready != Some(false)));
    if let Some(reference) = &endpoint.target_ref {
        target.set("endpoint_address_target_kind", &reference.kind);
        target.set("endpoint_address_target_name", &reference.name);
    }
    target.set_some("endpoint_node_name", endpoint.node_name.as_deref());
    target.set_some("endpoint_hostname", endpoint.hostname.as_deref());
    target
}
