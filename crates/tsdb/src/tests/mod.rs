//! The database through its door.

mod basics;
mod damage;
mod faults;
mod fresh;
mod life;
mod property;
mod storms;
mod threads;

use crate::{Db, Options};
use model::histogram::{CounterReset, Span};
use model::{FloatHistogram, Labels, Matcher, TimeRange};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use storage::{
    Absence, Appendable, Columns, Group, GroupSpec, Queryable, Row, SelectHints, Source,
};

/// Samples by labels; values as bits, since the staleness marker is a NaN, and histograms as a hash of
/// theirs.
type Contents = BTreeMap<String, Vec<(i64, u64)>>;

fn spec(key: &str, common: &[(&str, &str)], absence: Absence) -> GroupSpec {
    GroupSpec {
        source: Source::Scrape,
        key: key.into(),
        common: Labels::from_pairs(common.iter().copied()),
        absence,
    }
}

fn series(name: &str, target: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("instance", target), ("job", "test")])
}

#[derive(Clone, Debug)]
enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// Appends a row of values by labels, opening columns as needed.
fn append(group: &mut dyn Group, t_ms: i64, values: &[(Labels, impl Into<Value> + Clone)]) {
    let mut row = Row::new();
    row.begin(t_ms);
    for (labels, value) in values {
        let (column, _) = group.column(labels).unwrap();
        let is_first = match value.clone().into() {
            Value::Float(value) => row.set(column, value),
            Value::Histogram(histogram) => row.set_histogram(column, histogram),
        };
        assert!(is_first, "{labels} twice");
    }
    group.append(&row).unwrap();
}

/// The `n`th histogram of a series: buckets come, grow, and are lost in resets.
fn histogram(kind: usize, n: usize) -> FloatHistogram {
    let since_reset = n % 61;
    let buckets = 1 + (kind + since_reset / 9) % 7;
    let counts: Vec<f64> = (0..buckets).map(|i| (since_reset / (i + 1) + i) as f64).collect();
    let mut histogram = FloatHistogram {
        schema: 2,
        count: counts.iter().sum::<f64>() + 2.0,
        sum: since_reset as f64 * 1.37,
        zero_count: 2.0,
        zero_threshold: 1e-3,
        positive_spans: vec![Span { offset: -2, length: u32::try_from(buckets).unwrap() }],
        positive_buckets: counts.clone(),
        ..FloatHistogram::default()
    };
    match kind % 5 {
        1 => histogram.counter_reset = CounterReset::Gauge,
        2 => {
            histogram.schema = -53;
            histogram.positive_spans[0].offset = 0;
            histogram.custom_values = (1..buckets).map(|i| i as f64 / 4.0).collect();
        }
        3 => {
            histogram.negative_spans = vec![Span { offset: 1, length: 1 }; 2];
            histogram.negative_buckets = vec![since_reset as f64 / 3.0, f64::NAN];
        }
        _ => {}
    }
    histogram
}

fn histogram_bits(histogram: &FloatHistogram) -> u64 {
    let mut hasher = DefaultHasher::new();
    let FloatHistogram { schema, count, sum, zero_count, zero_threshold, .. } = histogram;
    let is_gauge = histogram.counter_reset == CounterReset::Gauge;
    (schema, is_gauge, [count, sum, zero_count, zero_threshold].map(|n| n.to_bits()))
        .hash(&mut hasher);
    for spans in [&histogram.positive_spans, &histogram.negative_spans] {
        spans.len().hash(&mut hasher);
        spans.iter().for_each(|span| (span.offset, span.length).hash(&mut hasher));
    }
    let counts = [&histogram.positive_buckets, &histogram.negative_buckets];
    for numbers in counts.into_iter().chain([&histogram.custom_values]) {
        numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>().hash(&mut hasher);
    }
    hasher.finish()
}

/// The samples in order; each histogram says what is known about resets since the one before.
fn samples(columns: &Columns) -> Vec<(i64, u64)> {
    let floats = columns.t_ms.iter().copied().zip(columns.values.iter().map(|v| v.to_bits()));
    let mut all: Vec<_> = floats.collect();
    let mut before: Option<&(i64, Arc<FloatHistogram>)> = None;
    for sample in &columns.histograms {
        let (t_ms, histogram) = sample;
        all.push((*t_ms, histogram_bits(histogram)));
        let follows = before.filter(|(before_ms, _)| {
            !columns.t_ms.iter().any(|float| (*before_ms..*t_ms).contains(float))
        });
        let hint = FloatHistogram::hint_after(follows.map(|(_, before)| &**before), histogram);
        // What comes before the range may be known too.
        if before.is_some() || columns.t_ms.first().is_some_and(|float| float < t_ms) {
            assert_eq!(histogram.counter_reset, hint, "at {t_ms}");
        }
        before = Some(sample);
    }
    all.sort_by_key(|(t_ms, _)| *t_ms);
    all
}

/// Everything a store has in a range.
fn contents(store: &dyn Queryable, range: TimeRange) -> Contents {
    selected(store, &[], range)
}

fn selected(store: &dyn Queryable, matchers: &[Matcher], range: TimeRange) -> Contents {
    let hints = SelectHints { range, sorted: true, labels_only: false };
    let set = store.querier(range).unwrap().select(matchers, &hints).unwrap();
    let mut contents = Contents::new();
    let mut last: Option<Labels> = None;
    for i in 0..set.len() {
        let labels = set.labels(i);
        assert!(last.as_ref().is_none_or(|last| *last < labels), "{labels} out of order");
        last = Some(labels.clone());
        let mut columns = Columns::default();
        set.read(i, range, &mut columns).unwrap();
        assert!(columns.t_ms.is_sorted_by(|a, b| a < b), "{labels}: {:?}", columns.t_ms);
        let samples = samples(&columns);
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0), "{labels}: {samples:?}");
        if !samples.is_empty() {
            contents.insert(labels.to_string(), samples);
        }
    }
    contents
}

fn small() -> Options {
    Options::default()
}

fn reopen(dir: &std::path::Path) -> Db {
    let (db, report) = Db::open(dir, small()).unwrap();
    assert_eq!(report.damage, []);
    db
}
