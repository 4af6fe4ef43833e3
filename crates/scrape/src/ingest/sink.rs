//! Takes the samples of a page and puts them where they belong.

use super::budget::Budget;
use super::created::Created;
use super::exemplars::{Exemplars, Owner};
use super::explicit::{Before, Explicit, Value};
use super::families::Families;
use super::histograms::{Form, Histograms, TooManyBuckets, zero};
use super::merge::merge;
use super::{PageError, Tally};
use crate::config::{Job, Limits};
use crate::diagnosis::LimitPassed;
use crate::target::Target;
use exposition::{ExemplarLine, Known, Metadata, SeriesLine, Sink};
use model::{FloatHistogram, Labels, METRIC_NAME};
use std::sync::Arc;
use storage::{AppendError, Column, Group, Row};

/// A series that a rule drops.
const DROPPED: u32 = u32::MAX - 1;
/// A series that the store did not want to make.
const REFUSED: u32 = u32::MAX - 2;
/// A series that came when the sample limit was passed.
const OVER_LIMIT: u32 = u32::MAX - 3;
/// A histogram with more buckets than allowed.
const TOO_LARGE: u32 = u32::MAX - 4;
const FIRST_MARK: u32 = u32::MAX - 16;
/// From here on slots are entries of series with timestamps of their own; below are columns.
pub(super) const EXPLICIT: u32 = 1 << 31;

pub(super) struct PageSink<'a> {
    pub(super) job: &'a Job,
    pub(super) target: &'a Target,
    pub(super) group: &'a mut dyn Group,
    pub(super) row: &'a mut Row,
    pub(super) explicit: &'a mut Explicit,
    pub(super) families: &'a mut Families,
    pub(super) histograms: &'a mut Histograms,
    pub(super) exemplars: &'a mut Exemplars,
    pub(super) created: &'a mut Created,
    pub(super) budget: Budget<'a>,
    /// Whether series that the store refused are tried again.
    pub(super) retry_refused: bool,
    /// Whether starts or exemplars are stored, which belong to the sample told last.
    pub(super) wants_more: bool,
    pub(super) told: Told,
    pub(super) notes: Notes,
    pub(super) tally: Tally,
}

/// The sample told last, to which a start and exemplars may belong.
#[derive(Debug, Default)]
pub(super) struct Told {
    slot: u32,
    t_ms: Option<i64>,
    exemplars: u32,
    is_histogram: bool,
    /// Whether its series was made just now.
    is_new: bool,
    /// The form of its histogram.
    histogram: Option<Arc<FloatHistogram>>,
    /// The labels of a series that was not known, when starts are wanted.
    labels: Option<Labels>,
}

/// What is worth telling of a page beside numbers.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The first series beyond the sample limit.
    pub(super) over_limit: Option<String>,
    /// The first histogram with too many buckets, and how many it has at the coarsest.
    pub(super) too_large: Option<(String, u64)>,
    /// Why the store refused a series.
    pub(super) refused: Option<(String, String)>,
}

impl Sink for PageSink<'_> {
    type Error = PageError;

    #[inline]
    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, PageError> {
        if slot < EXPLICIT && t_ms.is_none() {
            self.tally.scraped += 1;
            self.tally.kept += 1;
            if !self.row.set(Column(slot), normal(value)) {
                self.tally.duplicates += 1;
            }
            if self.wants_more {
                self.tell(slot, None, None);
            }
            return Ok(Known::Taken);
        }
        self.known_odd(slot, t_ms, |_| Ok(Ok(Value::Float(normal(value)))))
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, PageError> {
        self.take(series, t_ms, |_| Ok(Ok(Value::Float(normal(value)))))
    }

    fn known_histogram(
        &mut self,
        slot: u32,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<Known, PageError> {
        let form = Form::of(self.job);
        self.known_odd(slot, t_ms, |sink| {
            let stored = sink.histograms.stored(Some(slot), histogram, form)?;
            Ok(stored.map(Value::Histogram))
        })
    }

    fn unknown_histogram(
        &mut self,
        series: &SeriesLine<'_>,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<u32, PageError> {
        let form = Form::of(self.job);
        self.take(series, t_ms, |sink| {
            let stored = sink.histograms.stored(None, histogram, form)?;
            Ok(stored.map(Value::Histogram))
        })
    }

    fn created(&mut self, start_ms: i64) {
        if !self.job.features.created_timestamp_zero_ingestion || self.told.slot >= FIRST_MARK {
            return;
        }
        let slot = self.told.slot;
        if let Some(labels) = self.told.labels.take() {
            self.created.learn(slot, &labels);
        }
        if slot >= EXPLICIT {
            let zero = self.zero();
            self.explicit.push_zero(start_ms, zero);
        } else if self.told.is_new || self.created.may_fit(start_ms) {
            let zero = self.zero();
            self.created.note(slot, self.told.is_new, start_ms, self.row.t_ms(), zero);
        }
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        self.families.note(self.target, &meta);
    }

    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>) {
        if !self.job.features.exemplar_storage || self.told.slot >= FIRST_MARK {
            return;
        }
        let sample_ms = self.told.t_ms.unwrap_or(self.row.t_ms());
        let t_ms = (!self.told.is_histogram).then_some(sample_ms);
        let owner = Owner { slot: self.told.slot, t_ms, number: self.told.exemplars };
        self.told.exemplars += 1;
        self.exemplars.note(owner, exemplar);
    }
}

