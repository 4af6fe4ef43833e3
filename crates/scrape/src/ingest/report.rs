//! The series about the scrape itself.

use super::Scene;
use model::METRIC_NAME;
use storage::{AppendError, Column, Group};

const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];
/// Those that every target has.
const ALWAYS: usize = 5;

/// How a scrape went, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) up: bool,
    pub(crate) duration_seconds: f64,
    pub(crate) scraped: u64,
    pub(crate) kept: u64,
    pub(crate) added: u64,
    /// -1 when the body was too large.
    pub(crate) body_bytes: f64,
}

/// The columns of the report in the target's group, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct ReportColumns([Option<Column>; NAMES.len()]);

impl ReportColumns {
    /// Finds the columns that are not known.
    pub(super) fn open(
        &mut self,
        group: &mut dyn Group,
        scene: &Scene<'_>,
    ) -> Result<(), AppendError> {
        let wanted = if scene.job.extra_scrape_metrics { NAMES.len() } else { ALWAYS };
        for (name, column) in NAMES.iter().zip(&mut self.0[..wanted]) {
            if column.is_some() {
                continue;
            }
            let labels = scene.target.labels().with(METRIC_NAME, name);
            match group.column(&labels) {
                Ok((found, _)) => *column = Some(found),
                // The rest of the report is worth more than its completeness.
                Err(AppendError::SeriesLimit { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sets the values in the row. A series of the page that is called the same keeps its own.
    pub(super) fn set(&self, scene: &mut Scene<'_>, report: &Report) {
        let values = [
            f64::from(u8::from(report.up)),
            report.duration_seconds,
            report.scraped as f64,
            report.kept as f64,
            report.added as f64,
            scene.target.timeout().ms as f64 / 1000.0,
            scene.job.limits.samples as f64,
            report.body_bytes,
        ];
        let wanted = if scene.job.extra_scrape_metrics { NAMES.len() } else { ALWAYS };
        for (column, value) in self.0[..wanted].iter().zip(values) {
            if let Some(column) = column {
                scene.row.set(*column, value);
            }
        }
    }

    /// Follows columns that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        for column in &mut self.0 {
            let moved = column.and_then(|c| map.get(c.0 as usize)).copied();
            *column = moved.filter(|c| *c != u32::MAX).map(Column);
        }
    }
}
