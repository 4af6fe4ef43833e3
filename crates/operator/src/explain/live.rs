//! Facts of a cluster that is followed.

use super::cluster::{Addresses, Cluster, Ingress, Pod, Seen, Service, Watched};
use super::facts::{Facts, ScrapedJob, Spec};
use super::{Explanation, explain, nearest};
use crate::plan::{MonitorKind, ObjectRef, ObjectState, Plan, Verdict};
use ::cluster::rights::{Rule, yaml};
use ::cluster::watch::{Following, Held, Kind, Scope, WatchState, Watches};
use kubernetes::resources::{
    Custom, PodMonitor, Probe, PrometheusRule, ScrapeConfig, ServiceMonitor,
};
use kubernetes::{Section, objects};
use parking_lot::RwLock;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// Longest wait for objects that nobody has followed so far, and for a plan of a new object.
const PATIENCE: Duration = Duration::from_secs(5);
/// A watch that is in sync now and then is told to be behind after so long.
const BEHIND: Duration = Duration::from_secs(60);

/// Explains the objects of the cluster that is followed.
#[derive(Clone, Debug)]
pub struct Explainer {
    plans: watch::Receiver<Arc<Plan>>,
    watches: Watches,
    section: Arc<RwLock<Arc<Section>>>,
}

/// What runs of the objects' jobs and rules.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The targets of all jobs.
    pub scrapes: Arc<scrape::Snapshot>,
    /// All groups of rules.
    pub rules: Arc<rules::Snapshot>,
}

/// There is no such object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no {kind} {namespace}/{name}{}", hint(.nearest))]
pub struct NotFound {
    /// The kind that was asked for.
    pub kind: MonitorKind,
    /// Where.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The objects that come nearest, each with its kind.
    pub nearest: Vec<String>,
}

