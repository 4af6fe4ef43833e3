//! Counts of this crate.

use model::metrics::{Collect, Counter, FloatCounter, Gauge, Kind, Visitor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    failed_configs: Gauge,
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
            failed_configs: Gauge::default(),
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

impl Metrics {
    /// Counts a configuration that is loaded and cannot run, until what this gives is dropped.
    #[must_use]
    pub fn config_failed(self: &Arc<Self>) -> FailedConfig {
        self.failed_configs.add(1.0);
        FailedConfig(Arc::clone(self))
    }
}

/// A configuration that cannot run.
#[derive(Debug)]
pub struct FailedConfig(Arc<Metrics>);

impl Drop for FailedConfig {
    fn drop(&mut self) {
        self.0.failed_configs.add(-1.0);
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        collect(&[self], visitor);
    }
}

/// The metrics of several managers on one page: each tells what it did itself, and what all of their
/// discoverers did is told in one number.
#[derive(Debug)]
pub struct Together(pub Vec<Arc<Metrics>>);

impl Collect for Together {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let all: Vec<&Metrics> = self.0.iter().map(Arc::as_ref).collect();
        collect(&all, visitor);
    }
}

fn collect(all: &[&Metrics], visitor: &mut dyn Visitor) {
    let mut by_name = |family: &str, help: &str, counter: fn(&Metrics) -> &Counter| {
        visitor.family(family, Kind::Counter, help);
        for metrics in all {
            visitor.sample("", &[("name", metrics.name)], counter(metrics).get() as f64);
        }
    };
    by_name(
        "prometheus_sd_received_updates_total",
        "Sets of target groups received from discoverers.",
        |metrics| &metrics.received_updates,
    );
    by_name(
        "prometheus_sd_updates_total",
        "Snapshots of all target groups published.",
        |metrics| &metrics.updates,
    );
    collect_discoverers(all, visitor);
    // Most that cannot run are refused when they are loaded.
    visitor.family(
        "prometheus_sd_failed_configs",
        Kind::Gauge,
        "Discovery configurations that are loaded and cannot run.",
    );
    for metrics in all {
        visitor.sample("", &[("name", metrics.name)], metrics.failed_configs.get());
    }
    visitor.family("prometheus_sd_discovered_targets", Kind::Gauge, "Targets found, by job.");
    for metrics in all {
        for (job, targets) in &*metrics.discovered.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = [("name", metrics.name), ("config", job)];
            visitor.sample("", &labels, *targets as f64);
        }
    }
}

/// What discoverers did, whoever runs them.
fn collect_discoverers(all: &[&Metrics], visitor: &mut dyn Visitor) {
    let mut counter = |family: &str, help: &str, counter: fn(&Metrics) -> &Counter| {
        visitor.family(family, Kind::Counter, help);
        visitor.sample("", &[], sum(all, counter));
    };
    counter(
        "prometheus_sd_file_read_errors_total",
        "Discovery files that could not be read or parsed.",
        |metrics| &metrics.file_read_errors,
    );
    counter(
        "prometheus_sd_file_watcher_errors_total",
        "Folders of discovery files that could not be watched.",
        |metrics| &metrics.file_watcher_errors,
    );
    counter(
        "prometheus_sd_http_failures_total",
        "Lists of targets asked for over HTTP that did not come or were not understood.",
        |metrics| &metrics.http_failures,
    );
    counter("prometheus_sd_dns_lookups_total", "Names looked up for their targets.", |metrics| {
        &metrics.dns_lookups
    });
    counter(
        "prometheus_sd_dns_lookup_failures_total",
        "Names for which no server had an answer.",
        |metrics| &metrics.dns_lookup_failures,
    );
    collect_files(all, visitor);
    collect_refreshes(all, visitor);
}

fn sum(all: &[&Metrics], counter: impl Fn(&Metrics) -> &Counter) -> f64 {
    all.iter().map(|metrics| counter(metrics).get()).sum::<u64>() as f64
}

