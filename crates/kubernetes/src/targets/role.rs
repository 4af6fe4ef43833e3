//! Roles: which objects, and what becomes of them.

use super::references::Referred;
use super::stores::Look;
use crate::objects::{EndpointSlice, Endpoints, Ingress, Node, ObjectMeta, Pod, Service};
use crate::roles;
use cluster::watch::Kind;
use discovery::Group;
use discovery::kubernetes::{AttachMetadata, Role as Name};
use serde::de::DeserializeOwned;

/// A role of objects.
pub(super) trait Role: Send + Sync + 'static {
    /// The objects that there is a row for.
    type Object: DeserializeOwned + Send + Sync + 'static;
    /// Its name.
    const NAME: Name;
    /// The kind of its objects.
    const KIND: &Kind;
    /// Kinds of objects that are always looked up.
    const NEEDS: &[Referred];

    /// The targets of an object.
    fn group(object: &Self::Object, attach: AttachMetadata, cluster: &Look<'_>) -> Group;

    /// What is written on the object.
    fn meta(object: &Self::Object) -> &ObjectMeta;

    /// The service whose labels a preselection looks at; without one, those of the object itself.
    fn service(_: &Self::Object) -> Option<&str> {
        None
    }

    /// Whether preselections look at services.
    const BY_SERVICE: bool = false;

    /// Whose selectors choose the objects.
    const CHOSEN_AS: Name = Self::NAME;
}

pub(super) struct OfEndpoints;

impl Role for OfEndpoints {
    type Object = Endpoints;
    const NAME: Name = Name::Endpoints;
    const KIND: &Kind = &Kind::ENDPOINTS;
    const NEEDS: &[Referred] = &[Referred::Service, Referred::Pod];
    const BY_SERVICE: bool = true;

    fn group(object: &Endpoints, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        roles::endpoints(object, attach, cluster)
    }

    fn meta(object: &Endpoints) -> &ObjectMeta {
        &object.metadata
    }

    fn service(object: &Endpoints) -> Option<&str> {
        Some(&object.metadata.name)
    }
}

pub(super) struct OfSlices;

impl Role for OfSlices {
    type Object = EndpointSlice;
    const NAME: Name = Name::EndpointSlice;
    const KIND: &Kind = &Kind::ENDPOINT_SLICES;
    const NEEDS: &[Referred] = &[Referred::Service, Referred::Pod];
    const BY_SERVICE: bool = true;

    fn group(object: &EndpointSlice, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        roles::endpointslice(object, attach, cluster)
    }

    fn meta(object: &EndpointSlice) -> &ObjectMeta {
        &object.metadata
    }

    fn service(object: &EndpointSlice) -> Option<&str> {
        object.metadata.labels.get(roles::SERVICE_NAME)
    }
}

/// Endpoints that may not be read, by the services they would be of.
pub(super) struct OfMerged;

impl Role for OfMerged {
    type Object = Service;
    const NAME: Name = Name::Endpoints;
    const KIND: &Kind = &Kind::SERVICES;
    const NEEDS: &[Referred] = &[Referred::Slices, Referred::Pod];
    const CHOSEN_AS: Name = Name::Service;

    fn group(object: &Service, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        let meta = &object.metadata;
        let slices = cluster.slices(&meta.namespace, &meta.name);
        roles::endpoints_of_slices(object, &slices, attach, cluster)
    }

    fn meta(object: &Service) -> &ObjectMeta {
        &object.metadata
    }
}

pub(super) struct OfPods;

impl Role for OfPods {
    type Object = Pod;
    const NAME: Name = Name::Pod;
    const KIND: &Kind = &Kind::PODS;
    const NEEDS: &[Referred] = &[];

    fn group(object: &Pod, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        roles::pod(object, attach, cluster)
    }

    fn meta(object: &Pod) -> &ObjectMeta {
        &object.metadata
    }
}

pub(super) struct OfServices;

impl Role for OfServices {
    type Object = Service;
    const NAME: Name = Name::Service;
    const KIND: &Kind = &Kind::SERVICES;
    const NEEDS: &[Referred] = &[];

    fn group(object: &Service, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        roles::service(object, attach, cluster)
    }

    fn meta(object: &Service) -> &ObjectMeta {
        &object.metadata
    }
}

pub(super) struct OfNodes;

impl Role for OfNodes {
    type Object = Node;
    const NAME: Name = Name::Node;
    const KIND: &Kind = &Kind::NODES;
    const NEEDS: &[Referred] = &[];

    fn group(object: &Node, _: AttachMetadata, _: &Look<'_>) -> Group {
        roles::node(object)
    }

    fn meta(object: &Node) -> &ObjectMeta {
        &object.metadata
    }
}

pub(super) struct OfIngresses;

impl Role for OfIngresses {
    type Object = Ingress;
    const NAME: Name = Name::Ingress;
    const KIND: &Kind = &Kind::INGRESSES;
    const NEEDS: &[Referred] = &[];

    fn group(object: &Ingress, attach: AttachMetadata, cluster: &Look<'_>) -> Group {
        roles::ingress(object, attach, cluster)
    }

    fn meta(object: &Ingress) -> &ObjectMeta {
        &object.metadata
    }
}
