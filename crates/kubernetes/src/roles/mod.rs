//! From objects of a cluster to target groups, one role a file.
//!
//! Each function makes the group of one object. Objects it refers to, the pod behind an address and the
//! service of an endpoint, are asked for through [`Cluster`], so whoever keeps them also knows whose
//! groups are to be made again when one changes. Names of labels are Prometheus', see
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config>.

mod endpoints;
mod endpointslice;
mod ingress;
mod labels;
mod merged;
mod node;
mod pod;
mod service;
#[cfg(test)]
mod tests;

pub use endpoints::endpoints;
pub use endpointslice::{SERVICE_NAME, endpointslice};
pub use ingress::ingress;
pub use merged::endpoints_of_slices;
pub use node::node;
pub use pod::pod;
pub use service::service;

use crate::objects::{Namespace, Node, Owned, Pod, Service};
use cluster::watch::{Held, ObjectVersion};
use discovery::kubernetes::AttachMetadata;
use std::ops::Deref;
use std::sync::Arc;

/// Objects that others refer to. A kind of objects of which nothing is to be attached may be empty.
pub trait Cluster {
    /// A pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<Known<Pod>>;
    /// A service.
    fn service(&self, namespace: &str, name: &str) -> Option<Known<Service>>;
    /// A machine.
    fn node(&self, name: &str) -> Option<Known<Node>>;
    /// A namespace.
    fn namespace(&self, name: &str) -> Option<Known<Namespace>>;
    /// A set of equal pods: by whom it was made.
    fn replica_set(&self, namespace: &str, name: &str) -> Option<Known<Owned>>;
    /// A job: by whom it was made.
    fn job(&self, namespace: &str, name: &str) -> Option<Known<Owned>>;
}

/// An object that could be read, shared with the store it is from.
#[derive(Debug)]
pub struct Known<T>(Arc<Held<T>>);

impl<T> Known<T> {
    /// The object, if it could be read.
    #[must_use]
    pub fn of(held: Arc<Held<T>>) -> Option<Self> {
        held.object.is_ok().then(|| Self(held))
    }
}

impl<T> From<T> for Known<T> {
    fn from(object: T) -> Self {
        Self(Arc::new(Held { meta: ObjectVersion::default(), object: Ok(object) }))
    }
}

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Known<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.object.as_ref().unwrap_or_else(|_| unreachable!("only made of what could be read"))
    }
}

/// Labels a group with those of its namespace.
fn attach_namespace(
    shared: &mut labels::Meta,
    namespace: &str,
    attach: AttachMetadata,
    cluster: &dyn Cluster,
) {
    if attach.namespace
        && let Some(namespace) = cluster.namespace(namespace)
    {
        shared.labels_of("namespace", &namespace.metadata);
    }
}
