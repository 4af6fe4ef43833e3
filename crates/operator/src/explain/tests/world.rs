//! A cluster of a few objects, and what would be made of them: jobs by the true mapping, targets by the
//! true roles and relabeling.

use super::super::cluster::{Cluster, Seen, Watched};
use super::super::facts::{Facts, ScrapedJob, Spec};
use super::super::{Explanation, Outcome, explain};
use crate::plan::{
    Accepted, MonitorKind, ObjectRef, ObjectState, Reason, Rejected, Selection, Verdict, Warning,
    WarningKind,
};
use discovery::Groups;
use discovery::kubernetes::AttachMetadata;
use kubernetes::jobs::{Invalid, Mapped, Mapper, Written};
use kubernetes::objects::{EndpointSlice, Ingress, Namespace, Node, Owned, Pod, Service};
use kubernetes::resources::{Meta, Settings};
use kubernetes::roles::{self, Known};
use kubernetes::{Fields, Resources};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// A change of what is known.
type Given = Box<dyn FnOnce(&mut Facts)>;

/// Objects, and what else is given.
pub(super) struct World {
    yaml: String,
    given: Vec<Given>,
}

/// The objects of a text.
pub(super) fn world(yaml: &str) -> World {
    World { yaml: yaml.to_owned(), given: Vec::new() }
}

impl World {
    /// The same with another text in place of one.
    #[track_caller]
    pub(super) fn edit(mut self, from: &str, to: &str) -> Self {
        assert!(self.yaml.contains(from), "{from:?} is not in {}", self.yaml);
        self.yaml = self.yaml.replace(from, to);
        self
    }

    /// The same with further objects.
    pub(super) fn and(mut self, yaml: &str) -> Self {
        self.yaml.push_str("\n---\n");
        self.yaml.push_str(yaml);
        self
    }

    /// The same with what is known changed.
    pub(super) fn given(mut self, change: impl FnOnce(&mut Facts) + 'static) -> Self {
        self.given.push(Box::new(change));
        self
    }

    pub(super) fn explained(self) -> Explanation {
        let mut facts = facts(&self.yaml);
        for change in self.given {
            change(&mut facts);
        }
        explain(&facts)
    }

    /// The first check that fails says so.
    #[track_caller]
    pub(super) fn fails(self, check: &str, message: &str, fix: &str) -> Explanation {
        let explanation = self.explained();
        let failed = explanation.checks.iter().find(|check| check.outcome == Outcome::Fail);
        let failed = failed.unwrap_or_else(|| panic!("nothing fails in {explanation:#?}"));
        let found = (failed.check, &*failed.message, failed.fix.as_deref());
        assert_eq!(found, (check, message, Some(fix)), "{explanation:#?}");
        explanation
    }

    /// The first check whose outcome is not known says so, and none fails.
    #[track_caller]
    pub(super) fn waits(self, check: &str, message: &str) -> Explanation {
        let explanation = self.explained();
        let failed = explanation.checks.iter().find(|check| check.outcome == Outcome::Fail);
        assert_eq!(failed, None);
        let unknown = explanation.checks.iter().find(|check| check.outcome == Outcome::Unknown);
        let unknown = unknown.unwrap_or_else(|| panic!("all is known in {explanation:#?}"));
        assert_eq!((unknown.check, &*unknown.message), (check, message));
        explanation
    }

    /// All checks pass.
    #[track_caller]
    pub(super) fn passes(self) -> Explanation {
        let explanation = self.explained();
        let others = explanation.checks.iter().find(|check| check.outcome != Outcome::Pass);
        assert_eq!(others, None, "{explanation:#?}");
        explanation
    }
}

impl Explanation {
    /// The details of the first check of a name.
    #[track_caller]
    pub(super) fn details(&self, check: &str) -> &[String] {
        let found = self.checks.iter().find(|found| found.check == check);
        &found.unwrap_or_else(|| panic!("no {check} in {self:#?}")).details
    }

