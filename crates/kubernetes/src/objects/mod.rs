//! Objects of a cluster, with the fields that targets are made of and no others.
//!
//! A cluster has many of them, so what is not needed is not kept, and texts that many have in common
//! are kept once ([`Text`]). Objects are read into their places straight from the text they come in. A
//! null is the same as nothing; a value of a wrong type makes its object unreadable.

mod compact;
mod endpoints;
mod ingress;
mod node;
mod owned;
mod pod;
mod service;
mod text;

pub use compact::{List, Map};
pub use endpoints::{
    EndpointAddress, EndpointPort, EndpointSlice, EndpointSubset, Endpoints, SliceConditions,
    SliceEndpoint, SlicePort, TargetRef,
};
pub use ingress::{Ingress, IngressHttp, IngressPath, IngressRule, IngressSpec, IngressTls};
pub use node::{Node, NodeAddress, NodeSpec, NodeStatus};
pub use owned::{Namespace, Owned, OwnedMeta};
pub use pod::{Condition, Container, ContainerPort, ContainerStatus, Pod, PodSpec, PodStatus};
pub use service::{Service, ServicePort, ServiceSpec, ServiceStatus};
pub use text::Text;

use compact::{annotations, or_default};
use serde::Deserialize;
use text::unshared;

/// What identifies an object, and what is written on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta {
    /// Its name.
    pub name: Text,
    /// Its namespace; empty for objects of the whole cluster.
    pub namespace: Text,
    /// What tells it from one of the same name before.
    #[serde(deserialize_with = "unshared")]
    pub uid: Text,
    /// Its labels.
    pub labels: Map,
    /// Its annotations, without what `kubectl apply` keeps there.
    #[serde(deserialize_with = "annotations")]
    pub annotations: Map,
    /// Who made it.
    pub owner_references: List<Owner>,
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
    pub kind: Text,
    /// Its name.
    pub name: Text,
    /// Whether it is responsible.
    #[serde(deserialize_with = "or_default")]
    pub controller: bool,
}
