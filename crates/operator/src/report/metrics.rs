//! Our own metrics about what objects are told.

use model::metrics::{Collect, Counter, Gauge, Kind, Visitor};

/// What came of writing a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusWrite {
    Written,
    Unchanged,
    Gone,
    Conflict,
    Forbidden,
    Refused,
    Failed,
}

const STATUS_WRITES: [&str; 7] =
    ["written", "unchanged", "gone", "conflict", "forbidden", "refused", "failed"];

/// What came of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventWrite {
    Sent,
    Known,
    Forbidden,
    Failed,
    Dropped,
}

const EVENTS: [&str; 5] = ["sent", "known", "forbidden", "failed", "dropped"];

/// Counters and gauges of reporting.
#[derive(Debug, Default)]
pub struct Metrics {
    statuses: [Counter; STATUS_WRITES.len()],
    events: [Counter; EVENTS.len()],
    waiting: Gauge,
    missing: Gauge,
}

impl Metrics {
    pub(super) fn status(&self, result: StatusWrite) {
        self.statuses[result as usize].inc();
    }

    pub(super) fn event(&self, result: EventWrite) {
        self.events[result as usize].inc();
    }

    /// Objects that wait for their status to be written.
    pub(super) fn set_waiting(&self, count: usize) {
        self.waiting.set(count as f64);
    }

    pub(super) fn set_missing(&self, count: usize) {
        self.missing.set(count as f64);
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let mut counters = |name: &str, help: &str, results: &[&str], counters: &[Counter]| {
            visitor.family(name, Kind::Counter, help);
            for (result, counter) in results.iter().zip(counters) {
                visitor.sample("", &[("result", *result)], counter.get() as f64);
            }
        };
        let name = "rushlight_operator_status_writes_total";
        counters(name, "Statuses that were to be written.", &STATUS_WRITES, &self.statuses);
        let name = "rushlight_operator_events_total";
        counters(name, "Events that were to be sent.", &EVENTS, &self.events);
        let mut gauge = |name: &str, help: &str, gauge: &Gauge| {
            visitor.family(name, Kind::Gauge, help);
            visitor.sample("", &[], gauge.get());
        };
        let name = "rushlight_operator_status_queue_length";
        gauge(name, "Objects whose status is still to be written.", &self.waiting);
        let name = "rushlight_operator_missing_permissions";
        gauge(name, "Permissions that the configuration needs and that we lack.", &self.missing);
    }
}
