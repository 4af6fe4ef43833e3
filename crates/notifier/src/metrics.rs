//! Our own metrics about telling Alertmanagers, under the names Prometheus' dashboards use.

use model::metrics::{Collect, Counter, FloatCounter, Gauge, Histogram, Kind, Visitor};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Quantiles of the latency: as text, and in hundredths.
const QUANTILES: [(&str, usize); 3] = [("0.5", 50), ("0.9", 90), ("0.99", 99)];
/// Quantiles are taken over the last so many observations.
const WINDOW: usize = 512;
/// Upper bounds of the latency's buckets, in seconds.
const BUCKETS: &[f64] = &[0.01, 0.1, 1.0, 10.0];

/// Counts of a notifier. The series of an Alertmanager end with it.
#[derive(Debug, Default)]
pub struct Metrics {
    pub(crate) capacity: Gauge,
    /// Alertmanagers there are.
    pub(crate) discovered: Gauge,
    /// Alerts dropped because too many waited for the first Alertmanager of their set, or came after
    /// the end.
    pub(crate) dropped: Counter,
    alertmanagers: Mutex<BTreeMap<String, Weak<Counts>>>,
}

/// What is counted for one Alertmanager; also for all who have the same URL.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) sent: Counter,
    pub(crate) errors: Counter,
    pub(crate) dropped: Counter,
    pub(crate) waiting: Gauge,
    latency: Mutex<Latency>,
}

#[derive(Debug)]
struct Latency {
    histogram: Histogram,
    sum: FloatCounter,
    count: u64,
    last: Vec<f64>,
}

impl Default for Counts {
    fn default() -> Self {
        let histogram = Histogram::new(BUCKETS);
        let latency = Latency { histogram, sum: FloatCounter::default(), count: 0, last: vec![] };
        Self {
            sent: Counter::default(),
            errors: Counter::default(),
            dropped: Counter::default(),
            waiting: Gauge::default(),
            latency: Mutex::new(latency),
        }
    }
}

impl Counts {
    /// A batch was taken after so many seconds.
    pub(crate) fn observe(&self, seconds: f64) {
        let mut latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        latency.histogram.observe(seconds);
        latency.sum.add(seconds);
        let oldest = usize::try_from(latency.count % WINDOW as u64).expect("below the window");
        match latency.last.get_mut(oldest) {
            Some(place) => *place = seconds,
            None => latency.last.push(seconds),
        }
        latency.count += 1;
    }
}

impl Latency {
    fn tell_summary(&self, visitor: &mut dyn Visitor, url: &str) {
        let mut sorted = self.last.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        for (text, hundredths) in QUANTILES {
            let rank = (sorted.len().saturating_sub(1) * hundredths + 50) / 100;
            let value = sorted.get(rank).copied().unwrap_or(f64::NAN);
            visitor.sample("", &[("alertmanager", url), ("quantile", text)], value);
        }
        visitor.sample("_sum", &[("alertmanager", url)], self.sum.get());
        visitor.sample("_count", &[("alertmanager", url)], self.count as f64);
    }
}

impl Metrics {
    /// The counts of an Alertmanager, which are shown as long as somebody has them.
    pub(crate) fn alertmanager(&self, url: &str) -> Arc<Counts> {
        let mut all = self.alertmanagers.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, counts| counts.strong_count() > 0);
        let place = all.entry(url.to_owned()).or_default();
        place.upgrade().unwrap_or_else(|| {
            let counts = Arc::default();
            *place = Arc::downgrade(&counts);
            counts
        })
    }

    fn alertmanagers(&self) -> Vec<(String, Arc<Counts>)> {
        let all = self.alertmanagers.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter_map(|(url, counts)| Some((url.clone(), counts.upgrade()?))).collect()
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        let all = self.alertmanagers();
        let mut each = |name: &str, kind, help: &str, value: &dyn Fn(&Counts) -> f64| {
            visitor.family(name, kind, help);
            for (url, counts) in &all {
                visitor.sample("", &[("alertmanager", url)], value(counts));
            }
        };
        each(
            "prometheus_notifications_sent_total",
            Kind::Counter,
            "Alerts that an Alertmanager took.",
            &|counts| counts.sent.get() as f64,
        );
        each(
            "prometheus_notifications_errors_total",
            Kind::Counter,
            "Alerts that an Alertmanager did not take, each time they were told.",
            &|counts| counts.errors.get() as f64,
        );
        each(
            "prometheus_notifications_queue_length",
            Kind::Gauge,
            "Alerts that wait for an Alertmanager.",
            &|counts| counts.waiting.get(),
        );
        each(
            "prometheus_notifications_dropped_total",
            Kind::Counter,
            "Alerts that will not be told: too many waited, they were refused, or time was over.",
            &|counts| counts.dropped.get() as f64,
        );
        // Under no name of an Alertmanager: there was none.
        if self.dropped.get() > 0 {
            visitor.sample("", &[], self.dropped.get() as f64);
        }
        let mut one = |name: &str, help: &str, value: f64| {
            visitor.family(name, Kind::Gauge, help);
            visitor.sample("", &[], value);
        };
        one(
            "prometheus_notifications_queue_capacity",
            "Alerts that may wait for one Alertmanager.",
            self.capacity.get(),
        );
        one(
            "prometheus_notifications_alertmanagers_discovered",
            "Alertmanagers that are told of alerts.",
            self.discovered.get(),
        );
        visitor.family(
            "prometheus_notifications_latency_seconds",
            Kind::Summary,
            "How long it took an Alertmanager to take alerts.",
        );
        let latency = |counts: &Counts, tell: &mut dyn FnMut(&Latency)| {
            tell(&counts.latency.lock().unwrap_or_else(PoisonError::into_inner));
        };
        for (url, counts) in &all {
            latency(counts, &mut |latency| latency.tell_summary(visitor, url));
        }
        visitor.family(
            "prometheus_notifications_latency_histogram_seconds",
            Kind::Histogram,
            "How long it took an Alertmanager to take alerts.",
        );
        for (url, counts) in &all {
            let labels = [("alertmanager", url.as_str())];
            latency(counts, &mut |latency| visitor.histogram(&labels, &latency.histogram));
        }
    }
}
