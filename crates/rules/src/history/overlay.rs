//! What rules would have recorded, laid over what is stored.

use model::{Labels, METRIC_NAME, MatchOp, Matcher, TimeRange, is_stale};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use storage::{Columns, Error, LabelQuery, Querier, Queryable, SampleSink, SelectHints, SeriesSet};

/// The samples of a computed series; shared by those who write it and those who read it.
pub(super) type Cell = Arc<RwLock<Columns>>;

/// Series by metric name, then by labels.
type Computed = BTreeMap<String, BTreeMap<Labels, Cell>>;

/// What is in a cell, for a moment.
pub(super) fn look(cell: &Cell) -> RwLockReadGuard<'_, Columns> {
    cell.read().unwrap_or_else(PoisonError::into_inner)
}

/// What is in a cell, to be changed.
pub(super) fn touch(cell: &Cell) -> RwLockWriteGuard<'_, Columns> {
    cell.write().unwrap_or_else(PoisonError::into_inner)
}

/// Series that a rule of this name and these labels would have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) name: String,
    /// Labels that all of them have.
    pub(super) labels: Vec<(String, String)>,
}

impl Written {
    fn has(&self, labels: &Labels) -> bool {
        labels.metric_name() == self.name
            && self.labels.iter().all(|(name, value)| labels.get(name).unwrap_or("") == value)
    }

    /// Whether a selector may find such series.
    pub(super) fn meets(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| {
            let known = if matcher.name() == METRIC_NAME {
                Some(&self.name)
            } else {
                let label = self.labels.iter().find(|(name, _)| name == matcher.name());
                label.map(|(_, value)| value)
            };
            known.is_none_or(|value| matcher.matches(value))
        })
    }
}

/// Stored series that are not to be seen, since the rules would have written others.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    pub(super) by: Vec<Written>,
    /// Only within this time.
    pub(super) range: TimeRange,
}

/// Computed series over stored ones: of two samples at the same time the stored one is seen, unless it
/// is hidden.
#[derive(Clone)]
pub(super) struct Overlay {
    under: Arc<dyn Queryable>,
    hidden: Option<Arc<Hidden>>,
    computed: Arc<RwLock<Computed>>,
}

impl Overlay {
    pub(super) fn new(under: Arc<dyn Queryable>, hidden: Option<Hidden>) -> Self {
        Self { under, hidden: hidden.map(Arc::new), computed: Arc::default() }
    }

    /// The samples of a computed series, made if there were none.
    pub(super) fn cell(&self, labels: &Labels) -> Cell {
        let mut computed = self.computed.write().unwrap_or_else(PoisonError::into_inner);
        let of_name = computed.entry(labels.metric_name().to_owned()).or_default();
        Arc::clone(of_name.entry(labels.clone()).or_default())
    }

    /// Forgets computed samples before a time; how many are left. Series without any are forgotten when
    /// nobody writes them.
    pub(super) fn forget(&self, before_ms: i64) -> usize {
        let mut computed = self.computed.write().unwrap_or_else(PoisonError::into_inner);
        let mut left = 0;
        for of_name in computed.values_mut() {
            of_name.retain(|_, cell| {
                let mut columns = touch(cell);
                let floats = columns.t_ms.partition_point(|t_ms| *t_ms < before_ms);
                columns.t_ms.drain(..floats);
                columns.values.drain(..floats);
                columns.histograms.retain(|(t_ms, _)| *t_ms >= before_ms);
                left += columns.t_ms.len() + columns.histograms.len();
                let is_empty = columns.is_empty();
                drop(columns);
                !is_empty || Arc::strong_count(cell) > 1
            });
        }
        computed.retain(|_, of_name| !of_name.is_empty());
        left
    }
}

impl Queryable for Overlay {
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        let under = self.under.querier(range)?;
        Ok(Arc::new(OverlayQuerier { under, over: self.clone(), range }))
    }
}

struct OverlayQuerier {
    under: Arc<dyn Querier>,
    over: Overlay,
    range: TimeRange,
}

impl OverlayQuerier {
    /// The computed series that match, in label order.
    fn computed(&self, matchers: &[Matcher]) -> Vec<(Labels, Cell)> {
        let computed = self.over.computed.read().unwrap_or_else(PoisonError::into_inner);
        let name = matchers
            .iter()
            .find(|matcher| matcher.name() == METRIC_NAME && matcher.op() == MatchOp::Equal);
        let matching = |of_name: &BTreeMap<Labels, Cell>| {
            let found = of_name.iter().filter(|(labels, cell)| {
                let columns = look(cell);
                let first = columns.first_ms().unwrap_or(i64::MAX);
                let last = columns.last_ms().unwrap_or(i64::MIN);
                self.range.overlaps(TimeRange { min_ms: first, max_ms: last })
                    && matchers.iter().all(|matcher| matcher.matches_labels(labels))
            });
            found.map(|(labels, cell)| (labels.clone(), Arc::clone(cell))).collect::<Vec<_>>()
        };
        match name {
            Some(name) => computed.get(name.value()).map(matching).unwrap_or_default(),
            None => {
                let mut all: Vec<_> = computed.values().flat_map(matching).collect();
                all.sort_by(|a, b| a.0.cmp(&b.0));
                all
            }
        }
    }

    fn distinct(
        &self,
        stored: Vec<String>,
        query: LabelQuery<'_>,
        texts: impl Fn(&Labels) -> Vec<String>,
    ) -> Vec<String> {
        let mut all: BTreeSet<String> = stored.into_iter().collect();
        for (labels, _) in self.computed(query.matchers) {
            all.extend(texts(&labels));
        }
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        all.into_iter().take(limit).collect()
    }
}