fn hint(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

impl Explainer {
    /// By the plans of a planner and the watches that it and discovery share.
    #[must_use]
    pub fn new(plans: watch::Receiver<Arc<Plan>>, watches: Watches, section: Arc<Section>) -> Self {
        Self { plans, watches, section: Arc::new(RwLock::new(section)) }
    }

    /// Goes by other settings.
    pub fn apply(&self, section: Arc<Section>) {
        *self.section.write() = section;
    }

    /// Explains an object. Within a tokio runtime; objects that nobody follows are listed for it.
    ///
    /// # Errors
    /// When there is no such object, with those that come nearest.
    pub async fn explain(
        &self,
        kind: MonitorKind,
        namespace: &str,
        name: &str,
        run: Run,
    ) -> Result<Explanation, NotFound> {
        let object = ObjectRef { kind, namespace: namespace.into(), name: name.into() };
        let by = Instant::now() + PATIENCE;
        let section = Arc::clone(&self.section.read());
        let seen = Sight { watches: self.watches.clone(), section: Arc::clone(&section), by };
        let own = seen.object(&object).await;
        let state = self.state(&object, own.is_there, by).await;
        if state.is_none() && own.is_gone(&object, &section) {
            return Err(self.not_found(object));
        }
        let stores = Stores::follow(&seen, own.spec.as_ref()).await;
        let refused = {
            let plan = self.plans.borrow();
            plan.kinds.get(&kind).and_then(|kind| kind.refused.clone())
        };
        let watched = match (state.is_none(), &own.watched) {
            (true, Watched::InSync) => Watched::Waiting { error: None },
            (_, watched) => watched.clone(),
        };
        let gathered = tokio::task::spawn_blocking(move || {
            let facts = Facts {
                jobs: jobs(state.as_deref(), &run.scrapes),
                groups: groups(state.as_deref(), &run.rules),
                cluster: stores.gather(&section),
                own_namespace_only: section.settings.ignore_namespace_selectors,
                watched,
                spec: own.spec,
                object,
                refused,
                state,
            };
            explain(&facts)
        });
        Ok(gathered.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
    }

    /// What became of an object; one that has just come is waited for.
    async fn state(
        &self,
        object: &ObjectRef,
        is_there: bool,
        by: Instant,
    ) -> Option<Arc<ObjectState>> {
        let mut plans = self.plans.clone();
        loop {
            let state = plans.borrow_and_update().objects.get(object).cloned();
            if state.is_some() || !is_there {
                return state;
            }
            match timeout_at(by, plans.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    fn not_found(&self, object: ObjectRef) -> NotFound {
        let plan = Arc::clone(&self.plans.borrow());
        let (kind, asked) = (object.kind, object.to_string());
        let full = |object: &ObjectRef| format!("{} {object}", object.kind);
        let others = plan.objects.keys();
        // The same name elsewhere, or of another kind, is the likeliest.
        let same = others.clone().filter(|other| {
            other.name == object.name && (other.kind == kind || other.namespace == object.namespace)
        });
        let mut nearest: Vec<String> = same.take(3).map(full).collect();
        if nearest.is_empty() {
            let names: Vec<String> =
                others.filter(|other| other.kind == kind).map(ToString::to_string).collect();
            let near = self::nearest(&asked, names.iter().map(String::as_str));
            nearest.extend(near.map(|near| format!("{kind} {near}")));
        }
        let (namespace, name) = (object.namespace.to_string(), object.name.to_string());
        NotFound { kind, namespace, name, nearest }
    }
}

/// What the API server says of the object itself.
struct Own {
    watched: Watched,
    is_there: bool,
    spec: Option<Spec>,
}

impl Own {
    /// Whether it is known that there is no such object.
    fn is_gone(&self, object: &ObjectRef, section: &Section) -> bool {
        let followed = &section.connection.namespaces;
        let is_followed = followed.is_empty() || followed.iter().any(|n| **n == *object.namespace);
        is_followed && !self.is_there && self.watched.is_known()
    }
}

/// How objects are looked at: as all others do, so that watches are shared.
struct Sight {
    watches: Watches,
    section: Arc<Section>,
    by: Instant,
}

impl Sight {
    async fn follow<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
        kind: &'static Kind,
    ) -> Following<T> {
        let namespaces = &self.section.connection.namespaces;
        let mut following = self.watches.follow::<T>(kind, Scope::of_namespaces(namespaces));
        // What is not known by then is told to be so.
        timeout_at(self.by, following.synced()).await.ok();
        following
    }

    async fn object(&self, object: &ObjectRef) -> Own {
        match object.kind {
            MonitorKind::ServiceMonitor => {
                let wrap = |spec: &ServiceMonitor| Spec::ServiceMonitor(Box::new(spec.clone()));
                self.own(&Kind::SERVICE_MONITORS, object, wrap).await
            }
            MonitorKind::PodMonitor => {
                let wrap = |spec: &PodMonitor| Spec::PodMonitor(Box::new(spec.clone()));
                self.own(&Kind::POD_MONITORS, object, wrap).await
            }
            MonitorKind::Probe => {
                let wrap = |spec: &Probe| Spec::Probe(Box::new(spec.clone()));
                self.own(&Kind::PROBES, object, wrap).await
            }
            MonitorKind::ScrapeConfig => {
                let wrap = |spec: &ScrapeConfig| Spec::ScrapeConfig(Box::new(spec.clone()));
                self.own(&Kind::SCRAPE_CONFIGS, object, wrap).await
            }
            MonitorKind::PrometheusRule => {
                let wrap = |_: &PrometheusRule| Spec::PrometheusRule;
                self.own(&Kind::PROMETHEUS_RULES, object, wrap).await
            }
        }
    }

    async fn own<S: DeserializeOwned + Default + Send + Sync + 'static>(
        &self,
        kind: &'static Kind,
        object: &ObjectRef,
        wrap: impl Fn(&S) -> Spec,
    ) -> Own {
        let following = self.follow::<Custom<S>>(kind).await;
        let held: Option<Arc<Held<Custom<S>>>> = following.get(&object.namespace, &object.name);
        let custom = held.as_ref().and_then(|held| held.object.as_ref().ok());
        let spec = custom.and_then(|custom| custom.object.as_ref().ok());
        Own {
            watched: watched(&following.state(), kind, &object.namespace),
            is_there: held.is_some(),
            spec: spec.map(|object| wrap(&object.spec)),
        }
    }
}

/// What a watch's state means for the objects of a namespace.
fn watched(state: &WatchState, kind: &Kind, namespace: &str) -> Watched {
    let is_forbidden = state.forbidden.iter().any(|name| name.is_empty() || name == namespace);
    if state.absent {
        return Watched::Absent;
    }
    let is_everywhere = !state.synced && !state.forbidden.is_empty();
    if is_forbidden || is_everywhere {
        let rules = state.forbidden.iter().flat_map(|place| {
            let place = (!place.is_empty()).then_some(place.as_str());
            ["get", "list", "watch"].map(|verb| Rule::new(kind.group, kind.plural, verb, place))
        });
        let rules: Vec<Rule> = rules.collect();
        let message = state.error.clone().unwrap_or_else(|| "it is forbidden".to_owned());
        return Watched::Forbidden { message, rules: yaml(&rules) };
    }
    match (&state.error, state.synced) {
        (error, false) => Watched::Waiting { error: error.clone() },
        (Some(error), true) if state.behind > BEHIND => {
            Watched::Behind { seconds: state.behind.as_secs(), error: error.clone() }
        }
        (_, true) => Watched::InSync,
    }
}

/// What is looked at around an object.
#[derive(Default)]
struct Stores {
    namespaces: Option<Following<objects::Namespace>>,
    services: Option<Following<objects::Service>>,
    endpoints: Option<Following<objects::Endpoints>>,
    slices: Option<Following<objects::EndpointSlice>>,
    pods: Option<Following<objects::Pod>>,
    ingresses: Option<Following<objects::Ingress>>,
}

impl Stores {
    /// Follows what the checks of an object look at.
    async fn follow(sight: &Sight, spec: Option<&Spec>) -> Self {
        let mut stores = Self::default();
        let names_namespaces = match spec {
            Some(Spec::ServiceMonitor(spec)) => {
                stores.services = Some(sight.follow(&Kind::SERVICES).await);
                stores.pods = Some(sight.follow(&Kind::PODS).await);
                let slices = sight.follow(&Kind::ENDPOINT_SLICES).await;
                let all = sight.section.settings.service_discovery_role.as_deref();
                let role = spec.service_discovery_role.as_deref().or(all);
                // Slices hold all that Endpoints do, where there are any.
                if role != Some("EndpointSlice") && !slices.state().synced {
                    stores.endpoints = Some(sight.follow(&Kind::ENDPOINTS).await);
                }
                stores.slices = Some(slices);
                !spec.namespace_selector.match_names.is_empty()
            }
            Some(Spec::PodMonitor(spec)) => {
                stores.pods = Some(sight.follow(&Kind::PODS).await);
                stores.services = Some(sight.follow(&Kind::SERVICES).await);
                !spec.namespace_selector.match_names.is_empty()
            }
            Some(Spec::Probe(spec)) => {
                stores.services = Some(sight.follow(&Kind::SERVICES).await);
                let ingress = spec.targets.ingress.as_ref();
                if ingress.is_some() && spec.targets.static_config.is_none() {
                    stores.ingresses = Some(sight.follow(&Kind::INGRESSES).await);
                }
                ingress.is_some_and(|ingress| !ingress.namespace_selector.match_names.is_empty())
            }
            Some(Spec::ScrapeConfig(_) | Spec::PrometheusRule) | None => false,
        };
        // Whoever looks at some namespaces only may read none of these.
        if names_namespaces && sight.section.connection.namespaces.is_empty() {
            stores.namespaces = Some(sight.follow(&Kind::NAMESPACES).await);
        }
        stores
    }

    /// The namespaces in which what targets are made of may not be read, while it may in others.
    fn forbidden(&self) -> BTreeSet<String> {
        let states = [
            self.services.as_ref().map(Following::state),
            self.endpoints.as_ref().map(Following::state),
            self.slices.as_ref().map(Following::state),
            self.pods.as_ref().map(Following::state),
            self.ingresses.as_ref().map(Following::state),
        ];
        states.into_iter().flatten().flat_map(|state| state.forbidden).collect()
    }

    fn gather(&self, section: &Section) -> Cluster {
        let endpoints = self.endpoints.as_ref().filter(|endpoints| endpoints.state().synced);
        let addresses = match endpoints {
            Some(_) => seen(endpoints, Addresses::of_endpoints),
            None => seen(self.slices.as_ref(), |object| vec![Addresses::from(object)]),
        };
        Cluster {
            followed: section.connection.namespaces.iter().cloned().collect(),
            forbidden: self.forbidden(),
            namespaces: self.namespaces.as_ref().and_then(names),
            services: seen(self.services.as_ref(), |object| vec![Service::from(object)]),
            are_endpoints: endpoints.is_some(),
            addresses,
            pods: seen(self.pods.as_ref(), |object| vec![Pod::from(object)]),
            ingresses: seen(self.ingresses.as_ref(), |object| vec![Ingress::from(object)]),
        }
    }
}

fn seen<T, S>(following: Option<&Following<T>>, of: impl Fn(&T) -> Vec<S>) -> Seen<S> {
    let Some(following) = following else { return Seen::default() };
    let mut objects = Vec::new();
    following.for_each(|_, held| objects.extend(held.object.iter().flat_map(&of)));
    Seen { watched: watched(&following.state(), following.kind(), ""), objects }
}

fn names(following: &Following<objects::Namespace>) -> Option<BTreeSet<String>> {
    if !following.state().synced {
        return None;
    }
    let mut names = BTreeSet::new();
    following.for_each(|key, _| {
        names.insert(key.name.to_string());
    });
    Some(names)
}

fn jobs(state: Option<&ObjectState>, scrapes: &scrape::Snapshot) -> Vec<ScrapedJob> {
    let names: &[String] = match state.and_then(|state| state.verdict.as_ref()) {
        Some(Verdict::Accepted(accepted)) => &accepted.jobs,
        Some(Verdict::Waiting(waiting)) => &waiting.kept,
        Some(Verdict::Rejected(_)) | None => &[],
    };
    let job = |name: &String| {
        let is_there = scrapes.pools.iter().any(|pool| pool.job == *name);
        let found = is_there.then(|| scrape::explain(scrapes, name).ok()).flatten();
        ScrapedJob { name: name.clone(), explanation: found.and_then(|f| f.into_iter().next()) }
    };
    names.iter().map(job).collect()
}

fn groups(state: Option<&ObjectState>, all: &rules::Snapshot) -> Vec<Arc<rules::GroupView>> {
    let file = match state.and_then(|state| state.verdict.as_ref()) {
        Some(Verdict::Accepted(accepted)) => accepted.file.as_deref(),
        _ => None,
    };
    all.groups.iter().filter(|group| Some(&*group.file) == file).cloned().collect()
}
