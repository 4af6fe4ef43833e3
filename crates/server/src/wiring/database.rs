//! The database between the API and the file system.

use super::host::Server;
use super::settings;
use crate::flags::Serve;
use anyhow::Context;
use api::{Count, Database, HeadStats};
use model::{Matcher, TimeRange};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use storage::{Error, ExemplarQueryable, Querier, Queryable, SeriesExemplars};
use tsdb::{Db, OpenReport, Options};

/// The database as the API sees it.
pub(super) struct Served(pub(super) Db);

impl Queryable for Served {
    fn querier(&self, range: TimeRange) -> Result<Arc<dyn Querier>, Error> {
        self.0.querier(range)
    }
}

impl ExemplarQueryable for Served {
    fn exemplars(
        &self,
        selectors: &[Vec<Matcher>],
        range: TimeRange,
    ) -> Result<Vec<SeriesExemplars>, Error> {
        self.0.exemplars(selectors, range)
    }
}

impl Database for Served {
    fn head_stats(&self, limit: usize) -> Result<HeadStats, Error> {
        let stats = self.0.head_stats(limit);
        let counts = |counts: Vec<tsdb::Count>| {
            counts.into_iter().map(|count| Count { name: count.name, value: count.value }).collect()
        };
        Ok(HeadStats {
            series: stats.series,
            label_pairs: stats.label_pairs,
            chunks: stats.chunks,
            min_time_ms: stats.min_ms.unwrap_or(i64::MAX),
            max_time_ms: stats.max_ms.unwrap_or(i64::MIN),
            series_by_metric: counts(stats.series_by_metric),
            values_by_label: counts(stats.values_by_label),
            bytes_by_label: counts(stats.bytes_by_label),
            series_by_pair: counts(stats.series_by_pair),
        })
    }

    fn snapshot(&self, folder: &Path) -> Result<(), Error> {
        self.0.snapshot(folder).map_err(Error::engine)
    }
}

/// Opens the database on a thread of its own, and tells what it met.
pub(super) async fn open(flags: &Serve, server: &Server) -> anyhow::Result<Db> {
    let path = flags.data_path.clone();
    let retention = settings::in_bytes(**server.retention.load(), &path);
    let shown = path.display().to_string();
    let options = Options {
        retention_ms: retention.time_ms,
        retention_bytes: retention.bytes,
        max_series: server.budget.map(|budget| budget.max_series()),
        max_exemplars: settings::max_exemplars(flags, &server.loaded.load()),
        ..Options::default()
    };
    tracing::info!(component = "tsdb", path = %shown, "opening the database");
    let opened = tokio::task::spawn_blocking(move || Db::open(path, options)).await?;
    let (db, report) = opened.with_context(|| format!("opening {shown}"))?;
    tell(&report);
    server.corruptions.store(report.damage.len() as u64, Ordering::Relaxed);
    Ok(db)
}

fn tell(report: &OpenReport) {
    for damage in &report.damage {
        let (path, what) = (damage.path.display(), &damage.what);
        tracing::warn!(component = "tsdb", %path, %what, "found damage");
    }
    if report.lost_rows > 0 {
        let rows = report.lost_rows;
        tracing::warn!(component = "tsdb", rows, "rows of the log could not be read");
    }
    tracing::info!(
        component = "tsdb",
        blocks = report.blocks,
        segments = report.segments,
        rows = report.rows,
        series = report.series,
        torn_tail = report.torn_tail,
        was_closed = report.was_closed,
        seconds = %format_args!("{:.3}", report.seconds),
        "the database is open"
    );
}

/// Writes what is left and lets go of the folder.
pub(super) async fn close(db: Db) -> anyhow::Result<()> {
    tokio::task::spawn_blocking(move || db.close()).await?.context("closing the database")
}
