//! Counts of this crate.

use model::metrics::{Collect, Counter, FloatCounter, Kind, Visitor};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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
    /// How often discovery files were read.
    pub(crate) file_scans: Counter,
    /// How long that took.
    pub(crate) file_scan_seconds: FloatCounter,
    /// When files were written last, in seconds since 1970.
    file_modified: Mutex<BTreeMap<String, f64>>,
    /// Times a list was asked for over HTTP and none came.
    pub(crate) http_failures: Counter,
    /// Names looked up.
    pub(crate) dns_lookups: Counter,
    /// Names for which no server had an answer.
    pub(crate) dns_lookup_failures: Counter,
    discovered: Mutex<Vec<(String, usize)>>,
    refreshes: [Refreshes; MECHANISMS.len()],
}

/// Mechanisms that ask again and again.
const MECHANISMS: [&str; 2] = ["dns", "http"];

/// What became of asking by one mechanism.
#[derive(Debug, Default)]
struct Refreshes {
    count: Counter,
    failures: Counter,
    seconds: FloatCounter,
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
            file_scans: Counter::default(),
            file_scan_seconds: FloatCounter::default(),
            file_modified: Mutex::default(),
            http_failures: Counter::default(),
            dns_lookups: Counter::default(),
            dns_lookup_failures: Counter::default(),
            discovered: Mutex::default(),
            refreshes: Default::default(),
        }
    }

    /// Counts that one of [`MECHANISMS`] has asked, whether there was an answer, and how long that
    /// took.
    pub(crate) fn refreshed(&self, mechanism: &str, took: Duration, answered: bool) {
        let refreshes = MECHANISMS.iter().zip(&self.refreshes);
        for (_, refreshes) in refreshes.filter(|(name, _)| **name == mechanism) {
            refreshes.count.inc();
            refreshes.failures.add(u64::from(!answered));
            refreshes.seconds.add(took.as_secs_f64());
        }
    }

    /// Remembers when files were written; without a time, that there is no such file.
    pub(crate) fn set_modified<'a>(&self, files: impl IntoIterator<Item = (&'a str, Option<f64>)>) {
        let mut modified = self.file_modified.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, seconds) in files {
            match seconds {
                Some(seconds) => drop(modified.insert(path.to_owned(), seconds)),
                None => drop(modified.remove(path)),
            }
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
        self.collect_files(visitor);
        let mut counter = |family: &str, help: &str, value: u64| {
            visitor.family(family, Kind::Counter, help);
            visitor.sample("", &[], value as f64);
        };
        counter(
            "prometheus_sd_http_failures_total",
            "Lists of targets asked for over HTTP that did not come or were not understood.",
            self.http_failures.get(),
        );
        counter(
            "prometheus_sd_dns_lookups_total",
            "Names looked up for their targets.",
            self.dns_lookups.get(),
        );
        counter(
            "prometheus_sd_dns_lookup_failures_total",
            "Names for which no server had an answer.",
            self.dns_lookup_failures.get(),
        );
        self.collect_refreshes(visitor);
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

impl Metrics {
    fn collect_files(&self, visitor: &mut dyn Visitor) {
        visitor.family(
            "prometheus_sd_file_scan_duration_seconds",
            Kind::Summary,
            "How long it took to read the discovery files.",
        );
        visitor.sample("_sum", &[], self.file_scan_seconds.get());
        visitor.sample("_count", &[], self.file_scans.get() as f64);
        visitor.family(
            "prometheus_sd_file_mtime_seconds",
            Kind::Gauge,
            "When discovery files were written last.",
        );
        let modified = self.file_modified.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, seconds) in &*modified {
            visitor.sample("", &[("filename", path)], *seconds);
        }
    }

    fn collect_refreshes(&self, visitor: &mut dyn Visitor) {
        let all = || MECHANISMS.iter().zip(&self.refreshes);
        visitor.family(
            "prometheus_sd_refresh_failures_total",
            Kind::Counter,
            "Times a mechanism asked for its targets without an answer.",
        );
        for (mechanism, refreshes) in all() {
            let labels = [("mechanism", *mechanism)];
            visitor.sample("", &labels, refreshes.failures.get() as f64);
        }
        visitor.family(
            "prometheus_sd_refresh_duration_seconds",
            Kind::Summary,
            "How long a mechanism took to ask for its targets.",
        );
        for (mechanism, refreshes) in all() {
            let labels = [("mechanism", *mechanism)];
            visitor.sample("_sum", &labels, refreshes.seconds.get());
            visitor.sample("_count", &labels, refreshes.count.get() as f64);
        }
    }
}
