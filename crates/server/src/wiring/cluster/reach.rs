//! How clusters are reached.

use super::super::settings::user_agent;
use client::Dialer;
use client::files::Vault;
use cluster::access::{Access, Origin, is_in_cluster};
use discovery::Means;
use kubernetes::section::Connection;
use kubernetes::targets::{Clusters, Own};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Connections to API servers: a watch has one of its own where there is no HTTP/2.
const MAX_CONNECTIONS: usize = 1024;

/// The way to clusters, and what is read there.
pub(crate) struct Reach {
    dialer: Dialer,
    /// Of the service account.
    folder: PathBuf,
    vault: Vault,
    clusters: Arc<Clusters>,
    watch_metrics: Arc<cluster::watch::Metrics>,
}

impl Reach {
    /// The cluster we run in, if any, is the one of sections that name none. The network is left
    /// alone. The folder is that of the service account.
    pub(crate) fn new(folder: &Path) -> Self {
        let dialer = Dialer::net(MAX_CONNECTIONS);
        let watch_metrics = Arc::new(cluster::watch::Metrics::default());
        let (folder, vault) = (folder.to_owned(), Vault::default());
        // Other clusters may be reached by what a Secret of ours says.
        let with_secrets = dialer.with_vault(&vault);
        let clusters = Clusters::new(with_secrets, &user_agent(), Arc::clone(&watch_metrics));
        let reach = Self { dialer, folder, vault, clusters: Arc::new(clusters), watch_metrics };
        reach.follow(None);
        reach
    }

    /// The same means, with clusters and what their Secrets say.
    pub(crate) fn means(&self, means: Means) -> Means {
        let dialer = means.dialer.with_vault(&self.vault);
        Means { dialer, ..means }.with_kubernetes(Arc::clone(&self.clusters) as _)
    }

    /// Secrets of monitors.
    pub(in super::super) fn vault(&self) -> Vault {
        self.vault.clone()
    }

    pub(super) fn clusters(&self) -> &Arc<Clusters> {
        &self.clusters
    }

    pub(super) fn watch_metrics(&self) -> &Arc<cluster::watch::Metrics> {
        &self.watch_metrics
    }

    /// The way to the cluster of a section.
    pub(super) fn access(&self, connection: &Connection) -> Result<Access, String> {
        access(&self.dialer, connection, &self.folder)
    }

    /// From now on, this is the cluster of sections that name none; without one, that we run in.
    pub(super) fn follow(&self, own: Option<Own>) {
        let ours = || {
            let access = self.access(&Connection::default());
            let access = is_in_cluster(&self.folder).then_some(access)?.ok()?;
            Some(Own { access, namespaces: Default::default() })
        };
        self.clusters.set_own(own.or_else(ours));
    }
}

fn access(dialer: &Dialer, connection: &Connection, folder: &Path) -> Result<Access, String> {
    let origin = match connection {
        Connection { kubeconfig: Some(path), .. } => Origin::Kubeconfig(path.clone()),
        Connection { api_server: Some(url), .. } => {
            Origin::At { url: url.clone(), http: client::HttpConfig::default() }
        }
        _ => Origin::InCluster { folder: folder.to_owned() },
    };
    let access = Access::new(&origin, dialer, &user_agent());
    access.map_err(|error| format!("kubernetes: {error}"))
}

/// The namespace we run in, if any.
pub(super) fn own_namespace(folder: &Path) -> Option<String> {
    let access = access(&Dialer::net(1), &Connection::default(), folder).ok()?;
    access.own_namespace().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use apiserver::ApiServer;
    use discovery::{Job, Kubernetes as _, KubernetesConfig, Metrics, once};
    use std::time::Duration;

    #[tokio::test]
    async fn another_cluster_is_reached_by_a_secret() {
        let server = ApiServer::start().await.unwrap();
        server.trouble().tokens(["right"]);
        server.apply_yaml(
            "{apiVersion: v1, kind: Node, metadata: {name: box},
            status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}",
        );
        let reach = Reach::new(Path::new("/nowhere"));
        let path = Vault::path("secret", "here", "login", "token");
        reach.vault().put(&path, b"right");
        let yaml = format!(
            "{{role: node, api_server: '{}', authorization: {{credentials_file: {}}}}}",
            server.url(),
            path.display()
        );
        let config: KubernetesConfig = serde_saphyr::from_str(&yaml).unwrap();
        let metrics = Arc::new(Metrics::new("scrape"));
        let discoverer = reach.clusters().discoverer(&config, &metrics).unwrap();
        let job = Job { name: "nodes".into(), discoverers: vec![discoverer] };
        let found = once(job, Duration::from_secs(20)).await.remove(0).groups;
        assert_eq!(found.expect("it is let in").len(), 1);
    }
}
