//! What the database tells about itself, under the names Prometheus' dashboards read.

use crate::exemplars::RingLevels;
use model::metrics::{Counter, FloatCounter, Gauge, Histogram, Kind, Visitor};

const FSYNC_BOUNDS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
const COMPACTION_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Counters that the rooms of the database keep; what can be counted on demand is not here.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) samples_appended: Counter,
    pub(crate) histograms_appended: Counter,
    pub(crate) samples_imported: Counter,
    pub(crate) exemplars_appended: Counter,
    pub(crate) exemplars_out_of_order: Counter,
    pub(crate) series_created: Counter,
    pub(crate) series_removed: Counter,
    pub(crate) chunks_created: Counter,
    pub(crate) chunks_removed: Counter,
    pub(crate) out_of_order: Counter,
    pub(crate) out_of_bounds: Counter,
    pub(crate) truncations: Counter,
    pub(crate) truncations_failed: Counter,
    pub(crate) wal_fsync: Histogram,
    pub(crate) wal_written_bytes: Counter,
    pub(crate) wal_writes_failed: Counter,
    pub(crate) wal_corruptions: Counter,
    pub(crate) wal_truncations: Counter,
    pub(crate) wal_truncations_failed: Counter,
    pub(crate) compactions: Counter,
    pub(crate) compactions_triggered: Counter,
    pub(crate) compactions_failed: Counter,
    pub(crate) compaction_duration: Histogram,
    pub(crate) reloads: Counter,
    pub(crate) reloads_failed: Counter,
    pub(crate) time_retentions: Counter,
    pub(crate) size_retentions: Counter,
    pub(crate) gc_seconds: FloatCounter,
    pub(crate) gc_count: Counter,
    pub(crate) replay_seconds: Gauge,
    pub(crate) clean_start: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            samples_appended: Counter::default(),
            histograms_appended: Counter::default(),
            samples_imported: Counter::default(),
            exemplars_appended: Counter::default(),
            exemplars_out_of_order: Counter::default(),
            series_created: Counter::default(),
            series_removed: Counter::default(),
            chunks_created: Counter::default(),
            chunks_removed: Counter::default(),
            out_of_order: Counter::default(),
            out_of_bounds: Counter::default(),
            truncations: Counter::default(),
            truncations_failed: Counter::default(),
            wal_fsync: Histogram::new(FSYNC_BOUNDS),
            wal_written_bytes: Counter::default(),
            wal_writes_failed: Counter::default(),
            wal_corruptions: Counter::default(),
            wal_truncations: Counter::default(),
            wal_truncations_failed: Counter::default(),
            compactions: Counter::default(),
            compactions_triggered: Counter::default(),
            compactions_failed: Counter::default(),
            compaction_duration: Histogram::new(COMPACTION_BOUNDS),
            reloads: Counter::default(),
            reloads_failed: Counter::default(),
            time_retentions: Counter::default(),
            size_retentions: Counter::default(),
            gc_seconds: FloatCounter::default(),
            gc_count: Counter::default(),
            replay_seconds: Gauge::default(),
            clean_start: Gauge::default(),
        }
    }
}

/// What is counted when somebody asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    pub(crate) head_series: usize,
    pub(crate) head_chunks: usize,
    pub(crate) head_bytes: usize,
    /// First and last time in the head, milliseconds; `None` when it is empty.
    pub(crate) head_range: Option<(i64, i64)>,
    pub(crate) open_groups: usize,
    pub(crate) blocks: usize,
    pub(crate) block_bytes: u64,
    pub(crate) symbol_bytes: usize,
    /// First time anywhere, milliseconds.
    pub(crate) lowest_ms: Option<i64>,
    pub(crate) wal_segment: Option<u32>,
    pub(crate) wal_bytes: u64,
    pub(crate) retention_bytes: u64,
    pub(crate) retention_ms: i64,
    pub(crate) exemplars: RingLevels,
}

impl Metrics {
    /// Tells a visitor everything.
    pub(crate) fn visit(&self, levels: &Levels, to: &mut dyn Visitor) {
        self.visit_head(levels, to);
        self.visit_wal(levels, to);
        self.visit_blocks(levels, to);
        self.visit_exemplars(&levels.exemplars, to);
    }

