//! What watches tell of themselves.

use super::Kind;
use super::store::Standing;
use model::metrics::{Collect, Counter, Visitor};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The metrics of all watches, by resource.
#[derive(Default)]
pub struct Metrics {
    counts: Mutex<BTreeMap<&'static str, Arc<Counts>>>,
    watched: Mutex<Vec<Weak<dyn Watched>>>,
}

/// What is counted for each resource.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) added: Counter,
    pub(super) modified: Counter,
    pub(super) deleted: Counter,
    /// Lists after the first one of a watch.
    pub(super) relists: Counter,
    /// Objects for which there was no room.
    pub(super) left_out: Counter,
    errors: [Counter; REASONS.len()],
}

/// Why a watch did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Absent,
    Connection,
    Expired,
    Forbidden,
    Refused,
    Unauthorized,
    Unavailable,
    Unreadable,
}

/// In the order of the variants.
const REASONS: [&str; 8] = [
    "absent",
    "connection",
    "expired",
    "forbidden",
    "refused",
    "unauthorized",
    "unavailable",
    "unreadable",
];

impl Counts {
    pub(super) fn failed(&self, reason: Reason) {
        self.errors[reason as usize].inc();
    }
}

/// Something that is watched.
pub(super) trait Watched: Send + Sync {
    fn figures(&self) -> Figures;
}

/// How a store is doing.
pub(super) struct Figures {
    pub(super) resource: &'static str,
    pub(super) objects: usize,
    pub(super) unreadable: usize,
    pub(super) behind: Duration,
    pub(super) standings: Vec<Standing>,
}

/// In the order they are shown.
const STANDINGS: [(&str, Standing); 5] = [
    ("starting", Standing::Starting),
    ("in_sync", Standing::InSync),
    ("behind", Standing::Behind),
    ("forbidden", Standing::Forbidden),
    ("absent", Standing::Absent),
];

/// How all stores of a resource are doing.
#[derive(Default)]
struct Together {
    objects: usize,
    unreadable: usize,
    behind: Duration,
    standings: [usize; STANDINGS.len()],
}

impl Metrics {
    pub(super) fn counts(&self, kind: &Kind) -> Arc<Counts> {
        Arc::clone(self.counts.lock().entry(kind.plural).or_default())
    }

    /// How many objects of a kind were added, modified and deleted.
    #[must_use]
    pub fn events(&self, kind: &Kind) -> [u64; 3] {
        let counts = self.counts.lock().get(kind.plural).cloned().unwrap_or_default();
        [counts.added.get(), counts.modified.get(), counts.deleted.get()]
    }

    /// How often a list or a watch failed, of any kind.
    #[must_use]
    pub fn failures(&self) -> u64 {
        let counts = self.counts.lock();
        counts.values().flat_map(|counts| &counts.errors).map(Counter::get).sum()
    }

    pub(super) fn add(&self, watched: Weak<dyn Watched>) {
        let mut all = self.watched.lock();
        if all.len() == all.capacity() {
            all.retain(|watched| watched.strong_count() > 0);
        }
        all.push(watched);
    }

    fn together(&self) -> BTreeMap<&'static str, Together> {
        // Figures lock stores, so this lock is not held meanwhile.
        let watched: Vec<_> = self.watched.lock().iter().filter_map(Weak::upgrade).collect();
        let mut all: BTreeMap<&'static str, Together> = BTreeMap::new();
        for figures in watched.iter().map(|watched| watched.figures()) {
            let sum = all.entry(figures.resource).or_default();
            sum.objects += figures.objects;
            sum.unreadable += figures.unreadable;
            sum.behind = sum.behind.max(figures.behind);
            for (count, (_, standing)) in sum.standings.iter_mut().zip(STANDINGS) {
                *count += figures.standings.iter().filter(|own| **own == standing).count();
            }
        }
        all
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let counts = self.counts.lock().clone();
        collect_counts(&counts, visitor);
        let together = self.together();
        let mut gauge = |name: &str, help: &str, value: fn(&Together) -> f64| {
            visitor.family(name, model::metrics::Kind::Gauge, help);
            for (resource, sum) in &together {
                visitor.sample("", &[("resource", resource)], value(sum));
            }
        };
        gauge(
            "rushlight_kubernetes_watch_objects",
            "Objects of the cluster that are kept, by resource.",
            |sum| sum.objects as f64,
        );
        gauge(
            "rushlight_kubernetes_watch_unreadable_objects",
            "Objects of the cluster that could not be read, by resource.",
            |sum| sum.unreadable as f64,
        );
        gauge(
            "rushlight_kubernetes_watch_behind_seconds",
            "Seconds since the watch of a resource that is behind the longest was in sync; 0 while all are.",
            |sum| sum.behind.as_secs_f64(),
        );
        visitor.family(
            "rushlight_kubernetes_watches",
            model::metrics::Kind::Gauge,
            "Watches of the cluster, by resource and how they are doing.",
        );
        for (resource, sum) in &together {
            for (count, (state, _)) in sum.standings.iter().zip(STANDINGS) {
                visitor.sample("", &[("resource", resource), ("state", state)], *count as f64);
            }
        }
    }
}

fn collect_counts(counts: &BTreeMap<&'static str, Arc<Counts>>, visitor: &mut dyn Visitor) {
    visitor.family(
        "rushlight_kubernetes_watch_events_total",
        model::metrics::Kind::Counter,
        "Objects of the cluster that were added, modified and deleted.",
    );
    for (resource, counts) in counts {
        for (what, counter) in
            [("added", &counts.added), ("modified", &counts.modified), ("deleted", &counts.deleted)]
        {
            visitor.sample("", &[("resource", resource), ("type", what)], counter.get() as f64);
        }
    }
    let mut total = |name: &str, help: &str, counter: fn(&Counts) -> &Counter| {
        visitor.family(name, model::metrics::Kind::Counter, help);
        for (resource, counts) in counts {
            visitor.sample("", &[("resource", resource)], counter(counts).get() as f64);
        }
    };
    total(
        "rushlight_kubernetes_watch_relists_total",
        "Times a watch could not go on and all objects were listed again.",
        |counts| &counts.relists,
    );
    total(
        "rushlight_kubernetes_watch_left_out_objects_total",
        "Objects that were not kept because there were too many.",
        |counts| &counts.left_out,
    );
    visitor.family(
        "rushlight_kubernetes_watch_errors_total",
        model::metrics::Kind::Counter,
        "Times a watch was interrupted, by reason.",
    );
    for (resource, counts) in counts {
        for (reason, counter) in REASONS.iter().zip(&counts.errors) {
            visitor.sample("", &[("resource", resource), ("reason", reason)], counter.get() as f64);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("counts", &self.counts.lock()).finish_non_exhaustive()
    }
}
