//! Who fills the head: counts for the status page.

use super::Head;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use model::METRIC_NAME;

/// A name and how much there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How much.
    pub value: u64,
}

/// What the head holds, and the largest parts of it.
#[derive(Clone, Debug, Default)]
pub struct HeadStats {
    /// Series.
    pub series: u64,
    /// Sealed and open group chunks.
    pub chunks: u64,
    /// Distinct label pairs.
    pub label_pairs: u64,
    /// First time held, milliseconds.
    pub min_ms: Option<i64>,
    /// Last time held, milliseconds.
    pub max_ms: Option<i64>,
    /// Metric names with the most series.
    pub series_by_metric: Vec<Count>,
    /// Label names with the most values.
    pub values_by_label: Vec<Count>,
    /// Label names with the most bytes of values, as if every series kept its own copy.
    pub bytes_by_label: Vec<Count>,
    /// Label pairs (`name=value`) with the most series.
    pub series_by_pair: Vec<Count>,
}

impl Head {
    /// Counts; lists have at most `limit` entries.
    pub(crate) fn stats(&self, limit: usize) -> HeadStats {
        let range = self.range();
        let chunks = self.chunks() as u64;
        let registry = self.indexed();
        let postings = registry.postings();
        let mut metrics = Vec::new();
        let mut pairs = Vec::new();
        let mut bytes: HashMap<u32, u64, RandomState> = HashMap::default();
        for ((name, value), series) in postings.counts() {
            *bytes.entry(name).or_default() += registry.symbol(value).len() as u64 * series;
            pairs.push(((name, value), series));
            if registry.symbol(name) == METRIC_NAME {
                metrics.push((value, series));
            }
        }
        let text = |symbol: u32| ["", registry.symbol(symbol)];
        let values = postings.value_counts().map(|(name, values)| (name, values.len() as u64));
        HeadStats {
            series: registry.len() as u64,
            chunks,
            label_pairs: postings.pairs() as u64,
            min_ms: range.map(|range| range.0),
            max_ms: range.map(|range| range.1),
            series_by_metric: largest(metrics, limit, text),
            values_by_label: largest(values.collect(), limit, text),
            bytes_by_label: largest(bytes.into_iter().collect(), limit, text),
            series_by_pair: largest(pairs, limit, |(name, value)| {
                [registry.symbol(name), registry.symbol(value)]
            }),
        }
    }

    /// Sealed and open group chunks.
    pub(crate) fn chunks(&self) -> usize {
        let count = |group: &super::GroupHead| {
            group.chunks.len() + usize::from(!group.open.t_ms.is_empty())
        };
        self.groups().iter().map(|group| count(&group.lock())).sum()
    }
}

/// The largest counts, largest first, equal ones by name; a name is one text or a pair.
fn largest<'a, K: Copy>(
    mut all: Vec<(K, u64)>,
    limit: usize,
    texts: impl Fn(K) -> [&'a str; 2],
) -> Vec<Count> {
    let order =
        |a: &(K, u64), b: &(K, u64)| b.1.cmp(&a.1).then_with(|| texts(a.0).cmp(&texts(b.0)));
    if limit < all.len() {
        all.select_nth_unstable_by(limit, order);
        all.truncate(limit);
    }
    all.sort_unstable_by(order);
    let named = all.into_iter().map(|(key, value)| match texts(key) {
        ["", name] => Count { name: name.into(), value },
        [name, of] => Count { name: format!("{name}={of}"), value },
    });
    named.collect()
}
