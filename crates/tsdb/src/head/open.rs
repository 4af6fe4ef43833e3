//! The rows of a group that are not in a sealed group chunk yet.

use super::column::ColumnRows;
use super::mini::{Mini, Transposed};
use crate::codec::DecodeError;
use crate::codec::row::RowState;
use model::is_stale;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Mini-batches and the delta rows after them. A clone is a reader's snapshot: all but times and
/// delta rows is shared.
#[derive(Clone, Debug)]
pub(crate) struct OpenRows {
    /// The series of each column.
    pub(crate) ids: Arc<Vec<u32>>,
    /// Times of all rows.
    pub(crate) t_ms: Vec<i64>,
    pub(crate) minis: Vec<Arc<Mini>>,
    /// What the first delta row is the difference to.
    pub(crate) base: Arc<RowState>,
    /// Delta rows after the last mini-batch.
    pub(crate) tail: Vec<u8>,
    /// Columns whose last value before these rows was there and was no staleness marker.
    pub(crate) live_before: Arc<[u64]>,
    /// The delta rows in columns, once several readers have wanted them.
    pub(crate) shared: SharedTail,
}

/// Delta rows in columns, for all readers that come before the next row.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedTail {
    /// Of which rows: their number and the time of the last.
    of: (usize, i64),
    readers: u32,
    columns: Arc<OnceLock<Result<Mini, DecodeError>>>,
}

/// Delta rows in columns.
#[derive(Debug)]
pub(crate) enum Tail {
    /// The columns that a reader wants, in its order.
    Picked(Transposed),
    /// All columns.
    Shared(Arc<OnceLock<Result<Mini, DecodeError>>>),
}

impl OpenRows {
    /// What a reader gets. Delta rows that are read again and again, as by rules, are turned into
    /// columns for all readers; for the first one that would be wasted.
    pub(crate) fn snapshot(&mut self) -> Self {
        let of = (self.t_ms.len(), self.t_ms.last().copied().unwrap_or_default());
        if self.shared.of != of {
            self.shared = SharedTail { of, ..SharedTail::default() };
        }
        self.shared.readers = self.shared.readers.saturating_add(1);
        self.clone()
    }

    /// The delta rows, for a reader of some columns.
    pub(crate) fn tail(
        &self,
        columns: impl Iterator<Item = usize> + Clone,
    ) -> Result<Tail, DecodeError> {
        if self.shared.readers < 2 || self.tail.is_empty() {
            return self.transpose(columns).map(Tail::Picked);
        }
        let made = self.shared.columns.get_or_init(|| {
            let columns = 0..self.ids.len();
            self.transpose(columns).map(|rows| Mini::seal(&rows, None))
        });
        made.as_ref().map_err(|error| *error)?;
        Ok(Tail::Shared(Arc::clone(&self.shared.columns)))
    }

    /// Picks columns of the delta rows.
    pub(crate) fn transpose(
        &self,
        columns: impl Iterator<Item = usize> + Clone,
    ) -> Result<Transposed, DecodeError> {
        Transposed::decode(&self.tail, &mut (*self.base).clone(), columns)
    }

    /// Reads rows of a column, which is the `i`th of those picked: all that are wanted, and those that
    /// come with them. The first row that was read, and whether the one before had a value that was no
    /// staleness marker.
    pub(crate) fn read(
        &self,
        column: usize,
        tail: &Tail,
        i: usize,
        wanted: Range<usize>,
        out: &mut ColumnRows,
    ) -> Result<(usize, bool), DecodeError> {
        out.clear();
        let (mut passed, mut first) = (0, 0);
        while let Some(mini) = self.minis.get(passed)
            && first + mini.rows() <= wanted.start
        {
            first += mini.rows();
            passed += 1;
        }
        let (before, from) = self.minis.split_at(passed);
        let mut carry = last_of(before, column)?;
        let live = match before {
            [] => self.was_live(column),
            _ => carry.is_some_and(|value| !is_stale(value)),
        };
        for mini in from {
            if first + out.rows() >= wanted.end {
                return Ok((first, live));
            }
            mini.append_to(column, &mut carry, out)?;
        }
        match tail {
            Tail::Picked(rows) => rows.append_to(i, out),
            Tail::Shared(all) => {
                let all = all.get().and_then(|made| made.as_ref().ok());
                all.expect("made before it was handed out").append_to(column, &mut None, out)?;
            }
        }
        Ok((first, live))
    }

    /// Whether the row before these had a value for a column that was no staleness marker.
    pub(crate) fn was_live(&self, column: usize) -> bool {
        self.live_before.get(column / 64).is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    /// Bytes on the heap, shared ones among them.
    pub(crate) fn heap_bytes(&self) -> usize {
        let minis: usize = self.minis.iter().map(|mini| mini.heap_bytes()).sum();
        let base = self.base.heap_bytes() + self.live_before.len() * 8;
        let shared = self.shared.columns.get().and_then(|made| made.as_ref().ok());
        let base = base + shared.map_or(0, Mini::heap_bytes);
        minis + base + self.tail.capacity() + self.t_ms.capacity() * 8 + self.ids.capacity() * 4
    }
}

/// The value that a column had in the last row of some mini-batches, if it had one.
fn last_of(minis: &[Arc<Mini>], column: usize) -> Result<Option<f64>, DecodeError> {
    for mini in minis.iter().rev() {
        if let Some(last) = mini.last(column)? {
            return Ok(last);
        }
    }
    Ok(None)
}
