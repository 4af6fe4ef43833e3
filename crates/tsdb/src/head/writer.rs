//! The one writer of a group.

use super::group::GroupHead;
use super::registry::{Full, Place};
use super::staged::Staged;
use super::{Head, NO_COLUMN, histograms};
use crate::Error;
use crate::exemplars::Added;
use crate::wal::record::{self, entry};
use model::Labels;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use storage::{AppendError, Appended, Column, Exemplar, Group, GroupSpec, Row, Source};

/// Rules may make this part of the allowed number of series more than others.
const RESERVE: usize = 16;

/// Series that are made before others get a chance at the registry.
const MADE_AT_A_TIME: usize = 256;

/// Implements the waist's group.
struct Writer {
    head: Arc<Head>,
    group: Arc<Mutex<GroupHead>>,
    number: u64,
    /// Columns behind those of the group, whose series are not made yet.
    staged: Staged,
}

impl Head {
    /// Opens a group; another writer it may have had is shut out.
    pub(crate) fn open_group(
        self: &Arc<Self>,
        spec: &GroupSpec,
    ) -> Result<Box<dyn Group>, AppendError> {
        let (group, number) = self.enter(spec).map_err(|Full| refused(Error::Full))?;
        Ok(Box::new(Writer { head: Arc::clone(self), group, number, staged: Staged::default() }))
    }

    /// The column that a series has in a group.
    fn find(&self, group: u32, labels: &Labels) -> Option<Column> {
        let registry = self.registry.read();
        let place = registry.place_in(registry.find(labels)?, group)?;
        (place.column != NO_COLUMN).then_some(Column(place.column))
    }

    /// Why a new series of a group is refused beside so many others, if it is.
    ///
    /// Series that ended are held until their block is cut. One target may fill half of the room with
    /// them, so that one whose series never come twice does not shut out the others.
    fn refuses(&self, group: &GroupHead, series: usize) -> Option<String> {
        let max = self.max_series?;
        let (max, is_target) = match group.entry.source {
            // Rules go on when scrapes bring more than there is room for.
            Source::Rules => (max.saturating_add(max / RESERVE), false),
            Source::Scrape => (max, true),
            Source::Other => (max, false),
        };
        let room = max.saturating_sub(series + self.staged.load(Relaxed));
        if room == 0 {
            return Some(format!("limit of {max} series"));
        }
        let ended = group.ended();
        (is_target && ended >= room).then(|| {
            format!("limit of {max} series, {ended} of which are this target's and have ended")
        })
    }
}

impl Writer {
    /// Makes the series of staged columns, up to the last that the row has a value for.
    fn make_staged(&mut self, group: &mut GroupHead, row: &Row) -> Result<(), Full> {
        let base = group.open.ids.len();
        let count = row.columns().saturating_sub(base).min(self.staged.len());
        if count == 0 {
            return Ok(());
        }
        let id = group.entry.group;
        let mut made = Vec::with_capacity(count);
        for labels in self.staged.first(count).chunks(MADE_AT_A_TIME) {
            let mut registry = self.head.registry.write();
            for labels in labels {
                let column =
                    u32::try_from(base + made.len()).expect("looked at when it was staged");
                let place = Place { group: id, column };
                // Another group may have made it meanwhile.
                if let Some(series) = registry.find(labels) {
                    registry.set_place(series, place);
                    made.push(series);
                    continue;
                }
                match registry.create(&group.entry.common, labels, place) {
                    Ok(series) => made.push(series),
                    Err(Full) => {
                        made.iter().for_each(|series| registry.remove_place(*series, id));
                        return Err(Full);
                    }
                }
                self.head.metrics.series_created.inc();
            }
        }
        group.add_columns(&made);
        self.unstage(count);
        Ok(())
    }

    fn unstage(&mut self, count: usize) {
        self.head.staged.fetch_sub(count, Relaxed);
        self.staged.remove_first(count);
    }
}

fn refused(error: Error) -> AppendError {
    AppendError::Engine(Box::new(error))
}

impl Group for Writer {
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError> {
        let group = self.group.lock();
        check_writer(&group, self.number)?;
        let id = group.entry.group;
        let registry = self.head.registry.read();
        let known = registry.find(labels);
        if let Some(place) = known.and_then(|series| registry.place_in(series, id))
            && place.column != NO_COLUMN
        {
            return Ok((Column(place.column), false));
        }
        let series = registry.len();
        drop(registry);
        let base = group.open.ids.len();
        if let Some(staged) = self.staged.find(labels) {
            return Ok((column_number(base, staged)?, false));
        }
        if known.is_none()
            && let Some(reason) = self.head.refuses(&group, series)
        {
            return Err(AppendError::SeriesLimit { reason });
        }
        let column = column_number(base, self.staged.len())?;
        self.staged.push(labels);
        self.head.staged.fetch_add(1, Relaxed);
        Ok((column, true))
    }

    fn find(&self, labels: &Labels) -> Option<Column> {
        let group = self.group.lock();
        check_writer(&group, self.number).ok()?;
        let base = group.open.ids.len();
        if let Some(column) = self.head.find(group.entry.group, labels) {
            return Some(column);
        }
        self.staged.find(labels).and_then(|staged| column_number(base, staged).ok())
    }

    fn new_columns(&self) -> usize {
        self.staged.len()
    }

    fn take_back(&mut self) -> Option<Column> {
        if self.staged.len() == 0 {
            return None;
        }
        self.unstage(self.staged.len());
        column_number(self.group.lock().open.ids.len(), 0).ok()
    }

    fn newest(&self, labels: &Labels) -> Option<(i64, f64)> {
        let group = self.group.lock();
        check_writer(&group, self.number).ok()?;
        let id = group.entry.group;
        drop(group);
        let registry = self.head.registry.read();
        let series = registry.find(labels)?;
        let place = registry.place_in(series, id)?;
        drop(registry);
        self.head.newest(series, place)
    }

    fn append(&mut self, row: &Row) -> Result<Appended, AppendError> {
        let (head, cell) = (Arc::clone(&self.head), Arc::clone(&self.group));
        let mut group = cell.lock();
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
        if let Some(reason) = histograms::refuse(row) {
            return Err(refused(Error::Histogram { reason }));
        }
        self.make_staged(&mut group, row).map_err(|Full| refused(Error::Full))?;
        assert!(row.columns() <= group.open.ids.len(), "a value for a column that nobody opened");

        if group.must_seal_before(t_ms, head.block_ms) {
            head.seal(&mut group);
        }
        let is_log_full = group.change(|group| group.push(row, head.wal()));
        let mut remap = None;
        if let Some(unused) = group.is_complete(head.block_ms) {
            head.metrics.chunks_created.inc();
            if let Some(dropped) = group.change(|group| group.seal(unused)) {
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
        let Some(id) = group.open.ids.get(column.0 as usize).copied() else { return Ok(0) };
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
        self.unstage(self.staged.len());
        let mut group = self.group.lock();
        if group.writer == self.number {
            group.has_writer = false;
        }
    }
}

/// The number of the `i`th column behind those of a group.
fn column_number(base: usize, i: usize) -> Result<Column, AppendError> {
    let number = u32::try_from(base + i).ok().filter(|n| (*n as usize) < record::MAX_COLUMNS);
    number.map(Column).ok_or_else(|| refused(Error::Full))
}

fn check_writer(group: &GroupHead, number: u64) -> Result<(), AppendError> {
    if group.writer == number {
        return Ok(());
    }
    Err(refused(Error::TakenOver { key: group.entry.key.clone() }))
}
