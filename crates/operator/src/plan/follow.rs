//! What is followed in the cluster: the five kinds, namespaces when labels of theirs count, and each
//! Secret and ConfigMap that somebody refers to.

use super::book::News;
use super::references::{ConfigMapData, Holder, Reference, SecretData, Standing};
use super::resource::Resource;
use super::select::{Namespaces, needs_namespaces};
use super::{KindState, MonitorKind, ObjectRef, Options};
use cluster::watch::{Changes, Following, Held, Key, Kind, Scope, WatchState, Watches};
use kubernetes::resources::{
    Custom, Meta, PodMonitor, Probe, PrometheusRule, ScrapeConfig, ServiceMonitor,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Events that wait; who brings more waits, too.
const QUEUE: usize = 64;

/// Something has changed in the cluster.
pub(super) enum Event {
    Objects(MonitorKind, Changes),
    Namespaces,
    Reference(Reference),
}

/// A namespace; its labels are all that counts.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Namespace {
    metadata: Meta,
}

/// All that is followed.
pub(super) struct Follows {
    watches: Watches,
    kinds: Option<Kinds>,
    namespaces: Option<Lookout<Namespace>>,
    references: BTreeMap<Reference, Holding>,
    /// Kinds whose objects are chosen by labels of namespaces.
    by_namespaces: Vec<MonitorKind>,
    /// Why nothing can be chosen by labels of namespaces.
    refused: Option<String>,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Event>,
    events: mpsc::Receiver<Event>,
}

/// The kinds of monitors, in the namespaces that are looked at.
struct Kinds {
    namespaces: Vec<String>,
    service_monitors: Lookout<Custom<ServiceMonitor>>,
    pod_monitors: Lookout<Custom<PodMonitor>>,
    probes: Lookout<Custom<Probe>>,
    scrape_configs: Lookout<Custom<ScrapeConfig>>,
    rules: Lookout<Custom<PrometheusRule>>,
}

/// A Secret or a ConfigMap.
enum Holding {
    Secret(Lookout<SecretData>),
    ConfigMap(Lookout<ConfigMapData>),
}

/// Something that is followed, and who tells of its changes.
struct Lookout<T> {
    following: Following<T>,
    teller: AbortHandle,
}

impl<T> Drop for Lookout<T> {
    fn drop(&mut self) {
        self.teller.abort();
    }
}

impl Follows {
    pub(super) fn new(watches: Watches) -> Self {
        let (sender, events) = mpsc::channel(QUEUE);
        Self {
            watches,
            kinds: None,
            namespaces: None,
            references: BTreeMap::new(),
            by_namespaces: Vec::new(),
            refused: None,
            tasks: JoinSet::new(),
            sender,
            events,
        }
    }

