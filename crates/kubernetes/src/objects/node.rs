//! Nodes.

use super::{Condition, List, ObjectMeta, Text, or_default};
use serde::Deserialize;

/// A machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// What identifies it.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// What it is.
    #[serde(deserialize_with = "or_default")]
    pub spec: NodeSpec,
    /// How it is.
    #[serde(deserialize_with = "or_default")]
    pub status: NodeStatus,
}

/// What a machine is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    /// Its name for whom it was rented from.
    #[serde(rename = "providerID")]
    pub provider_id: Text,
}

/// How a machine is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    /// Where it is reached.
    pub addresses: List<NodeAddress>,
    /// `Ready` and others.
    pub conditions: List<Condition>,
    /// Where its daemons listen.
    #[serde(deserialize_with = "or_default")]
    pub daemon_endpoints: DaemonEndpoints,
}

/// Where a machine is reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// `InternalIP`, `Hostname` and others.
    #[serde(rename = "type")]
    pub kind: Text,
    /// The address.
    pub address: Text,
}

/// Where a machine's daemons listen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonEndpoints {
    /// The kubelet.
    #[serde(deserialize_with = "or_default")]
    pub kubelet_endpoint: DaemonEndpoint,
}

/// Where a daemon listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DaemonEndpoint {
    /// Its port.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
}
