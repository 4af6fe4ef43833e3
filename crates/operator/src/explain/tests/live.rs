//! A cluster on loopback: facts are gathered as the server does it.

use super::super::{Explainer, Explanation, NotFound, Outcome, Run};
use super::service_monitor::ASR;
use crate::plan::{Metrics, MonitorKind, Options, Planner};
use ::cluster::access::{Access, Origin};
use ::cluster::watch::Watches;
use apiserver::ApiServer;
use client::files::Vault;
use client::{Dialer, HttpConfig};
use kubernetes::Section;
use kubernetes::resources::Settings;
use serde_json::Value;
use std::sync::Arc;

struct Cluster {
    server: ApiServer,
    watches: Watches,
    planner: Planner,
    explainer: Explainer,
}

fn section(settings: &str, namespaces: &[&str]) -> Arc<Section> {
    let written: Option<Settings> = serde_saphyr::from_str(settings).unwrap();
    let mut section = Section { settings: written.unwrap_or_default(), ..Section::default() };
    section.connection.namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
    Arc::new(section)
}

impl Cluster {
    async fn new(section: Arc<Section>, trouble: impl FnOnce(&ApiServer)) -> Self {
        let server = ApiServer::start().await.unwrap();
        trouble(&server);
        let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
        let access = Access::new(&origin, &Dialer::net(100), "test").unwrap();
        let watches = Watches::new(access.client(), Arc::default());
        let planner =
            Planner::start(watches.clone(), Vault::default(), Arc::new(Metrics::default()));
        let explainer = Explainer::new(planner.plans(), watches.clone(), Arc::clone(&section));
        planner.apply(Options {
            section,
            namespace: "monitoring".into(),
            global: scrape::Global::default(),
            rules: rules::file::Options::default(),
            shard: 0,
            taken: Arc::default(),
        });
        Self { server, watches, planner, explainer }
    }

    fn apply(&self, text: &str) {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
        for mut object in objects {
            object["apiVersion"] = match object["kind"].as_str().unwrap() {
                "ServiceMonitor" | "PodMonitor" | "PrometheusRule" => "monitoring.coreos.com/v1",
                "EndpointSlice" => "discovery.k8s.io/v1",
                _ => "v1",
            }
            .into();
            self.server.apply(&object);
        }
    }

    async fn explain(&self, name: &str) -> Result<Explanation, NotFound> {
        let kind = MonitorKind::ServiceMonitor;
        self.explainer.explain(kind, "smallest", name, Run::default()).await
    }

    /// The first check that did not pass.
    async fn first(&self) -> (&'static str, Outcome, String) {
        let explanation = self.explain("lightning-asr").await.unwrap();
        let other = explanation.checks.iter().find(|check| check.outcome != Outcome::Pass);
        let check = other.unwrap_or_else(|| panic!("all is well: {explanation:#?}"));
        (check.check, check.outcome, check.message.clone())
    }

    async fn end(self) {
        self.planner.shutdown().await;
        self.watches.shutdown().await;
    }
}

const SLICES: &str = "serviceDiscoveryRole: EndpointSlice";

#[tokio::test]
async fn an_object_among_what_it_looks_at() {
    let cluster = Cluster::new(section(SLICES, &[]), |_| {}).await;
    cluster.apply(ASR);
    let not_scraped = ("relabeling", Outcome::Unknown, "nothing is scraped for it yet".to_owned());
    assert_eq!(cluster.first().await, not_scraped);
    let explanation = cluster.explain("lightning-asr").await.unwrap();
    assert_eq!(explanation.jobs, ["serviceMonitor/smallest/lightning-asr/0"]);
    assert_eq!(explanation.checks[7].message, "1 address, all ready");
    cluster.end().await;
}

#[tokio::test]
async fn addresses_of_endpoints() {
    // Where slices may not be read, or are none.
    let forbid = |server: &ApiServer| {
        server.trouble().forbid("list", "endpointslices");
        server.trouble().forbid("watch", "endpointslices");
    };
    let cluster = Cluster::new(section("", &[]), forbid).await;
    cluster.apply(ASR);
    let (check, outcome, message) = cluster.first().await;
    assert_eq!((check, outcome), ("endpoints", Outcome::Unknown), "{message}");
    cluster.apply(
        "kind: Endpoints
metadata: {name: lightning-asr, namespace: smallest}
subsets:
- ports: [{name: metrics, port: 2269}]
  notReadyAddresses: [{ip: 10.0.0.1, targetRef: {kind: Pod, name: lightning-asr-0}}]
",
    );
    // Nobody follows Endpoints, so each question lists them anew.
    let explanation = cluster.explain("lightning-asr").await.unwrap();
    assert_eq!(explanation.checks[7].message, "0 of 1 addresses are ready");
    assert_eq!(explanation.checks[7].details, ["10.0.0.1 (Pod lightning-asr-0) is not ready"]);
    cluster.end().await;
}