    fn look_out<T: serde::de::DeserializeOwned + Send + Sync + 'static>(
        &mut self,
        kind: &'static Kind,
        scope: Scope,
        event: impl Fn(Changes) -> Event + Send + 'static,
    ) -> Lookout<T> {
        let following = self.watches.follow::<T>(kind, scope);
        let (mut followed, sender) = (following.clone(), self.sender.clone());
        // Those that ended are not of interest any more.
        while self.tasks.try_join_next().is_some() {}
        let teller = self.tasks.spawn(async move {
            loop {
                let changes = followed.changes().await;
                if sender.send(event(changes)).await.is_err() {
                    return;
                }
            }
        });
        Lookout { following, teller }
    }

    /// Follows what the options ask for; what is known at once.
    pub(super) fn set_options(&mut self, options: &Options) -> Vec<News> {
        let (settings, names) = (&options.section.settings, &options.section.connection.namespaces);
        self.by_namespaces = MonitorKind::ALL.to_vec();
        self.by_namespaces.retain(|kind| needs_namespaces(settings, *kind));
        self.refused = None;
        let mut news = Vec::new();
        if self.by_namespaces.is_empty() {
            self.namespaces = None;
        } else if names.is_empty() {
            if self.namespaces.is_none() {
                let event = |_| Event::Namespaces;
                let lookout = self.look_out(&Kind::NAMESPACES, Scope::all(), event);
                self.namespaces = Some(lookout);
                news.push(News::Namespaces(self.known_namespaces()));
            }
        } else {
            self.namespaces = None;
            let why = format!(
                "namespaces cannot be chosen by their labels where only {} may be looked at",
                names.join(", ")
            );
            self.refused = Some(why.clone());
            news.push(News::Namespaces(Namespaces::Unknown(why)));
        }
        if self.kinds.as_ref().is_none_or(|kinds| kinds.namespaces != *names) {
            self.kinds = Some(self.follow_kinds(names));
        }
        news.extend(MonitorKind::ALL.map(|kind| News::Kind(kind, self.kind_state(kind))));
        news
    }

    fn follow_kinds(&mut self, names: &[String]) -> Kinds {
        let scope = || Scope::of_namespaces(names.iter().cloned());
        let event = |kind| move |changes| Event::Objects(kind, changes);
        Kinds {
            namespaces: names.to_vec(),
            service_monitors: self.look_out(
                &Kind::SERVICE_MONITORS,
                scope(),
                event(MonitorKind::ServiceMonitor),
            ),
            pod_monitors: self.look_out(
                &Kind::POD_MONITORS,
                scope(),
                event(MonitorKind::PodMonitor),
            ),
            probes: self.look_out(&Kind::PROBES, scope(), event(MonitorKind::Probe)),
            scrape_configs: self.look_out(
                &Kind::SCRAPE_CONFIGS,
                scope(),
                event(MonitorKind::ScrapeConfig),
            ),
            rules: self.look_out(
                &Kind::PROMETHEUS_RULES,
                scope(),
                event(MonitorKind::PrometheusRule),
            ),
        }
    }

    /// Follows these Secrets and ConfigMaps, each by itself, and no others.
    pub(super) fn set_references<'a>(&mut self, wanted: impl Iterator<Item = &'a Reference>) {
        let wanted: BTreeSet<&Reference> = wanted.collect();
        self.references.retain(|reference, _| wanted.contains(reference));
        for reference in wanted {
            if self.references.contains_key(reference) {
                continue;
            }
            let scope = Scope::one(&reference.namespace, &reference.name);
            let told = reference.clone();
            let event = move |_| Event::Reference(told.clone());
            let holding = match reference.holder {
                Holder::Secret => Holding::Secret(self.look_out(&Kind::SECRETS, scope, event)),
                Holder::ConfigMap => {
                    Holding::ConfigMap(self.look_out(&Kind::CONFIG_MAPS, scope, event))
                }
            };
            self.references.insert(reference.clone(), holding);
        }
    }

    /// Waits for events and takes all there are. Cancel safe.
    pub(super) async fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.events.recv_many(&mut events, QUEUE).await;
        events
    }

    /// What has changed, as it is by now.
    pub(super) fn news(&self, events: Vec<Event>) -> Vec<News> {
        let mut news = Vec::new();
        for event in events {
            match event {
                Event::Objects(kind, changes) => {
                    news.push(News::Kind(kind, self.kind_state(kind)));
                    news.extend(self.objects(kind, changes));
                }
                Event::Namespaces => {
                    news.push(News::Namespaces(self.known_namespaces()));
                    news.extend(
                        MonitorKind::ALL.map(|kind| News::Kind(kind, self.kind_state(kind))),
                    );
                }
                Event::Reference(reference) => {
                    let holding = self.references.get(&reference);
                    if let Some(standing) = holding.map(|holding| holding.standing(&reference)) {
                        news.push(News::Reference(reference, standing));
                    }
                }
            }
        }
        news
    }

    fn objects(&self, kind: MonitorKind, changes: Changes) -> Option<News> {
        let kinds = self.kinds.as_ref()?;
        Some(match kind {
            MonitorKind::ServiceMonitor => {
                kinds.service_monitors.objects(kind, changes, Resource::ServiceMonitor)
            }
            MonitorKind::PodMonitor => {
                kinds.pod_monitors.objects(kind, changes, Resource::PodMonitor)
            }
            MonitorKind::Probe => kinds.probes.objects(kind, changes, Resource::Probe),
            MonitorKind::ScrapeConfig => {
                kinds.scrape_configs.objects(kind, changes, Resource::ScrapeConfig)
            }
            MonitorKind::PrometheusRule => {
                kinds.rules.objects(kind, changes, Resource::PrometheusRule)
            }
        })
    }

    fn kind_state(&self, kind: MonitorKind) -> KindState {
        let Some(kinds) = &self.kinds else { return KindState::default() };
        let state = match kind {
            MonitorKind::ServiceMonitor => kinds.service_monitors.following.state(),
            MonitorKind::PodMonitor => kinds.pod_monitors.following.state(),
            MonitorKind::Probe => kinds.probes.following.state(),
            MonitorKind::ScrapeConfig => kinds.scrape_configs.following.state(),
            MonitorKind::PrometheusRule => kinds.rules.following.state(),
        };
        let forbidden = forbidden(&state, kind.plural());
        let refused = self
            .refused
            .clone()
            .or_else(|| forbidden_or_absent(&self.namespaces.as_ref()?.following.state()));
        let refused = refused.filter(|_| self.by_namespaces.contains(&kind));
        KindState {
            is_synced: state.synced,
            is_absent: state.absent,
            forbidden,
            error: state.error,
            refused,
            left_out: state.left_out,
        }
    }

    fn known_namespaces(&self) -> Namespaces {
        let Some(Lookout { following, .. }) = &self.namespaces else {
            return Namespaces::Known(BTreeMap::new());
        };
        let state = following.state();
        if !state.synced {
            return match forbidden_or_absent(&state) {
                Some(why) => Namespaces::Unknown(why),
                None => Namespaces::NotRead(match state.error {
                    Some(error) => format!("namespaces could not be listed: {error}"),
                    None => "namespaces have not been listed yet".to_owned(),
                }),
            };
        }
        let mut known = BTreeMap::new();
        following.for_each(|key, held| {
            if let Ok(namespace) = &held.object {
                known.insert(Arc::clone(&key.name), namespace.metadata.labels.clone());
            }
        });
        Namespaces::Known(known)
    }
}

