//! Where a script's samples go.

use crate::functions::mixed::Value;
use model::{FloatHistogram, Labels};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use storage::{Absence, Appendable, Column, GroupSpec, Queryable, Row, Source};

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
        let spec = GroupSpec {
            source: Source::Other,
            key: format!("load {}", self.blocks),
            common: Labels::empty(),
            absence: Absence::MeansNothing,
        };
        let mut group = self.store.open_group(&spec).map_err(|error| error.to_string())?;
        let mut rows = BTreeMap::<i64, Vec<_>>::new();
        for (i, series) in series.iter().enumerate() {
            for (t_ms, value) in &series.samples {
                rows.entry(*t_ms).or_default().push((i, Value::Float(*value)));
            }
            for (t_ms, histogram) in &series.histograms {
                let histogram = Value::Histogram(Arc::clone(histogram));
                rows.entry(*t_ms).or_default().push((i, histogram));
            }
        }
        // A series gets its column with its first sample, and again when the group gave it up.
        let mut columns = vec![None; series.len()];
        let mut row = Row::new();
        for (t_ms, values) in rows {
            row.begin(t_ms);
            for (i, value) in values {
                let column = match columns[i] {
                    Some(column) => column,
                    None => {
                        let opened = group.column(&series[i].labels);
                        let (column, _) = opened.map_err(|error| error.to_string())?;
                        columns[i] = Some(column);
                        column
                    }
                };
                match value {
                    Value::Float(value) => row.set(column, value),
                    Value::Histogram(histogram) => row.set_histogram(column, histogram),
                };
            }
            let appended = group.append(&row).map_err(|error| error.to_string())?;
            if let Some(remap) = appended.remap {
                for column in &mut columns {
                    let moved = |Column(old): Column| remap.get(old as usize).copied();
                    *column = column.and_then(moved).filter(|new| *new != u32::MAX).map(Column);
                }
            }
        }
        Ok(())
    }

    fn queryable(&self) -> &dyn Queryable {
        &self.store
    }
}
