//! What is seen of a cluster, with as much of each object as checks look at.

use kubernetes::resources::meta::NameOrNumber;
use std::collections::{BTreeMap, BTreeSet};

/// Labels by name.
pub(super) type LabelMap = BTreeMap<String, String>;

/// How the watch of a kind of objects is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Watched {
    /// In sync.
    InSync,
    /// It was in sync once, and what is known is as old as that.
    Behind {
        /// For how long.
        seconds: u64,
        /// What keeps it.
        error: String,
    },
    /// The first list is not complete.
    Waiting {
        /// What keeps it, if anything.
        error: Option<String>,
    },
    /// We may not.
    Forbidden {
        /// The API server's words.
        message: String,
        /// The rules to add to a role.
        rules: String,
    },
    /// The cluster does not have the kind.
    Absent,
    /// Nobody asked for them.
    #[default]
    NotAsked,
}

impl Watched {
    /// Whether what is known of the objects can be gone by.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self, Self::InSync | Self::Behind { .. })
    }
}

/// The objects of a kind.
#[derive(Clone, Debug)]
pub struct Seen<T> {
    /// How well they are known.
    pub watched: Watched,
    /// In the order of namespaces and names.
    pub objects: Vec<T>,
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self { watched: Watched::NotAsked, objects: Vec::new() }
    }
}

/// The cluster around an object.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The namespaces we look at; all when it is empty.
    pub followed: BTreeSet<String>,
    /// Those of them in which we may not read what targets are made of.
    pub forbidden: BTreeSet<String>,
    /// The namespaces there are, if that is known.
    pub namespaces: Option<BTreeSet<String>>,
    /// All that we may see.
    pub services: Seen<Service>,
    /// Whether addresses are those of Endpoints, and not of EndpointSlices.
    pub are_endpoints: bool,
    /// The addresses of Services, as discovery looks at them.
    pub addresses: Seen<Addresses>,
    /// Pods.
    pub pods: Seen<Pod>,
    /// Ingresses.
    pub ingresses: Seen<Ingress>,
}

/// A Service.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: LabelMap,
    /// `ClusterIP`, `ExternalName` and others.
    pub kind: String,
    /// The labels of its Pods; empty when somebody else writes its addresses.
    pub selector: LabelMap,
    /// Its ports.
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default)]
pub struct ServicePort {
    /// Its name; empty for none.
    pub name: String,
    /// Its number.
    pub number: u16,
    /// The container's port it leads to; the same number when it is not said.
    pub target: Option<NameOrNumber>,
}

/// Some addresses of a Service, with the ports that all of them have.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Where the Service is.
    pub namespace: String,
    /// Its name.
    pub service: String,
    /// The names of the ports; an empty one for one without.
    pub ports: Vec<String>,
    /// The addresses.
    pub addresses: Vec<Address>,
}

/// An address of a Service.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The address.
    pub ip: String,
    /// Whether it is to be asked.
    pub is_ready: bool,
    /// The Pod behind it.
    pub pod: Option<String>,
}

/// A Pod.
#[derive(Clone, Debug, Default)]
pub struct Pod {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: LabelMap,
    /// `Pending`, `Running` and others.
    pub phase: String,
    /// Its address; empty for none.
    pub ip: String,
    /// Whether it is ready; `None` when nobody says.
    pub is_ready: Option<bool>,
    /// The ports its containers declare.
    pub ports: Vec<ContainerPort>,
}

/// A port that a container declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerPort {
    /// The container.
    pub container: String,
    /// The port's name; empty for none.
    pub name: String,
    /// Its number.
    pub number: u16,
}

/// An Ingress.
#[derive(Clone, Debug, Default)]
pub struct Ingress {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: LabelMap,
    /// The hosts of its rules; an empty one for any.
    pub hosts: Vec<String>,
}
