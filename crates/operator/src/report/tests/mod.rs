//! Reporting as the API server sees it.

mod events;
mod permissions;
mod statuses;

use super::{Metrics, Options, Reporter, Standing, Writing};
use crate::plan::{
    Accepted, LabelMiss, MonitorKind, ObjectRef, ObjectState, Plan, Reason, Rejected, Selection,
    Verdict,
};
use apiserver::ApiServer;
use client::{Dialer, HttpConfig};
use cluster::access::{Access, Origin};
use kubernetes::Section;
use kubernetes::section::Instance;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const DEADLINE: Duration = Duration::from_secs(30);
const GROUP: &str = "monitoring.coreos.com";

/// A server, a plan that tests change, and who reports.
struct World {
    server: ApiServer,
    access: Access,
    section: Section,
    plans: watch::Sender<Arc<Plan>>,
    metrics: Arc<Metrics>,
    reporter: Option<Reporter>,
}

impl World {
    async fn new() -> Self {
        let server = ApiServer::start().await.unwrap();
        let origin = Origin::At { url: server.url(), http: HttpConfig::default() };
        let access = Access::new(&origin, &Dialer::net(16), "test").unwrap();
        let instance = Instance { namespace: "mon".into(), name: "main".into() };
        let section = Section { instance, ..Section::default() };
        let (plans, _) = watch::channel(whole());
        let metrics = Arc::default();
        Self { server, access, section, plans, metrics, reporter: None }
    }

    /// The same with a reporter that has looked at what it may do.
    async fn reporting() -> Self {
        let mut world = Self::new().await;
        world.start().await;
        world
    }

    async fn start(&mut self) {
        let options = Options { section: Arc::new(self.section.clone()) };
        let (access, plans) = (self.access.clone(), self.plans.subscribe());
        let metrics = Arc::clone(&self.metrics);
        self.reporter = Some(Reporter::start(access, plans, options, metrics));
        self.checked().await;
    }

    async fn stop(&mut self) {
        self.reporter.take().unwrap().shutdown().await;
    }

    /// Goes by the section as it is now, which makes it look again at what it may do.
    async fn apply(&self) {
        let reporter = self.reporter.as_ref().unwrap();
        let mut standing = reporter.standing();
        standing.mark_unchanged();
        reporter.apply(Options { section: Arc::new(self.section.clone()) });
        standing.wait_for(|standing| !standing.is_checked).await.unwrap();
        self.checked().await;
    }

    async fn checked(&self) -> Arc<Standing> {
        let mut standing = self.reporter.as_ref().unwrap().standing();
        let checked = standing.wait_for(|standing| standing.is_checked);
        Arc::clone(&tokio::time::timeout(DEADLINE, checked).await.unwrap().unwrap())
    }

    fn standing(&self) -> Arc<Standing> {
        Arc::clone(&self.reporter.as_ref().unwrap().standing().borrow())
    }

    fn writing(&self, kind: MonitorKind) -> Writing {
        self.standing().statuses[&kind].clone()
    }

