//! What the API counts about itself.

use model::metrics::{Collect, Counter, Gauge, Histogram, Kind, Visitor};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REQUEST_SECONDS: &[f64] = &[0.1, 0.2, 0.4, 1.0, 3.0, 8.0, 20.0, 60.0, 120.0];
const RESPONSE_BYTES: &[f64] = &[1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.9, "0.9"), (0.99, "0.99")];
/// Quantiles are over the observations of this time, at most so many.
const WINDOW: Duration = Duration::from_secs(600);
const WINDOW_LEN: usize = 1024;

/// A part of a query's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slice {
    QueueTime,
    PrepareTime,
    InnerEval,
    ResultSort,
}

impl Slice {
    const ALL: [(Self, &'static str); 4] = [
        (Self::InnerEval, "inner_eval"),
        (Self::PrepareTime, "prepare_time"),
        (Self::QueueTime, "queue_time"),
        (Self::ResultSort, "result_sort"),
    ];
}

struct Route {
    codes: BTreeMap<u16, u64>,
    seconds: Histogram,
    bytes: Histogram,
}

impl Default for Route {
    fn default() -> Self {
        let (seconds, bytes) = (Histogram::new(REQUEST_SECONDS), Histogram::new(RESPONSE_BYTES));
        Self { codes: BTreeMap::new(), seconds, bytes }
    }
}

/// Recent observations, and the sum of all.
#[derive(Default)]
struct Summary {
    recent: VecDeque<(Instant, f64)>,
    sum: f64,
    count: u64,
}

impl Summary {
    fn observe(&mut self, at: Instant, value: f64) {
        self.sum += value;
        self.count += 1;
        if self.recent.len() == WINDOW_LEN {
            self.recent.pop_front();
        }
        self.recent.push_back((at, value));
    }

    /// The values of the window, ascending.
    fn sorted(&self, now: Instant) -> Vec<f64> {
        let fresh = |at: &Instant| now.saturating_duration_since(*at) <= WINDOW;
        let mut values: Vec<f64> =
            self.recent.iter().filter(|(at, _)| fresh(at)).map(|(_, value)| *value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }
}

/// The value below which a share `q` of the ascending values lies; NaN when there are none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most WINDOW_LEN"
    )]
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Requests and queries.
#[derive(Default)]
pub struct Metrics {
    routes: Mutex<BTreeMap<String, Route>>,
    slices: Mutex<[Summary; 4]>,
    running: Mutex<u64>,
    concurrent_max: Gauge,
    /// Samples that queries loaded.
    pub(crate) samples: Counter,
    /// Queries that ended in a panic.
    pub(crate) panics: Counter,
    pub(crate) query_log_enabled: Gauge,
    pub(crate) query_log_failures: Counter,
    pub(crate) federation_errors: Counter,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counters stay usable after a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn request(&self, route: &str, code: u16, seconds: f64, bytes: Option<u64>) {
        let mut routes = locked(&self.routes);
        if !routes.contains_key(route) {
            routes.insert(route.to_owned(), Route::default());
        }
        let entry = routes.get_mut(route).expect("inserted above");
        *entry.codes.entry(code).or_default() += 1;
        entry.seconds.observe(seconds);
        if let Some(bytes) = bytes {
            entry.bytes.observe(bytes as f64);
        }
    }

    pub(crate) fn slice(&self, slice: Slice, seconds: f64) {
        locked(&self.slices)[slice as usize].observe(Instant::now(), seconds);
    }

    pub(crate) fn concurrent_max(&self, max: usize) {
        self.concurrent_max.set(max as f64);
    }

    /// Counts a query as running until the guard is dropped.
    pub(crate) fn running(self: &Arc<Self>) -> Running {
        *locked(&self.running) += 1;
        Running(Arc::clone(self))
    }
}

/// A query that runs.
pub(crate) struct Running(Arc<Metrics>);