    /// Checks and outcomes.
    pub(super) fn outcomes(&self) -> Vec<(&'static str, Outcome)> {
        self.checks.iter().map(|check| (check.check, check.outcome)).collect()
    }
}

/// The objects the roles look up.
#[derive(Default)]
struct Objects {
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
    pods: Vec<Pod>,
    ingresses: Vec<Ingress>,
    namespaces: Vec<Namespace>,
}

impl roles::Cluster for Objects {
    fn pod(&self, namespace: &str, name: &str) -> Option<Known<Pod>> {
        let is_it = |pod: &&Pod| pod.metadata.namespace == namespace && pod.metadata.name == name;
        self.pods.iter().find(is_it).cloned().map(Known::from)
    }
    fn service(&self, namespace: &str, name: &str) -> Option<Known<Service>> {
        let is_it = |service: &&Service| {
            service.metadata.namespace == namespace && service.metadata.name == name
        };
        self.services.iter().find(is_it).cloned().map(Known::from)
    }
    fn node(&self, _name: &str) -> Option<Known<Node>> {
        None
    }
    fn namespace(&self, name: &str) -> Option<Known<Namespace>> {
        self.namespaces.iter().find(|n| n.metadata.name == name).cloned().map(Known::from)
    }
    fn replica_set(&self, _namespace: &str, _name: &str) -> Option<Known<Owned>> {
        None
    }
    fn job(&self, _namespace: &str, _name: &str) -> Option<Known<Owned>> {
        None
    }
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    let text = value.to_string();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn facts(yaml: &str) -> Facts {
    let mut objects = Objects::default();
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    for document in documents {
        match document["kind"].as_str().unwrap_or_default() {
            "Service" => objects.services.push(read(document)),
            "EndpointSlice" => objects.slices.push(read(document)),
            "Pod" => objects.pods.push(read(document)),
            "Ingress" => objects.ingresses.push(read(document)),
            "Namespace" => objects.namespaces.push(read(document)),
            _ => {}
        }
    }
    let mut resources = Resources::default();
    resources.add_text(yaml).unwrap();
    assert_eq!(resources.unreadable, []);
    let (kind, meta, spec) = explained(&resources);
    let object = ObjectRef {
        kind,
        namespace: meta.namespace.as_str().into(),
        name: meta.name.as_str().into(),
    };
    let (verdict, jobs) = match mapped(&resources, kind) {
        Ok(mapped) => accepted(mapped, &objects),
        Err(invalid) => {
            let message = invalid.message;
            let reason = Reason::InvalidConfiguration;
            (Verdict::Rejected(Rejected { reason, message }), Vec::new())
        }
    };
    let settings = resources.settings.map(|settings| settings.spec).unwrap_or_default();
    let state = ObjectState {
        uid: "u".into(),
        generation: 1,
        resource_version: "1".into(),
        labels: meta.labels.clone(),
        selection: Selection::Selected,
        verdict: Some(verdict),
    };
    Facts {
        object,
        watched: Watched::InSync,
        refused: None,
        state: Some(Arc::new(state)),
        spec: Some(spec),
        own_namespace_only: settings.ignore_namespace_selectors,
        cluster: cluster(&objects),
        jobs,
        groups: Vec::new(),
    }
}

/// The object that is explained: the only monitor there is.
fn explained(resources: &Resources) -> (MonitorKind, Meta, Spec) {
    if let Some(object) = resources.service_monitors.first() {
        let spec = Spec::ServiceMonitor(Box::new(object.spec.clone()));
        return (MonitorKind::ServiceMonitor, object.metadata.clone(), spec);
    }
    if let Some(object) = resources.pod_monitors.first() {
        let spec = Spec::PodMonitor(Box::new(object.spec.clone()));
        return (MonitorKind::PodMonitor, object.metadata.clone(), spec);
    }
    if let Some(object) = resources.probes.first() {
        let spec = Spec::Probe(Box::new(object.spec.clone()));
        return (MonitorKind::Probe, object.metadata.clone(), spec);
    }
    if let Some(object) = resources.scrape_configs.first() {
        let spec = Spec::ScrapeConfig(Box::new(object.spec.clone()));
        return (MonitorKind::ScrapeConfig, object.metadata.clone(), spec);
    }
    let meta = Meta { name: "alerts".into(), namespace: "voice".into(), ..Meta::default() };
    (MonitorKind::PrometheusRule, meta, Spec::PrometheusRule)
}

fn mapped(resources: &Resources, kind: MonitorKind) -> Result<Mapped, Invalid> {
    let default =
        Settings { service_discovery_role: Some("EndpointSlice".into()), ..Settings::default() };
    let settings = resources.settings.as_ref().map_or(&default, |settings| &settings.spec);
    let assets = Written::new(resources);
    let mapper = Mapper::new(settings, &assets).unwrap();
    match kind {
        MonitorKind::ServiceMonitor => mapper.service_monitor(&resources.service_monitors[0]),
        MonitorKind::PodMonitor => mapper.pod_monitor(&resources.pod_monitors[0]),
        MonitorKind::Probe => mapper.probe(&resources.probes[0]),
        MonitorKind::ScrapeConfig => mapper.scrape_config(&resources.scrape_configs[0]),
        MonitorKind::PrometheusRule => Ok(Mapped::default()),
    }
}

/// What a plan says of a mapped object, and what its targets become.
fn accepted(mapped: Mapped, objects: &Objects) -> (Verdict, Vec<ScrapedJob>) {
    let left_out = mapped.left_out.iter().map(|list| Warning {
        kind: WarningKind::UnsupportedDiscovery,
        message: format!("{list} is not built in, and left out"),
    });
    let notes = mapped.notes.iter();
    let notes = notes.map(|note| Warning { kind: WarningKind::Note, message: note.clone() });
    let warnings = left_out.chain(notes).collect();
    let jobs: Vec<ScrapedJob> = mapped.jobs.iter().map(|job| scraped(job, objects)).collect();
    let names = jobs.iter().map(|job| job.name.clone()).collect();
    (Verdict::Accepted(Accepted { jobs: names, warnings, ..Accepted::default() }), jobs)
}

/// The targets of a job, none of them asked yet.
fn scraped(job: &Fields, objects: &Objects) -> ScrapedJob {
    let value = serde_json::to_value(job).unwrap();
    let groups = groups(&value, objects);
    let text = serde_saphyr::to_string(job).unwrap().replace(kubernetes::jobs::SHARD, "0");
    let config: scrape::Config = serde_saphyr::from_str(&text).unwrap();
    let name = config.job_name().to_owned();
    let job = config.resolve(&scrape::Global::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = Arc::new(testkit::MemoryStore::new());
    let metrics = Arc::new(scrape::Metrics::default());
    // Nothing runs on this runtime, so nobody is asked.
    let _entered = runtime.enter();
    let manager = scrape::Manager::new(store, metrics, scrape::Options::default());
    manager.apply([job]);
    let jobs = [(name.clone(), groups)].into();
    manager.set_targets(Arc::new(discovery::Snapshot { jobs }));
    let found = scrape::explain(&manager.snapshot(), &name).unwrap();
    ScrapedJob { name, explanation: found.into_iter().next() }
}

/// What discovery finds for a job.
fn groups(job: &Value, objects: &Objects) -> Groups {
    let mut groups = Vec::new();
    for (i, list) in job["static_configs"].as_array().into_iter().flatten().enumerate() {
        let labels = list["labels"].as_object().into_iter().flatten();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let targets = list["targets"].as_array().into_iter().flatten();
        let targets = targets.map(|target| {
            model::Labels::from_pairs([(discovery::ADDRESS, target.as_str().unwrap())])
        });
        groups.push(discovery::Group {
            source: i.to_string(),
            labels: model::Labels::from_pairs(labels),
            targets: targets.collect(),
        });
    }
    for sd in job["kubernetes_sd_configs"].as_array().into_iter().flatten() {
        let names = sd["namespaces"]["names"].as_array();
        let is_here = |namespace: &str| {
            names.is_none_or(|names| names.iter().any(|name| name.as_str() == Some(namespace)))
        };
        let attach = AttachMetadata::default();
        match sd["role"].as_str().unwrap() {
            "endpointslice" => {
                let here = objects.slices.iter().filter(|s| is_here(&s.metadata.namespace));
                groups.extend(here.map(|slice| roles::endpointslice(slice, attach, objects)));
            }
            "pod" => {
                let here = objects.pods.iter().filter(|p| is_here(&p.metadata.namespace));
                groups.extend(here.map(|pod| roles::pod(pod, attach, objects)));
            }
            "ingress" => {
                let here = objects.ingresses.iter().filter(|i| is_here(&i.metadata.namespace));
                groups.extend(here.map(|ingress| roles::ingress(ingress, attach, objects)));
            }
            other => panic!("role {other}"),
        }
    }
    groups.into_iter().map(Arc::new).collect()
}

fn cluster(objects: &Objects) -> Cluster {
    fn seen<T, S>(objects: &[T]) -> Seen<S>
    where
        for<'a> S: From<&'a T>,
    {
        Seen { watched: Watched::InSync, objects: objects.iter().map(S::from).collect() }
    }
    let names = objects.namespaces.iter().map(|n| n.metadata.name.to_string());
    let namespaces: std::collections::BTreeSet<String> = names.collect();
    Cluster {
        followed: [].into(),
        forbidden: [].into(),
        namespaces: (!namespaces.is_empty()).then_some(namespaces),
        services: seen(&objects.services),
        are_endpoints: false,
        addresses: seen(&objects.slices),
        pods: seen(&objects.pods),
        ingresses: seen(&objects.ingresses),
    }
}

/// All targets that are left by relabeling are up.
pub(super) fn all_up(facts: &mut Facts) {
    for status in statuses(facts) {
        status.health = scrape::Health::Up;
        status.last_scrape_ns = Some(1);
    }
}

/// All targets that are left by relabeling are down for this reason.
pub(super) fn all_down(reason: scrape::Reason, error: &'static str) -> impl FnOnce(&mut Facts) {
    move |facts| {
        let limit = None;
        fail(facts, scrape::Diagnosis { at_ns: 1, reason, error: error.into(), limit, body: None });
    }
}

/// All targets that are left by relabeling pass a limit.
pub(super) fn over_limit(
    option: &'static str,
    allowed: u64,
    measured: u64,
) -> impl FnOnce(&mut Facts) {
    move |facts| {
        let series = Some("asr_total_requests{}".to_owned());
        let limit = Some(scrape::LimitPassed { option, allowed, measured, series });
        let (reason, error) = (scrape::Reason::SampleLimit, "limit exceeded".into());
        fail(facts, scrape::Diagnosis { at_ns: 1, reason, error, limit, body: None });
    }
}

fn fail(facts: &mut Facts, why: scrape::Diagnosis) {
    let why = Arc::new(why);
    for target in targets(facts) {
        if let scrape::State::Scraped { status, diagnosis } = &mut target.state {
            status.health = scrape::Health::Down;
            status.last_scrape_ns = Some(1);
            status.last_error = Some(Arc::clone(&why.error));
            *diagnosis = Some(Arc::clone(&why));
        }
    }
}

pub(super) fn targets(facts: &mut Facts) -> impl Iterator<Item = &mut scrape::Explained> {
    facts.jobs.iter_mut().filter_map(|job| job.explanation.as_mut()).flat_map(|e| &mut e.targets)
}

fn statuses(facts: &mut Facts) -> impl Iterator<Item = &mut scrape::Status> {
    targets(facts).filter_map(|target| match &mut target.state {
        scrape::State::Scraped { status, .. } => Some(status),
        _ => None,
    })
}

/// Changes what became of the object.
pub(super) fn with_state(change: impl FnOnce(&mut ObjectState)) -> impl FnOnce(&mut Facts) {
    move |facts| {
        let mut state = ObjectState::clone(facts.state.as_ref().unwrap());
        change(&mut state);
        facts.state = Some(Arc::new(state));
    }
}
