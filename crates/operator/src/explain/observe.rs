//! From objects of a cluster to as much of them as checks look at.

use super::cluster::{
    Address, Addresses, ContainerPort, Ingress, LabelMap, Pod, Service, ServicePort,
};
use kubernetes::objects;
use kubernetes::roles::SERVICE_NAME;

fn labels(map: &objects::Map) -> LabelMap {
    map.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl From<&objects::Service> for Service {
    fn from(service: &objects::Service) -> Self {
        let objects::Service { metadata, spec, .. } = service;
        let ports = spec.ports.iter().map(|port| ServicePort {
            name: port.name.to_string(),
            number: port.port,
            target: port.target_port.clone(),
        });
        Self {
            namespace: metadata.namespace.to_string(),
            name: metadata.name.to_string(),
            labels: labels(&metadata.labels),
            kind: spec.kind.to_string(),
            selector: labels(&spec.selector),
            ports: ports.collect(),
        }
    }
}

impl From<&objects::EndpointSlice> for Addresses {
    fn from(slice: &objects::EndpointSlice) -> Self {
        let objects::EndpointSlice { metadata, endpoints, ports, .. } = slice;
        let addresses = endpoints.iter().flat_map(|endpoint| {
            endpoint.addresses.iter().map(|ip| Address {
                ip: ip.to_string(),
                // Nothing said means ready.
                is_ready: endpoint.conditions.ready != Some(false),
                pod: pod(endpoint.target_ref.as_ref()),
            })
        });
        let ports = ports.iter().map(|port| port.name.as_deref().unwrap_or_default().to_owned());
        Self {
            namespace: metadata.namespace.to_string(),
            service: metadata.labels.get(SERVICE_NAME).unwrap_or_default().to_owned(),
            ports: ports.collect(),
            addresses: addresses.collect(),
        }
    }
}

impl Addresses {
    /// Those of all subsets.
    pub(super) fn of_endpoints(endpoints: &objects::Endpoints) -> Vec<Self> {
        let objects::Endpoints { metadata, subsets } = endpoints;
        let of_subset = |subset: &objects::EndpointSubset| {
            let address = |address: &objects::EndpointAddress, is_ready| Address {
                ip: address.ip.to_string(),
                is_ready,
                pod: pod(address.target_ref.as_ref()),
            };
            let ready = subset.addresses.iter().map(|own| address(own, true));
            let unready = subset.not_ready_addresses.iter().map(|own| address(own, false));
            Self {
                namespace: metadata.namespace.to_string(),
                service: metadata.name.to_string(),
                ports: subset.ports.iter().map(|port| port.name.to_string()).collect(),
                addresses: ready.chain(unready).collect(),
            }
        };
        subsets.iter().map(of_subset).collect()
    }
}

fn pod(reference: Option<&objects::TargetRef>) -> Option<String> {
    reference.filter(|reference| reference.kind == "Pod").map(|pod| pod.name.to_string())
}

impl From<&objects::Pod> for Pod {
    fn from(pod: &objects::Pod) -> Self {
        let objects::Pod { metadata, spec, status } = pod;
        let containers = spec.containers.iter().chain(&spec.init_containers);
        let ports = containers.flat_map(|container| {
            container.ports.iter().map(|port| ContainerPort {
                container: container.name.to_string(),
                name: port.name.to_string(),
                number: port.container_port,
            })
        });
        Self {
            namespace: metadata.namespace.to_string(),
            name: metadata.name.to_string(),
            labels: labels(&metadata.labels),
            phase: status.phase.to_string(),
            ip: status.pod_ip.to_string(),
            is_ready: status.ready.as_ref().map(|ready| *ready == "True"),
            ports: ports.collect(),
        }
    }
}

impl From<&objects::Ingress> for Ingress {
    fn from(ingress: &objects::Ingress) -> Self {
        let objects::Ingress { metadata, spec } = ingress;
        Self {
            namespace: metadata.namespace.to_string(),
            name: metadata.name.to_string(),
            labels: labels(&metadata.labels),
            hosts: spec.rules.iter().map(|rule| rule.host.to_string()).collect(),
        }
    }
}