impl Querier for OverlayQuerier {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, Error> {
        let computed = self.computed(matchers);
        let hidden = self.over.hidden.as_ref().filter(|hidden| {
            hidden.range.overlaps(hints.range) && hidden.by.iter().any(|by| by.meets(matchers))
        });
        if computed.is_empty() && hidden.is_none() {
            return self.under.select(matchers, hints);
        }
        let stored = self.under.select(matchers, &SelectHints { sorted: true, ..*hints })?;
        let mut series = Vec::with_capacity(stored.len() + computed.len());
        let mut computed = computed.into_iter().peekable();
        for i in 0..stored.len() {
            let labels = stored.labels(i);
            while let Some(over) = computed.next_if(|(over, _)| *over < labels) {
                series.push(Laid::computed(over));
            }
            let same = computed.next_if(|(over, _)| *over == labels);
            let hidden = hidden.is_some_and(|hidden| hidden.by.iter().any(|by| by.has(&labels)));
            let computed = same.map(|(_, cell)| cell);
            series.push(Laid { labels, stored: Some(i), hidden, computed });
        }
        series.extend(computed.map(Laid::computed));
        let hidden = hidden.map(|hidden| hidden.range);
        Ok(Box::new(OverlaySet { stored, series, hidden }))
    }

    fn label_names(&self, query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        let stored = self.under.label_names(query)?;
        let names = |labels: &Labels| labels.iter().map(|(name, _)| name.to_owned()).collect();
        Ok(self.distinct(stored, query, names))
    }

    fn label_values(&self, name: &str, query: LabelQuery<'_>) -> Result<Vec<String>, Error> {
        let stored = self.under.label_values(name, query)?;
        let values = |labels: &Labels| labels.get(name).map(str::to_owned).into_iter().collect();
        Ok(self.distinct(stored, query, values))
    }
}

/// A series of both, or of one of them.
struct Laid {
    labels: Labels,
    stored: Option<usize>,
    hidden: bool,
    computed: Option<Cell>,
}

impl Laid {
    fn computed((labels, cell): (Labels, Cell)) -> Self {
        Self { labels, stored: None, hidden: false, computed: Some(cell) }
    }
}

struct OverlaySet {
    stored: Box<dyn SeriesSet>,
    series: Vec<Laid>,
    /// When hidden series are not to be seen.
    hidden: Option<TimeRange>,
}

impl SeriesSet for OverlaySet {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, series: usize) -> Labels {
        self.series[series].labels.clone()
    }

    fn read(
        &self,
        series: usize,
        range: TimeRange,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        let laid = &self.series[series];
        if let (Some(i), None, false) = (laid.stored, &laid.computed, laid.hidden) {
            return self.stored.read(i, range, sink);
        }
        let mut stored = Columns::default();
        if let Some(i) = laid.stored {
            self.stored.read(i, range, &mut stored)?;
            if let Some(hidden) = self.hidden.filter(|_| laid.hidden) {
                retain(&mut stored, |t_ms| !hidden.contains(t_ms));
            }
        }
        let mut all = Columns::default();
        if let Some(cell) = &laid.computed {
            copy(&look(cell), range, &mut all);
            retain(&mut all, |t_ms| !has(&stored, t_ms));
        }
        join(&mut all, stored);
        storage::hand_over(&all, sink);
        Ok(())
    }
}

fn copy(from: &Columns, range: TimeRange, to: &mut Columns) {
    let first = from.t_ms.partition_point(|t_ms| *t_ms < range.min_ms);
    let end = from.t_ms.partition_point(|t_ms| *t_ms <= range.max_ms).max(first);
    to.t_ms.extend_from_slice(&from.t_ms[first..end]);
    to.values.extend_from_slice(&from.values[first..end]);
    let inside = from.histograms.iter().filter(|(t_ms, _)| range.contains(*t_ms));
    to.histograms.extend(inside.cloned());
}

/// Whether there is a sample at a time; a staleness marker gives way.
fn has(columns: &Columns, t_ms: i64) -> bool {
    let float = columns.t_ms.binary_search(&t_ms).ok();
    float.is_some_and(|i| !is_stale(columns.values[i]))
        || columns.histograms.binary_search_by_key(&t_ms, |(t_ms, _)| *t_ms).is_ok()
}

fn retain(columns: &mut Columns, keep: impl Fn(i64) -> bool) {
    let kept: Vec<bool> = columns.t_ms.iter().map(|t_ms| keep(*t_ms)).collect();
    if kept.contains(&false) {
        let mut kept_values = kept.iter();
        columns.values.retain(|_| kept_values.next().copied().unwrap_or(false));
        let mut kept_times = kept.iter();
        columns.t_ms.retain(|_| kept_times.next().copied().unwrap_or(false));
    }
    columns.histograms.retain(|(t_ms, _)| keep(*t_ms));
}

/// Brings in the samples of another source; a staleness marker gives way to what is there at its time.
fn join(columns: &mut Columns, others: Columns) {
    let mut others = others;
    retain(&mut others, |t_ms| {
        columns.t_ms.binary_search(&t_ms).is_err()
            && columns.histograms.binary_search_by_key(&t_ms, |(t_ms, _)| *t_ms).is_err()
    });
    if !others.t_ms.is_empty() {
        let mut floats: Vec<(i64, f64)> =
            columns.t_ms.drain(..).zip(columns.values.drain(..)).collect();
        floats.extend(others.t_ms.into_iter().zip(others.values));
        floats.sort_by_key(|(t_ms, _)| *t_ms);
        (columns.t_ms, columns.values) = floats.into_iter().unzip();
    }
    if !others.histograms.is_empty() {
        columns.histograms.extend(others.histograms);
        columns.histograms.sort_by_key(|(t_ms, _)| *t_ms);
    }
}
