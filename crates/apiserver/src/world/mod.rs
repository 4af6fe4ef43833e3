//! Consistent clusters from a short description: deployments and their pods, services and the
//! endpoints that follow from pods' readiness, nodes, and exporters behind it all.
//!
//! What controllers and kubelets do in a cluster happens here, one step at a time.

mod objects;
mod scenario;
#[cfg(test)]
mod tests;

pub use scenario::{App, Scenario};

use crate::{ApiServer, Authority, Pages};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Applications on a server.
pub struct World {
    server: Arc<ApiServer>,
    pages: Arc<Pages>,
    authority: Authority,
    inner: Mutex<Inner>,
}

struct Inner {
    apps: BTreeMap<(String, String), Running>,
    nodes: usize,
    /// Pods made so far.
    made: u64,
    addresses: Addresses,
}

struct Running {
    app: App,
    revision: u32,
    pods: Vec<Pod>,
    /// How many slices its service has.
    slices: usize,
}

/// A pod of a world.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Where it answers.
    pub address: Ipv4Addr,
    /// Where it runs.
    pub node: String,
    revision: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Running,
    Ready,
    Ending,
}

/// Addresses of 127.0.0.0/8, one after the other, from another place in each process and world.
struct Addresses(u32);

impl Addresses {
    fn new() -> Self {
        static WORLDS: AtomicU32 = AtomicU32::new(0);
        let world = WORLDS.fetch_add(1, Ordering::Relaxed);
        // Other processes are elsewhere most of the time; where they are not, the next one is taken.
        let place =
            std::process::id().wrapping_mul(251).wrapping_add(world).wrapping_mul(0x9e37_79b1);
        Self(place)
    }

    fn next(&mut self) -> Ipv4Addr {
        loop {
            self.0 = self.0.wrapping_add(1);
            let [_, b, c, d] = self.0.to_be_bytes();
            // 127.0.* is where others listen.
            if b != 0 && d != 0 && d != 255 {
                return Ipv4Addr::new(127, b, c, d);
            }
        }
    }
}

impl World {
    /// Applies a scenario to a server; all pods are ready.
    ///
    /// # Panics
    /// Outside of a tokio runtime, and when an application names a page for a port it has not.
    #[must_use]
    pub fn new(server: Arc<ApiServer>, scenario: Scenario) -> Self {
        let inner = Inner {
            apps: BTreeMap::new(),
            nodes: scenario.nodes.max(1),
            made: 0,
            addresses: Addresses::new(),
        };
        for number in 0..inner.nodes {
            server.apply(&objects::node(number));
        }
        let world = Self {
            server,
            pages: Arc::new(Pages::new()),
            authority: Authority::new(),
            inner: Mutex::new(inner),
        };
        for app in scenario.apps {
            world.deploy(app);
        }
        world
    }

    /// The server it is on.
    #[must_use]
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// The exporters behind it.
    #[must_use]
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// Who signed the certificates of ports with TLS.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Adds an application with all of its pods ready.
    ///
    /// # Panics
    /// As [`World::new`].
    pub fn deploy(&self, app: App) {
        for port in app.pages.keys() {
            assert!(app.ports.contains_key(port), "{}: no port {port}", app.name);
        }
        self.server.apply(&objects::namespace(&app.namespace));
        let mut inner = self.inner.lock();
        let number = inner.apps.len();
        let address = format!("10.96.{}.{}", number / 250, number % 250 + 1);
        self.server.apply(&objects::service(&app, &address));
        let key = (app.namespace.clone(), app.name.clone());
        let pods = app.pods;
        inner.apps.insert(key.clone(), Running { app, revision: 1, pods: Vec::new(), slices: 0 });
        for _ in 0..pods {
            self.start_pod(&mut inner, &key, State::Ready);
        }
        self.follow(&mut inner, &key);
    }

    /// The pods of an application that are there now.
    #[must_use]
    pub fn pods(&self, namespace: &str, name: &str) -> Vec<Pod> {
        let inner = self.inner.lock();
        let running = inner.apps.get(&(namespace.to_owned(), name.to_owned()));
        running.map(|running| running.pods.clone()).unwrap_or_default()
    }

