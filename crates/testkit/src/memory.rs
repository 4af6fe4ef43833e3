//! Storage in plain vectors.

use model::{FloatHistogram, Labels, Matcher, TimeRange, is_stale, stale_marker};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use storage::{
    Absence, AppendError, Appendable, Appended, Column, Error, Exemplar, ExemplarQueryable, Group,
    GroupSpec, LabelQuery, MAX_EXEMPLAR_RUNES, Querier, Queryable, Row, SampleSink, SelectHints,
    SeriesExemplars, SeriesSet, Source,
};

/// What a series has at one time.
#[derive(Clone, Debug)]
enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    fn is_stale(&self) -> bool {
        matches!(self, Self::Float(value) if is_stale(*value))
    }
}

type Samples = BTreeMap<i64, Value>;
type Series = BTreeMap<Labels, Samples>;
type Exemplars = BTreeMap<Labels, Vec<Exemplar>>;

/// All samples of all series, in memory, for tests.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    series: Arc<Mutex<Series>>,
    exemplars: Arc<Mutex<Exemplars>>,
    /// The groups of targets, which are found again by their keys.
    groups: Arc<Mutex<HashMap<String, Columns>>>,
}

/// What a group knows of its series.
#[derive(Clone, Debug)]
struct Columns {
    labels: Vec<Labels>,
    by_labels: HashMap<Labels, Column>,
    /// Which of them had a value in the last row that was no staleness marker.
    live: Vec<bool>,
    /// Columns that are no new ones any more.
    made: usize,
    last_ms: i64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a sample; one at the same time is replaced.
    pub fn put(&self, labels: &Labels, t_ms: i64, value: f64) {
        self.insert(labels, t_ms, Value::Float(value));
    }

    /// Stores a histogram sample; a stale one is the staleness marker.
    pub fn put_histogram(&self, labels: &Labels, t_ms: i64, histogram: Arc<FloatHistogram>) {
        let value = if histogram.is_stale() {
            Value::Float(stale_marker())
        } else {
            Value::Histogram(histogram)
        };
        self.insert(labels, t_ms, value);
    }

    fn insert(&self, labels: &Labels, t_ms: i64, value: Value) {
        self.locked().entry(labels.clone()).or_default().insert(t_ms, value);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Series> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appendable for MemoryStore {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = || Columns {
            labels: Vec::new(),
            by_labels: HashMap::new(),
            live: Vec::new(),
            made: 0,
            last_ms: i64::MIN,
        };
        let columns = groups.get(&spec.key).cloned().unwrap_or_else(empty);
        let key = (spec.source == Source::Scrape).then(|| spec.key.clone());
        Ok(Box::new(MemoryGroup { store: self.clone(), absence: spec.absence, key, columns }))
    }
}

struct MemoryGroup {
    store: MemoryStore,
    absence: Absence,
    /// What it is found again by, if it is.
    key: Option<String>,
    columns: Columns,
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        self.take_back();
        if let Some(key) = self.key.take() {
            let mut groups = self.store.groups.lock().unwrap_or_else(PoisonError::into_inner);
            groups.insert(key, self.columns.clone());
        }
    }
}

impl Group for MemoryGroup {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        let columns = &mut self.columns;
        if let Some(column) = columns.by_labels.get(labels) {
            return Ok((*column, false));
        }
        let column = Column(u32::try_from(columns.labels.len()).expect("fewer than 2^32 columns"));
        columns.labels.push(labels.clone());
        columns.by_labels.insert(labels.clone(), column);
        Ok((column, true))
    }

    fn find(&self, labels: &Labels) -> Option<Column> {
        self.columns.by_labels.get(labels).copied()
    }

    fn new_columns(&self) -> usize {
        self.columns.labels.len() - self.columns.made
    }

    fn take_back(&mut self) -> Option<Column> {
        let Columns { labels, by_labels, made, .. } = &mut self.columns;
        if labels.len() == *made {
            return None;
        }
        for labels in labels.drain(*made..) {
            by_labels.remove(&labels);
        }
        Some(Column(u32::try_from(*made).expect("fewer than 2^32 columns")))
    }

    fn newest(&self, labels: &Labels) -> Option<(i64, f64)> {
        self.columns.by_labels.get(labels)?;
        let series = self.store.locked();
        let (t_ms, value) = series.get(labels)?.last_key_value()?;
        match value {
            Value::Float(value) => Some((*t_ms, *value)),
            Value::Histogram(_) => Some((*t_ms, f64::from_bits(storage::HISTOGRAM_BITS))),
        }
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let (t_ms, last_ms) = (row.t_ms(), self.columns.last_ms);
        if t_ms <= last_ms {
            return Err(AppendError::OutOfOrder { t_ms, last_ms });
        }
        self.columns.last_ms = t_ms;
        self.columns.made = self.columns.made.max(row.columns());
        self.columns.live.resize(self.columns.labels.len(), false);
        let mut series = self.store.locked();
        for (i, labels) in (0..).zip(&self.columns.labels) {
            let histogram = row.histograms().iter().find(|(column, _)| column.0 == i);
            let histogram = histogram.map(|(_, histogram)| Value::Histogram(Arc::clone(histogram)));
            let was_live = &mut self.columns.live[i as usize];
            if let Some(value) = histogram.or_else(|| row.get(Column(i)).map(Value::Float)) {
                *was_live = !value.is_stale();
                series.entry(labels.clone()).or_default().insert(row.t_ms(), value);
            } else if self.absence == Absence::EndsSeries && std::mem::take(was_live) {
                // What another group has at the same time is more than an end.
                let samples = series.entry(labels.clone()).or_default();
                samples.entry(row.t_ms()).or_insert(Value::Float(stale_marker()));
            }
        }
        Ok(Appended { samples: row.len(), remap: None })
    }

    fn add_exemplars(
        &mut self,
        column: Column,
        exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        let labels = &self.columns.labels[column.0 as usize];
        let mut all = self.store.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(labels.clone()).or_default();
        let before = kept.len();
        for exemplar in exemplars {
            let runes = |text: &str| text.chars().count();
            let pairs = exemplar.labels.iter().map(|(name, value)| runes(name) + runes(value));
            let place =
                |exemplar: &Exemplar| (exemplar.t_ms, exemplar.value, exemplar.labels.clone());
            let follows = kept.last().is_none_or(|last| place(last) < place(exemplar));
            if follows && pairs.sum::<usize>() <= MAX_EXEMPLAR_RUNES {
                kept.push(exemplar.clone());
            }
        }
        Ok(kept.len() - before)
    }
}

