//! Clusters on a fake API server, and what is discovered there.

mod parity;
mod scale;
mod sections;
mod trouble;
mod updates;

use super::{Clusters, Own};
use apiserver::ApiServer;
use client::{Dialer, HttpConfig};
use cluster::access::{Access, Origin};
use discovery::kubernetes::{
    Condition, Kubernetes as _, KubernetesConfig, Preselect, Requirement, Role,
};
use discovery::{ADDRESS, Group, Groups, Job, Manager, Snapshot};
use model::Labels;
use model::metrics::{Collect, Kind, Visitor};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// Nothing takes longer, unless it never comes.
const DEADLINE: Duration = Duration::from_secs(30);

/// A cluster, and those who look for targets there.
struct World {
    server: ApiServer,
    clusters: Clusters,
    manager: Manager,
    metrics: Arc<discovery::Metrics>,
    found: watch::Receiver<Arc<Snapshot>>,
    jobs: BTreeMap<String, (KubernetesConfig, Arc<discovery::Metrics>)>,
}

impl World {
    async fn new() -> Self {
        Self::limited_to(&[]).await
    }

    /// With objects.
    async fn of(yaml: &str) -> Self {
        let world = Self::new().await;
        world.server.apply_yaml(yaml);
        world
    }

    /// Where only these namespaces are looked at for monitors.
    async fn limited_to(namespaces: &[&str]) -> Self {
        let server = ApiServer::start().await.expect("loopback can be listened on");
        let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
        let dialer = Dialer::net(64);
        let access = Access::new(&origin, &dialer, "test").expect("is a URL");
        let clusters = Clusters::new(dialer, "test", Arc::default());
        let namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        clusters.set_own(Some(Own { access, namespaces }));
        let metrics = Arc::new(discovery::Metrics::new("scrape"));
        let manager = Manager::start(Duration::from_millis(1), Arc::clone(&metrics));
        let found = manager.snapshots();
        Self { server, clusters, manager, metrics, found, jobs: BTreeMap::new() }
    }

    /// Adds jobs, or changes them.
    fn discover<'a>(&mut self, jobs: impl IntoIterator<Item = (&'a str, KubernetesConfig)>) {
        for (name, config) in jobs {
            self.jobs.insert(name.to_owned(), (config, Arc::clone(&self.metrics)));
        }
        self.apply();
    }

    fn forget(&mut self, job: &str) {
        self.jobs.remove(job);
        self.apply();
    }

    fn apply(&self) {
        let jobs = self.jobs.iter().map(|(name, (config, metrics))| Job {
            name: name.clone(),
            discoverers: vec![self.clusters.discoverer(config, metrics).expect("is reached")],
        });
        self.manager.apply(jobs.collect());
    }

    /// Waits until a job's groups are as they should be.
    #[track_caller]
    fn wait<'a>(
        &'a mut self,
        job: &'a str,
        what: &'a str,
        is_good: impl Fn(&Groups) -> bool + 'a,
    ) -> impl Future<Output = Groups> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let good = self.found.wait_for(|found| found.jobs.get(job).is_some_and(&is_good));
            if let Ok(Ok(found)) = timeout(DEADLINE, good).await {
                return Arc::clone(&found.jobs[job]);
            }
            let found = self.found.borrow().jobs.get(job).map(text);
            panic!("{caller}: {job} has not {what}: {}", found.unwrap_or_default());
        }
    }

    /// Waits until the addresses of a job are these, in any order.
    #[track_caller]
    fn wait_for<'a>(
        &'a mut self,
        job: &'a str,
        expected: &'a [&'a str],
    ) -> impl Future<Output = Groups> + 'a {
        self.wait(job, "its addresses", move |groups| {
            let mut found = addresses(groups);
            found.sort();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            found == expected
        })
    }

    fn count(&self, series: &str) -> f64 {
        let mut page = Page::default();
        self.clusters.metrics().collect(&mut page);
        self.metrics.collect(&mut page);
        *page.values.get(series).unwrap_or_else(|| panic!("{series} is not on the page"))
    }

    fn built(&self, role: Role) -> f64 {
        self.count(&format!("rushlight_kubernetes_groups_built_total {role}"))
    }

    async fn end(self) {
        self.manager.shutdown().await;
        drop(self.jobs);
        timeout(DEADLINE, self.clusters.shutdown()).await.expect("tables end with their members");
    }
}

