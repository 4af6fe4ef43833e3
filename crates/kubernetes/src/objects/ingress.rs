//! Ingresses.

use super::ObjectMeta;
use serde::Deserialize;

/// Paths to services from outside.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ingress {
    /// What identifies it.
    pub metadata: ObjectMeta,
    /// The paths.
    pub spec: IngressSpec,
}

/// Paths.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct IngressSpec {
    /// Who serves them.
    pub ingress_class_name: Option<String>,
    /// Hosts with certificates.
    pub tls: Vec<IngressTls>,
    /// Paths by host.
    pub rules: Vec<IngressRule>,
}

/// Hosts with a certificate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressTls {
    /// The hosts; `*.` stands for one label.
    pub hosts: Vec<String>,
}

/// A host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    /// Its name.
    pub host: String,
    /// Its paths.
    pub http: Option<IngressHttp>,
}

/// Paths of a host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressHttp {
    /// The paths.
    pub paths: Vec<IngressPath>,
}

/// A path.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IngressPath {
    /// The path; empty for all.
    pub path: String,
}
