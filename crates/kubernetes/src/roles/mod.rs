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
mod node;
mod pod;
mod service;
#[cfg(test)]
mod tests;

pub use endpoints::endpoints;
pub use endpointslice::{SERVICE_NAME, endpointslice};
pub use ingress::ingress;
pub(crate) use labels::sanitized;
pub use node::node;
pub use pod::pod;
pub use service::service;

use crate::objects::{Node, Pod, Service};

/// Objects that others refer to.
pub trait Cluster {
    /// A pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<&Pod>;
    /// A service.
    fn service(&self, namespace: &str, name: &str) -> Option<&Service>;
    /// A machine.
    fn node(&self, name: &str) -> Option<&Node>;
}

/// What else targets are labelled with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attach {
    /// With the labels of their machine.
    pub node: bool,
}
