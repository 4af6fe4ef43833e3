//! `kubernetes_sd_configs`: read and checked here, like the sections beside it. What watches a
//! cluster is a crate of its own.

mod preselect;
mod selector;
#[cfg(test)]
mod tests;

pub use preselect::{Condition, Preselect, Requirement};

use crate::sections::{Section, named};
use crate::{Discoverer, Metrics};
use client::{Scalar, without_password};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What Prometheus calls these types in its messages.
const TYPE: &str = "kubernetes.plain";

/// Finds targets in clusters.
pub trait Kubernetes: fmt::Debug + Send + Sync {
    /// What finds the targets of a section. It reads files, and nothing from the network.
    ///
    /// # Errors
    /// When it is not known how the cluster is reached; the text is for people and holds no secret.
    fn discoverer(
        &self,
        config: &KubernetesConfig,
        metrics: &Arc<Metrics>,
    ) -> Result<Arc<dyn Discoverer>, String>;
}

/// Objects of a Kubernetes cluster that are targets.
#[derive(Clone, PartialEq)]
pub struct KubernetesConfig {
    /// What kind of object.
    pub role: Role,
    /// Where the cluster answers; without it, the one we run in.
    pub api_server: Option<String>,
    /// The file that says where the cluster answers and who we are.
    pub kubeconfig_file: Option<PathBuf>,
    /// Whose objects.
    pub namespaces: Namespaces,
    /// Which of the objects.
    pub selectors: Vec<Selector>,
    /// What else targets are labelled with.
    pub attach_metadata: AttachMetadata,
    /// How the cluster is asked.
    pub keys: client::HttpKeys,
    /// Which objects are looked at all; never read from a file.
    pub preselect: Option<Preselect>,
}

/// Without passwords.
impl fmt::Debug for KubernetesConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, api_server, kubeconfig_file, namespaces, selectors, .. } = self;
        f.debug_struct("KubernetesConfig")
            .field("role", role)
            .field("api_server", &api_server.as_deref().map(without_password))
            .field("kubeconfig_file", kubeconfig_file)
            .field("namespaces", namespaces)
            .field("selectors", selectors)
            .field("attach_metadata", &self.attach_metadata)
            .field("keys", &self.keys)
            .field("preselect", &self.preselect)
            .finish()
    }
}

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Machines.
    Node,
    /// Pods, by the ports of their containers.
    Pod,
    /// Services, by their ports.
    Service,
    /// Addresses of services.
    Endpoints,
    /// Addresses of services, in slices.
    EndpointSlice,
    /// Paths to services from outside.
    Ingress,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Service => "service",
            Self::Endpoints => "endpoints",
            Self::EndpointSlice => "endpointslice",
            Self::Ingress => "ingress",
        })
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let all = [
            Self::Node,
            Self::Pod,
            Self::Service,
            Self::Endpoints,
            Self::EndpointSlice,
            Self::Ingress,
        ];
        all.into_iter().find(|role| role.to_string() == text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("unknown Kubernetes SD role {text:?}"))
        })
    }
}

impl Role {
    /// The kinds of objects that can be selected for targets of this one.
    fn selectable(self, attach: &AttachMetadata) -> Vec<Self> {
        let mut roles = match self {
            Self::Endpoints | Self::EndpointSlice => vec![Self::Pod, Self::Service, self],
            Self::Pod => vec![Self::Pod, Self::Node],
            Self::Node | Self::Service | Self::Ingress => vec![self],
        };
        if matches!(self, Self::Endpoints | Self::EndpointSlice) && attach.node {
            roles.push(Self::Node);
        }
        roles
    }
}

/// Whose objects are looked at: those of all namespaces when none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Their names.
    pub names: Vec<String>,
    /// Whether the namespace that we run in is one of them.
    pub own_namespace: bool,
}

impl<'de> Deserialize<'de> for Namespaces {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            names: Option<Vec<String>>,
            own_namespace: Option<Scalar<bool>>,
        }
        let written: Written = named(deserializer, TYPE)?;
        Ok(Self {
            names: written.names.unwrap_or_default(),
            own_namespace: Scalar::value(written.own_namespace).unwrap_or(false),
        })
    }
}

/// Which objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// The kind; nothing can be selected without it.
    pub role: Option<Role>,
    /// By their labels.
    pub label: String,
    /// By their fields.
    pub field: String,
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            role: Option<Role>,
            label: Option<String>,
            field: Option<String>,
        }
        let written: Written = named(deserializer, TYPE)?;
        Ok(Self {
            role: written.role,
            label: written.label.unwrap_or_default(),
            field: written.field.unwrap_or_default(),
        })
    }
}

