//! What lies within the head: rows of a group of its own.

use super::{ImportError, Plan, Planned};
use crate::db::Inner;
use crate::maintain::new_ulid;
use model::Labels;
use std::sync::Arc;
use storage::{Absence, Appended, Column, Group, GroupSpec, Row, Source};

/// A series on its way into the head.
struct Walk<'a> {
    planned: &'a Planned,
    /// `None` when the group gave it up meanwhile.
    column: Option<Column>,
    float: usize,
    histogram: usize,
}

impl Inner {
    /// Appends all that lies at `start_ms` and later; the number of samples.
    pub(super) fn import_rows(
        &self,
        plan: &Plan,
        start_ms: i64,
        now_ms: i64,
    ) -> Result<u64, ImportError> {
        let mut samples = 0;
        for (number, batch) in plan.batches.iter().enumerate() {
            let first = batch.t_ms.partition_point(|t_ms| *t_ms < start_ms);
            let t_ms = &batch.t_ms[first..];
            if t_ms.is_empty() {
                continue;
            }
            let spec = GroupSpec {
                source: Source::Other,
                // Another import may have later times than these, and rows of a group must ascend.
                key: format!("import;{};{}", new_ulid(now_ms), batch.key),
                common: Labels::empty(),
                absence: Absence::MeansNothing,
            };
            let mut group = self.head.open_group(&spec).map_err(ImportError::Refused)?;
            let of_batch = plan.series.iter().filter(|planned| planned.batch == number);
            let mut walks = Vec::new();
            for planned in of_batch {
                walks.extend(Walk::start(planned, start_ms, &mut *group)?);
            }
            let mut row = Row::new();
            for t_ms in t_ms {
                row.begin(*t_ms);
                for walk in &mut walks {
                    walk.set(&mut row, &mut *group)?;
                }
                let appended = group.append(&row).map_err(ImportError::Refused)?;
                samples += appended.samples as u64;
                renumber(&mut walks, &appended);
            }
        }
        self.head.flush()?;
        Ok(samples)
    }
}

impl<'a> Walk<'a> {
    /// Opens the column, so that what is refused is refused before a row is stored.
    fn start(
        planned: &'a Planned,
        start_ms: i64,
        group: &mut dyn Group,
    ) -> Result<Option<Self>, ImportError> {
        let columns = &planned.columns;
        let float = columns.t_ms.partition_point(|t_ms| *t_ms < start_ms);
        let histogram = columns.histograms.partition_point(|(t_ms, _)| *t_ms < start_ms);
        if float == columns.t_ms.len() && histogram == columns.histograms.len() {
            return Ok(None);
        }
        let mut walk = Self { planned, column: None, float, histogram };
        walk.column(group)?;
        Ok(Some(walk))
    }

    fn column(&mut self, group: &mut dyn Group) -> Result<Column, ImportError> {
        if let Some(column) = self.column {
            return Ok(column);
        }
        let (column, _) = group.column(&self.planned.labels).map_err(ImportError::Refused)?;
        self.column = Some(column);
        Ok(column)
    }

    /// Sets the series' sample of the row's time, if it has one.
    fn set(&mut self, row: &mut Row, group: &mut dyn Group) -> Result<(), ImportError> {
        let columns = &self.planned.columns;
        let t_ms = row.t_ms();
        if columns.t_ms.get(self.float) == Some(&t_ms) {
            row.set(self.column(group)?, columns.values[self.float]);
            self.float += 1;
        }
        if let Some((at_ms, histogram)) = columns.histograms.get(self.histogram)
            && *at_ms == t_ms
        {
            row.set_histogram(self.column(group)?, Arc::clone(histogram));
            self.histogram += 1;
        }
        Ok(())
    }
}

/// Follows the group when it drops columns that are not used any more.
fn renumber(walks: &mut [Walk<'_>], appended: &Appended) {
    let Some(remap) = &appended.remap else { return };
    for walk in walks {
        let old = walk.column.and_then(|column| remap.get(column.0 as usize));
        walk.column = old.copied().filter(|new| *new != u32::MAX).map(Column);
    }
}