    /// Creates or changes a ServiceMonitor.
    fn monitor(&self, name: &str, spec: &Value) -> Value {
        self.server.apply(&json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": {"name": name, "namespace": "a"}, "spec": spec,
        }))
    }

    /// The next plan: those before, and these in their stead.
    fn plan(&self, objects: impl IntoIterator<Item = (ObjectRef, ObjectState)>) {
        self.plans.send_modify(|plan| {
            let mut next = Plan { is_complete: true, ..Plan::clone(plan) };
            next.objects.extend(objects.into_iter().map(|(key, state)| (key, Arc::new(state))));
            *plan = Arc::new(next);
        });
    }

    /// Our binding's condition.
    fn condition(&self, name: &str) -> Option<Value> {
        let bindings = self.bindings(name);
        let mut bindings = bindings.as_array()?.iter();
        let ours = bindings.find(|b| b["name"] == "main" && b["resource"] == "prometheuses")?;
        assert_eq!((&ours["group"], &ours["namespace"]), (&json!(GROUP), &json!("mon")));
        assert_eq!(ours["conditions"].as_array().unwrap().len(), 1);
        assert_eq!(ours["conditions"][0]["type"], "Accepted");
        Some(ours["conditions"][0].clone())
    }

    fn bindings(&self, name: &str) -> Value {
        let object = self.server.get("servicemonitors", "a", name).unwrap();
        object.pointer("/status/bindings").cloned().unwrap_or_default()
    }

    /// Waits until our binding of an object has a status; `""` for no binding.
    async fn until_status(&self, name: &str, status: &str) -> Value {
        let is = || self.condition(name).map_or(json!(""), |c| c["status"].clone()) == status;
        until(&format!("{name} to be {status:?}"), is).await;
        self.condition(name).unwrap_or_default()
    }

    /// How often statuses of ServiceMonitors were written.
    fn writes(&self) -> u64 {
        let verbs = ["update", "patch"];
        verbs.iter().map(|verb| self.server.asked(verb, "servicemonitors/status")).sum()
    }

    /// Waits until everything that was planned before is written: so is what is planned after it.
    async fn settled(&self) {
        let name = format!("last{}", self.plans.borrow().objects.len());
        let object = self.monitor(&name, &json!({}));
        self.plan([state(&object, accepted())]);
        self.until_status(&name, "True").await;
    }

    fn counted(&self, name: &str, result: &str) -> f64 {
        counted(&self.metrics, name, result)
    }
}

/// A plan without objects.
fn whole() -> Arc<Plan> {
    Arc::new(Plan { is_complete: true, ..Plan::default() })
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "waited for {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

fn counted(metrics: &Metrics, name: &str, result: &str) -> f64 {
    struct Find<'a>(&'a str, &'a str, bool, f64);
    impl model::metrics::Visitor for Find<'_> {
        fn family(&mut self, name: &str, _: model::metrics::Kind, _: &str) {
            self.2 = name == self.0;
        }
        fn sample(&mut self, _: &str, labels: &[(&str, &str)], value: f64) {
            if self.2 && labels.iter().all(|(_, value)| *value == self.1) {
                self.3 = value;
            }
        }
    }
    let mut find = Find(name, result, false, f64::NAN);
    model::metrics::Collect::collect(metrics, &mut find);
    find.3
}

const STATUSES: &str = "rushlight_operator_status_writes_total";
const EVENTS: &str = "rushlight_operator_events_total";

fn accepted() -> Option<Verdict> {
    let jobs = vec!["serviceMonitor/a/m/0".to_owned()];
    Some(Verdict::Accepted(Accepted { jobs, ..Accepted::default() }))
}

fn rejected(message: &str) -> Option<Verdict> {
    let message = message.to_owned();
    Some(Verdict::Rejected(Rejected { reason: Reason::InvalidConfiguration, message }))
}

/// The state of an object as the server has it; not selected without a verdict.
fn state(object: &Value, verdict: Option<Verdict>) -> (ObjectRef, ObjectState) {
    let text = |path: &str| object.pointer(path).unwrap().as_str().unwrap();
    let kind = MonitorKind::parse(text("/kind")).unwrap();
    let key = ObjectRef {
        kind,
        namespace: text("/metadata/namespace").into(),
        name: text("/metadata/name").into(),
    };
    let miss = LabelMiss {
        key: "release".into(),
        operator: "Exists".into(),
        values: Vec::new(),
        found: None,
    };
    let selection = match &verdict {
        Some(_) => Selection::Selected,
        None => Selection::LabelsDiffer { misses: vec![miss] },
    };
    let state = ObjectState {
        uid: text("/metadata/uid").to_owned(),
        generation: object.pointer("/metadata/generation").unwrap().as_i64().unwrap(),
        resource_version: text("/metadata/resourceVersion").to_owned(),
        labels: Default::default(),
        selection,
        verdict,
    };
    (key, state)
}
