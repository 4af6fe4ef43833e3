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

/// Series as rules write them, in the overlay; or nowhere, when nobody reads them.
#[derive(Clone)]
pub(super) struct Sink {
    overlay: Option<Overlay>,
    written: Arc<Mutex<BTreeMap<Labels, Cell>>>,
}

impl Sink {
    /// One whose series are seen in the overlay.
    pub(super) fn into(overlay: &Overlay) -> Self {
        Self { overlay: Some(overlay.clone()), written: Arc::default() }
    }

    /// One that keeps nothing.
    pub(super) fn nowhere() -> Self {
        Self { overlay: None, written: Arc::default() }
    }

    fn written(&self) -> MutexGuard<'_, BTreeMap<Labels, Cell>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all samples out, in label order.
    pub(super) fn take(&self) -> Vec<(Labels, Columns)> {
        let mut taken = Vec::new();
        for (labels, cell) in &*self.written() {
            let columns = std::mem::take(&mut *touch(cell));
            if !columns.is_empty() {
                taken.push((labels.clone(), columns));
            }
        }
        taken
    }
}

impl Appendable for Sink {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        Ok(Box::new(Series {
            sink: self.clone(),
            absence: spec.absence,
            by_labels: HashMap::new(),
            cells: Vec::new(),
            is_live: Vec::new(),
        }))
    }
}

/// The series of one rule.
struct Series {
    sink: Sink,
    absence: Absence,
    by_labels: HashMap<Labels, Column>,
    cells: Vec<Cell>,
    /// Whether the last row had a value.
    is_live: Vec<bool>,
}

impl Group for Series {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        if let Some(column) = self.by_labels.get(labels) {
            return Ok((*column, false));
        }
        let column = Column(u32::try_from(self.cells.len()).expect("fewer than 2^32 series"));
        let cell = match &self.sink.overlay {
            Some(overlay) => {
                let cell = overlay.cell(labels);
                self.sink.written().insert(labels.clone(), Arc::clone(&cell));
                cell
            }
            None => Cell::default(),
        };
        self.by_labels.insert(labels.clone(), column);
        self.cells.push(cell);
        self.is_live.push(false);
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
        let samples = row.len();
        if self.sink.overlay.is_none() {
            return Ok(Appended { samples, remap: None });
        }
        let mut histograms: HashMap<u32, usize> = HashMap::new();
        histograms.extend(row.histograms().iter().enumerate().map(|(i, (c, _))| (c.0, i)));
        let (values, present) = (row.values(), row.present());
        for (i, (cell, is_live)) in self.cells.iter().zip(&mut self.is_live).enumerate() {
            let is_there = present.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1);
            if is_there && values[i].to_bits() == HISTOGRAM_BITS {
                let column = u32::try_from(i).expect("as the column was made");
                let (_, histogram) = &row.histograms()[histograms[&column]];
                insert_histogram(&mut touch(cell), row.t_ms(), histogram);
            } else if is_there {
                insert(&mut touch(cell), row.t_ms(), values[i]);
            } else if *is_live && self.absence == Absence::EndsSeries {
                insert(&mut touch(cell), row.t_ms(), stale_marker());
            }
            *is_live = is_there;
        }
        Ok(Appended { samples, remap: None })
    }

    fn add_exemplars(
        &mut self,
        _column: Column,
        _exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        Ok(0)
    }
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
