//! What this room counts.

use cluster::watch::Kind as Watched;
use discovery::kubernetes::Role;
use model::metrics::{Collect, Counter, Gauge, Kind, Visitor};
use std::sync::Arc;

/// Roles with the kinds of their objects, in the order they are shown.
const ROLES: [(Role, &Watched); 6] = [
    (Role::EndpointSlice, &Watched::ENDPOINT_SLICES),
    (Role::Endpoints, &Watched::ENDPOINTS),
    (Role::Ingress, &Watched::INGRESSES),
    (Role::Node, &Watched::NODES),
    (Role::Pod, &Watched::PODS),
    (Role::Service, &Watched::SERVICES),
];

/// The metrics of all tables.
#[derive(Debug)]
pub struct Metrics {
    watches: Arc<cluster::watch::Metrics>,
    built: [Counter; ROLES.len()],
    told: [Counter; ROLES.len()],
    tables: [Gauge; ROLES.len()],
}

impl Metrics {
    pub(super) fn new(watches: Arc<cluster::watch::Metrics>) -> Self {
        Self {
            watches,
            built: Default::default(),
            told: Default::default(),
            tables: Default::default(),
        }
    }

    pub(super) fn watches(&self) -> &Arc<cluster::watch::Metrics> {
        &self.watches
    }

    /// Groups that were made.
    pub(super) fn built(&self, role: Role) -> &Counter {
        &self.built[place(role)]
    }

    /// Sets of groups that discoverers were told.
    pub(super) fn told(&self, role: Role) -> &Counter {
        &self.told[place(role)]
    }

    /// Tables that are kept.
    pub(super) fn tables(&self, role: Role) -> &Gauge {
        &self.tables[place(role)]
    }
}

fn place(role: Role) -> usize {
    ROLES.iter().position(|(known, _)| *known == role).expect("all roles are listed")
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        visitor.family(
            "prometheus_sd_kubernetes_events_total",
            Kind::Counter,
            "Objects of the cluster that were added, changed and deleted, by role.",
        );
        for (role, kind) in ROLES {
            let role = role.to_string();
            let counts = self.watches.events(kind);
            for (event, count) in ["add", "update", "delete"].iter().zip(counts) {
                visitor.sample("", &[("role", &role), ("event", event)], count as f64);
            }
        }
        visitor.family(
            "prometheus_sd_kubernetes_failures_total",
            Kind::Counter,
            "Lists and watches of the cluster's objects that failed.",
        );
        visitor.sample("", &[], self.watches.failures() as f64);
        let mut family = |name: &str, kind: Kind, help: &str, value: &dyn Fn(usize) -> f64| {
            visitor.family(name, kind, help);
            for (i, (role, _)) in ROLES.iter().enumerate() {
                visitor.sample("", &[("role", &role.to_string())], value(i));
            }
        };
        family(
            "rushlight_kubernetes_groups_built_total",
            Kind::Counter,
            "Target groups made of objects of the cluster.",
            &|i| self.built[i].get() as f64,
        );
        family(
            "rushlight_kubernetes_group_sets_told_total",
            Kind::Counter,
            "Sets of target groups handed to discovery.",
            &|i| self.told[i].get() as f64,
        );
        family(
            "rushlight_kubernetes_tables",
            Kind::Gauge,
            "Tables of target groups, shared by the jobs that look at the same objects.",
            &|i| self.tables[i].get(),
        );
    }
}
