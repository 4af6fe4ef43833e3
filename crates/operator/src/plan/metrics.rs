//! Counts of the plan.

use super::{MonitorKind, ObjectRef, Plan, Verdict};
use model::metrics::{Collect, Counter, Kind, Visitor};
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Objects that are told by name.
const MAX_NAMED: usize = 1000;

/// The metrics of a planner.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Objects mapped to jobs or rules.
    pub(super) mappings: Counter,
    /// Plans published.
    pub(super) plans: Counter,
    tallies: Mutex<Tallies>,
}

/// What the last plan holds.
#[derive(Debug, Default)]
struct Tallies {
    /// By kind and state.
    objects: BTreeMap<(MonitorKind, &'static str), usize>,
    /// Those without what they ask for, and the state.
    named: Vec<(ObjectRef, &'static str)>,
    jobs: usize,
}

const STATES: [&str; 4] = ["accepted", "rejected", "waiting", "unselected"];

impl Metrics {
    /// Objects mapped to jobs or rules since the start.
    #[must_use]
    pub fn mappings(&self) -> u64 {
        self.mappings.get()
    }

    /// Plans published since the start.
    #[must_use]
    pub fn plans(&self) -> u64 {
        self.plans.get()
    }

    pub(super) fn published(&self, plan: &Plan) {
        self.plans.inc();
        let mut tallies = Tallies { jobs: plan.jobs.len(), ..Tallies::default() };
        for (object, state) in &plan.objects {
            let state = match &state.verdict {
                Some(Verdict::Accepted(_)) => "accepted",
                Some(Verdict::Rejected(_)) => "rejected",
                Some(Verdict::Waiting(_)) => "waiting",
                None => "unselected",
            };
            *tallies.objects.entry((object.kind, state)).or_default() += 1;
            if matches!(state, "rejected" | "waiting") && tallies.named.len() < MAX_NAMED {
                tallies.named.push((object.clone(), state));
            }
        }
        *self.tallies.lock() = tallies;
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let mut count = |family: &str, help: &str, counter: &Counter| {
            visitor.family(family, Kind::Counter, help);
            visitor.sample("", &[], counter.get() as f64);
        };
        count(
            "rushlight_operator_mappings_total",
            "Custom resources mapped to jobs or rules.",
            &self.mappings,
        );
        count(
            "rushlight_operator_plans_total",
            "Plans of all jobs and rules of custom resources that were published.",
            &self.plans,
        );
        let tallies = self.tallies.lock();
        visitor.family(
            "rushlight_operator_managed_resources",
            Kind::Gauge,
            "Custom resources by what became of them.",
        );
        for kind in MonitorKind::ALL {
            for state in STATES {
                let objects = tallies.objects.get(&(kind, state)).copied().unwrap_or(0);
                let labels = [("resource", kind.plural()), ("state", state)];
                visitor.sample("", &labels, objects as f64);
            }
        }
        visitor.family(
            "rushlight_operator_unserved_resource",
            Kind::Gauge,
            "A custom resource that counts and is rejected, or waits for what it refers to.",
        );
        for (object, state) in &tallies.named {
            let labels = [
                ("resource", object.kind.plural()),
                ("namespace", &*object.namespace),
                ("name", &*object.name),
                ("state", state),
            ];
            visitor.sample("", &labels, 1.0);
        }
        visitor.family("rushlight_operator_jobs", Kind::Gauge, "Jobs of custom resources.");
        visitor.sample("", &[], tallies.jobs as f64);
    }
}