#[tokio::test]
async fn objects_that_are_not_there() {
    let cluster = Cluster::new(section(SLICES, &[]), |_| {}).await;
    cluster.apply(ASR);
    cluster.explain("lightning-asr").await.unwrap();
    let check = async |namespace: &str, name: &str, kind: MonitorKind, expected: &str| {
        let found = cluster.explainer.explain(kind, namespace, name, Run::default()).await;
        assert_eq!(found.unwrap_err().to_string(), expected);
    };
    check(
        "smallest",
        "lightning",
        MonitorKind::ServiceMonitor,
        "there is no ServiceMonitor smallest/lightning; did you mean ServiceMonitor \
         smallest/lightning-asr?",
    )
    .await;
    check(
        "default",
        "lightning-asr",
        MonitorKind::ServiceMonitor,
        "there is no ServiceMonitor default/lightning-asr; did you mean ServiceMonitor \
         smallest/lightning-asr?",
    )
    .await;
    check(
        "smallest",
        "lightning-asr",
        MonitorKind::PodMonitor,
        "there is no PodMonitor smallest/lightning-asr; did you mean ServiceMonitor \
         smallest/lightning-asr?",
    )
    .await;
    check("a", "b", MonitorKind::PrometheusRule, "there is no PrometheusRule a/b").await;
    cluster.end().await;
}

#[tokio::test]
async fn kinds_that_may_not_be_read() {
    let forbid = |server: &ApiServer| {
        server.trouble().forbid("list", "servicemonitors");
        server.trouble().forbid("watch", "servicemonitors");
    };
    let cluster = Cluster::new(section(SLICES, &[]), forbid).await;
    let explanation = cluster.explain("lightning-asr").await.unwrap();
    let check = &explanation.checks[0];
    assert_eq!((check.check, check.outcome), ("watched", Outcome::Fail), "{check:?}");
    assert!(check.message.starts_with("we may not read servicemonitors: "), "{check:?}");
    assert_eq!(
        check.details,
        [
            "# ClusterRole, rules:",
            "- apiGroups: [\"monitoring.coreos.com\"]",
            "  resources: [\"servicemonitors\"]",
            "  verbs: [\"get\", \"list\", \"watch\"]"
        ]
    );
    cluster.end().await;
}

#[tokio::test]
async fn kinds_that_are_not_installed() {
    let undefine = |server: &ApiServer| server.trouble().undefine("servicemonitors");
    let cluster = Cluster::new(section(SLICES, &[]), undefine).await;
    let (check, outcome, message) = cluster.first().await;
    let expected = "this cluster does not know servicemonitors";
    assert_eq!((check, outcome, &*message), ("watched", Outcome::Fail, expected));
    cluster.end().await;
}

#[tokio::test]
async fn namespaces_that_are_not_looked_at() {
    let cluster = Cluster::new(section(SLICES, &["voice"]), |_| {}).await;
    cluster.apply(ASR);
    let (check, outcome, message) = cluster.first().await;
    let expected = "we look at the namespaces voice only, not at smallest";
    assert_eq!((check, outcome, &*message), ("watched", Outcome::Fail, expected));
    cluster.end().await;
}

#[tokio::test]
async fn namespaces_that_do_not_exist() {
    let cluster = Cluster::new(section(SLICES, &[]), |_| {}).await;
    cluster.apply("{kind: Namespace, metadata: {name: smallest}}");
    cluster.apply(
        &ASR.replace("  endpoints: [", "  namespaceSelector: {matchNames: [b]}\n  endpoints: ["),
    );
    let (check, outcome, message) = cluster.first().await;
    let expected = "namespace b of spec.namespaceSelector.matchNames does not exist";
    assert_eq!((check, outcome, &*message), ("namespaces", Outcome::Fail, expected));
    cluster.end().await;
}

#[tokio::test]
async fn settings_may_change() {
    let cluster = Cluster::new(section(SLICES, &[]), |_| {}).await;
    cluster.apply(ASR);
    cluster.explainer.clone().apply(section("ignoreNamespaceSelectors: true", &[]));
    cluster
        .apply(&ASR.replace("  endpoints: [", "  namespaceSelector: {any: true}\n  endpoints: ["));
    let explanation = cluster.explain("lightning-asr").await.unwrap();
    assert_eq!(
        explanation.checks[4].message,
        "only its own namespace smallest: ignoreNamespaceSelectors is set"
    );
    cluster.end().await;
}