/// The value to store, or a histogram that is too large.
type Stored = Result<Result<Value, TooManyBuckets>, PageError>;

impl PageSink<'_> {
    #[inline]
    fn tell(&mut self, slot: u32, t_ms: Option<i64>, value: Option<&Value>) {
        let histogram = match value {
            Some(Value::Histogram(histogram)) => Some(Arc::clone(histogram)),
            _ => None,
        };
        let is_histogram = histogram.is_some();
        let (exemplars, is_new, labels) = (0, false, None);
        self.told = Told { slot, t_ms, exemplars, is_histogram, is_new, histogram, labels };
    }

    /// What the sample told last was when it began.
    fn zero(&self) -> Value {
        match &self.told.histogram {
            Some(histogram) if self.told.is_histogram => {
                Value::Histogram(Arc::new(zero(histogram)))
            }
            _ => Value::Float(0.0),
        }
    }

    /// A sample by its slot, unless it is a float without timestamp of a column.
    #[cold]
    fn known_odd(
        &mut self,
        slot: u32,
        t_ms: Option<i64>,
        value: impl FnOnce(&mut Self) -> Stored,
    ) -> Result<Known, PageError> {
        let t_ms = t_ms.filter(|_| self.job.honor_timestamps);
        let forget = match slot {
            DROPPED => false,
            REFUSED => self.retry_refused,
            OVER_LIMIT => self.budget.has_room(&self.tally),
            FIRST_MARK.. => true,
            EXPLICIT.. => !self.job.honor_timestamps,
            // It had no timestamp before.
            _ => t_ms.is_some(),
        };
        if forget {
            return Ok(Known::Forget);
        }
        self.tally.scraped += 1;
        if slot >= FIRST_MARK {
            self.tell(slot, None, None);
            match slot {
                DROPPED => return Ok(Known::Taken),
                REFUSED => self.tally.refused += 1,
                _ => self.tally.over_limit += 1,
            }
            self.tally.kept += 1;
            return Ok(Known::Taken);
        }
        // One that has grown too large is told with its name.
        let Ok(value) = value(self)? else {
            self.tally.scraped -= 1;
            return Ok(Known::Forget);
        };
        self.tally.kept += 1;
        self.tell(slot, t_ms, Some(&value));
        match (slot.checked_sub(EXPLICIT), t_ms) {
            (Some(entry), Some(t_ms)) => self.explicit.push(entry, t_ms, value),
            (Some(entry), None) => self.explicit.push_at_scrape(entry, self.row.t_ms(), value),
            (None, _) => {
                if !value.set(self.row, Column(slot)) {
                    self.tally.duplicates += 1;
                }
            }
        }
        Ok(Known::Taken)
    }

    /// Takes a sample of a series that is not known; its slot.
    fn take(
        &mut self,
        series: &SeriesLine<'_>,
        t_ms: Option<i64>,
        value: impl FnOnce(&mut Self) -> Stored,
    ) -> Result<u32, PageError> {
        self.tally.scraped += 1;
        let t_ms = t_ms.filter(|_| self.job.honor_timestamps);
        let Some(labels) = self.stored_labels(series)? else {
            self.tell(DROPPED, None, None);
            return Ok(DROPPED);
        };
        check_limits(&labels, &self.job.limits)?;
        self.tally.kept += 1;
        let value = match value(self)? {
            Ok(value) => value,
            Err(TooManyBuckets(buckets)) => {
                self.tally.too_large += 1;
                self.notes.too_large.get_or_insert_with(|| (cut_series(&labels), buckets));
                self.tell(TOO_LARGE, None, None);
                return Ok(TOO_LARGE);
            }
        };
        if !self.budget.takes(&labels, &self.tally) {
            self.tally.over_limit += 1;
            self.notes.over_limit.get_or_insert_with(|| cut_series(&labels));
            self.tell(OVER_LIMIT, None, None);
            return Ok(OVER_LIMIT);
        }
        let entry = match t_ms {
            _ if !self.job.honor_timestamps => None,
            Some(_) => Some(self.entry(&labels)),
            None => self.explicit.find(&labels),
        };
        let (slot, is_new) = match (entry, t_ms) {
            (Some(entry), Some(t_ms)) => {
                self.explicit.push(entry, t_ms, value.clone());
                (EXPLICIT + entry, false)
            }
            (Some(entry), None) => {
                self.explicit.push_at_scrape(entry, self.row.t_ms(), value.clone());
                (EXPLICIT + entry, false)
            }
            (None, _) => self.set(&labels, &value)?,
        };
        self.tell(slot, t_ms, Some(&value));
        if slot >= FIRST_MARK {
            return Ok(slot);
        }
        self.told.is_new = is_new;
        if self.job.features.created_timestamp_zero_ingestion {
            self.told.labels = Some(labels);
        }
        if let Value::Histogram(histogram) = &value {
            self.histograms.keep(slot, histogram);
        }
        Ok(slot)
    }

    /// The entry of a series that brings a timestamp.
    fn entry(&mut self, labels: &Labels) -> u32 {
        self.explicit.find(labels).unwrap_or_else(|| {
            let column = self.group.find(labels);
            let newest = column.and_then(|_| self.group.newest(labels));
            self.explicit.add(labels, Before { column, newest })
        })
    }

    /// Puts a sample without timestamp into the row; the slot of its series, and whether that was made
    /// just now.
    fn set(&mut self, labels: &Labels, value: &Value) -> Result<(u32, bool), PageError> {
        match self.group.column(labels) {
            Ok((column, is_new)) => {
                assert!(column.0 < EXPLICIT, "more columns than slots");
                if !value.set(self.row, column) {
                    self.tally.duplicates += 1;
                }
                Ok((column.0, is_new))
            }
            Err(AppendError::SeriesLimit { reason }) => {
                self.tally.refused += 1;
                self.notes.refused.get_or_insert_with(|| (cut_series(labels), reason));
                Ok((REFUSED, false))
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
pub(super) fn normal(value: f64) -> f64 {
    if value.is_nan() { f64::from_bits(model::sample::NORMAL_NAN_BITS) } else { value }
}

fn check_limits(labels: &Labels, limits: &Limits) -> Result<(), PageError> {
    let exceeded = |value: usize, limit: u64| limit > 0 && value as u64 > limit;
    let passed = |option, measured: usize, allowed, what: String| {
        let metric = cut(labels.metric_name());
        let text = format!("{option} exceeded (metric: {metric}, {what}, limit: {allowed})");
        let (measured, series) = (measured as u64, Some(cut_series(labels)));
        PageError::LabelLimit { text, limit: LimitPassed { option, allowed, measured, series } }
    };
    if exceeded(labels.len(), limits.labels) {
        let what = format!("number of labels: {}", labels.len());
        return Err(passed("label_limit", labels.len(), limits.labels, what));
    }
    if limits.label_name_bytes == 0 && limits.label_value_bytes == 0 {
        return Ok(());
    }
    for (name, value) in labels {
        let (shown, len, limit) = (cut(name), name.len(), limits.label_name_bytes);
        if exceeded(len, limit) {
            let what = format!("label name: {shown}, length: {len}");
            return Err(passed("label_name_length_limit", len, limit, what));
        }
        let (len, limit) = (value.len(), limits.label_value_bytes);
        if exceeded(len, limit) {
            let value = cut(value);
            let what = format!("label name: {shown}, value: {value:?}, length: {len}");
            return Err(passed("label_value_length_limit", len, limit, what));
        }
    }
    Ok(())
}

/// The first 50 characters.
fn cut(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(end, _)| &text[..end])
}

/// Bytes of the text of a series that is shown.
const MAX_SERIES_TEXT: usize = 1024;

/// A series as text, cut to what can be shown.
fn cut_series(labels: &Labels) -> String {
    let mut text = labels.to_string();
    if text.len() > MAX_SERIES_TEXT {
        text.truncate(text.floor_char_boundary(MAX_SERIES_TEXT));
        text.push('…');
    }
    text
}