    fn visit_exemplars(&self, levels: &RingLevels, to: &mut dyn Visitor) {
        let name = |tail: &str| format!("prometheus_tsdb_exemplar_{tail}");
        counter(
            to,
            &name("exemplars_appended_total"),
            "Exemplars stored.",
            &self.exemplars_appended,
        );
        counter(
            to,
            &name("out_of_order_exemplars_total"),
            "Exemplars refused because newer ones of their series were there.",
            &self.exemplars_out_of_order,
        );
        let stored = levels.exemplars as f64;
        gauge(to, &name("exemplars_in_storage"), "Exemplars in memory.", stored);
        gauge(
            to,
            &name("series_with_exemplars_in_storage"),
            "Series that have exemplars in memory.",
            levels.series as f64,
        );
        gauge(
            to,
            &name("last_exemplars_timestamp_seconds"),
            "Time of the oldest exemplar in memory.",
            levels.oldest_ms.unwrap_or(0) as f64 / 1e3,
        );
        gauge(to, &name("max_exemplars"), "Exemplars kept at most.", levels.max as f64);
    }

    fn visit_head(&self, levels: &Levels, to: &mut dyn Visitor) {
        let name = |tail: &str| format!("prometheus_tsdb_head_{tail}");
        let (min, max) = levels.head_range.unwrap_or((i64::MAX, i64::MIN));
        gauge(to, &name("series"), "Series in the head.", levels.head_series as f64);
        gauge(to, &name("chunks"), "Chunks in the head.", levels.head_chunks as f64);
        let bytes = "Bytes of rows in memory: chunks, mini-batches, delta rows, last values.";
        gauge(to, &name("chunks_bytes"), bytes, levels.head_bytes as f64);
        counter(
            to,
            &name("chunks_created_total"),
            "Chunks made in the head.",
            &self.chunks_created,
        );
        counter(
            to,
            &name("chunks_removed_total"),
            "Chunks dropped by the head.",
            &self.chunks_removed,
        );
        counter(
            to,
            &name("series_created_total"),
            "Series made in the head.",
            &self.series_created,
        );
        counter(
            to,
            &name("series_removed_total"),
            "Series forgotten by the head.",
            &self.series_removed,
        );
        to.family(
            &name("samples_appended_total"),
            Kind::Counter,
            "Samples appended, by their type.",
        );
        to.sample("", &[("type", "float")], self.samples_appended.get() as f64);
        let histograms = self.histograms_appended.get() as f64;
        to.sample("", &[("type", "histogram")], histograms);
        gauge(to, &name("min_time"), "First time in the head, milliseconds.", min as f64);
        gauge(to, &name("max_time"), "Last time in the head, milliseconds.", max as f64);
        gauge(to, &name("min_time_seconds"), "First time in the head.", min as f64 / 1e3);
        gauge(to, &name("max_time_seconds"), "Last time in the head.", max as f64 / 1e3);
        gauge(
            to,
            &name("active_appenders"),
            "Groups that have a writer.",
            levels.open_groups as f64,
        );
        counter(to, &name("truncations_total"), "Cuts of the head.", &self.truncations);
        counter(
            to,
            &name("truncations_failed_total"),
            "Cuts of the head that failed.",
            &self.truncations_failed,
        );
        to.family(&name("gc_duration_seconds"), Kind::Summary, "Time spent forgetting series.");
        to.sample("_sum", &[], self.gc_seconds.get());
        to.sample("_count", &[], self.gc_count.get() as f64);
        let name = |tail: &str| format!("prometheus_tsdb_{tail}");
        counter(
            to,
            &name("out_of_order_samples_total"),
            "Samples refused because newer ones were there.",
            &self.out_of_order,
        );
        counter(
            to,
            &name("out_of_bound_samples_total"),
            "Samples refused because their time is in blocks already.",
            &self.out_of_bounds,
        );
    }