fn collect_files(all: &[&Metrics], visitor: &mut dyn Visitor) {
    visitor.family(
        "prometheus_sd_file_scan_duration_seconds",
        Kind::Summary,
        "How long it took to read the discovery files.",
    );
    let seconds = all.iter().map(|metrics| metrics.file_scan_seconds.get()).sum();
    visitor.sample("_sum", &[], seconds);
    visitor.sample("_count", &[], sum(all, |metrics| &metrics.file_scans));
    visitor.family(
        "prometheus_sd_file_mtime_seconds",
        Kind::Gauge,
        "When discovery files were written last.",
    );
    let mut modified = BTreeMap::new();
    for metrics in all {
        let own = metrics.file_modified.lock().unwrap_or_else(PoisonError::into_inner);
        modified.extend(own.iter().map(|(path, seconds)| (path.clone(), *seconds)));
    }
    for (path, seconds) in modified {
        visitor.sample("", &[("filename", &path)], seconds);
    }
}

fn collect_refreshes(all: &[&Metrics], visitor: &mut dyn Visitor) {
    visitor.family(
        "prometheus_sd_refresh_failures_total",
        Kind::Counter,
        "Times a mechanism asked for its targets without an answer.",
    );
    for (i, mechanism) in MECHANISMS.iter().enumerate() {
        let failures = sum(all, |metrics| &metrics.refreshes[i].failures);
        visitor.sample("", &[("mechanism", mechanism)], failures);
    }
    visitor.family(
        "prometheus_sd_refresh_duration_seconds",
        Kind::Summary,
        "How long a mechanism took to ask for its targets.",
    );
    for (i, mechanism) in MECHANISMS.iter().enumerate() {
        let seconds = all.iter().map(|metrics| metrics.refreshes[i].seconds.get()).sum();
        visitor.sample("_sum", &[("mechanism", mechanism)], seconds);
        let count = sum(all, |metrics| &metrics.refreshes[i].count);
        visitor.sample("_count", &[("mechanism", mechanism)], count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Page(Vec<String>, Vec<String>);

    impl Visitor for Page {
        fn family(&mut self, name: &str, _: Kind, _: &str) {
            self.0.push(name.to_owned());
        }

        fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
            let name = self.0.last().expect("a family comes first");
            self.1.push(format!("{name}{suffix} {labels:?} {value}"));
        }
    }

    #[test]
    fn several_managers_share_a_page() {
        let (scrape, notify) = (Arc::new(Metrics::new("scrape")), Arc::new(Metrics::new("notify")));
        scrape.updates.add(2);
        notify.updates.add(3);
        scrape.dns_lookups.add(4);
        notify.dns_lookups.add(5);
        notify.refreshed("http", Duration::from_secs(6), false);
        scrape.set_modified([("a", Some(1.0)), ("b", Some(2.0))]);
        notify.set_modified([("b", Some(2.0))]);
        notify.set_discovered(vec![("config-0".to_owned(), 7)]);
        let failed = scrape.config_failed();
        drop(scrape.config_failed());
        let mut page = Page::default();
        Together(vec![scrape, notify]).collect(&mut page);
        drop(failed);
        let Page(mut families, samples) = page;
        for sample in [
            r#"prometheus_sd_updates_total [("name", "scrape")] 2"#,
            r#"prometheus_sd_updates_total [("name", "notify")] 3"#,
            r#"prometheus_sd_dns_lookups_total [] 9"#,
            r#"prometheus_sd_failed_configs [("name", "scrape")] 1"#,
            r#"prometheus_sd_failed_configs [("name", "notify")] 0"#,
            r#"prometheus_sd_refresh_duration_seconds_sum [("mechanism", "http")] 6"#,
            r#"prometheus_sd_file_mtime_seconds [("filename", "b")] 2"#,
            r#"prometheus_sd_discovered_targets [("name", "notify"), ("config", "config-0")] 7"#,
        ] {
            assert_eq!(samples.iter().filter(|s| *s == sample).count(), 1, "{sample}: {samples:?}");
        }
        let all = families.len();
        families.sort();
        families.dedup();
        assert_eq!(families.len(), all);
    }
}
