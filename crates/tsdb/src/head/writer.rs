//! The one writer of a group.

use super::group::GroupHead;
use super::registry::{Full, Place};
use super::{Head, NO_COLUMN, histograms};
use crate::Error;
use crate::exemplars::Added;
use crate::wal::record::{self, entry};
use model::Labels;
use parking_lot::Mutex;
use std::sync::Arc;
use storage::{AppendError, Appended, Column, Exemplar, Group, GroupSpec, Row};

/// Implements the waist's group.
struct Writer {
    head: Arc<Head>,
    group: Arc<Mutex<GroupHead>>,
    number: u64,
}

impl Head {
    /// Opens a group; another writer it may have had is shut out.
    pub(crate) fn open_group(
        self: &Arc<Self>,
        spec: &GroupSpec,
    ) -> Result<Box<dyn Group>, AppendError> {
        let (group, number) = self.enter(spec).map_err(|Full| refused(Error::Full))?;
        Ok(Box::new(Writer { head: Arc::clone(self), group, number }))
    }
}

fn refused(error: Error) -> AppendError {
    AppendError::Engine(Box::new(error))
}

impl Group for Writer {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        let mut group = self.group.lock();
        check_writer(&group, self.number)?;
        let id = group.entry.group;
        let registry = self.head.registry.read();
        let mut known = registry.find(labels);
        if let Some(place) = known.and_then(|series| registry.place_in(series, id))
            && place.column != NO_COLUMN
        {
            return Ok((Column(place.column), false));
        }
        let too_many = self.head.max_series.filter(|max| known.is_none() && registry.len() >= *max);
        drop(registry);
        if let Some(max) = too_many {
            return Err(AppendError::SeriesLimit { reason: format!("limit of {max} series") });
        }
        let mut registry = self.head.registry.write();
        // Another group may have made it meanwhile.
        known = registry.find(labels);
        let series = match known {
            Some(series) => series,
            None => {
                let nowhere = Place { group: u32::MAX, column: u32::MAX };
                let made = registry.create(&group.entry.common, labels, nowhere);
                self.head.metrics.series_created.inc();
                made.map_err(|Full| refused(Error::Full))?
            }
        };
        let column = group.add_column(series).ok_or_else(|| refused(Error::Full))?;
        registry.set_place(series, Place { group: id, column });
        Ok((Column(column), true))
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let head = &*self.head;
        let mut group = self.group.lock();
        check_writer(&group, self.number)?;
        let (t_ms, last_ms) = (row.t_ms(), group.last_ms());
        if t_ms <= last_ms {
            head.metrics.out_of_order.add(row.len() as u64);
            return Err(AppendError::OutOfOrder { t_ms, last_ms });
        }
        if t_ms < head.min_valid_ms() {
            head.metrics.out_of_bounds.add(row.len() as u64);
            return Err(AppendError::OutOfBounds { t_ms });
        }
        assert!(row.columns() <= group.open.ids.len(), "a value for a column that nobody opened");
        if let Some(reason) = histograms::refuse(row) {
            return Err(refused(Error::Histogram { reason }));
        }

        if group.must_seal_before(t_ms, head.block_ms) {
            head.seal(&mut group);
        }
        let is_log_full = group.push(row, head.wal());
        let mut remap = None;
        if group.is_complete(head.block_ms) {
            head.metrics.chunks_created.inc();
            if let Some(dropped) = group.seal(true) {
                head.place_columns(&group, &dropped.ids);
                remap = Some(dropped.remap);
            }
        }
        drop(group);
        head.saw(t_ms);
        let histograms = row.histograms().len();
        head.metrics.samples_appended.add((row.len() - histograms) as u64);
        head.metrics.histograms_appended.add(histograms as u64);
        if is_log_full {
            // Rows are safe in memory, and whoever flushes next meets the same error and reports it.
            head.flush().ok();
        }
        Ok(Appended { samples: row.len(), remap })
    }

    fn add_exemplars(
        &mut self,
        column: Column,
        exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        let head = &*self.head;
        let group = self.group.lock();
        check_writer(&group, self.number)?;
        if head.exemplars.lock().is_off() {
            return Ok(0);
        }
        let id = group.open.ids.get(column.0 as usize).copied();
        let id = id.expect("a column that nobody opened");
        let labels = head.registry.read().labels(id);
        let (mut stored, mut is_log_full, mut body) = (0, false, Vec::new());
        let mut ring = head.exemplars.lock();
        for exemplar in exemplars {
            match ring.add(&labels, exemplar) {
                Added::Stored => {}
                Added::OutOfOrder => {
                    head.metrics.exemplars_out_of_order.inc();
                    continue;
                }
                Added::Known | Added::Refused => continue,
            }
            stored += 1;
            if let Some(wal) = head.wal() {
                body.clear();
                record::put_exemplar(&mut body, id, exemplar);
                let mut log = wal.buffer();
                log.put(entry::EXEMPLAR, &[&body]);
                is_log_full = log.is_full();
            }
        }
        drop((ring, group));
        head.metrics.exemplars_appended.add(stored as u64);
        if is_log_full {
            // They are safe in memory, and whoever flushes next meets the same error and reports it.
            head.flush().ok();
        }
        Ok(stored)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut group = self.group.lock();
        if group.writer == self.number {
            group.has_writer = false;
        }
    }
}

fn check_writer(group: &GroupHead, number: u64) -> Result<(), AppendError> {
    if group.writer == number {
        return Ok(());
    }
    Err(refused(Error::TakenOver { key: group.entry.key.clone() }))
}
