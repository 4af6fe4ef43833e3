//! Pods.

use super::ObjectMeta;
use serde::Deserialize;

/// Containers that run together on a machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// What identifies it.
    pub metadata: ObjectMeta,
    /// What is to run.
    pub spec: PodSpec,
    /// What runs.
    pub status: PodStatus,
}

/// What is to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// On which machine.
    pub node_name: String,
    /// The containers.
    pub containers: Vec<Container>,
    /// Those that run before, or all the time beside them.
    pub init_containers: Vec<Container>,
}

/// A container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name in the pod.
    pub name: String,
    /// What it runs.
    pub image: String,
    /// Where it listens.
    pub ports: Vec<ContainerPort>,
}

/// Where a container listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerPort {
    /// Its name in the pod.
    pub name: String,
    /// The number.
    pub container_port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// What runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// The pod's address.
    #[serde(rename = "podIP")]
    pub pod_ip: String,
    /// The machine's address.
    #[serde(rename = "hostIP")]
    pub host_ip: String,
    /// `Ready` and others.
    pub conditions: Vec<Condition>,
    /// Of the containers.
    pub container_statuses: Vec<ContainerStatus>,
    /// Of those that run before.
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// Something that holds or not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
}

/// What runs of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerStatus {
    /// The container's name.
    pub name: String,
    /// What identifies its run.
    #[serde(rename = "containerID")]
    pub container_id: String,
}
