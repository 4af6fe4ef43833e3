//! Where a script's samples go.

use crate::functions::mixed::Value;
use model::{FloatHistogram, Labels};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use storage::{Absence, Appendable, Column, Group, GroupSpec, Queryable, Row, Source};

/// What a store would have to hold besides samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The times at which counters began.
    StartTimestamps,
}

impl Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StartTimestamps => "start timestamps",
        })
    }
}

/// One series of a `load` block.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its float samples: milliseconds since the epoch, ascending, and values.
    pub samples: Vec<(i64, f64)>,
    /// Its native histograms: milliseconds since the epoch, ascending, and values.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
    /// What the script says about it that the samples do not tell.
    pub needs: Option<Need>,
}

/// A store that scripts are run over.
pub trait ScriptStore {
    /// Starts over with an empty store.
    ///
    /// # Errors
    /// When there is none to be had.
    fn clear(&mut self) -> Result<(), String>;

    /// Stores the series of one block; their labels are distinct.
    ///
    /// # Errors
    /// When the samples were not stored.
    fn load(&mut self, series: &[LoadedSeries]) -> Result<(), String>;

    /// What is queried.
    fn queryable(&self) -> &dyn Queryable;
}

/// Runs scripts over a store of rows: each block is a group of its own, in which a missing value
/// means nothing.
#[derive(Debug)]
pub struct RowStore<S, M> {
    store: S,
    make: M,
    blocks: usize,
}

impl<S, E: Display, M: FnMut() -> Result<S, E>> RowStore<S, M> {
    /// Starts with an empty store; `make` gives the next one at each `clear`.
    ///
    /// # Errors
    /// When `make` fails.
    pub fn new(mut make: M) -> Result<Self, E> {
        Ok(Self { store: make()?, make, blocks: 0 })
    }
}

impl<S, E, M> ScriptStore for RowStore<S, M>
where
    S: Appendable + Queryable,
    E: Display,
    M: FnMut() -> Result<S, E>,
{
    fn clear(&mut self) -> Result<(), String> {
        self.store = (self.make)().map_err(|error| error.to_string())?;
        Ok(())
    }

    fn load(&mut self, series: &[LoadedSeries]) -> Result<(), String> {
        self.blocks += 1;
        Rows::open(&self.store, format!("load {}", self.blocks), series)?.write_until(i64::MAX)
    }

    fn queryable(&self) -> &dyn Queryable {
        &self.store
    }
}

/// Samples on their way to a group of a store, row by row, as far as time has come.
pub struct Rows {
    group: Box<dyn Group>,
    labels: Vec<Labels>,
    /// A series gets its column with its first sample, and again when the group gave it up.
    columns: Vec<Option<Column>>,
    waiting: BTreeMap<i64, Vec<(usize, Value)>>,
    row: Row,
}

impl Rows {
    /// Opens a group, in which a missing value means nothing, for series with distinct labels.
    ///
    /// # Errors
    /// When the store takes no groups.
    pub fn open(
        store: &dyn Appendable,
        key: String,
        series: &[LoadedSeries],
    ) -> Result<Self, String> {
        let spec = GroupSpec {
            source: Source::Other,
            key,
            common: Labels::empty(),
            absence: Absence::MeansNothing,
        };
        let group = store.open_group(&spec).map_err(|error| error.to_string())?;
        let mut waiting = BTreeMap::<i64, Vec<_>>::new();
        for (i, series) in series.iter().enumerate() {
            for (t_ms, value) in &series.samples {
                waiting.entry(*t_ms).or_default().push((i, Value::Float(*value)));
            }
            for (t_ms, histogram) in &series.histograms {
                let histogram = Value::Histogram(Arc::clone(histogram));
                waiting.entry(*t_ms).or_default().push((i, histogram));
            }
        }
        let labels: Vec<_> = series.iter().map(|series| series.labels.clone()).collect();
        let columns = vec![None; labels.len()];
        Ok(Self { group, labels, columns, waiting, row: Row::new() })
    }

    /// Stores what is not after a time and was not stored before.
    ///
    /// # Errors
    /// When a row was not stored.
    pub fn write_until(&mut self, t_ms: i64) -> Result<(), String> {
        while let Some(next) = self.waiting.first_entry().filter(|next| *next.key() <= t_ms) {
            let (t_ms, values) = next.remove_entry();
            self.write(t_ms, values)?;
        }
        Ok(())
    }

    fn write(&mut self, t_ms: i64, values: Vec<(usize, Value)>) -> Result<(), String> {
        self.row.begin(t_ms);
        for (i, value) in values {
            let column = match self.columns[i] {
                Some(column) => column,
                None => {
                    let opened = self.group.column(&self.labels[i]);
                    let (column, _) = opened.map_err(|error| error.to_string())?;
                    self.columns[i] = Some(column);
                    column
                }
            };
            match value {
                Value::Float(value) => self.row.set(column, value),
                Value::Histogram(histogram) => self.row.set_histogram(column, histogram),
            };
        }
        let appended = self.group.append(&self.row).map_err(|error| error.to_string())?;
        if let Some(remap) = appended.remap {
            for column in &mut self.columns {
                let moved = |Column(old): Column| remap.get(old as usize).copied();
                *column = column.and_then(moved).filter(|new| *new != u32::MAX).map(Column);
            }
        }
        Ok(())
    }
}
