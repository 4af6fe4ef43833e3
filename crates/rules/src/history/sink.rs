//! Takes what rules write, for those who read it later.

use super::overlay::{Cell, Overlay, touch};
use foldhash::{HashMap, HashMapExt as _};
use model::{Labels, stale_marker};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storage::{
    Absence, AppendError, Appendable, Appended, Column, Columns, Exemplar, Group, GroupSpec,
    HISTOGRAM_BITS, Row,
};

/// Columns of a rule that are kept although their series have ended.
const MAX_ENDED: usize = 1024;

/// Series as rules write them, in the overlay; or nowhere, when nobody reads them.
#[derive(Clone)]
pub(super) struct Sink {
    overlay: Option<Overlay>,
    /// Series that are to be taken out.
    written: Option<Arc<Mutex<Written>>>,
}

type Written = BTreeMap<Labels, Cell>;

impl Sink {
    /// One whose series are seen in the overlay.
    pub(super) fn into(overlay: &Overlay) -> Self {
        Self { overlay: Some(overlay.clone()), written: None }
    }

    /// One whose series are seen in the overlay until they are taken out.
    pub(super) fn collecting(overlay: &Overlay) -> Self {
        Self { written: Some(Arc::default()), ..Self::into(overlay) }
    }

    /// One that keeps nothing.
    pub(super) fn nowhere() -> Self {
        Self { overlay: None, written: None }
    }

    fn written(&self) -> Option<MutexGuard<'_, Written>> {
        Some(self.written.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes all samples out, in label order.
    pub(super) fn take(&self) -> Vec<(Labels, Columns)> {
        let mut taken = Vec::new();
        for (labels, cell) in std::mem::take(&mut *self.written().expect("it collects")) {
            let columns = std::mem::take(&mut *touch(&cell));
            if !columns.is_empty() {
                taken.push((labels, columns));
            }
        }
        taken
    }

    fn cell(&self, labels: &Labels) -> Cell {
        self.overlay.as_ref().map(|overlay| overlay.cell(labels)).unwrap_or_default()
    }

    /// Has a series taken out that is written to.
    fn note(&self, labels: &Labels, cell: &Cell) {
        if let Some(mut written) = self.written()
            && !written.contains_key(labels)
        {
            written.insert(labels.clone(), Arc::clone(cell));
        }
    }
}

impl Appendable for Sink {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        Ok(Box::new(Series {
            sink: self.clone(),
            absence: spec.absence,
            by_labels: HashMap::new(),
            columns: Vec::new(),
        }))
    }
}

/// The series of one rule.
struct Series {
    sink: Sink,
    absence: Absence,
    by_labels: HashMap<Labels, Column>,
    columns: Vec<OneColumn>,
}

struct OneColumn {
    labels: Labels,
    cell: Cell,
    /// Whether the last row had a value.
    is_live: bool,
}

impl Group for Series {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        if let Some(column) = self.by_labels.get(labels) {
            return Ok((*column, false));
        }
        let column = number(self.columns.len());
        let (labels, cell) = (labels.clone(), self.sink.cell(labels));
        self.by_labels.insert(labels.clone(), column);
        self.columns.push(OneColumn { labels, cell, is_live: false });
        Ok((column, true))
    }

    fn find(&self, labels: &Labels) -> Option<Column> {
        self.by_labels.get(labels).copied()
    }

    fn new_columns(&self) -> usize {
        // Columns without samples are no series yet.
        0
    }

    fn take_back(&mut self) -> Option<Column> {
        None
    }

    fn newest(&self, _labels: &Labels) -> Option<(i64, f64)> {
        // Nobody was here before.
        None
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let is_kept = self.sink.overlay.is_some();
        let mut histograms: HashMap<u32, usize> = HashMap::new();
        histograms.extend(row.histograms().iter().enumerate().map(|(i, (c, _))| (c.0, i)));
        let (values, present) = (row.values(), row.present());
        let mut live = 0;
        for (i, column) in self.columns.iter_mut().enumerate() {
            let OneColumn { labels, cell, is_live } = column;
            let is_there = present.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1);
            let ends = !is_there && *is_live && self.absence == Absence::EndsSeries;
            if is_kept && (is_there || ends) {
                self.sink.note(labels, cell);
                let (t_ms, columns) = (row.t_ms(), &mut touch(cell));
                if ends {
                    insert(columns, t_ms, stale_marker());
                } else if values[i].to_bits() == HISTOGRAM_BITS {
                    let (_, histogram) = &row.histograms()[histograms[&number(i).0]];
                    insert_histogram(columns, t_ms, histogram);
                } else {
                    insert(columns, t_ms, values[i]);
                }
            }
            *is_live = is_there;
            live += usize::from(is_there);
        }
        let remap = (self.columns.len() - live > MAX_ENDED + live).then(|| self.drop_ended());
        Ok(Appended { samples: row.len(), remap })
    }

    fn add_exemplars(
        &mut self,
        _column: Column,
        _exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        Ok(0)
    }
}

