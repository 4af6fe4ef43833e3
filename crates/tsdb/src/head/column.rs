//! The rows of one column, and what a reader sees of them.

use crate::codec::histogram::is_mark;
use model::{FloatHistogram, TimeRange, is_stale, stale_marker};
use std::ops::Range;
use std::sync::Arc;
use storage::Columns;

/// Values of one column over some rows; reused from column to column.
#[derive(Debug, Default)]
pub(crate) struct ColumnRows {
    rows: usize,
    /// A bit per row: whether the column has a value there.
    present: Vec<u64>,
    /// The values that are there.
    pub(crate) values: Vec<f64>,
    /// The histograms that some of the values stand for.
    pub(crate) histograms: Vec<Arc<FloatHistogram>>,
}

impl ColumnRows {
    /// Removes all rows.
    pub(crate) fn clear(&mut self) {
        self.rows = 0;
        self.present.clear();
        self.values.clear();
        self.histograms.clear();
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether every row has a value.
    pub(crate) fn is_full(&self) -> bool {
        self.values.len() == self.rows
    }

    /// Whether a row has a value.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.present[row / 64] >> (row % 64) & 1 == 1
    }

    /// Which of the histograms are those of some rows.
    pub(crate) fn marks_in(&self, rows: Range<usize>) -> Range<usize> {
        let (mut value, mut marks, mut wanted) = (0, 0, 0..0);
        for row in 0..self.rows {
            if row == rows.start {
                wanted.start = marks;
            }
            if row == rows.end {
                break;
            }
            if self.has(row) {
                marks += usize::from(self.values.get(value).is_some_and(|value| is_mark(*value)));
                value += 1;
            }
        }
        wanted.start..marks.max(wanted.start)
    }

    /// Adds rows that all have or all lack a value; the values are the caller's to add.
    pub(crate) fn mark(&mut self, rows: usize, present: bool) {
        let end = self.rows + rows;
        self.present.resize(end.div_ceil(64), 0);
        while self.rows < end {
            let (word, bit) = (self.rows / 64, self.rows % 64);
            let n = (64 - bit).min(end - self.rows);
            if present {
                self.present[word] |= (u64::MAX >> (64 - n)) << bit;
            }
            self.rows += n;
        }
    }

    /// Adds up to 64 rows by their bits, lowest first.
    pub(crate) fn mark_bits(&mut self, rows: usize, bits: u64) {
        if bits == 0 {
            self.mark(rows, false);
        } else if bits.count_ones() as usize == rows {
            self.mark(rows, true);
        } else {
            for row in 0..rows {
                self.mark(1, bits >> row & 1 == 1);
            }
        }
    }

    /// Hands out the samples in range. `live` says whether the row before had a value that was no
    /// staleness marker; when absence ends a series (`ends`), the first row without a value after one
    /// with is a staleness marker.
    pub(crate) fn emit(
        &self,
        t_ms: &[i64],
        mut live: bool,
        ends: bool,
        range: TimeRange,
        out: &mut Columns,
    ) {
        debug_assert_eq!(t_ms.len(), self.rows);
        let mut histograms = self.histograms.iter();
        if self.is_full() && self.histograms.is_empty() {
            let from = t_ms.partition_point(|t| *t < range.min_ms);
            let to = t_ms.partition_point(|t| *t <= range.max_ms).max(from);
            out.t_ms.extend_from_slice(&t_ms[from..to]);
            out.values.extend_from_slice(&self.values[from..to]);
            return;
        }
        let mut values = self.values.iter();
        for (row, t_ms) in t_ms.iter().enumerate() {
            let value = if self.has(row) { values.next().copied() } else { None };
            let shown = match value {
                Some(value) => value,
                None if live && ends => stale_marker(),
                None => {
                    live = false;
                    continue;
                }
            };
            live = !is_stale(shown);
            let histogram = if is_mark(shown) { histograms.next() } else { None };
            if !range.contains(*t_ms) {
                continue;
            }
            if let Some(histogram) = histogram {
                out.histograms.push((*t_ms, Arc::clone(histogram)));
            } else {
                out.t_ms.push(*t_ms);
                out.values.push(shown);
            }
        }
    }
}
