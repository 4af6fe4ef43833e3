//! Objects of all kinds that are followed.

use cluster::watch::{Held, ObjectVersion};
use kubernetes::jobs::{Invalid, Mapped, Mapper};
use kubernetes::resources::{
    Custom, Meta, Object, PodMonitor, Probe, PrometheusRule, ScrapeConfig, ServiceMonitor,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An object as it is followed.
type Followed<S> = Arc<Held<Custom<S>>>;

/// An object of any kind that is followed.
#[derive(Clone)]
pub(super) enum Resource {
    ServiceMonitor(Followed<ServiceMonitor>),
    PodMonitor(Followed<PodMonitor>),
    Probe(Followed<Probe>),
    ScrapeConfig(Followed<ScrapeConfig>),
    PrometheusRule(Followed<PrometheusRule>),
}

/// What all kinds have.
struct Common<'a> {
    version: &'a ObjectVersion,
    metadata: Option<&'a Meta>,
    digest: u64,
    unreadable: Option<&'a str>,
}

fn common<S>(held: &Held<Custom<S>>) -> Common<'_> {
    let version = &held.meta;
    match &held.object {
        Ok(custom) => {
            let unreadable = custom.object.as_ref().err().map(|unread| unread.reason.as_str());
            Common { version, metadata: Some(custom.metadata()), digest: custom.digest, unreadable }
        }
        Err(error) => Common { version, metadata: None, digest: 0, unreadable: Some(error) },
    }
}

fn spec<S>(held: &Held<Custom<S>>) -> Option<&Object<S>> {
    held.object.as_ref().ok()?.object.as_ref().ok()
}

impl Resource {
    fn common(&self) -> Common<'_> {
        match self {
            Self::ServiceMonitor(held) => common(held),
            Self::PodMonitor(held) => common(held),
            Self::Probe(held) => common(held),
            Self::ScrapeConfig(held) => common(held),
            Self::PrometheusRule(held) => common(held),
        }
    }

    pub(super) fn version(&self) -> &ObjectVersion {
        self.common().version
    }

    /// Differs when what is asked for does.
    pub(super) fn digest(&self) -> u64 {
        self.common().digest
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.common().metadata.map(|meta| meta.labels.clone()).unwrap_or_default()
    }

    /// Why it could not be read.
    pub(super) fn unreadable(&self) -> Option<&str> {
        self.common().unreadable
    }

    /// Its jobs; rules have none, and neither has what cannot be read.
    pub(super) fn map(&self, mapper: &Mapper<'_>) -> Result<Mapped, Invalid> {
        let mapped = match self {
            Self::ServiceMonitor(held) => spec(held).map(|object| mapper.service_monitor(object)),
            Self::PodMonitor(held) => spec(held).map(|object| mapper.pod_monitor(object)),
            Self::Probe(held) => spec(held).map(|object| mapper.probe(object)),
            Self::ScrapeConfig(held) => spec(held).map(|object| mapper.scrape_config(object)),
            Self::PrometheusRule(_) => None,
        };
        mapped.unwrap_or_else(|| Ok(Mapped::default()))
    }

    /// The rules, if it is an object with rules.
    pub(super) fn rules(&self) -> Option<&Object<PrometheusRule>> {
        match self {
            Self::PrometheusRule(held) => spec(held),
            _ => None,
        }
    }
}
