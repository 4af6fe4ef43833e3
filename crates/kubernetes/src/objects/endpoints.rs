//! Endpoints and EndpointSlices: the addresses of a service.

use super::ObjectMeta;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The addresses of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// What identifies it; the service has the same name.
    pub metadata: ObjectMeta,
    /// Addresses by their ports.
    pub subsets: Vec<EndpointSubset>,
}

/// Addresses with the same ports.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSubset {
    /// Those that are ready.
    pub addresses: Vec<EndpointAddress>,
    /// Those that are not.
    pub not_ready_addresses: Vec<EndpointAddress>,
    /// Their ports.
    pub ports: Vec<EndpointPort>,
}

/// An address of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointAddress {
    /// The address.
    pub ip: String,
    /// Its name.
    pub hostname: String,
    /// The machine.
    pub node_name: Option<String>,
    /// What is there.
    pub target_ref: Option<TargetRef>,
}

/// What is at an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    /// `Pod` or `Node`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// A port of an address.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointPort {
    /// Its name.
    pub name: String,
    /// Its number.
    pub port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

/// Some of the addresses of a service, of one family.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EndpointSlice {
    /// What identifies it; a label names the service.
    pub metadata: ObjectMeta,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: String,
    /// The addresses.
    pub endpoints: Vec<SliceEndpoint>,
    /// The ports of each.
    pub ports: Vec<SlicePort>,
}

/// Something with one or more addresses.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SliceEndpoint {
    /// The addresses.
    pub addresses: Vec<String>,
    /// How it is.
    pub conditions: SliceConditions,
    /// Its name.
    pub hostname: Option<String>,
    /// What it is.
    pub target_ref: Option<TargetRef>,
    /// The machine.
    pub node_name: Option<String>,
    /// Where the machine is.
    pub zone: Option<String>,
    /// Where it is, otherwise.
    pub deprecated_topology: BTreeMap<String, String>,
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
    pub name: Option<String>,
    /// Its number; none for any.
    pub port: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Option<String>,
    /// What is spoken there.
    pub app_protocol: Option<String>,
}
