//! Takes the samples of a page and puts them where they belong.

use super::explicit::Explicit;
use super::families::Families;
use super::merge::merge;
use super::{PageError, Tally};
use crate::config::{Job, Limits};
use crate::target::Target;
use exposition::{Known, Metadata, SeriesLine, Sink};
use model::{FloatHistogram, Labels, METRIC_NAME};
use storage::{AppendError, Column, Group, Row};

/// A series that a rule drops.
const DROPPED: u32 = u32::MAX - 1;
/// A series that the store did not want to make.
const REFUSED: u32 = u32::MAX - 2;
/// A series that came when the sample limit was passed.
const OVER_LIMIT: u32 = u32::MAX - 3;
const FIRST_MARK: u32 = u32::MAX - 16;
/// From here on slots are entries of series with timestamps of their own; below are columns.
const EXPLICIT: u32 = 1 << 31;

pub(super) struct PageSink<'a> {
    pub(super) job: &'a Job,
    pub(super) target: &'a Target,
    pub(super) group: &'a mut dyn Group,
    pub(super) row: &'a mut Row,
    pub(super) explicit: &'a mut Explicit,
    pub(super) families: &'a mut Families,
    pub(super) tally: Tally,
}

impl Sink for PageSink<'_> {
    type Error = PageError;

    #[inline]
    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, PageError> {
        self.tally.scraped += 1;
        if slot < EXPLICIT && t_ms.is_none() {
            self.tally.kept += 1;
            if !self.row.set(Column(slot), normal(value)) {
                self.tally.duplicates += 1;
            }
            return Ok(Known::Taken);
        }
        self.known_odd(slot, value, t_ms)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, PageError> {
        self.tally.scraped += 1;
        let Some(labels) = self.stored_labels(series)? else { return Ok(DROPPED) };
        self.tally.kept += 1;
        check_limits(&labels, &self.job.limits)?;
        let limit = self.job.limits.samples;
        if limit > 0 && self.tally.kept > limit {
            return Ok(OVER_LIMIT);
        }
        if let Some(t_ms) = t_ms.filter(|_| self.job.honor_timestamps) {
            let entry = self.explicit.entry(labels);
            self.explicit.push(entry, t_ms, normal(value));
            return Ok(EXPLICIT + entry);
        }
        self.set(&labels, value)
    }

    fn known_histogram(
        &mut self,
        _: u32,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<Known, PageError> {
        unreachable!("no page is read with histograms yet")
    }

    fn unknown_histogram(
        &mut self,
        _: &SeriesLine<'_>,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<u32, PageError> {
        unreachable!("no page is read with histograms yet")
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        self.families.note(self.target, &meta);
    }
}

impl PageSink<'_> {
    #[cold]
    fn known_odd(
        &mut self,
        slot: u32,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<Known, PageError> {
        if slot == DROPPED {
            return Ok(Known::Taken);
        }
        if slot >= FIRST_MARK {
            self.tally.kept += 1;
            self.tally.refused += 1;
            return Ok(Known::Taken);
        }
        let t_ms = t_ms.filter(|_| self.job.honor_timestamps);
        if slot < EXPLICIT && t_ms.is_some() {
            // It had no timestamp before; it is counted when it is told again.
            self.tally.scraped -= 1;
            return Ok(Known::Forget);
        }
        self.tally.kept += 1;
        match (slot.checked_sub(EXPLICIT), t_ms) {
            (Some(entry), Some(t_ms)) => self.explicit.push(entry, t_ms, normal(value)),
            (Some(entry), None) => {
                let labels = self.explicit.labels(entry).clone();
                self.set(&labels, value)?;
            }
            (None, _) => {
                if !self.row.set(Column(slot), normal(value)) {
                    self.tally.duplicates += 1;
                }
            }
        }
        Ok(Known::Taken)
    }

    /// Puts a sample without timestamp into the row; the slot of its series.
    fn set(&mut self, labels: &Labels, value: f64) -> Result<u32, PageError> {
        match self.group.column(labels) {
            Ok((column, _)) => {
                assert!(column.0 < EXPLICIT, "more columns than slots");
                if !self.row.set(column, normal(value)) {
                    self.tally.duplicates += 1;
                }
                Ok(column.0)
            }
            Err(AppendError::SeriesLimit { .. }) => {
                self.tally.refused += 1;
                Ok(REFUSED)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The labels under which a series is stored; `None` when a rule drops it.
    fn stored_labels(&self, series: &SeriesLine<'_>) -> Result<Option<Labels>, PageError> {
        let labels = merge(series, self.target.labels(), self.job.honor_labels);
        let mut labels = labels.map_err(|name| {
            PageError::Series(format!("label name \"{name}\" is not unique: invalid sample"))
        })?;
        if !self.job.metric_relabel.is_empty() {
            let mut builder = labels.to_builder();
            if !model::relabel::apply(&self.job.metric_relabel, &mut builder) {
                return Ok(None);
            }
            labels = builder.build();
        }
        if labels.is_empty() {
            return Ok(None);
        }
        let name = labels
            .get(METRIC_NAME)
            .ok_or_else(|| PageError::Series("missing metric name (__name__ label)".to_owned()))?;
        let scheme = self.job.name_scheme;
        let valid = scheme.is_metric_name(name)
            && labels.iter().all(|(name, _)| scheme.is_label_name(name));
        if !valid {
            let text = format!("invalid metric name or label names: {labels}");
            return Err(PageError::Series(text));
        }
        Ok(Some(labels))
    }
}

/// Every exposed NaN is stored the same, so that none can end a series.
#[inline]
fn normal(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(model::sample::NORMAL_NAN_BITS) } else { value }
}

fn check_limits(labels: &Labels, limits: &Limits) -> Result<(), PageError> {
    let metric = cut(labels.metric_name());
    let exceeded = |value: usize, limit: u64| limit > 0 && value as u64 > limit;
    if exceeded(labels.len(), limits.labels) {
        return Err(PageError::LabelLimit(format!(
            "label_limit exceeded (metric: {metric}, number of labels: {}, limit: {})",
            labels.len(),
            limits.labels
        )));
    }
    if limits.label_name_bytes == 0 && limits.label_value_bytes == 0 {
        return Ok(());
    }
    for (name, value) in labels {
        let shown = cut(name);
        if exceeded(name.len(), limits.label_name_bytes) {
            return Err(PageError::LabelLimit(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {shown}, \
                 length: {}, limit: {})",
                name.len(),
                limits.label_name_bytes
            )));
        }
        if exceeded(value.len(), limits.label_value_bytes) {
            return Err(PageError::LabelLimit(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {shown}, \
                 value: {:?}, length: {}, limit: {})",
                cut(value),
                value.len(),
                limits.label_value_bytes
            )));
        }
    }
    Ok(())
}

/// The first 50 characters.
fn cut(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(end, _)| &text[..end])
}
