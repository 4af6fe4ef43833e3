//! The histograms of a group's open rows, by column: bytes as in the log, each the difference to the
//! one before. A float group has none of this.

use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use crate::codec::histogram::delta::Last;
use crate::codec::histogram::{MAX_BUCKETS, is_mark, refusal, unwanted};
use crate::codec::row::RowState;
use model::FloatHistogram;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use storage::{Column, Row};

/// Buckets that all histograms of a row have together at most: they share one record of the log.
const MAX_ROW_BUCKETS: usize = MAX_BUCKETS << 6;

/// Why a row's histograms cannot be stored.
pub(crate) fn refuse(row: &Row) -> Option<&'static str> {
    let mut buckets = 0;
    for (_, histogram) in row.histograms() {
        if let Some(reason) = refusal(histogram) {
            return Some(reason);
        }
        buckets += histogram.bucket_count() + histogram.custom_values.len();
        buckets += histogram.positive_spans.len() + histogram.negative_spans.len();
    }
    (buckets > MAX_ROW_BUCKETS).then_some("the histograms of a row have more than 4194304 buckets")
}

/// The histograms of one column since the last sealed chunk, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
}

impl Stream {
    /// Appends all of them; empty ones instead of those that are not wanted.
    pub(crate) fn decode(
        &self,
        wanted: Range<usize>,
        out: &mut Vec<Arc<FloatHistogram>>,
    ) -> Result<(), DecodeError> {
        let (mut from, mut last) = (ByteReader::new(&self.bytes), Last::default());
        let mut number = 0;
        while !from.rest().is_empty() {
            last.decode(&mut from)?;
            if wanted.contains(&number) {
                out.extend(last.histogram().map(Arc::new));
            } else {
                out.push(unwanted());
            }
            number += 1;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Open {
    last: Last,
    /// The next one must not be a difference.
    whole: bool,
    stream: Arc<Stream>,
    /// While the log is read: the last one that it told of.
    replayed: Option<Box<Last>>,
}

/// The histograms of a group's columns.
#[derive(Debug, Default)]
pub(crate) struct Histograms {
    columns: BTreeMap<u32, Open>,
}

/// Histograms of a row that was read from the log.
pub(crate) type Replayed = Vec<(Column, Arc<FloatHistogram>)>;

impl Histograms {
    /// Takes in the histograms of a row, and appends to the body of its entry in the log, for each, the
    /// column, varint, and the histogram. In a key row none is a difference, nor is the next one of any
    /// other column.
    pub(crate) fn push(
        &mut self,
        histograms: &[(Column, Arc<FloatHistogram>)],
        key: bool,
        body: &mut Vec<u8>,
    ) {
        if key {
            for open in self.columns.values_mut() {
                (open.whole, open.replayed) = (true, None);
            }
        }
        for (column, histogram) in histograms {
            let open = self.columns.entry(column.0).or_default();
            let bytes = &mut Arc::make_mut(&mut open.stream).bytes;
            let start = bytes.len();
            open.last.encode(histogram, std::mem::take(&mut open.whole), bytes);
            put_varint(body, u64::from(column.0));
            body.extend_from_slice(&bytes[start..]);
        }
    }

    /// Reads the histograms of a row of the log; `state` is the row. They are not taken in yet.
    pub(crate) fn read(
        &mut self,
        bytes: &[u8],
        key: bool,
        state: &RowState,
    ) -> Result<Replayed, DecodeError> {
        const INVALID: DecodeError = DecodeError::Invalid("column of a histogram");
        if key {
            self.columns.values_mut().for_each(|open| open.replayed = None);
        }
        let mut from = ByteReader::new(bytes);
        let (mut all, mut seen) = (Replayed::new(), RoaringBitmap::new());
        while !from.rest().is_empty() {
            let column = from.u32()?;
            let is_there = |column: usize| {
                state.is_present(column) && state.last().get(column).is_some_and(|v| is_mark(*v))
            };
            if !is_there(column as usize) || !seen.insert(column) {
                return Err(INVALID);
            }
            let last = self.columns.entry(column).or_default().replayed.get_or_insert_default();
            last.decode(&mut from)?;
            let histogram = last.histogram().ok_or(INVALID)?;
            all.push((Column(column), Arc::new(histogram)));
        }
        let present = (0..state.columns()).filter(|column| state.is_present(*column));
        let told = present.filter(|column| is_mark(state.last()[*column])).count();
        if told == all.len() { Ok(all) } else { Err(INVALID) }
    }

    /// The histograms of a column's open rows, if it has any.
    pub(crate) fn stream(&self, column: u32) -> Option<Arc<Stream>> {
        let open = self.columns.get(&column)?;
        (!open.stream.bytes.is_empty()).then(|| Arc::clone(&open.stream))
    }

    /// Forgets the open rows, which are sealed now.
    pub(crate) fn seal(&mut self) {
        for open in self.columns.values_mut() {
            open.whole = true;
            if !open.stream.bytes.is_empty() {
                open.stream = Arc::default();
            }
        }
    }

    /// Gives columns their new numbers; `u32::MAX` for those that are gone.
    pub(crate) fn remap(&mut self, remap: &[u32]) {
        let all = std::mem::take(&mut self.columns);
        let kept = all.into_iter().filter_map(|(column, open)| {
            let column = remap.get(column as usize).copied().unwrap_or(column);
            (column != u32::MAX).then_some((column, open))
        });
        self.columns = kept.collect();
    }

    /// Bytes of the open rows.
    pub(crate) fn open_bytes(&self) -> usize {
        self.columns.values().map(|open| open.stream.bytes.len()).sum()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let of_column = |open: &Open| {
            let replayed = open.replayed.as_ref().map_or(0, |last| last.heap_bytes());
            size_of::<Open>() + open.stream.bytes.capacity() + open.last.heap_bytes() + replayed
        };
        self.columns.values().map(of_column).sum()
    }
}
