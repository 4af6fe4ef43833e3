//! The series of a selection, and their samples.

use super::merge::Merged;
use crate::Error;
use crate::block::{self, Block, overlay_sources};
use crate::head::view::{HeadSelection, ReadScratch};
use model::{FloatHistogram, Labels, TimeRange};
use parking_lot::Mutex;
use std::sync::Arc;
use storage::{Columns, SampleSink, SeriesSet};

pub(super) struct Set {
    head: HeadSelection,
    /// In order of time.
    blocks: Vec<Arc<Block>>,
    series: Vec<Merged>,
    /// Buffers that no thread is reading with.
    scratch: Mutex<Vec<Scratch>>,
}

#[derive(Default)]
struct Scratch {
    head: ReadScratch,
    block: block::ReadScratch,
    /// What is merged so far, what comes to it, and the two together.
    merged: Columns,
    next: Columns,
    both: Columns,
}

impl Set {
    pub(super) fn new(head: HeadSelection, blocks: Vec<Arc<Block>>, series: Vec<Merged>) -> Self {
        Self { head, blocks, series, scratch: Mutex::default() }
    }

    /// Reads into `merged`, histograms with what is known about resets.
    fn read_hinted(
        &self,
        series: &Merged,
        range: TimeRange,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        self.read_with(series, range, scratch)?;
        let Some((first_ms, _)) = scratch.merged.histograms.first() else { return Ok(()) };
        let mut before = None;
        if scratch.merged.t_ms.first().is_none_or(|float| float > first_ms) {
            let end_ms = range.min_ms.saturating_sub(1);
            let before_range =
                TimeRange { min_ms: end_ms.saturating_sub(BEFORE_MS), max_ms: end_ms };
            let found = std::mem::take(&mut scratch.merged);
            self.read_with(series, before_range, scratch)?;
            let read = std::mem::replace(&mut scratch.merged, found);
            let last_float = read.t_ms.last().copied();
            let last = read.histograms.into_iter().next_back();
            before = last.filter(|(t_ms, _)| Some(*t_ms) > last_float);
        }
        hint_resets(before.as_ref().map(|(_, histogram)| histogram), &mut scratch.merged);
        Ok(())
    }

    fn read_with(
        &self,
        series: &Merged,
        range: TimeRange,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        scratch.merged.clear();
        for (block, series) in &series.blocks {
            scratch.next.clear();
            let Scratch { block: buffers, next, .. } = scratch;
            self.blocks[*block as usize].read_series(*series, range, buffers, next)?;
            scratch.take_next();
        }
        let places = series.head.map(|i| &self.head.series[i as usize].1);
        for place in places.into_iter().flat_map(|places| places.iter()) {
            scratch.next.clear();
            let Scratch { head: buffers, next, .. } = scratch;
            self.head.read(place, range, buffers, next)?;
            scratch.take_next();
        }
        Ok(())
    }
}

impl Scratch {
    fn take_next(&mut self) {
        let Self { merged, next, both, .. } = self;
        if merged.is_empty() {
            std::mem::swap(merged, next);
        } else if next.first_ms() > merged.last_ms() {
            merged.t_ms.append(&mut next.t_ms);
            merged.values.append(&mut next.values);
            merged.histograms.append(&mut next.histograms);
        } else if !next.is_empty() {
            both.clear();
            overlay_sources(merged, next, both);
            std::mem::swap(merged, both);
        }
    }
}

/// How far before its range a selection looks for the histogram before the first one.
const BEFORE_MS: i64 = 3_600_000;

/// Says at every histogram what is known about a reset since the one before it, which `before` is for
/// the first sample.
fn hint_resets(before: Option<&Arc<FloatHistogram>>, columns: &mut Columns) {
    let mut floats = columns.t_ms.iter().peekable();
    // A gauge stays one, and no other hint of the one before matters.
    let mut previous = before;
    for (t_ms, histogram) in &mut columns.histograms {
        if floats.next_if(|float| **float < *t_ms).is_some() {
            previous = None;
            while floats.next_if(|float| **float < *t_ms).is_some() {}
        }
        let hint = FloatHistogram::hint_after(previous.map(|previous| &**previous), histogram);
        if hint != histogram.counter_reset {
            Arc::make_mut(histogram).counter_reset = hint;
        }
        previous = Some(histogram);
    }
}

impl SeriesSet for Set {
    fn len(&self) -> usize {
        self.series.len()
    }

    fn labels(&self, series: usize) -> Labels {
        self.series[series].labels.clone()
    }

    fn read(
        &self,
        series: usize,
        range: TimeRange,
        sink: &mut dyn SampleSink,
    ) -> Result<(), storage::Error> {
        let mut scratch = self.scratch.lock().pop().unwrap_or_default();
        let read = self.read_hinted(&self.series[series], range, &mut scratch);
        if read.is_ok() {
            storage::hand_over(&scratch.merged, sink);
        }
        self.scratch.lock().push(scratch);
        read.map_err(storage::Error::engine)
    }
}