impl Drop for Running {
    fn drop(&mut self) {
        *locked(&self.0.running) -= 1;
    }
}

impl Collect for Metrics {
    fn collect(&self, visitor: &mut dyn Visitor) {
        self.collect_requests(visitor);
        self.collect_engine(visitor);
    }
}

impl Metrics {
    fn collect_requests(&self, visitor: &mut dyn Visitor) {
        let routes = locked(&self.routes);
        visitor.family(
            "prometheus_http_requests_total",
            Kind::Counter,
            "Counter of HTTP requests.",
        );
        for (path, route) in &*routes {
            for (code, count) in &route.codes {
                let labels = [("code", &*code.to_string()), ("handler", path)];
                visitor.sample("", &labels, *count as f64);
            }
        }
        let name = "prometheus_http_request_duration_seconds";
        visitor.family(name, Kind::Histogram, "Histogram of latencies for HTTP requests.");
        for (path, route) in &*routes {
            visitor.histogram(&[("handler", path)], &route.seconds);
        }
        let name = "prometheus_http_response_size_bytes";
        visitor.family(name, Kind::Histogram, "Histogram of response size for HTTP requests.");
        for (path, route) in &*routes {
            visitor.histogram(&[("handler", path)], &route.bytes);
        }
    }

    fn collect_engine(&self, visitor: &mut dyn Visitor) {
        let one = |visitor: &mut dyn Visitor, name: &str, kind: Kind, help: &str, value: f64| {
            visitor.family(name, kind, help);
            visitor.sample("", &[], value);
        };
        let running = *locked(&self.running) as f64;
        let name = "prometheus_engine_queries";
        one(visitor, name, Kind::Gauge, "Queries being executed or waiting.", running);
        let name = "prometheus_engine_queries_concurrent_max";
        one(visitor, name, Kind::Gauge, "Queries that may run at once.", self.concurrent_max.get());
        let name = "prometheus_engine_query_log_enabled";
        let enabled = self.query_log_enabled.get();
        one(visitor, name, Kind::Gauge, "Whether queries are written to a log.", enabled);
        let name = "prometheus_engine_query_log_failures_total";
        let failures = self.query_log_failures.get() as f64;
        one(visitor, name, Kind::Counter, "Queries that were not logged.", failures);
        let name = "prometheus_engine_query_samples_total";
        one(visitor, name, Kind::Counter, "Samples loaded by queries.", self.samples.get() as f64);
        let name = "rushlight_engine_query_panics_total";
        one(
            visitor,
            name,
            Kind::Counter,
            "Queries that ended in a panic.",
            self.panics.get() as f64,
        );
        let name = "prometheus_web_federation_errors_total";
        let errors = self.federation_errors.get() as f64;
        one(visitor, name, Kind::Counter, "Errors while answering federation.", errors);

        let slices = locked(&self.slices);
        let name = "prometheus_engine_query_duration_seconds";
        visitor.family(name, Kind::Summary, "Query timings.");
        let now = Instant::now();
        for (slice, label) in Slice::ALL {
            let summary = &slices[slice as usize];
            let sorted = summary.sorted(now);
            for (q, text) in QUANTILES {
                let labels = [("slice", label), ("quantile", text)];
                visitor.sample("", &labels, quantile(&sorted, q));
            }
            visitor.sample("_sum", &[("slice", label)], summary.sum);
            visitor.sample("_count", &[("slice", label)], summary.count as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_ranks() {
        let check = |values: &[f64], q: f64, expected: f64| {
            assert_eq!(quantile(values, q).to_bits(), expected.to_bits(), "{values:?} {q}");
        };
        check(&[], 0.5, f64::NAN);
        check(&[1.0], 0.99, 1.0);
        check(&[1.0, 2.0, 3.0, 4.0], 0.5, 2.0);
        check(&[1.0, 2.0, 3.0, 4.0], 0.9, 4.0);
    }
}
