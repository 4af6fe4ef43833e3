//! Why an object has the targets it has, or none: checks in the order in which things have to go well.
//!
//! [`explain`] is a function of [`Facts`]: what is known of the object, of the cluster around it, and of
//! the scrapes of its jobs. It reads nothing else, so every failure it knows can be tried without a
//! cluster. A check that fails says what to write where. Those behind it still run where they tell
//! something of their own; otherwise they are skipped. An [`Explainer`] gathers the facts of a cluster
//! that is followed.

mod choose;
mod cluster;
mod endpoints;
mod facts;
mod gate;
mod live;
mod near;
mod observe;
mod pod_monitor;
mod ports;
mod probe;
mod relabeling;
mod remedies;
mod rule;
mod scrape_config;
mod scraping;
mod selectors;
mod service_monitor;
#[cfg(test)]
mod tests;
mod text;

pub use cluster::{Address, Addresses, Cluster, ContainerPort, Ingress, Pod, Seen, Service};
pub use cluster::{ServicePort, Watched};
pub use facts::{Facts, ScrapedJob, Spec, parse_kind};
pub use live::{Explainer, NotFound, Run};
pub use near::nearest;

use std::collections::BTreeMap;

/// Targets that are given as examples.
const MAX_EXAMPLES: usize = 10;

/// What is told of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The outcome as one sentence.
    pub verdict: String,
    /// In the order in which they have to pass.
    pub checks: Vec<Check>,
    /// The names of its jobs.
    pub jobs: Vec<String>,
    /// What became of its targets.
    pub targets: Targets,
}

/// Something that has to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A word for it.
    pub check: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub fix: Option<String>,
    /// What it was seen by, line by line.
    pub details: Vec<String>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is so.
    Pass,
    /// It is not.
    Fail,
    /// Nobody knows yet, or may know.
    Unknown,
    /// Something before it failed, so it says nothing.
    Skipped,
}

/// What became of the targets of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// How many discovery found, before relabeling.
    pub discovered: usize,
    /// How many of them are in which state, by the words of `scrape::State`.
    pub states: BTreeMap<&'static str, usize>,
    /// Some of them, the most important first.
    pub examples: Vec<Example>,
}

/// One target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Its job.
    pub job: String,
    /// Its URL, or its address when it did not get so far.
    pub target: String,
    /// The word for its state.
    pub state: &'static str,
    /// Why it is in this state; nothing when all is well.
    pub reason: Option<String>,
}

impl Check {
    fn new(check: &'static str, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { check, outcome, message: message.into(), fix: None, details: Vec::new() }
    }

    fn pass(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Outcome::Pass, message)
    }

    fn fail(check: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(check, Outcome::Fail, message) }
    }

    fn unknown(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Outcome::Unknown, message)
    }

    fn skipped(check: &'static str, because: &str) -> Self {
        Self::new(check, Outcome::Skipped, format!("needs {because:?} first"))
    }

    fn with(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    fn failed(&self) -> bool {
        self.outcome == Outcome::Fail
    }
}

/// Explains an object.
#[must_use]
pub fn explain(facts: &Facts) -> Explanation {
    let mut checks = gate::checks(facts);
    // Without the object itself there is nothing more to look at.
    if let Some(spec) = &facts.spec {
        match spec {
            Spec::ServiceMonitor(spec) => service_monitor::checks(&mut checks, spec, facts),
            Spec::PodMonitor(spec) => pod_monitor::checks(&mut checks, spec, facts),
            Spec::Probe(spec) => probe::checks(&mut checks, spec, facts),
            Spec::ScrapeConfig(spec) => scrape_config::checks(&mut checks, spec, facts),
            Spec::PrometheusRule => rule::checks(&mut checks, facts),
        }
    }
    let targets = scraping::targets(facts);
    let verdict = scraping::verdict(facts, &checks, &targets);
    let jobs = facts.jobs.iter().map(|job| job.name.clone()).collect();
    Explanation { verdict, checks, jobs, targets }
}

/// The first of some checks that failed.
fn first_failure<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Option<&'static str> {
    checks.into_iter().find(|check| check.failed()).map(|check| check.check)
}

/// Says which endpoint checks are about, when there are several.
fn one_of_many(checks: Vec<Check>, at: &str, endpoints: usize) -> Vec<Check> {
    let mut checks = checks;
    if endpoints > 1 {
        for check in &mut checks {
            check.message = format!("{at}: {}", check.message);
        }
    }
    checks
}
