//! Pods.

use super::text::unshared;
use super::{List, ObjectMeta, Text, or_default};
use serde::{Deserialize, Deserializer};

/// Containers that run together on a machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// What identifies it.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// What is to run.
    #[serde(deserialize_with = "or_default")]
    pub spec: PodSpec,
    /// What runs.
    #[serde(deserialize_with = "or_default")]
    pub status: PodStatus,
}

/// What is to run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// On which machine.
    pub node_name: Text,
    /// The containers.
    pub containers: List<Container>,
    /// Those that run before, or all the time beside them.
    pub init_containers: List<Container>,
}

/// A container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name in the pod.
    pub name: Text,
    /// What it runs.
    pub image: Text,
    /// Where it listens.
    pub ports: List<ContainerPort>,
}

/// Where a container listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerPort {
    /// Its name in the pod.
    pub name: Text,
    /// The number.
    #[serde(deserialize_with = "or_default")]
    pub container_port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Text,
}

/// What runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Text,
    /// The pod's address.
    #[serde(rename = "podIP")]
    pub pod_ip: Text,
    /// The machine's address.
    #[serde(rename = "hostIP")]
    pub host_ip: Text,
    /// Whether it is ready: `True`, `False` or `Unknown`. Other conditions are not kept.
    #[serde(rename = "conditions", deserialize_with = "ready")]
    pub ready: Option<Text>,
    /// Of the containers.
    pub container_statuses: List<ContainerStatus>,
    /// Of those that run before.
    pub init_container_statuses: List<ContainerStatus>,
}

/// Something that holds or not.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What.
    #[serde(rename = "type")]
    pub kind: Text,
    /// `True`, `False` or `Unknown`.
    pub status: Text,
}

/// What runs of a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerStatus {
    /// The container's name.
    pub name: Text,
    /// What identifies its run.
    #[serde(rename = "containerID", deserialize_with = "unshared")]
    pub container_id: Text,
}

/// The status of the condition `Ready`.
fn ready<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    let conditions = List::<Condition>::deserialize(deserializer)?;
    let ready = conditions.iter().find(|condition| condition.kind == "Ready");
    Ok(ready.map(|ready| ready.status.clone()))
}