impl Series {
    /// Forgets columns of series that ended; the new one by the old one.
    #[cold]
    fn drop_ended(&mut self) -> Box<[u32]> {
        let mut next = 0;
        let remap = self.columns.iter().map(|column| {
            if !column.is_live {
                return u32::MAX;
            }
            next += 1;
            next - 1
        });
        let remap = remap.collect();
        self.columns.retain(|column| column.is_live);
        let numbered = self.columns.iter().enumerate();
        self.by_labels = numbered.map(|(i, c)| (c.labels.clone(), number(i))).collect();
        remap
    }
}

fn number(column: usize) -> Column {
    Column(u32::try_from(column).expect("fewer than 2^32 series"))
}

/// Puts a sample in its place; several rules may write a series, and the first of them wins.
fn insert(columns: &mut Columns, t_ms: i64, value: f64) {
    if columns.last_ms().is_none_or(|last| last < t_ms) {
        columns.t_ms.push(t_ms);
        columns.values.push(value);
        return;
    }
    if columns.histograms.binary_search_by_key(&t_ms, |(t_ms, _)| *t_ms).is_ok() {
        return;
    }
    match columns.t_ms.binary_search(&t_ms) {
        Ok(at) if model::is_stale(columns.values[at]) => columns.values[at] = value,
        Ok(_) => {}
        Err(at) => {
            columns.t_ms.insert(at, t_ms);
            columns.values.insert(at, value);
        }
    }
}

fn insert_histogram(columns: &mut Columns, t_ms: i64, histogram: &Arc<model::FloatHistogram>) {
    if columns.t_ms.binary_search(&t_ms).is_ok() {
        return;
    }
    if let Err(at) = columns.histograms.binary_search_by_key(&t_ms, |(t_ms, _)| *t_ms) {
        columns.histograms.insert(at, (t_ms, Arc::clone(histogram)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Source;

    #[test]
    fn series_that_come_and_go_leave_nothing_behind() {
        let store = Arc::new(testkit::MemoryStore::new());
        let overlay = Overlay::new(store, None);
        let sink = Sink::collecting(&overlay);
        let (key, common) = (String::new(), Labels::empty());
        let absence = Absence::EndsSeries;
        let spec = GroupSpec { source: Source::Rules, key, common, absence };
        let mut group = sink.open_group(&spec).unwrap();
        let (mut row, mut taken, mut highest) = (Row::new(), 0, 0);
        for t_ms in 0..5000_i64 {
            row.begin(t_ms);
            let lasting = group.column(&Labels::from_pairs([("a", "lasting")])).unwrap().0;
            let new = group.column(&Labels::from_pairs([("a", t_ms.to_string())])).unwrap().0;
            row.set(lasting, 1.0);
            row.set(new, 2.0);
            group.append(&row).unwrap();
            highest = highest.max(new.0);
            if t_ms % 100 == 99 {
                taken += sink.take().iter().map(|(_, columns)| columns.t_ms.len()).sum::<usize>();
                overlay.forget(i64::MIN);
            }
        }
        // One of each a row, and an end of each but the last.
        assert_eq!(taken, 5000 + 5000 + 4999);
        assert!(highest < 1100, "{highest}");
        drop(group);
        assert_eq!(overlay.forget(i64::MAX), 0);
        let range = model::TimeRange::ALL;
        let hints = storage::SelectHints { range, sorted: true, labels_only: false };
        let querier = storage::Queryable::querier(&overlay, range).unwrap();
        assert_eq!(querier.select(&[], &hints).unwrap().len(), 0);
    }
}