impl ExemplarQueryable for MemoryStore {
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, Error> {
        let all = self.exemplars.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = |labels: &Labels| {
            selectors.iter().any(|matchers| matchers.iter().all(|m| m.matches_labels(labels)))
        };
        let wanted = all.iter().filter(|(labels, _)| is_wanted(labels));
        let in_range = wanted.map(|(labels, kept)| {
            let exemplars = kept.iter().filter(|exemplar| range.contains(exemplar.t_ms)).cloned();
            SeriesExemplars { labels: labels.clone(), exemplars: exemplars.collect() }
        });
        Ok(in_range.filter(|series| !series.exemplars.is_empty()).collect())
    }
}

impl Queryable for MemoryStore {
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        let mut series = self.locked().clone();
        series.retain(|_, samples| samples.keys().any(|t| range.contains(*t)));
        Ok(Arc::new(MemoryQuerier { series }))
    }
}

struct MemoryQuerier {
    series: Series,
}

impl MemoryQuerier {
    fn matching<'a>(
        &'a self,
        matchers: &'a [Matcher],
    ) -> impl Iterator<Item = (&'a Labels, &'a Samples)> {
        self.series.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches_labels(labels)))
    }
}

impl Querier for MemoryQuerier {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, Error> {
        let in_range = |s: &Samples| s.keys().any(|t| hints.range.contains(*t));
        let series = self.matching(matchers).filter(|(_, samples)| in_range(samples));
        let series = series.map(|(labels, samples)| (labels.clone(), samples.clone())).collect();
        Ok(Box::new(MemorySet { series }))
    }

    fn label_names(&self, query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        let names = self.matching(query.matchers).flat_map(|(labels, _)| labels.iter());
        Ok(distinct(names.map(|(name, _)| name), query.limit))
    }

    fn label_values(&self, name: &str, query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        let values = self.matching(query.matchers).filter_map(|(labels, _)| labels.get(name));
        Ok(distinct(values, query.limit))
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>, limit: usize) -> Vec<String> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    texts.collect::<BTreeSet<_>>().into_iter().take(limit).map(String::from).collect()
}

struct MemorySet {
    series: Vec<(Labels, Samples)>,
}

impl SeriesSet for MemorySet {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, series: usize) -> Labels {
        self.series[series].0.clone()
    }

    fn read(
        &self,
        series: usize,
        range: TimeRange,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        if range.min_ms > range.max_ms {
            return Ok(());
        }
        let samples = &self.series[series].1;
        let before = samples.range(..range.min_ms).next_back();
        let mut previous = before.and_then(|(_, value)| match value {
            Value::Histogram(histogram) => Some(&**histogram),
            Value::Float(_) => None,
        });
        for (t_ms, value) in samples.range(range.min_ms..=range.max_ms) {
            match value {
                Value::Float(value) => {
                    previous = None;
                    sink.floats(&[*t_ms], &[*value]);
                }
                Value::Histogram(histogram) => {
                    let counter_reset = FloatHistogram::hint_after(previous, histogram);
                    previous = Some(&**histogram);
                    let shown = FloatHistogram { counter_reset, ..(**histogram).clone() };
                    sink.histogram(*t_ms, Arc::new(shown));
                }
            }
        }
        Ok(())
    }
}
