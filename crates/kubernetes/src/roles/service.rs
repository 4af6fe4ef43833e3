//! Services: a target for each port.

use super::labels::{Meta, host_and_port};
use super::{Cluster, attach_namespace};
use crate::objects::Service;
use discovery::Group;
use discovery::kubernetes::AttachMetadata;

/// The targets of a service, under its name in the cluster.
#[must_use]
pub fn service(service: &Service, attach: AttachMetadata, cluster: &dyn Cluster) -> Group {
    let (meta, spec) = (&service.metadata, &service.spec);
    let mut shared = service_labels(service);
    shared.set("namespace", &meta.namespace);
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    let host = format!("{}.{}.svc", meta.name, meta.namespace);
    let targets = spec.ports.iter().map(|port| {
        let mut target = Meta::default();
        target.address(&host_and_port(&host, port.port));
        target.set("service_port_name", &port.name);
        target.set("service_port_number", &port.port.to_string());
        target.set("service_port_protocol", &port.protocol);
        target.set("service_type", &spec.kind);
        if spec.kind == "ExternalName" {
            target.set("service_external_name", &spec.external_name);
        } else {
            target.set("service_cluster_ip", &spec.cluster_ip);
        }
        if spec.kind == "LoadBalancer" {
            let given = service.status.load_balancer.ingress.iter();
            let given: Vec<_> =
                given.map(|address| address.ip.as_str()).filter(|ip| !ip.is_empty()).collect();
            let ip =
                if given.is_empty() { spec.load_balancer_ip.to_string() } else { given.join(",") };
            target.set("service_loadbalancer_ip", &ip);
        }
        target.labels()
    });
    let targets = targets.collect();
    let source = format!("svc/{}/{}", meta.namespace, meta.name);
    Group { source, labels: shared.labels(), targets }
}

/// The labels of a service itself.
pub(super) fn service_labels(service: &Service) -> Meta {
    let mut labels = Meta::default();
    labels.object("service", &service.metadata);
    labels
}