    /// Where the first pod of an application answers at a port.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn address(&self, namespace: &str, name: &str, port: &str) -> SocketAddr {
        let inner = self.inner.lock();
        let running = &inner.apps[&(namespace.to_owned(), name.to_owned())];
        SocketAddr::from((running.pods[0].address, running.app.ports[port]))
    }

    /// Starts and ends pods until there are so many.
    pub fn scale(&self, namespace: &str, name: &str, pods: usize) {
        let mut inner = self.inner.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let Some(running) = inner.apps.get_mut(&key) else { return };
        running.app.pods = pods;
        while inner.apps[&key].pods.len() < pods {
            self.start_pod(&mut inner, &key, State::Ready);
        }
        while inner.apps[&key].pods.len() > pods {
            self.end_pod(&mut inner, &key, 0);
        }
        self.follow(&mut inner, &key);
    }

    /// All pods of an application are ready from now on, or none is.
    pub fn set_ready(&self, namespace: &str, name: &str, is_ready: bool) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut inner = self.inner.lock();
        let pods = inner.apps.get(&key).map_or(0, |running| running.pods.len());
        for at in 0..pods {
            let state = if is_ready { State::Ready } else { State::Running };
            self.set_state(&mut inner, &key, at, state);
        }
        self.follow(&mut inner, &key);
    }

    /// Takes an application away with all that is its own.
    pub fn delete(&self, namespace: &str, name: &str) {
        self.scale(namespace, name, 0);
        let key = (namespace.to_owned(), name.to_owned());
        let Some(running) = self.inner.lock().apps.remove(&key) else { return };
        for plural in ["services", "endpoints", "deployments"] {
            self.server.delete(plural, namespace, name);
        }
        let [_, set] = objects::deployment(&running.app, running.revision, 0);
        let set = set.pointer("/metadata/name").and_then(|name| name.as_str()).unwrap_or_default();
        self.server.delete("replicasets", namespace, set);
        for number in 0..running.slices {
            self.server.delete("endpointslices", namespace, &format!("{name}-{number:05}"));
        }
    }

    /// Replaces the pods of an application one by one: a new one is pending, runs, is ready, then an
    /// old one ends and is gone; a pause between any two.
    pub async fn roll(&self, namespace: &str, name: &str, pause: Duration) {
        let key = (namespace.to_owned(), name.to_owned());
        let old = {
            let mut inner = self.inner.lock();
            let Some(running) = inner.apps.get_mut(&key) else { return };
            running.revision += 1;
            running.pods.len()
        };
        for _ in 0..old {
            for step in 0..5 {
                {
                    let mut inner = self.inner.lock();
                    let newest = match inner.apps.get(&key) {
                        Some(running) if !running.pods.is_empty() => running.pods.len() - 1,
                        _ => return,
                    };
                    match step {
                        0 => self.start_pod(&mut inner, &key, State::Pending),
                        1 => self.set_state(&mut inner, &key, newest, State::Running),
                        2 => self.set_state(&mut inner, &key, newest, State::Ready),
                        3 => self.set_state(&mut inner, &key, 0, State::Ending),
                        _ => self.end_pod(&mut inner, &key, 0),
                    }
                    self.follow(&mut inner, &key);
                }
                tokio::time::sleep(pause).await;
            }
        }
    }

    fn start_pod(&self, inner: &mut Inner, key: &(String, String), state: State) {
        let (number, nodes) = (inner.made, inner.nodes);
        inner.made += 1;
        let Inner { apps, addresses, .. } = inner;
        let running = apps.get_mut(key).expect("its application runs");
        let name = objects::pod_name(&running.app, running.revision, number);
        let address = self.listen(&running.app, &name, addresses);
        let node = number % u64::try_from(nodes).unwrap_or(1);
        let node = format!("node-{node}");
        let pod = Pod { name, address, node, revision: running.revision, state };
        self.server.apply(&objects::pod(&running.app, &pod));
        running.pods.push(pod);
    }

    /// The first address at which all pages of the application find a place.
    fn listen(&self, app: &App, pod: &str, addresses: &mut Addresses) -> Ipv4Addr {
        for _ in 0..1000 {
            let address = addresses.next();
            let place = |port: &str| SocketAddr::from((address, app.ports[port]));
            let all = app.pages.iter().try_for_each(|(port, text)| {
                let text = text.replace("$POD", pod).replace("$NAMESPACE", &app.namespace);
                let authority = app.secure.contains(port).then_some(&self.authority);
                self.pages.serve(place(port), &text, authority)
            });
            if all.is_ok() {
                return address;
            }
            app.pages.keys().for_each(|port| self.pages.end(place(port)));
        }
        panic!("{}: its ports are taken at all addresses", app.name);
    }

    fn set_state(&self, inner: &mut Inner, key: &(String, String), at: usize, state: State) {
        let running = inner.apps.get_mut(key).expect("its application runs");
        running.pods[at].state = state;
        self.server.apply(&objects::pod(&running.app, &running.pods[at]));
    }

    fn end_pod(&self, inner: &mut Inner, key: &(String, String), at: usize) {
        let running = inner.apps.get_mut(key).expect("its application runs");
        let pod = running.pods.remove(at);
        for port in running.app.pages.keys() {
            self.pages.end(SocketAddr::from((pod.address, running.app.ports[port])));
        }
        self.server.delete("pods", &key.0, &pod.name);
    }

    /// What controllers do once pods have changed.
    fn follow(&self, inner: &mut Inner, key: &(String, String)) {
        let running = inner.apps.get_mut(key).expect("its application runs");
        let ready = running.pods.iter().filter(|pod| pod.state == State::Ready).count();
        for object in objects::deployment(&running.app, running.revision, ready) {
            self.server.apply(&object);
        }
        self.server.apply(&objects::endpoints(&running.app, &running.pods));
        let slices = objects::slices(&running.app, &running.pods);
        for number in slices.len()..running.slices {
            let name = format!("{}-{number:05}", running.app.name);
            self.server.delete("endpointslices", &key.0, &name);
        }
        running.slices = slices.len();
        for slice in slices.values() {
            self.server.apply(slice);
        }
    }
}
