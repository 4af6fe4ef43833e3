//! Ingresses.

use super::{List, ObjectMeta, Text, or_default};
use serde::Deserialize;

/// Paths to services from outside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ingress {
    /// What identifies it.
    #[serde(deserialize_with = "or_default")]
    pub metadata: ObjectMeta,
    /// The paths.
    #[serde(deserialize_with = "or_default")]
    pub spec: IngressSpec,
}

/// Paths.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IngressSpec {
    /// Who serves them.
    pub ingress_class_name: Option<Text>,
    /// Hosts with certificates.
    pub tls: List<IngressTls>,
    /// Paths by host.
    pub rules: List<IngressRule>,
}

/// Hosts with a certificate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressTls {
    /// The hosts; `*.` stands for one label.
    pub hosts: List<Text>,
}

/// A host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    /// Its name.
    pub host: Text,
    /// Its paths.
    pub http: Option<IngressHttp>,
}

/// Paths of a host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressHttp {
    /// The paths.
    pub paths: List<IngressPath>,
}

/// A path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressPath {
    /// The path; empty for all.
    pub path: Text,
}
