//! A cluster on loopback.

use super::*;
use ::cluster::access::{Access, Origin};
use ::cluster::watch::Watches;
use MonitorKind::{PodMonitor, PrometheusRule, ServiceMonitor};
use apiserver::ApiServer;
use client::{Client, Dialer, HttpConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a test waits for comes within this time, or never.
const PATIENCE: Duration = Duration::from_secs(20);

struct Cluster {
    server: ApiServer,
    watches: Watches,
    planner: Planner,
    metrics: Arc<Metrics>,
    vault: Vault,
}

impl Cluster {
    async fn new() -> Self {
        let server = ApiServer::start().await.expect("there is a port");
        let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
        let access = Access::new(&origin, &Dialer::net(100), "test").expect("reads no files");
        let watches = Watches::new(access.client(), Arc::default());
        let (metrics, vault) = (Arc::new(Metrics::default()), Vault::default());
        let planner = Planner::start(watches.clone(), vault.clone(), metrics.clone());
        Self { server, watches, planner, metrics, vault }
    }

    fn apply(&self, text: &str) {
        for object in serde_saphyr::from_multiple::<Value>(text).expect("is YAML") {
            let mut object = object;
            if object.is_null() {
                continue;
            }
            let version = match object["kind"].as_str().unwrap_or_default() {
                "Secret" | "ConfigMap" | "Namespace" => "v1",
                "ScrapeConfig" => "monitoring.coreos.com/v1alpha1",
                _ => "monitoring.coreos.com/v1",
            };
            object["apiVersion"] = version.into();
            self.server.apply(&object);
        }
    }

    /// Waits for a plan of which something holds.
    async fn until(&self, what: &str, holds: impl Fn(&Plan) -> bool) -> Arc<Plan> {
        let mut plans = self.planner.plans();
        let waited = tokio::time::timeout(PATIENCE, plans.wait_for(|plan| holds(plan))).await;
        match waited {
            Ok(plan) => plan.expect("the planner runs").clone(),
            Err(_) => panic!("no plan with {what}: {:#?}", self.planner.plans().borrow()),
        }
    }

    async fn end(self) {
        self.planner.shutdown().await;
        self.watches.shutdown().await;
    }
}

#[tokio::test]
async fn objects_come_change_and_go() {
    let cluster = Cluster::new().await;
    cluster.apply(&monitor("a/b", ""));
    cluster.planner.apply(options(""));
    let first = cluster.until("a job", |plan| plan.jobs.len() == 1 && plan.is_complete).await;
    assert_eq!(told(&first, ServiceMonitor, "a/b"), "accepted serviceMonitor/a/b/0");

    // A burst is one plan, or a few.
    let plans = cluster.metrics.plans();
    let all: String = (0..300).map(|i| monitor(&format!("a/m{i}"), "")).collect();
    cluster.apply(&all);
    let burst = cluster.until("301 jobs", |plan| plan.jobs.len() == 301).await;
    assert!(cluster.metrics.plans() - plans <= 5, "{} plans", cluster.metrics.plans() - plans);
    assert_eq!(cluster.metrics.mappings(), 301);
    assert!(burst.jobs.iter().any(|job| Arc::ptr_eq(job, &first.jobs[0])));

    cluster.apply(&monitor("a/m7", ", port: other").replace("port: web, ", ""));
    cluster.server.delete("servicemonitors", "a", "m8");
    let after = cluster.until("300 jobs", |plan| plan.jobs.len() == 300).await;
    let text = |plan: &Plan| {
        let mut jobs = plan.jobs.iter();
        jobs.find(|job| job.config.job_name() == "serviceMonitor/a/m7/0").map(|j| j.text.clone())
    };
    assert!(text(&after).is_some_and(|text| text.contains("other")));
    assert_eq!(cluster.metrics.mappings(), 302);
    cluster.end().await;
}

#[tokio::test]
async fn a_burst_of_rules_and_a_bad_one() {
    let cluster = Cluster::new().await;
    cluster.planner.apply(options(""));
    cluster.apply(
        "kind: PrometheusRule\nmetadata: {name: good, namespace: a}\n\
         spec: {groups: [{name: g, interval: '', rules: [{alert: A, expr: 1, for: ''}]}]}\n\
         ---\nkind: PrometheusRule\nmetadata: {name: bad, namespace: a}\n\
         spec: {groups: [{name: g, rules: [{alert: A, expr: '('}]}]}\n",
    );
    let plan = cluster.until("two rules", |plan| plan.objects.len() == 2).await;
    assert_eq!(plan.rules.len(), 1);
    let uid = &plan.objects[&of(PrometheusRule, "a/good")].uid;
    assert!(!uid.is_empty());
    assert_eq!(plan.rules[0].name, format!("a-good-{uid}.yaml"));
    let told = told(&plan, PrometheusRule, "a/bad");
    assert!(told.starts_with("InvalidConfiguration: group \"g\", rule 1, \"A\""), "{told}");
    cluster.end().await;
}

/// A server that answers with what it was told in `Authorization`.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
    let address = listener.local_addr().expect("is bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while stream.read_buf(&mut head).await.is_ok_and(|read| read > 0) {
                    if !head.ends_with(b"\r\n\r\n") {
                        continue;
                    }
                    let text = String::from_utf8_lossy(&head).into_owned();
                    let told = text.lines().find_map(|line| line.strip_prefix("Authorization: "));
                    let told = told.unwrap_or_default();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{told}", told.len());
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                    head.clear();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_secret_is_rotated_under_a_job_that_stays() {
    let cluster = Cluster::new().await;
    cluster.planner.apply(options(""));
    cluster.apply(&monitor("a/b", ", authorization: {credentials: {name: t, key: text}}"));
    let waits = "waiting, 0 kept: Secret a/t does not exist";
    let missing =
        cluster.until("a missing Secret", |plan| told(plan, ServiceMonitor, "a/b") == waits).await;
    assert_eq!(missing.jobs.len(), 0);
    cluster.apply(&secret("a/t", &[("text", "one")]));
    let plan = cluster.until("a job", |plan| plan.jobs.len() == 1).await;
    let plans = cluster.metrics.plans();

    let dialer = Dialer::net(10).with_vault(&cluster.vault);
    let client = Client::new(&plan.jobs[0].job.http, &dialer, "test");
    let url = format!("http://{}/", echo().await);
    let heard = async || {
        let answer = client.get(&url, &[], 100).await.expect("answers");
        String::from_utf8(answer.body).expect("is text")
    };
    assert_eq!(heard().await, "Bearer one");
    cluster.apply(&secret("a/t", &[("text", "two")]));
    let rotated = async {
        while heard().await != "Bearer two" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, rotated).await.expect("the next scrapes say so");
    assert_eq!(cluster.metrics.plans(), plans, "no plan is made of it");
    assert!(Arc::ptr_eq(&cluster.planner.plans().borrow().jobs[0], &plan.jobs[0]));
    // One object is read, not all of its kind in the cluster.
    assert_eq!(cluster.vault.len(), 1);
    cluster.end().await;
}

#[tokio::test]
async fn a_secret_that_may_not_be_read_is_named() {
    let cluster = Cluster::new().await;
    cluster.server.trouble().forbid("*", "secrets");
    cluster.planner.apply(options(""));
    cluster.apply(&secret("a/t", &[("text", "one")]));
    cluster.apply(
        &(monitor("a/b", ", bearerTokenSecret: {name: t, key: text}") + &monitor("a/c", "")),
    );
    let begins = "waiting, 0 kept: Secret a/t may not be read: ";
    let plan = cluster
        .until("a refusal", |plan| told(plan, ServiceMonitor, "a/b").starts_with(begins))
        .await;
    assert_eq!(plan.jobs.len(), 1);
    assert!(plan.is_complete);
    cluster.end().await;
}

#[tokio::test]
async fn a_kind_may_be_defined_later_or_forbidden() {
    let cluster = Cluster::new().await;
    cluster.server.trouble().undefine("servicemonitors");
    cluster.server.trouble().forbid("*", "podmonitors");
    cluster.apply(&monitor("a/b", ""));
    cluster.planner.apply(options(""));
    let plan = cluster.until("all kinds", |plan| plan.is_complete).await;
    assert!(plan.kinds[&ServiceMonitor].is_absent);
    assert!(plan.kinds[&PodMonitor].forbidden.is_some(), "{:?}", plan.kinds);
    assert!(plan.kinds[&PrometheusRule].is_synced);
    assert_eq!(plan.jobs.len(), 0);
    cluster.server.trouble().define("servicemonitors");
    // It is looked for every minute.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(100)).await;
    tokio::time::resume();
    cluster.until("a job", |plan| plan.jobs.len() == 1).await;
    cluster.end().await;
}

#[tokio::test]
async fn namespaces_are_followed_when_their_labels_count() {
    let cluster = Cluster::new().await;
    let namespace = |name: &str, team: &str| {
        format!("---\nkind: Namespace\nmetadata: {{name: {name}, labels: {{team: {team}}}}}\n")
    };
    cluster.apply(&(namespace("a", "red") + &namespace("b", "blue")));
    cluster.apply(&(monitor("a/m", "") + &monitor("b/m", "")));
    cluster.planner.apply(options(""));
    cluster.until("two jobs", |plan| plan.jobs.len() == 2).await;
    assert_eq!(cluster.server.asked("list", "namespaces"), 0);
    assert_eq!(cluster.server.asked("watch", "namespaces"), 0);

    let by_team = "serviceMonitorNamespaceSelector: {matchLabels: {team: red}}";
    cluster.planner.apply(options(by_team));
    let plan = cluster.until("one job", |plan| plan.jobs.len() == 1).await;
    assert_eq!(
        told(&plan, ServiceMonitor, "b/m"),
        "namespace: label team=red is asked for, and it has team=blue"
    );
    cluster.apply(&namespace("b", "red"));
    cluster.until("two jobs again", |plan| plan.jobs.len() == 2).await;

    // Where only some namespaces may be looked at, their labels cannot count.
    let mut section = Section { ..(*options(by_team).section).clone() };
    section.connection.namespaces = vec!["a".into()];
    cluster.planner.apply(Options { section: Arc::new(section), ..options("") });
    let plan =
        cluster.until("a refusal", |plan| plan.kinds[&ServiceMonitor].refused.is_some()).await;
    let plan = if plan.objects.len() == 1 {
        plan
    } else {
        cluster.until("one object", |plan| plan.objects.len() == 1).await
    };
    assert_eq!(plan.jobs.len(), 0);
    let why = "namespaces cannot be chosen by their labels where only a may be looked at";
    assert_eq!(told(&plan, ServiceMonitor, "a/m"), format!("namespace: {why}"));
    assert_eq!(plan.kinds[&PodMonitor].refused, None);
    cluster.end().await;
}

#[tokio::test]
async fn what_is_known_of_namespaces_counts_from_the_start() {
    let cluster = Cluster::new().await;
    cluster.apply(&monitor("a/m", ""));
    let by_team = options("serviceMonitorNamespaceSelector: {matchLabels: {team: red}}");
    let mut section = Section { ..(*by_team.section).clone() };
    section.connection.namespaces = vec!["a".into()];
    cluster.planner.apply(Options { section: Arc::new(section), ..by_team });
    let plan = cluster.until("an object", |plan| plan.objects.len() == 1).await;
    let why = "namespaces cannot be chosen by their labels where only a may be looked at";
    assert_eq!(told(&plan, ServiceMonitor, "a/m"), format!("namespace: {why}"));
    cluster.end().await;
}
