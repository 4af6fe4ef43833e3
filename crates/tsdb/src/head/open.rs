//! The rows of a group that are not in a sealed group chunk yet.

use super::column::ColumnRows;
use super::mini::{Mini, Transposed};
use crate::codec::DecodeError;
use crate::codec::row::RowState;
use std::sync::Arc;

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
}

impl OpenRows {
    /// Picks columns of the delta rows.
    pub(crate) fn transpose(
        &self,
        columns: impl Iterator<Item = usize> + Clone,
    ) -> Result<Transposed, DecodeError> {
        Transposed::decode(&self.tail, &mut (*self.base).clone(), columns)
    }

    /// Reads the rows of a column, which is the `i`th of those transposed.
    pub(crate) fn read(
        &self,
        column: usize,
        tail: &Transposed,
        i: usize,
        out: &mut ColumnRows,
    ) -> Result<(), DecodeError> {
        out.clear();
        let mut carry = None;
        for mini in &self.minis {
            mini.append_to(column, &mut carry, out)?;
        }
        tail.append_to(i, out);
        Ok(())
    }

    /// Whether the row before these had a value for a column that was no staleness marker.
    pub(crate) fn was_live(&self, column: usize) -> bool {
        self.live_before.get(column / 64).is_some_and(|word| word >> (column % 64) & 1 == 1)
    }

    /// Bytes on the heap, shared ones among them.
    pub(crate) fn heap_bytes(&self) -> usize {
        let minis: usize = self.minis.iter().map(|mini| mini.heap_bytes()).sum();
        let base = self.base.heap_bytes() + self.live_before.len() * 8;
        minis + base + self.tail.capacity() + self.t_ms.capacity() * 8 + self.ids.capacity() * 4
    }
}
