//! Our own metrics about scraping, under the names Prometheus' dashboards use.

use crate::diagnosis::Reason;
use crate::ingest::Tally;
use crate::manager::Snapshot;
use arc_swap::ArcSwap;
use model::duration::Duration;
use model::metrics::{Collect, Counter, Gauge, Kind, Quantile, Summary, Visitor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const QUANTILES: [Quantile; 5] = [("0.01", 1), ("0.05", 5), ("0.5", 50), ("0.9", 90), ("0.99", 99)];

/// Counters and gauges of all pools.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) pools: Counter,
    pub(crate) pools_failed: Counter,
    pub(crate) reloads: Counter,
    pub(crate) reloads_failed: Counter,
    pub(crate) exceeded_target_limit: Counter,
    pub(crate) exceeded_label_limits: Counter,
    pub(crate) exceeded_body_size: Counter,
    pub(crate) exceeded_sample_limit: Counter,
    pub(crate) exceeded_bucket_limit: Counter,
    pub(crate) panics: Counter,
    out_of_order: Counter,
    duplicates: Counter,
    out_of_bounds: Counter,
    refused: Counter,
    over_limit: Counter,
    exemplars_out_of_order: Counter,
    intervals: Mutex<BTreeMap<i64, Summary>>,
    jobs: Mutex<BTreeMap<String, Arc<JobMetrics>>>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
}

/// What is counted for each job.
#[derive(Debug, Default)]
pub(crate) struct JobMetrics {
    pub(crate) targets: Gauge,
    pub(crate) target_limit: Gauge,
    pub(crate) syncs: Counter,
    pub(crate) syncs_failed: Counter,
    /// Scrapes that failed or lost something, in the order of [`Reason::ALL`].
    troubles: [Counter; Reason::ALL.len()],
    sync_length: Mutex<Summary>,
}

impl JobMetrics {
    /// Counts a scrape that failed or lost something.
    pub(crate) fn count_trouble(&self, reason: Reason) {
        self.troubles[reason as usize].inc();
    }

    pub(crate) fn observe_sync(&self, seconds: f64) {
        self.sync_length.lock().unwrap_or_else(PoisonError::into_inner).observe(seconds);
    }
}

impl Metrics {
    pub(crate) fn observe_interval(&self, interval: Duration, seconds: f64) {
        let mut intervals = self.intervals.lock().unwrap_or_else(PoisonError::into_inner);
        intervals.entry(interval.ms).or_default().observe(seconds);
    }

    pub(crate) fn count(&self, tally: &Tally) {
        let add = |counter: &Counter, n: u64| {
            if n > 0 {
                counter.add(n);
            }
        };
        add(&self.out_of_order, tally.out_of_order);
        add(&self.duplicates, tally.duplicates);
        add(&self.out_of_bounds, tally.out_of_bounds);
        add(&self.refused, tally.refused);
        add(&self.over_limit, tally.over_limit);
        add(&self.exemplars_out_of_order, tally.exemplars_out_of_order);
    }

