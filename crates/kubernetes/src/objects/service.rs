//! Services.

use super::{List, Map, ObjectMeta, Text, or_default};
use crate::resources::meta::NameOrNumber;
use serde::Deserialize;

/// A name for several addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// What identifies it.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// What it is.
    #[serde(deserialize_with = "or_default")]
    pub spec: ServiceSpec,
    /// How it is reached from outside.
    #[serde(deserialize_with = "or_default")]
    pub status: ServiceStatus,
}

/// What a service is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: Text,
    /// Its address.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Text,
    /// The name it stands for.
    pub external_name: Text,
    /// The address outside that was asked for.
    #[serde(rename = "loadBalancerIP")]
    pub load_balancer_ip: Text,
    /// The labels of the pods behind it.
    pub selector: Map,
    /// Its ports.
    pub ports: List<ServicePort>,
    /// The families of its addresses, the first one first.
    pub ip_families: List<Text>,
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
    pub ip_family_policy: Text,
}

/// A port of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServicePort {
    /// Its name.
    pub name: Text,
    /// Its number.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Text,
    /// Where the pods behind it listen: the name or the number of a container's port.
    pub target_port: Option<NameOrNumber>,
}

/// How a service is reached from outside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its load balancer.
    #[serde(deserialize_with = "or_default")]
    pub load_balancer: LoadBalancer,
}

/// A load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// Its addresses.
    pub ingress: List<LoadBalancerAddress>,
}

/// An address of a load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancerAddress {
    /// The address, if it is a number.
    pub ip: Text,
}
