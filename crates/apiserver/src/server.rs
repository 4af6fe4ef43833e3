//! The server as tests hold it.

use crate::http::router;
use crate::kinds::{KINDS, Kind, by_object};
use crate::store::{Key, Refused, Store};
use crate::trouble::Trouble;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A running server; it ends when it is dropped.
pub struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: CancellationToken,
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
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store: Store::new(),
            trouble: Trouble::default(),
            hang_up: Mutex::default(),
            asked: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let (app, stopped) = (router(Arc::clone(&shared)), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                ended = axum::serve(listener, app) => drop(ended),
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self { shared, address, stop })
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
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
        self.stop.cancel();
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
