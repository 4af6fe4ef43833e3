//! The series of a selection, and their samples.

use super::merge::Merged;
use crate::Error;
use crate::block::{self, Block, overlay};
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
            overlay(merged, next, both);
            std::mem::swap(merged, both);
        }
    }
}

/// Says at every histogram what is known about a reset since the one before it.
fn hint_resets(columns: &mut Columns) {
    let mut floats = columns.t_ms.iter().peekable();
    // A gauge stays one, and no other hint of the one before matters.
    let mut previous: Option<&Arc<FloatHistogram>> = None;
    for (t_ms, histogram) in &mut columns.histograms {
        if floats.next_if(|float| **float < *t_ms).is_some() {
            previous = None;
            while floats.next_if(|float| **float < *t_ms).is_some() {}
        }
        let hint = FloatHistogram::hint_after(previous.map(|before| &**before), histogram);
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
        let read = self.read_with(&self.series[series], range, &mut scratch);
        if read.is_ok() {
            hint_resets(&mut scratch.merged);
            storage::hand_over(&scratch.merged, sink);
        }
        self.scratch.lock().push(scratch);
        read.map_err(storage::Error::engine)
    }
}