    pub(crate) fn job(&self, name: &str) -> Arc<JobMetrics> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.entry(name.to_owned()).or_default().clone()
    }

    pub(crate) fn forget_job(&self, name: &str) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counter); 16] {
        [
            ("prometheus_target_scrape_pools_total", "Scrape pools made.", &self.pools),
            (
                "prometheus_target_scrape_pools_failed_total",
                "Scrape pools that could not be made.",
                &self.pools_failed,
            ),
            (
                "prometheus_target_scrape_pool_reloads_total",
                "Scrape pools given a changed configuration.",
                &self.reloads,
            ),
            (
                "prometheus_target_scrape_pool_reloads_failed_total",
                "Scrape pools that refused a changed configuration.",
                &self.reloads_failed,
            ),
            (
                "prometheus_target_scrape_pool_exceeded_target_limit_total",
                "Times a scrape pool had more targets than its target limit.",
                &self.exceeded_target_limit,
            ),
            (
                "prometheus_target_scrape_pool_exceeded_label_limits_total",
                "Scrapes refused because a label limit was passed.",
                &self.exceeded_label_limits,
            ),
            (
                "prometheus_target_scrapes_exceeded_body_size_limit_total",
                "Scrapes refused because the body size limit was passed.",
                &self.exceeded_body_size,
            ),
            (
                "prometheus_target_scrapes_exceeded_sample_limit_total",
                "Scrapes refused because the sample limit was passed.",
                &self.exceeded_sample_limit,
            ),
            (
                "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
                "Scrapes refused because a native histogram had too many buckets.",
                &self.exceeded_bucket_limit,
            ),
            (
                "prometheus_target_scrapes_exemplar_out_of_order_total",
                "Exemplars dropped because they are older than the last of their series.",
                &self.exemplars_out_of_order,
            ),
            (
                "rushlight_target_scrapes_soft_sample_limit_refused_total",
                "Samples of series beyond a sample limit, of which a soft one refuses only these.",
                &self.over_limit,
            ),
            (
                "prometheus_target_scrapes_sample_out_of_order_total",
                "Samples dropped because they are older than the last of their series.",
                &self.out_of_order,
            ),
            (
                "prometheus_target_scrapes_sample_duplicate_timestamp_total",
                "Samples dropped because their series has another value at that time.",
                &self.duplicates,
            ),
            (
                "prometheus_target_scrapes_sample_out_of_bounds_total",
                "Samples dropped because their time is out of the accepted range.",
                &self.out_of_bounds,
            ),
            (
                "rushlight_target_scrape_panics_total",
                "Scrapes that a bug ended; the loops of their targets went on.",
                &self.panics,
            ),
            (
                "rushlight_target_scrapes_series_refused_total",
                "Samples of new series that storage refused to take.",
                &self.refused,
            ),
        ]
    }

    fn collect_jobs(&self, visitor: &mut dyn Visitor) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut each = |name: &str, kind, help: &str, value: &dyn Fn(&JobMetrics) -> f64| {
            visitor.family(name, kind, help);
            for (job, metrics) in &*jobs {
                visitor.sample("", &[("scrape_job", job)], value(metrics));
            }
        };
        each(
            "prometheus_target_scrape_pool_targets",
            Kind::Gauge,
            "Targets of a scrape pool that are asked.",
            &|job| job.targets.get(),
        );
        each(
            "prometheus_target_scrape_pool_target_limit",
            Kind::Gauge,
            "Targets a scrape pool may have; 0 is no limit.",
            &|job| job.target_limit.get(),
        );
        each(
            "prometheus_target_scrape_pool_sync_total",
            Kind::Counter,
            "Times the targets of a scrape pool were brought up to date.",
            &|job| job.syncs.get() as f64,
        );
        each(
            "prometheus_target_sync_failed_total",
            Kind::Counter,
            "Targets that could not be made from what discovery said.",
            &|job| job.syncs_failed.get() as f64,
        );
        visitor.family(
            "rushlight_target_scrape_failures_total",
            Kind::Counter,
            "Scrapes that failed, or lost samples to a soft limit, by reason.",
        );
        for (job, metrics) in &*jobs {
            for (reason, count) in Reason::ALL.iter().zip(&metrics.troubles) {
                if count.get() > 0 {
                    let labels = [("scrape_job", job.as_str()), ("reason", reason.as_str())];
                    visitor.sample("", &labels, count.get() as f64);
                }
            }
        }
        visitor.family(
            "prometheus_target_sync_length_seconds",
            Kind::Summary,
            "How long it took to bring the targets of a scrape pool up to date.",
        );
        for (job, metrics) in &*jobs {
            let length = metrics.sync_length.lock().unwrap_or_else(PoisonError::into_inner);
            visitor.summary(&[("scrape_job", job)], &length, &QUANTILES);
        }
    }

    fn collect_metadata(&self, visitor: &mut dyn Visitor) {
        let snapshot = self.snapshot.load();
        let sizes: Vec<_> = snapshot
            .pools
            .iter()
            .map(|pool| {
                let families = pool.active.iter().map(|target| target.families());
                let size = families.map(|families| {
                    (families.len(), families.iter().map(|f| f.heap_bytes()).sum::<usize>())
                });
                (&pool.job, size.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1)))
            })
            .collect();
        visitor.family(
            "prometheus_target_metadata_cache_entries",
            Kind::Gauge,
            "Families of metrics that targets told about.",
        );
        for (job, (entries, _)) in &sizes {
            visitor.sample("", &[("scrape_job", job)], *entries as f64);
        }
        visitor.family(
            "prometheus_target_metadata_cache_bytes",
            Kind::Gauge,
            "Bytes held for what targets told about families of metrics.",
        );
        for (job, (_, bytes)) in &sizes {
            visitor.sample("", &[("scrape_job", job)], *bytes as f64);
        }
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        for (name, help, counter) in self.counters() {
            visitor.family(name, Kind::Counter, help);
            visitor.sample("", &[], counter.get() as f64);
        }
        let intervals = self.intervals.lock().unwrap_or_else(PoisonError::into_inner);
        visitor.family(
            "prometheus_target_interval_length_seconds",
            Kind::Summary,
            "Time from the beginning of a scrape to that of the next.",
        );
        for (ms, summary) in &*intervals {
            let interval = Duration::from_ms(*ms).to_string();
            visitor.summary(&[("interval", &interval)], summary, &QUANTILES);
        }
        drop(intervals);
        self.collect_jobs(visitor);
        self.collect_metadata(visitor);
    }
}
