//! Recording rules: the values of a query under another name.

use super::error::RuleError;
use super::output::Output;
use super::recall::Recall;
use super::{Done, Scene};
use foldhash::HashSet;
use model::sample::NORMAL_NAN_BITS;
use model::{Labels, LabelsBuilder, METRIC_NAME};
use promql::InstantSeries;
use storage::{AppendError, Column};

/// What records.
#[derive(Debug)]
pub(super) struct Recording {
    name: String,
    /// To be set; an empty value removes the label.
    labels: Vec<(String, String)>,
    columns: Recall<Column>,
    builder: LabelsBuilder,
}

impl Recording {
    pub(super) fn new(name: &str, labels: Vec<(String, String)>) -> Self {
        let (columns, builder) = (Recall::default(), LabelsBuilder::new());
        Self { name: name.to_owned(), labels, columns, builder }
    }

    /// Forgets where series are stored.
    pub(super) fn forget_columns(&mut self) {
        self.columns.clear();
    }

    /// Takes over where series are stored.
    pub(super) fn take_columns(&mut self, older: Self) {
        self.columns = older.columns;
    }

    /// Stores what the query gave.
    pub(super) fn record(
        &mut self,
        vector: Vec<InstantSeries>,
        scene: &Scene<'_>,
        output: &mut Output,
    ) -> Result<Done, RuleError> {
        let samples = vector.len();
        if scene.limit > 0 && samples as u64 > scene.limit {
            self.check_distinct(&vector)?;
            return Err(RuleError::SeriesLimit { limit: scene.limit, count: samples });
        }
        output.begin(scene.t_ms);
        self.columns.begin();
        let mut new = Vec::new();
        for series in vector {
            match self.columns.take(&series.labels) {
                Some(column) => {
                    if !put(output, column, &series) {
                        return Err(RuleError::SameLabels);
                    }
                    self.columns.keep(series.labels, column);
                }
                None => new.push(series),
            }
        }
        let added = if new.is_empty() { Ok(None) } else { self.add(new, scene, output) };
        let refused = match added {
            Ok(refused) => refused,
            Err(error) => {
                if let Some(first) = output.take_back() {
                    self.columns.translate(|column| (column < first).then_some(column));
                }
                return Err(error);
            }
        };
        let (columns, appended) = output.append(scene.means.sink);
        self.columns.commit();
        if !matches!(columns, super::output::Columns::Same) {
            self.columns.translate(|column| columns.translate(column));
        }
        appended?;
        Ok(Done { samples, trouble: refused })
    }

    /// Takes in series that were not in the last evaluation; why the store refused some, if it did.
    #[cold]
    fn add(
        &mut self,
        new: Vec<InstantSeries>,
        scene: &Scene<'_>,
        output: &mut Output,
    ) -> Result<Option<RuleError>, RuleError> {
        let stored = self.check_distinct(&new)?;
        let mut refused = None;
        for (series, labels) in new.into_iter().zip(stored) {
            match output.column(scene.means.sink, &labels) {
                Ok(column) => {
                    if !put(output, column, &series) {
                        return Err(RuleError::SameLabels);
                    }
                    self.columns.keep(series.labels, column);
                }
                Err(error @ AppendError::SeriesLimit { .. }) => {
                    refused.get_or_insert(RuleError::Append(error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(refused)
    }

    /// The labels under which series are stored, if they are distinct.
    fn check_distinct(&mut self, vector: &[InstantSeries]) -> Result<Vec<Labels>, RuleError> {
        let stored: Vec<_> = vector.iter().map(|series| self.stored_labels(series)).collect();
        if stored.len() > 1 && stored.iter().collect::<HashSet<_>>().len() < stored.len() {
            return Err(RuleError::SameLabels);
        }
        Ok(stored)
    }

    fn stored_labels(&mut self, series: &InstantSeries) -> Labels {
        self.builder.reset(&series.labels);
        self.builder.set(METRIC_NAME, &self.name);
        for (name, value) in &self.labels {
            self.builder.set(name, value);
        }
        self.builder.build()
    }
}

/// Puts a value into the row; false when its series has one already.
fn put(output: &mut Output, column: Column, series: &InstantSeries) -> bool {
    match &series.histogram {
        Some(histogram) => output.row().set_histogram(column, histogram.clone()),
        // Every NaN is stored the same, so that none can end a series.
        None if series.value.is_nan() => output.row().set(column, f64::from_bits(NORMAL_NAN_BITS)),
        None => output.row().set(column, series.value),
    }
}