    fn visit_wal(&self, levels: &Levels, to: &mut dyn Visitor) {
        let name = |tail: &str| format!("prometheus_tsdb_wal_{tail}");
        if let Some(segment) = levels.wal_segment {
            gauge(
                to,
                &name("segment_current"),
                "Number of the segment being written.",
                f64::from(segment),
            );
        }
        gauge(
            to,
            &name("storage_size_bytes"),
            "Bytes of the log on disk.",
            levels.wal_bytes as f64,
        );
        to.family(&name("fsync_duration_seconds"), Kind::Histogram, "Time a sync of the log took.");
        to.histogram(&[], &self.wal_fsync);
        counter(
            to,
            &name("record_bytes_total"),
            "Bytes of records written.",
            &self.wal_written_bytes,
        );
        counter(
            to,
            &name("writes_failed_total"),
            "Writes to the log that failed.",
            &self.wal_writes_failed,
        );
        counter(
            to,
            &name("corruptions_total"),
            "Damaged places found in the log.",
            &self.wal_corruptions,
        );
        counter(
            to,
            &name("truncations_total"),
            "Times segments were dropped.",
            &self.wal_truncations,
        );
        counter(
            to,
            &name("truncations_failed_total"),
            "Times segments could not be dropped.",
            &self.wal_truncations_failed,
        );
    }

    fn visit_blocks(&self, levels: &Levels, to: &mut dyn Visitor) {
        counter(
            to,
            "rushlight_tsdb_samples_imported_total",
            "Samples of the past stored late, as those of rules evaluated over history.",
            &self.samples_imported,
        );
        let name = |tail: &str| format!("prometheus_tsdb_{tail}");
        gauge(to, &name("blocks_loaded"), "Blocks in use.", levels.blocks as f64);
        gauge(
            to,
            &name("storage_blocks_bytes"),
            "Bytes of blocks on disk.",
            levels.block_bytes as f64,
        );
        gauge(
            to,
            &name("symbol_table_size_bytes"),
            "Bytes of label texts in memory.",
            levels.symbol_bytes as f64,
        );
        let lowest = levels.lowest_ms.unwrap_or(0);
        gauge(to, &name("lowest_timestamp"), "First time stored, milliseconds.", lowest as f64);
        gauge(to, &name("lowest_timestamp_seconds"), "First time stored.", lowest as f64 / 1e3);
        gauge(
            to,
            &name("retention_limit_bytes"),
            "Bytes kept at most; 0 is no limit.",
            levels.retention_bytes as f64,
        );
        gauge(
            to,
            &name("retention_limit_seconds"),
            "Time kept; 0 is no limit.",
            levels.retention_ms as f64 / 1e3,
        );
        counter(to, &name("compactions_total"), "Blocks made.", &self.compactions);
        counter(
            to,
            &name("compactions_triggered_total"),
            "Times it was looked for work.",
            &self.compactions_triggered,
        );
        counter(
            to,
            &name("compactions_failed_total"),
            "Blocks that could not be made.",
            &self.compactions_failed,
        );
        to.family(&name("compaction_duration_seconds"), Kind::Histogram, "Time a block took.");
        to.histogram(&[], &self.compaction_duration);
        counter(to, &name("reloads_total"), "Times the set of blocks changed.", &self.reloads);
        counter(
            to,
            &name("reloads_failures_total"),
            "Times a block could not be opened.",
            &self.reloads_failed,
        );
        counter(
            to,
            &name("time_retentions_total"),
            "Blocks dropped for their age.",
            &self.time_retentions,
        );
        counter(
            to,
            &name("size_retentions_total"),
            "Blocks dropped for space.",
            &self.size_retentions,
        );
        gauge(
            to,
            &name("data_replay_duration_seconds"),
            "Time the start spent on the log.",
            self.replay_seconds.get(),
        );
        gauge(
            to,
            &name("clean_start"),
            "1 when the last run closed properly, 0 when not.",
            self.clean_start.get(),
        );
    }
}

fn gauge(to: &mut dyn Visitor, name: &str, help: &str, value: f64) {
    to.family(name, Kind::Gauge, help);
    to.sample("", &[], value);
}

fn counter(to: &mut dyn Visitor, name: &str, help: &str, value: &Counter) {
    to.family(name, Kind::Counter, help);
    to.sample("", &[], value.get() as f64);
}
