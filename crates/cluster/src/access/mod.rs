//! How the API server of a cluster is reached: through our own HTTP client, so that certificates,
//! tokens in files, proxies and their rotation are what they are everywhere else.
//!
//! An [`Access`] is made of an [`Origin`]: the service account of the pod we run in, a URL with the keys
//! of an HTTP client, or a kubeconfig. It gives a [`kube::Client`], whose requests go over connections of
//! the `client` crate: `service` sends them and hands bodies on piece by piece, `pace` holds back those
//! that would be too many and those the server does not want now. No request waits forever: connecting,
//! the head of an answer and silence within a body all have limits.

mod body;
mod in_cluster;
mod kubeconfig;
mod pace;
mod service;
#[cfg(test)]
mod tests;

pub use in_cluster::is_in_cluster;
pub use service::RequestError;

use client::{Client, Dialer, HttpConfig, without_password};
use service::Service;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

/// A connection that has not come about after so long does not come about.
const CONNECTING: Duration = Duration::from_secs(10);
/// After so long without a byte the system asks whether the other side is still there.
const SILENCE: Duration = Duration::from_secs(30);
/// The namespace of those who have none.
const DEFAULT_NAMESPACE: &str = "default";

/// Where a way to a cluster is written down.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one for each cluster, and few of them")]
pub enum Origin {
    /// The service account of the pod that we run in.
    InCluster {
        /// The folder with `token`, `ca.crt` and `namespace`.
        folder: PathBuf,
    },
    /// A URL, and how to ask there.
    At {
        /// The URL of the API server; it may have a path.
        url: String,
        /// Credentials, TLS and proxy.
        http: HttpConfig,
    },
    /// The current context of a kubeconfig.
    Kubeconfig(PathBuf),
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Not within a cluster, or without a service account.
    #[error("not in a cluster: {0}")]
    NotInCluster(String),
    /// A file could not be read.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A kubeconfig says nothing useful, or asks for what is not built in.
    #[error("kubeconfig {}: {reason}", .path.display())]
    Kubeconfig {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The URL is none.
    #[error("API server {0:?}: {1}")]
    Url(String, String),
}

/// What an origin comes to.
#[derive(Debug)]
struct Way {
    /// The URL of the server, without a slash at the end.
    server: String,
    http: HttpConfig,
    namespace: Option<String>,
}

/// A way to a cluster. Clones are the same one: they share connections and the pace of requests.
#[derive(Clone)]
pub struct Access {
    shared: Arc<Shared>,
}

struct Shared {
    service: Service,
    client: OnceLock<kube::Client>,
    namespace: Option<String>,
    identity: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({})", self.identity())
    }
}

impl Access {
    /// Reads where the server is and who asks. The network is left alone; files with tokens and
    /// certificates are looked at for every request.
    ///
    /// # Errors
    /// When the origin names no server, or asks for what is not built in.
    pub fn new(origin: &Origin, dialer: &Dialer, user_agent: &str) -> Result<Self, AccessError> {
        let way = match origin {
            Origin::InCluster { folder } => {
                in_cluster::way(folder, |name| std::env::var(name).ok())?
            }
            Origin::At { url, http } => {
                let server = url.trim_end_matches('/').to_owned();
                Way { server, http: http.clone(), namespace: None }
            }
            Origin::Kubeconfig(path) => kubeconfig::way(path)?,
        };
        Self::by(way, dialer, user_agent)
    }

    fn by(mut way: Way, dialer: &Dialer, user_agent: &str) -> Result<Self, AccessError> {
        let shown = without_password(&way.server).into_owned();
        client::Place::parse(&way.server)
            .map_err(|error| AccessError::Url(shown.clone(), error.to_string()))?;
        // A connection is in use as long as a watch runs, so sharing one among requests is not to be had.
        way.http.enable_http2 = false;
        let dialer = dialer.for_listening(CONNECTING, SILENCE);
        let client = Client::new(&way.http, &dialer, user_agent);
        let identity = format!("{shown} {:016x}", digest(&way));
        Ok(Self {
            shared: Arc::new(Shared {
                service: Service::new(client, way.server, shown),
                client: OnceLock::new(),
                namespace: way.namespace,
                identity,
            }),
        })
    }

    /// Asks the API server. Requests are held back so that there are not more than 20 a second in the
    /// long run, all clones together; what the server says about coming back later is heeded, and such a
    /// question is asked again a few times.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        let make = || {
            let namespace = self.own_namespace().unwrap_or(DEFAULT_NAMESPACE);
            kube::Client::new(self.shared.service.clone(), namespace)
        };
        self.shared.client.get_or_init(make).clone()
    }

    /// The namespace of the service account or of the kubeconfig's context.
    #[must_use]
    pub fn own_namespace(&self) -> Option<&str> {
        self.shared.namespace.as_deref()
    }

    /// The server and a number that stands for how it is asked: equal within a process for the same way
    /// to the same cluster. Without secrets.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.shared.identity
    }
}

/// Secrets count, so whoever sees the number must not be able to try them out: it means nothing to
/// another process.
fn digest(way: &Way) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEY.hash_one((&way.server, &way.http))
}