/// Values by family and values of labels.
#[derive(Default)]
struct Page {
    family: String,
    values: BTreeMap<String, f64>,
}

impl Visitor for Page {
    fn family(&mut self, name: &str, _: Kind, _: &str) {
        name.clone_into(&mut self.family);
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels.iter().map(|(_, value)| *value).collect();
        let series = format!("{}{suffix} {}", self.family, labels.join(" "));
        self.values.insert(series.trim_end().to_owned(), value);
    }
}

fn addresses(groups: &Groups) -> Vec<String> {
    let targets = groups.iter().flat_map(|group| &group.targets);
    targets.filter_map(|target| target.get(ADDRESS)).map(str::to_owned).collect()
}

/// All targets with all labels, a line each, without what all names begin with.
fn text(groups: &Groups) -> String {
    let line = |group: &Arc<Group>, target: &Labels| {
        let mut all: BTreeMap<&str, &str> = group.labels.iter().collect();
        all.extend(target.iter());
        let pairs = all.iter().filter(|(name, _)| **name != ADDRESS).map(|(name, value)| {
            let name = name.strip_prefix("__meta_kubernetes_").unwrap_or(name);
            format!(" {name}={value}")
        });
        format!("{}{}\n", target.get(ADDRESS).unwrap_or("?"), pairs.collect::<String>())
    };
    let lines = groups.iter().flat_map(|group| group.targets.iter().map(move |t| line(group, t)));
    lines.collect()
}

fn config(yaml: &str) -> KubernetesConfig {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

/// A section as that of a monitor that selects by labels.
fn monitor(yaml: &str, labels: &[(&str, &str)]) -> KubernetesConfig {
    let requirements = labels.iter().map(|(key, value)| Requirement {
        key: (*key).to_owned(),
        condition: Condition::In(vec![(*value).to_owned()]),
    });
    let preselect = Some(Preselect { requirements: requirements.collect() });
    KubernetesConfig { preselect, ..config(yaml) }
}

fn label<'a>(group: &'a Group, name: &str) -> Option<&'a str> {
    group.labels.get(&format!("__meta_kubernetes_{name}"))
}

/// A pod with one port, `web`, that is ready.
fn pod(namespace: &str, name: &str, ip: &str, labels: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}
spec: {{nodeName: box, containers: [{{name: main, image: 'i:1', ports: [
  {{name: web, containerPort: 8080, protocol: TCP}}]}}]}}
status: {{phase: Running, podIP: {ip}, hostIP: 192.168.0.2,
  conditions: [{{type: Ready, status: 'True'}}]}}
"
    )
}

/// A service and its endpoints, both ways: the pods by name and address.
fn service(namespace: &str, name: &str, labels: &str, pods: &[(&str, &str)]) -> String {
    let reference = |pod: &str| {
        format!("nodeName: box, targetRef: {{kind: Pod, name: {pod}, namespace: {namespace}}}")
    };
    let addresses: String =
        pods.iter().map(|(pod, ip)| format!("\n  - {{ip: {ip}, {}}}", reference(pod))).collect();
    let endpoints: String = pods
        .iter()
        .map(|(pod, ip)| {
            format!("\n- {{addresses: [{ip}], conditions: {{ready: true}}, {}}}", reference(pod))
        })
        .collect();
    let (addresses, endpoints) = (
        if pods.is_empty() { " []".to_owned() } else { addresses },
        if pods.is_empty() { " []".to_owned() } else { endpoints },
    );
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}
spec: {{type: ClusterIP, clusterIP: 10.1.0.1, ports: [{{name: web, port: 80, protocol: TCP}}]}}
---
apiVersion: v1
kind: Endpoints
metadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}
subsets:
- addresses:{addresses}
  ports: [{{name: web, port: 8080, protocol: TCP}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, namespace: {namespace}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: web, port: 8080, protocol: TCP}}]
endpoints:{endpoints}
"
    )
}
