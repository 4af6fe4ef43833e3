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
mod packed;
mod pod;
mod service;
#[cfg(test)]
mod tests;

pub use cluster::Text;
pub use compact::{List, Map, Pooled, Shared};
pub use endpoints::{
    EndpointAddress, EndpointPort, EndpointSlice, EndpointSubset, Endpoints, SliceConditions,
    SliceEndpoint, SlicePort, TargetRef,
};
pub use ingress::{Ingress, IngressHttp, IngressPath, IngressRule, IngressSpec, IngressTls};
pub use node::{Node, NodeAddress, NodeSpec, NodeStatus};
pub use owned::{Namespace, Owned, OwnedMeta};
pub use packed::{Address, Addresses, ContainerIds, Uid};
use pod::ContainerStatus;
pub use pod::{Condition, Container, ContainerPort, Pod, PodSpec, PodStatus};
pub use service::{Service, ServicePort, ServiceSpec, ServiceStatus};

use cluster::Pool;
use compact::{annotations, or_default};
use serde::Deserialize;
use std::sync::LazyLock;

/// What identifies an object, and what is written on it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ObjectMeta {
    /// Its name.
    pub name: Text,
    /// Its namespace; empty for objects of the whole cluster.
    pub namespace: Text,
    /// What tells it from one of the same name before.
    pub uid: Uid,
    /// Its labels.
    pub labels: Map,
    /// Its annotations, without what `kubectl apply` keeps there.
    #[serde(deserialize_with = "annotations")]
    pub annotations: Map,
    /// Who made it.
    pub owner_references: Shared<Owner>,
}

impl ObjectMeta {
    /// Who is responsible for it.
    #[must_use]
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }
}

/// Who made an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
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

impl Pooled for Owner {
    fn pool() -> &'static Pool<[Self]> {
        static POOL: LazyLock<Pool<[Owner]>> = LazyLock::new(Pool::new);
        &POOL
    }
}
