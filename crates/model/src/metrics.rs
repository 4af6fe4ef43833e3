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
}
