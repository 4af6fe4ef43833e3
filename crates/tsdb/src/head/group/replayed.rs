//! Rows of a group as the log has them.

use super::{GroupHead, Unused};
use crate::codec::DecodeError;
use crate::codec::bits::ByteReader;
use crate::codec::row::{self, RowState};
use crate::head::histograms::Replayed;
use storage::{Column, Row};

impl GroupHead {
    /// Stores a row that is a difference to nothing, as the log has it; `histograms` are the bytes that
    /// follow it there.
    pub(crate) fn push_key(
        &mut self,
        state: RowState,
        histograms: &[u8],
    ) -> Result<(), DecodeError> {
        let histograms = self.read_histograms(histograms, true, &state)?;
        self.begin_rows();
        let mut row = Row::new();
        row.begin(state.t_ms());
        for (column, histogram) in histograms {
            row.set_histogram(column, histogram);
        }
        for (column, value) in (0..).zip(state.last()) {
            if state.is_present(column as usize) {
                row.set(Column(column), *value);
            }
        }
        row::encode(&row, &mut self.state, &mut self.open.tail);
        self.push_histograms(row.histograms(), false);
        self.row_pushed(Some(state));
        Ok(())
    }

    /// Stores a delta row read from the log.
    pub(crate) fn push_delta(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.begin_rows();
        let (row, histograms) = bytes.split_at(row::decode(bytes, &mut self.state)?);
        let state = std::mem::take(&mut self.state);
        let histograms = self.read_histograms(histograms, false, &state);
        self.state = state;
        self.push_histograms(&histograms?, false);
        self.open.tail.extend_from_slice(row);
        self.row_pushed(None);
        Ok(())
    }

    /// Takes a row into account that is in a block already: what comes next is the difference to it.
    pub(crate) fn skip_key(
        &mut self,
        state: RowState,
        histograms: &[u8],
    ) -> Result<(), DecodeError> {
        self.read_histograms(histograms, true, &state)?;
        self.seal(Unused::Stay);
        self.last_ms = self.last_ms.max(state.t_ms());
        self.state = state;
        self.skipped = true;
        Ok(())
    }

    /// The same for a delta row.
    pub(crate) fn skip_delta(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let used = row::decode(bytes, &mut self.state)?;
        let state = std::mem::take(&mut self.state);
        let histograms = self.read_histograms(&bytes[used..], false, &state);
        self.state = state;
        histograms?;
        self.last_ms = self.state.t_ms();
        self.skipped = true;
        Ok(())
    }

    fn read_histograms(
        &mut self,
        bytes: &[u8],
        key: bool,
        state: &RowState,
    ) -> Result<Replayed, DecodeError> {
        if bytes.is_empty() && self.histograms.is_none() {
            return Ok(Replayed::new());
        }
        self.histograms.get_or_insert_default().read(bytes, key, state)
    }

    /// Time of a delta row read from the log.
    pub(crate) fn delta_t_ms(&self, bytes: &[u8]) -> Result<i64, DecodeError> {
        Ok(self.state.t_ms().wrapping_add(ByteReader::new(bytes).signed()?))
    }
}
