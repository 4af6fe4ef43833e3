//! Nodes.

use super::{Condition, ObjectMeta};
use serde::Deserialize;

/// A machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Node {
    /// What identifies it.
    pub metadata: ObjectMeta,
    /// What it is.
    pub spec: NodeSpec,
    /// How it is.
    pub status: NodeStatus,
}

/// What a machine is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    /// Its name for whom it was rented from.
    #[serde(rename = "providerID")]
    pub provider_id: String,
}

/// How a machine is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeStatus {
    /// Where it is reached.
    pub addresses: Vec<NodeAddress>,
    /// `Ready` and others.
    pub conditions: Vec<Condition>,
    /// Where its daemons listen.
    pub daemon_endpoints: DaemonEndpoints,
}

/// Where a machine is reached.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeAddress {
    /// `InternalIP`, `Hostname` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address.
    pub address: String,
}

/// Where a machine's daemons listen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DaemonEndpoints {
    /// The kubelet.
    pub kubelet_endpoint: DaemonEndpoint,
}

/// Where a daemon listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DaemonEndpoint {
    /// Its port.
    pub port: u16,
}