/// Objects beside the target whose labels it gets too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AttachMetadata {
    /// The machine it runs on.
    pub node: bool,
    /// Its namespace.
    pub namespace: bool,
    /// The deployment it belongs to.
    pub deployment: bool,
    /// The job it belongs to.
    pub job: bool,
    /// The cron job it belongs to.
    pub cronjob: bool,
}

impl<'de> Deserialize<'de> for AttachMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            node: Option<Scalar<bool>>,
            namespace: Option<Scalar<bool>>,
            deployment: Option<Scalar<bool>>,
            job: Option<Scalar<bool>>,
            cronjob: Option<Scalar<bool>>,
        }
        let written: Written = named(deserializer, TYPE)?;
        Ok(Self {
            node: Scalar::value(written.node).unwrap_or(false),
            namespace: Scalar::value(written.namespace).unwrap_or(false),
            deployment: Scalar::value(written.deployment).unwrap_or(false),
            job: Scalar::value(written.job).unwrap_or(false),
            cronjob: Scalar::value(written.cronjob).unwrap_or(false),
        })
    }
}

client::section! {
    struct Written {
        keys {
            role: Option<Role>,
            api_server: Option<String>,
            kubeconfig_file: Option<PathBuf>,
            namespaces: Namespaces,
            selectors: Vec<Selector>,
            attach_metadata: AttachMetadata,
        }
        parts {
            http: client::HttpKeys,
        }
    }
}

impl Section for KubernetesConfig {
    const KEY: &str = "kubernetes_sd_configs";
}

impl<'de> Deserialize<'de> for KubernetesConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Written::deserialize(deserializer)?.checked().map_err(serde::de::Error::custom)
    }
}

impl Written {
    fn checked(self) -> Result<KubernetesConfig, String> {
        let Some(role) = self.role else {
            let all = "pod, service, endpoints, endpointslice, node, ingress";
            return Err(format!("role missing (one of: {all})"));
        };
        let custom_http = self.http.config()? != client::HttpConfig::default();
        let api_server = self.api_server.is_some();
        let kubeconfig_file = self.kubeconfig_file.filter(|path| !path.as_os_str().is_empty());
        let own_namespace = self.namespaces.own_namespace;
        let refused = if kubeconfig_file.is_some() && api_server {
            "cannot use 'kubeconfig_file' and 'api_server' simultaneously"
        } else if kubeconfig_file.is_some() && custom_http {
            "cannot use a custom HTTP client configuration together with 'kubeconfig_file'"
        } else if custom_http && !api_server {
            "to use custom HTTP client configuration please provide the 'api_server' URL explicitly"
        } else if api_server && own_namespace {
            "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously"
        } else if kubeconfig_file.is_some() && own_namespace {
            "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously"
        } else {
            ""
        };
        if !refused.is_empty() {
            return Err(refused.to_owned());
        }
        check_selectors(role, &self.selectors, &self.attach_metadata)?;
        Ok(KubernetesConfig {
            role,
            api_server: self.api_server,
            kubeconfig_file,
            namespaces: self.namespaces,
            selectors: self.selectors,
            attach_metadata: self.attach_metadata,
            keys: self.http,
            preselect: None,
        })
    }
}

fn check_selectors(
    role: Role,
    selectors: &[Selector],
    attach: &AttachMetadata,
) -> Result<(), String> {
    let allowed = role.selectable(attach);
    for (i, selector) in selectors.iter().enumerate() {
        let name = selector.role.map_or_else(String::new, |role| role.to_string());
        if selectors[..i].iter().any(|before| before.role == selector.role) {
            return Err(format!("duplicated selector role: {name}"));
        }
        if !selector.role.is_some_and(|role| allowed.contains(&role)) {
            let allowed: Vec<_> = allowed.iter().map(Role::to_string).collect();
            return Err(format!("{role} role supports only {} selectors", allowed.join(", ")));
        }
        selector::check_fields(&selector.field)?;
        selector::check_labels(&selector.label)?;
    }
    Ok(())
}

impl KubernetesConfig {
    /// Makes relative paths begin at a folder: that of the file in which they are written.
    pub(crate) fn set_directory(&mut self, directory: &Path) {
        self.keys.set_directory(directory);
        if let Some(path) = &mut self.kubeconfig_file {
            *path = directory.join(&*path);
        }
    }
}