fn forbidden(state: &WatchState, plural: &str) -> Option<String> {
    let places: Vec<&str> = state.forbidden.iter().map(String::as_str).collect();
    let error = state.error.as_deref().unwrap_or("forbidden");
    match places.as_slice() {
        [] => None,
        [""] => Some(error.to_owned()),
        places => Some(format!("{plural} in {}: {error}", places.join(", "))),
    }
}

/// Why namespaces cannot be chosen by their labels.
fn forbidden_or_absent(state: &WatchState) -> Option<String> {
    let error = forbidden(state, "namespaces")?;
    Some(format!("namespaces cannot be chosen by their labels, which may not be read: {error}"))
}

impl<S> Lookout<Custom<S>> {
    fn objects(
        &self,
        kind: MonitorKind,
        changes: Changes,
        resource: fn(Arc<Held<Custom<S>>>) -> Resource,
    ) -> News {
        let object = |key: &Key| ObjectRef {
            kind,
            namespace: Arc::clone(&key.namespace),
            name: Arc::clone(&key.name),
        };
        match changes {
            Changes::Keys(keys) => {
                let get = |key: &Key| self.following.get(&key.namespace, &key.name).map(resource);
                News::Objects(keys.iter().map(|key| (object(key), get(key))).collect())
            }
            Changes::All => {
                let mut all = Vec::new();
                self.following
                    .for_each(|key, held| all.push((object(key), resource(held.clone()))));
                News::All(kind, all)
            }
        }
    }
}

impl Holding {
    fn standing(&self, reference: &Reference) -> Standing {
        match self {
            Self::Secret(lookout) => lookout.standing(reference, |secret| secret.into()),
            Self::ConfigMap(lookout) => lookout.standing(reference, |map| map.into()),
        }
    }
}

impl<T> Lookout<T> {
    fn standing(
        &self,
        reference: &Reference,
        values: impl FnOnce(&T) -> super::references::Values,
    ) -> Standing {
        match self.following.get(&reference.namespace, &reference.name) {
            Some(held) => match &held.object {
                Ok(object) => Standing::There(Arc::new(values(object))),
                Err(error) => Standing::NotRead(Some(error.clone())),
            },
            None => {
                let state = self.following.state();
                match state.forbidden.is_empty() {
                    false => {
                        let error = state.error.unwrap_or_else(|| "forbidden".to_owned());
                        Standing::Forbidden(error)
                    }
                    true if state.synced => Standing::Absent,
                    true => Standing::NotRead(state.error),
                }
            }
        }
    }
}
