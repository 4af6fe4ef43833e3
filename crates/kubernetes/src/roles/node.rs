//! Nodes: a target each, the kubelet.

use super::labels::{Meta, host_and_port};
use crate::names::sanitized;
use crate::objects::{Node, NodeAddress};
use discovery::Group;
use model::Labels;

/// Kinds of addresses, the best first.
const KINDS: [&str; 6] =
    ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];

/// The target of a machine; none when it has no address.
#[must_use]
pub fn node(node: &Node) -> Group {
    let (meta, status) = (&node.metadata, &node.status);
    let source = format!("node/{}", meta.name);
    let first = |kind: &str| status.addresses.iter().find(|address| address.kind == kind);
    let Some(address) = KINDS.iter().find_map(|kind| first(kind)) else {
        return Group { source, labels: Labels::empty(), targets: Vec::new() };
    };
    let mut shared = Meta::default();
    shared.object("node", meta);
    shared.set("node_provider_id", &node.spec.provider_id);
    for condition in &status.conditions {
        let kind = sanitized(&condition.kind.to_lowercase());
        let name = format!("node_condition_{kind}");
        shared.set(&name, &condition.status.to_ascii_lowercase());
    }
    let mut target = Meta::default();
    let port = status.daemon_endpoints.kubelet_endpoint.port;
    target.address(&host_and_port(&address.address, port));
    target.set_plain("instance", &meta.name);
    let mut told: Vec<&str> = Vec::new();
    for NodeAddress { kind, address } in &status.addresses {
        if !told.contains(&kind.as_str()) {
            told.push(kind);
            target.set(&format!("node_address_{}", sanitized(kind)), address);
        }
    }
    Group { source, labels: shared.labels(), targets: vec![target.labels()] }
}
