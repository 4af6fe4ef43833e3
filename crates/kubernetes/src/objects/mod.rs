//! Objects of a cluster, with the fields that targets are made of and no others.
//!
//! A cluster has many of them, so what is not needed is not kept. A null is the same as nothing.

mod endpoints;
mod ingress;
mod node;
mod owned;
mod pod;
mod service;

pub use endpoints::{
    EndpointAddress, EndpointPort, EndpointSlice, EndpointSubset, Endpoints, SliceConditions,
    SliceEndpoint, SlicePort, TargetRef,
};
pub use ingress::{Ingress, IngressHttp, IngressPath, IngressRule, IngressSpec, IngressTls};
pub use node::{Node, NodeAddress, NodeSpec, NodeStatus};
pub use owned::{Namespace, Owned, OwnedMeta};
pub use pod::{Condition, Container, ContainerPort, ContainerStatus, Pod, PodSpec, PodStatus};
pub use service::{Service, ServicePort, ServiceSpec, ServiceStatus};

use serde::Deserialize;
use std::collections::BTreeMap;

/// What identifies an object, and what is written on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta {
    /// Its name.
    pub name: String,
    /// Its namespace; empty for objects of the whole cluster.
    pub namespace: String,
    /// What tells it from one of the same name before.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Who made it.
    pub owner_references: Vec<Owner>,
}

impl ObjectMeta {
    /// Who is responsible for it.
    #[must_use]
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

/// Who made an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether it is responsible.
    pub controller: bool,
}
