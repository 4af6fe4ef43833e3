//! Objects one by one.

use super::classes::Classes;
use super::{
    Assets, Context, Reason, additional, pod_monitor, probe, scrape_config, selector,
    service_monitor,
};
use crate::resources::meta::{LabelSelector, Meta};
use crate::resources::settings::Additional;
use crate::resources::{Object, PodMonitor, Probe, ScrapeConfig, ServiceMonitor, Settings};
use crate::yaml::Fields;
use discovery::kubernetes::Preselect;
use std::cell::Cell;

/// What stands in jobs for the number of our part of all targets; objects may write it, too.
pub const SHARD: &str = "$(SHARD)";

/// Maps objects one by one: each is a matter between itself, the settings and what it refers to.
pub struct Mapper<'a> {
    cx: Context<'a>,
}

/// What an object means.
#[derive(Clone, Debug, Default)]
pub struct Mapped {
    /// Its jobs.
    pub jobs: Vec<Fields>,
    /// Which objects of the cluster its discovery has to look at, for all of its jobs.
    pub preselect: Option<Preselect>,
    /// Lists of discovery that are not built in, such as `ec2SDConfigs`.
    pub left_out: Vec<String>,
    /// What is hardly meant so.
    pub notes: Vec<String>,
}

/// Why an object has no jobs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Invalid {
    /// Names the field.
    pub message: String,
    /// Whether it names a file that it may not.
    pub is_file_denied: bool,
}

impl<'a> Mapper<'a> {
    /// By our own settings. Where jobs say which part of all targets is ours, they have [`SHARD`].
    ///
    /// # Errors
    /// When the settings are not valid.
    pub fn new(settings: &'a Settings, assets: &'a dyn Assets) -> Result<Self, String> {
        let classes = Classes::new(&settings.scrape_classes)?;
        let is_file_denied = Cell::default();
        Ok(Self { cx: Context { settings, classes, assets, is_file_denied, is_faithful: false } })
    }

    /// The same, with jobs as the Operator makes them where it forgets something.
    ///
    /// # Errors
    /// When the settings are not valid.
    pub(super) fn as_the_operator(
        settings: &'a Settings,
        assets: &'a dyn Assets,
    ) -> Result<Self, String> {
        let mut mapper = Self::new(settings, assets)?;
        mapper.cx.is_faithful = true;
        Ok(mapper)
    }

    /// A job for each endpoint.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn service_monitor(&self, monitor: &Object<ServiceMonitor>) -> Result<Mapped, Invalid> {
        let spec = &monitor.spec;
        let preselect = of_relabeling(spec.selector_mechanism.as_deref(), &spec.selector);
        let jobs = self.judged(service_monitor::jobs(monitor, &self.cx))?;
        Ok(Mapped { jobs, preselect, ..Mapped::default() })
    }

    /// A job for each endpoint.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn pod_monitor(&self, monitor: &Object<PodMonitor>) -> Result<Mapped, Invalid> {
        let spec = &monitor.spec;
        let preselect = of_relabeling(spec.selector_mechanism.as_deref(), &spec.selector);
        let jobs = self.judged(pod_monitor::jobs(monitor, &self.cx))?;
        Ok(Mapped { jobs, preselect, ..Mapped::default() })
    }

    /// One job.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn probe(&self, probe: &Object<Probe>) -> Result<Mapped, Invalid> {
        let mut out = Mapped::default();
        out.jobs.push(self.judged(probe::job(probe, &self.cx, &mut out.notes))?);
        let targets = &probe.spec.targets;
        if let (None, Some(ingress)) = (&targets.static_config, &targets.ingress) {
            out.preselect = selector::preselect(&ingress.selector);
        }
        Ok(out)
    }

    /// One job.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn scrape_config(&self, config: &Object<ScrapeConfig>) -> Result<Mapped, Invalid> {
        let mut out = Mapped::default();
        out.jobs.push(self.judged(scrape_config::job(config, &self.cx, &mut out.left_out))?);
        Ok(out)
    }

    /// Jobs that our own settings bring along; those of Secrets and ConfigMaps are in `namespace`.
    ///
    /// # Errors
    /// When they are not there, or not a list of jobs.
    pub fn additional(&self, written: &Additional, namespace: &str) -> Result<Vec<Fields>, String> {
        additional::jobs(written, namespace, &self.cx)
    }

    /// The label that always has the namespace of a PrometheusRule, if there is one.
    #[must_use]
    pub fn label_of_rules(&self, meta: &Meta) -> Option<&str> {
        self.cx.enforced_label("prometheusrules", meta)
    }

    fn judged<T>(&self, outcome: Result<T, Reason>) -> Result<T, Invalid> {
        let is_file_denied = self.cx.is_file_denied.take();
        outcome.map_err(|message| Invalid { message, is_file_denied })
    }
}

/// What relabeling will drop anyway; a selector that goes to the API server needs no other.
fn of_relabeling(mechanism: Option<&str>, selector: &LabelSelector) -> Option<Preselect> {
    let by_role = service_monitor::by_role(mechanism).unwrap_or(false);
    if by_role { None } else { selector::preselect(selector) }
}
