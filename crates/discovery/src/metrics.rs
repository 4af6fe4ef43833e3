//! Counts of this crate.

use model::metrics::{Collect, Counter, Kind, Visitor};
use std::sync::{Mutex, PoisonError};

/// The metrics of one manager and its discoverers.
#[derive(Debug)]
pub struct Metrics {
    name: &'static str,
    /// Sets of groups received from discoverers.
    pub(crate) received_updates: Counter,
    /// Snapshots published.
    pub(crate) updates: Counter,
    /// Discovery files that could not be read or parsed.
    pub(crate) file_read_errors: Counter,
    /// Folders that could not be watched; they are read again at each refresh.
    pub(crate) file_watcher_errors: Counter,
    discovered: Mutex<Vec<(String, usize)>>,
}

impl Metrics {
    /// The name tells managers apart: `scrape` or `notify`.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            received_updates: Counter::default(),
            updates: Counter::default(),
            file_read_errors: Counter::default(),
            file_watcher_errors: Counter::default(),
            discovered: Mutex::default(),
        }
    }

    /// Remembers the number of targets of every job.
    pub(crate) fn set_discovered(&self, jobs: Vec<(String, usize)>) {
        // Whole values only: a panic elsewhere leaves nothing half done.
        *self.discovered.lock().unwrap_or_else(PoisonError::into_inner) = jobs;
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let name = [("name", self.name)];
        let mut counter = |family: &str, help: &str, labels: &[(&str, &str)], value: u64| {
            visitor.family(family, Kind::Counter, help);
            visitor.sample("", labels, value as f64);
        };
        counter(
            "prometheus_sd_received_updates_total",
            "Sets of target groups received from discoverers.",
            &name,
            self.received_updates.get(),
        );
        counter(
            "prometheus_sd_updates_total",
            "Snapshots of all target groups published.",
            &name,
            self.updates.get(),
        );
        counter(
            "prometheus_sd_file_read_errors_total",
            "Discovery files that could not be read or parsed.",
            &[],
            self.file_read_errors.get(),
        );
        counter(
            "prometheus_sd_file_watcher_errors_total",
            "Folders of discovery files that could not be watched.",
            &[],
            self.file_watcher_errors.get(),
        );
        // A configuration that cannot run is refused when it is loaded, so none ever fails here.
        visitor.family(
            "prometheus_sd_failed_configs",
            Kind::Gauge,
            "Discovery configurations that are loaded and cannot run.",
        );
        visitor.sample("", &name, 0.0);
        visitor.family("prometheus_sd_discovered_targets", Kind::Gauge, "Targets found, by job.");
        for (job, targets) in &*self.discovered.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = [("name", self.name), ("config", job)];
            visitor.sample("", &labels, *targets as f64);
        }
    }
}
