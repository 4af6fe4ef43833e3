//! Services.

use super::ObjectMeta;
use serde::Deserialize;

/// A name for several addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    /// What identifies it.
    pub metadata: ObjectMeta,
    /// What it is.
    pub spec: ServiceSpec,
    /// How it is reached from outside.
    pub status: ServiceStatus,
}

/// What a service is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: String,
    /// The name it stands for.
    pub external_name: String,
    /// The address outside that was asked for.
    #[serde(rename = "loadBalancerIP")]
    pub load_balancer_ip: String,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// The families of its addresses, the first one first.
    pub ip_families: Vec<String>,
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
    pub ip_family_policy: String,
}

/// A port of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// Its number.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// How a service is reached from outside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its load balancer.
    pub load_balancer: LoadBalancer,
}

/// A load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancer {
    /// Its addresses.
    pub ingress: Vec<LoadBalancerAddress>,
}

/// An address of a load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct LoadBalancerAddress {
    /// The address, if it is a number.
    pub ip: String,
}
