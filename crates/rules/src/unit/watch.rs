//! A store that refuses what Prometheus' refuses: another value of a series at the same time, and what
//! is older than its newest. Groups of ours do not look at what others write, so that two rules may
//! record one series; whoever tests rules is to be told.

use foldhash::HashMap;
use model::Labels;
use std::sync::{Arc, Mutex, PoisonError};
use storage::{
    Absence, AppendError, Appendable, Appended, Column, Exemplar, Group, GroupSpec, Row,
};

/// Watches what all groups of a store write.
pub(super) struct Watch<'a, S> {
    store: &'a S,
    newest: Arc<Newest>,
}

/// Time and bits of the newest value of each series.
type Newest = Mutex<HashMap<Labels, (i64, u64)>>;

impl<'a, S> Watch<'a, S> {
    pub(super) fn new(store: &'a S) -> Self {
        Self { store, newest: Arc::default() }
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("duplicate sample for timestamp")]
    Duplicate,
    #[error("out of order sample")]
    OutOfOrder,
}

impl From<Refused> for AppendError {
    fn from(refused: Refused) -> Self {
        Self::Engine(Box::new(refused))
    }
}

impl<S: Appendable> Appendable for Watch<'_, S> {
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError> {
        let group = self.store.open_group(spec)?;
        let ends = spec.absence == Absence::EndsSeries;
        let (newest, labels, last) = (Arc::clone(&self.newest), Vec::new(), Vec::new());
        Ok(Box::new(Watched { group, newest, labels, ends, last }))
    }
}

struct Watched {
    group: Box<dyn Group>,
    newest: Arc<Newest>,
    /// By column.
    labels: Vec<Option<Labels>>,
    /// Whether a series that is not in a row has ended.
    ends: bool,
    /// Those of the last row.
    last: Vec<Labels>,
}

impl Watched {
    /// The series that have a value in a row, with its bits.
    fn written<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (&'a Labels, u64)> {
        let is_present =
            |i: usize| row.present().get(i / 64).is_some_and(|word| word & (1 << (i % 64)) != 0);
        let labels = self.labels.iter().enumerate().filter(move |(i, _)| is_present(*i));
        labels.filter_map(|(i, labels)| Some((labels.as_ref()?, row.values()[i].to_bits())))
    }
}

impl Group for Watched {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        let (column, is_new) = self.group.column(labels)?;
        let i = column.0 as usize;
        if i >= self.labels.len() {
            self.labels.resize(i + 1, None);
        }
        self.labels[i] = Some(labels.clone());
        Ok((column, is_new))
    }

    fn find(&self, labels: &Labels) -> Option<Column> {
        self.group.find(labels)
    }

    fn new_columns(&self) -> usize {
        self.group.new_columns()
    }

    fn take_back(&mut self) -> Option<Column> {
        let first = self.group.take_back();
        if let Some(first) = first {
            self.labels.truncate(first.0 as usize);
        }
        first
    }

    fn newest(&self, labels: &Labels) -> Option<(i64, f64)> {
        self.group.newest(labels)
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let newest = Arc::clone(&self.newest);
        let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
        for (labels, bits) in self.written(row) {
            match newest.get(labels) {
                Some((t_ms, _)) if *t_ms > row.t_ms() => return Err(Refused::OutOfOrder.into()),
                Some((t_ms, other)) if *t_ms == row.t_ms() && *other != bits => {
                    return Err(Refused::Duplicate.into());
                }
                _ => {}
            }
        }
        let appended = self.group.append(row)?;
        // Series that have ended have a marker at that time, unless somebody else goes on with them.
        for labels in self.last.drain(..).filter(|_| self.ends) {
            let newest = newest.entry(labels).or_insert((row.t_ms(), 0));
            if newest.0 < row.t_ms() {
                *newest = (row.t_ms(), model::stale_marker().to_bits());
            }
        }
        let mut last = std::mem::take(&mut self.last);
        for (labels, bits) in self.written(row) {
            newest.insert(labels.clone(), (row.t_ms(), bits));
            last.push(labels.clone());
        }
        self.last = last;
        if let Some(remap) = &appended.remap {
            let mut moved = vec![None; self.labels.len()];
            for (labels, new) in self.labels.drain(..).zip(remap.iter()) {
                if let Some(place) = moved.get_mut(*new as usize) {
                    *place = labels;
                }
            }
            self.labels = moved;
        }
        Ok(appended)
    }

    fn add_exemplars(
        &mut self,
        column: Column,
        exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        self.group.add_exemplars(column, exemplars)
    }
}
