//! The server as tests hold it.

use crate::authority::Authority;
use crate::http::router;
use crate::kinds::{KINDS, Kind, by_object};
use crate::listening::Listening;
use crate::store::{Key, Refused, Store};
use crate::trouble::Trouble;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A running server; it ends when it is dropped.
pub struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<Secured>,
    listening: Mutex<Listening>,
}

struct Secured {
    authority: Authority,
    acceptor: TlsAcceptor,
}

/// What requests work with.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) trouble: Trouble,
    /// Ends all watches that run.
    pub(crate) hang_up: Mutex<CancellationToken>,
    /// How often each verb of each kind was asked for.
    pub(crate) asked: Mutex<BTreeMap<String, u64>>,
}

impl ApiServer {
    /// Starts on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> std::io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts at an address.
    ///
    /// # Errors
    /// When it is taken.
    pub async fn start_on(address: SocketAddr) -> std::io::Result<Self> {
        Self::begin(address, None).await
    }

    /// Starts on a free port, with TLS and HTTP/2, and a certificate of an [`Authority`] of its own.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start_tls() -> std::io::Result<Self> {
        let authority = Authority::new();
        let names = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
        let acceptor = authority.acceptor(&names, &["h2", "http/1.1"]);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::begin(address, Some(Secured { authority, acceptor })).await
    }

    async fn begin(address: SocketAddr, tls: Option<Secured>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Store::new(),
            trouble: Trouble::default(),
            hang_up: Mutex::default(),
            asked: Mutex::default(),
        });
        let acceptor = tls.as_ref().map(|tls| tls.acceptor.clone());
        let listening = Listening::begin(listener, router(Arc::clone(&shared)), acceptor);
        Ok(Self { shared, address, tls, listening: Mutex::new(listening) })
    }

    /// Listens no more and cuts all connections; objects stay.
    pub async fn stop_listening(&self) {
        let ended = self.listening.lock().stop();
        ended.wait().await;
    }

    /// Listens again where it did.
    ///
    /// # Errors
    /// When somebody else took the port meanwhile.
    pub async fn listen_again(&self) -> std::io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        let acceptor = self.tls.as_ref().map(|tls| tls.acceptor.clone());
        let app = router(Arc::clone(&self.shared));
        *self.listening.lock() = Listening::begin(listener, app, acceptor);
        Ok(())
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http{}://{}", if self.tls.is_some() { "s" } else { "" }, self.address)
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate that signed the server's own, as PEM; empty without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.tls.as_ref().map_or("", |tls| tls.authority.pem())
    }

    /// Writes the folder that a pod finds its identity in: `ca.crt`, `token`, `namespace`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn service_account(
        &self,
        folder: &Path,
        namespace: &str,
        token: &str,
    ) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("ca.crt"), self.ca_pem())?;
        std::fs::write(folder.join("namespace"), namespace)?;
        std::fs::write(folder.join("token"), token)
    }

    /// Creates or replaces all objects of a YAML text of one or more documents.
    ///
    /// # Panics
    /// When it is not YAML, and where [`apply`](Self::apply) does.
    pub fn apply_yaml(&self, text: &str) -> Vec<Value> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML of objects");
        objects.iter().filter(|object| !object.is_null()).map(|object| self.apply(object)).collect()
    }

    /// What goes wrong on purpose.
    #[must_use]
    pub fn trouble(&self) -> &Trouble {
        &self.shared.trouble
    }

    /// Creates an object, or replaces it with its status.
    ///
    /// # Panics
    /// When its kind is not served, or it has no name.
    pub fn apply(&self, object: &Value) -> Value {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let kind = by_object(text("/apiVersion"), text("/kind"));
        let kind = kind.unwrap_or_else(|| panic!("no kind is served for {object}"));
        let name = text("/metadata/name");
        assert!(!name.is_empty(), "an object needs a name: {object}");
        let key = key(kind, text("/metadata/namespace"), name);
        let store = &self.shared.store;
        match store.create(kind, key.clone(), object.clone()) {
            Err(Refused::AlreadyExists) => {}
            created => drop(created.expect("is an object")),
        }
        let set = |is_status| {
            let mut object = object.clone();
            if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                meta.remove("resourceVersion");
            }
            store.change(kind, &key, is_status, |old| {
                *old = object;
                Ok(())
            })
        };
        let applied = set(false).expect("was made just now");
        if object.get("status").is_some() && kind.is_custom {
            return set(true).expect("was made just now");
        }
        applied
    }

    /// An object.
    #[must_use]
    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = plural_kind(plural)?;
        self.shared.store.get(kind, &key(kind, namespace, name)).map(|object| Value::clone(&object))
    }

    /// All objects of a kind, in the order of their names; of all namespaces when none is given.
    #[must_use]
    pub fn list(&self, plural: &str, namespace: Option<&str>) -> Vec<Value> {
        let Some(kind) = plural_kind(plural) else { return Vec::new() };
        let (_, all) = self.shared.store.all(kind, namespace);
        all.iter().map(|object| Value::clone(object)).collect()
    }

    /// Takes an object away; false when there is none.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) -> bool {
        let kind = plural_kind(plural);
        kind.is_some_and(|kind| self.shared.store.delete(kind, &key(kind, namespace, name)).is_ok())
    }

    /// Ends all watches that run, as a server does now and then.
    pub fn hang_up(&self) {
        let running = std::mem::take(&mut *self.shared.hang_up.lock());
        running.cancel();
    }

    /// Forgets what happened: watches and lists that go on from an earlier version are refused.
    pub fn forget(&self) {
        self.shared.store.forget();
    }

    /// How often something was asked for: a verb and the plural of a kind.
    #[must_use]
    pub fn asked(&self, verb: &str, plural: &str) -> u64 {
        self.shared.asked.lock().get(&format!("{verb} {plural}")).copied().unwrap_or(0)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.listening.lock().stop();
        self.hang_up();
    }
}

fn plural_kind(plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.plural == plural)
}

pub(crate) fn key(kind: &Kind, namespace: &str, name: &str) -> Key {
    let namespace = match (kind.is_namespaced, namespace) {
        (false, _) => "",
        (true, "") => "default",
        (true, namespace) => namespace,
    };
    (namespace.to_owned(), name.to_owned())
}
