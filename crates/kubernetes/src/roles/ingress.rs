//! Ingresses: a target for each path of each host.

use super::labels::Meta;
use super::{Cluster, attach_namespace};
use crate::objects::{Ingress, Text};
use discovery::Group;
use discovery::kubernetes::AttachMetadata;

/// The targets of an ingress.
#[must_use]
pub fn ingress(ingress: &Ingress, attach: AttachMetadata, cluster: &dyn Cluster) -> Group {
    let (meta, spec) = (&ingress.metadata, &ingress.spec);
    let mut shared = Meta::default();
    shared.set("namespace", &meta.namespace);
    attach_namespace(&mut shared, &meta.namespace, attach, cluster);
    shared.object("ingress", meta);
    shared.set_some("ingress_class_name", spec.ingress_class_name.as_deref());
    let secure: Vec<&str> = spec.tls.iter().flat_map(|tls| &tls.hosts).map(Text::as_str).collect();
    let mut targets = Vec::new();
    for rule in &spec.rules {
        let is_secure = secure.iter().any(|pattern| is_host_of(&rule.host, pattern));
        let written = rule.http.iter().flat_map(|http| &http.paths);
        let mut paths: Vec<&str> = written
            .map(|path| if path.path.is_empty() { "/" } else { path.path.as_str() })
            .collect();
        if rule.http.is_none() {
            paths.push("/");
        }
        for path in paths {
            let mut target = Meta::default();
            target.address(&rule.host);
            target.set("ingress_scheme", if is_secure { "https" } else { "http" });
            target.set("ingress_host", &rule.host);
            target.set("ingress_path", path);
            targets.push(target.labels());
        }
    }
    let source = format!("ingress/{}/{}", meta.namespace, meta.name);
    Group { source, labels: shared.labels(), targets }
}

/// Whether a host is meant by a pattern, in which `*` stands for the first label.
fn is_host_of(host: &str, pattern: &str) -> bool {
    if host == pattern {
        return true;
    }
    match (pattern.strip_prefix("*."), host.split_once('.')) {
        (Some(pattern), Some((first, rest))) => !first.is_empty() && rest == pattern,
        _ => false,
    }
}
