//! Pods.

use super::{Address, ContainerIds, List, ObjectMeta, Pooled, Shared, Text, or_default};
use cluster::{Pool, read_text};
use serde::{Deserialize, Deserializer};
use std::sync::LazyLock;

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
    pub containers: Shared<Container>,
    /// Those that run before, or all the time beside them.
    pub init_containers: Shared<Container>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
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

impl Pooled for Container {
    fn pool() -> &'static Pool<[Self]> {
        static POOL: LazyLock<Pool<[Container]>> = LazyLock::new(Pool::new);
        &POOL
    }
}

/// What runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Written")]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: Text,
    /// The pod's address.
    pub pod_ip: Address,
    /// The machine's address.
    pub host_ip: Address,
    /// Whether it is ready: `True`, `False` or `Unknown`. Other conditions are not kept.
    pub ready: Option<Text>,
    /// What identifies the runs of its containers.
    pub container_ids: ContainerIds,
}

impl PodStatus {
    /// What identifies the run of a container.
    #[must_use]
    pub fn container_id(&self, name: &str, is_init: bool) -> Option<String> {
        let mut ids = self.container_ids.iter();
        ids.find(|(own, own_is_init, _)| (*own, *own_is_init) == (name, is_init)).map(|(.., id)| id)
    }
}

/// The status as servers write it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    phase: Text,
    #[serde(rename = "podIP")]
    pod_ip: Address,
    #[serde(rename = "hostIP")]
    host_ip: Address,
    conditions: List<Condition>,
    container_statuses: List<ContainerStatus>,
    init_container_statuses: List<ContainerStatus>,
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
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerStatus {
    /// The container's name.
    pub(super) name: Text,
    /// What identifies its run.
    #[serde(rename = "containerID", deserialize_with = "unshared")]
    pub(super) container_id: Text,
}

fn unshared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    read_text(deserializer, Text::unshared)
}

impl From<Written> for PodStatus {
    fn from(written: Written) -> Self {
        let ready = written.conditions.iter().find(|condition| condition.kind == "Ready");
        let (main, init) = (&written.container_statuses, &written.init_container_statuses);
        Self {
            ready: ready.map(|ready| ready.status.clone()),
            container_ids: ContainerIds::new(main, init),
            phase: written.phase,
            pod_ip: written.pod_ip,
            host_ip: written.host_ip,
        }
    }
}
