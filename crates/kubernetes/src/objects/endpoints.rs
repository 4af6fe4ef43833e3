//! Endpoints and EndpointSlices: the addresses of a service.

use super::{Address, Addresses, List, Map, ObjectMeta, Text, or_default};
use serde::Deserialize;

/// The addresses of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// What identifies it; the service has the same name.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// Addresses by their ports.
    pub subsets: List<EndpointSubset>,
}

/// Addresses with the same ports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSubset {
    /// Those that are ready.
    pub addresses: List<EndpointAddress>,
    /// Those that are not.
    pub not_ready_addresses: List<EndpointAddress>,
    /// Their ports.
    pub ports: List<EndpointPort>,
}

/// An address of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointAddress {
    /// The address.
    pub ip: Address,
    /// Its name.
    pub hostname: Text,
    /// The machine.
    pub node_name: Option<Text>,
    /// What is there.
    pub target_ref: Option<TargetRef>,
}

/// What is at an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    /// `Pod` or `Node`.
    pub kind: Text,
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub name: Text,
}

/// A port of an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    /// Its name.
    pub name: Text,
    /// Its number.
    #[serde(deserialize_with = "or_default")]
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Text,
}

/// Some of the addresses of a service, of one family.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSlice {
    /// What identifies it; a label names the service.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: Text,
    /// The addresses.
    pub endpoints: List<SliceEndpoint>,
    /// The ports of each.
    pub ports: List<SlicePort>,
}

/// Something with one or more addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SliceEndpoint {
    /// The addresses.
    pub addresses: Addresses,
    /// How it is.
    #[serde(deserialize_with = "or_default")]
    pub conditions: SliceConditions,
    /// Its name.
    pub hostname: Option<Text>,
    /// What it is.
    pub target_ref: Option<TargetRef>,
    /// The machine.
    pub node_name: Option<Text>,
    /// Where the machine is.
    pub zone: Option<Text>,
    /// Where it is, otherwise.
    pub deprecated_topology: Option<Box<Map>>,
}

/// How something with addresses is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SliceConditions {
    /// Whether it is to be asked.
    pub ready: Option<bool>,
    /// Whether it answers.
    pub serving: Option<bool>,
    /// Whether it is about to end.
    pub terminating: Option<bool>,
}

/// A port of a slice.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SlicePort {
    /// Its name.
    pub name: Option<Text>,
    /// Its number; none for any.
    pub port: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Option<Text>,
    /// What is spoken there.
    pub app_protocol: Option<Text>,
}
