//! Our own metrics: atomics that live beside what they count, and the visitor that reads them.
//!
//! A crate keeps a struct of these and implements [`Collect`]; `server` asks every part on a scrape
//! of `/metrics` and the encoder in `exposition` writes what it is told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to the count.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// The count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    /// Adds to the value; a negative amount takes away.
    pub fn add(&self, amount: f64) {
        add_float(&self.0, amount);
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

fn add_float(cell: &AtomicU64, amount: f64) {
    let grow = |bits| Some((f64::from_bits(bits) + amount).to_bits());
    cell.fetch_update(Relaxed, Relaxed, grow).expect("grow never declines");
}

/// A sum of floats that only grows, such as seconds spent.
#[derive(Debug, Default)]
pub struct FloatCounter(AtomicU64);

impl FloatCounter {
    /// Adds to the sum.
    pub fn add(&self, value: f64) {
        add_float(&self.0, value);
    }

    /// The sum.
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// A classic histogram with fixed bounds, ascending, without +Inf.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    buckets: Box<[Counter]>,
    sum: FloatCounter,
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| Counter::default()).collect();
        Self { bounds, buckets, sum: FloatCounter::default() }
    }

    /// Counts one observation.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].inc();
        self.sum.add(value);
    }

    /// (upper bound, cumulative count) of every bucket, +Inf last.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut total = 0;
        bounds.zip(&self.buckets).map(move |(bound, bucket)| {
            total += bucket.get();
            (bound, total)
        })
    }

    /// Sum of observations.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum.get()
    }
}

/// Sum and count of observations, and the last ones, of which quantiles are taken.
#[derive(Debug, Default)]
pub struct Summary {
    sum: f64,
    count: u64,
    /// A ring once it is full.
    last: Vec<f64>,
}

/// A quantile of a [`Summary`]: as text, and in hundredths.
pub type Quantile = (&'static str, usize);

impl Summary {
    /// Quantiles are taken over the last so many observations.
    pub const WINDOW: usize = 512;

    /// Counts one observation.
    pub fn observe(&mut self, value: f64) {
        self.sum += value;
        if self.last.len() < Self::WINDOW {
            self.last.push(value);
        } else {
            let oldest =
                usize::try_from(self.count % Self::WINDOW as u64).expect("below the window");
            self.last[oldest] = value;
        }
        self.count += 1;
    }
}

/// What a family of metrics is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; its samples end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets, sum and count.
    Histogram,
    /// Quantiles, sum and count.
    Summary,
}

/// Receives the current values. Families come whole: `family`, then its samples.
pub trait Visitor {
    /// Begins a family.
    fn family(&mut self, name: &str, kind: Kind, help: &str);
    /// A sample of the family: suffix to its name ("" or "_sum", ...), labels, value.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64);

    /// A histogram of the family.
    fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut count = 0;
        for (bound, cumulative) in histogram.cumulative() {
            let mut le = String::new();
            crate::float::write_openmetrics(&mut le, bound).expect("a string takes text");
            let with_le: Vec<_> = labels.iter().copied().chain([("le", le.as_str())]).collect();
            self.sample("_bucket", &with_le, cumulative as f64);
            count = cumulative;
        }
        self.sample("_sum", labels, histogram.sum());
        self.sample("_count", labels, count as f64);
    }

    /// A summary of the family; quantiles of nothing are NaN.
    fn summary(&mut self, labels: &[(&str, &str)], summary: &Summary, quantiles: &[Quantile]) {
        let mut sorted = summary.last.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        for (text, hundredths) in quantiles {
            let rank = (sorted.len().saturating_sub(1) * hundredths + 50) / 100;
            let value = sorted.get(rank).copied().unwrap_or(f64::NAN);
            let with: Vec<_> = labels.iter().copied().chain([("quantile", *text)]).collect();
            self.sample("", &with, value);
        }
        self.sample("_sum", labels, summary.sum);
        self.sample("_count", labels, summary.count as f64);
    }
}

/// A part of the program that has metrics.
pub trait Collect: Send + Sync {
    /// Tells the visitor the current values.
    fn collect(&self, visitor: &mut dyn Visitor);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Visitor for Lines {
        fn family(&mut self, name: &str, kind: Kind, help: &str) {
            self.0.push(format!("{name} {kind:?} {help}"));
        }

        fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
            self.0.push(format!("{suffix} {labels:?} {value}"));
        }
    }

    #[test]
    fn numbers_are_kept() {
        let (counter, gauge, sum) = (Counter::default(), Gauge::default(), FloatCounter::default());
        counter.inc();
        counter.add(2);
        gauge.set(1.5);
        gauge.add(-2.0);
        sum.add(0.25);
        sum.add(0.5);
        assert_eq!((counter.get(), gauge.get(), sum.get()), (3, -0.5, 0.75));
    }

    #[test]
    fn a_bucket_holds_its_upper_bound() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for value in [0.05, 0.1, 0.5, 1.0, 7.0] {
            histogram.observe(value);
        }
        let mut lines = Lines::default();
        lines.family("x", Kind::Histogram, "a help");
        lines.histogram(&[("a", "b")], &histogram);
        assert_eq!(
            lines.0,
            [
                "x Histogram a help",
                r#"_bucket [("a", "b"), ("le", "0.1")] 2"#,
                r#"_bucket [("a", "b"), ("le", "1.0")] 4"#,
                r#"_bucket [("a", "b"), ("le", "+Inf")] 5"#,
                r#"_sum [("a", "b")] 8.65"#,
                r#"_count [("a", "b")] 5"#,
            ]
        );
    }

    #[test]
    fn quantiles_are_of_the_last_observations() {
        let mut summary = Summary::default();
        let told = |summary: &Summary| {
            let mut lines = Lines::default();
            lines.summary(&[("a", "b")], summary, &[("0.5", 50), ("0.99", 99)]);
            lines.0
        };
        assert_eq!(told(&summary)[0], r#" [("a", "b"), ("quantile", "0.5")] NaN"#);
        // What is pushed out of the window counts in sum and count only.
        summary.observe(1e6);
        (0..Summary::WINDOW).for_each(|i| summary.observe(i as f64));
        assert_eq!(
            told(&summary),
            [
                r#" [("a", "b"), ("quantile", "0.5")] 256"#,
                r#" [("a", "b"), ("quantile", "0.99")] 506"#,
                r#"_sum [("a", "b")] 1130816"#,
                r#"_count [("a", "b")] 513"#,
            ]
        );
    }
}
