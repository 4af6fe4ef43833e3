//! Reading one part of a series.

use super::{Block, Decoded};
use crate::block::chunks::Chunk;
use crate::block::series::Part;
use crate::block::times::{STRETCH, TimesCache};
use crate::block::{Error, Run};
use crate::codec;
use model::{TimeRange, stale_marker};
use std::ops::Range;
use std::sync::Arc;
use storage::{Absence, SampleSink};

/// One part being read.
pub(super) struct Reading<'a> {
    pub(super) block: &'a Block,
    pub(super) part: &'a Part,
    pub(super) runs: &'a [Run],
    pub(super) chunks: &'a [Chunk],
    pub(super) first_chunk: usize,
    pub(super) times: &'a mut TimesCache,
    pub(super) values: &'a mut Decoded,
}

impl Reading<'_> {
    pub(super) fn read(
        &mut self,
        range: TimeRange,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        let rows = self.rows_in(range)?;
        if rows.is_empty() {
            return Ok(());
        }
        let of_part = &self.part.rows;
        let ends_series = self.block.group(self.part).absence == Absence::EndsSeries;
        let starts_absent = self.runs.first().is_none_or(|run| run.start > of_part.start);
        if ends_series && self.part.present_before && starts_absent {
            self.mark(of_part.start, &rows, sink)?;
        }
        let mut sample = 0;
        for run in self.runs {
            if run.start >= rows.end {
                break;
            }
            let here = run.start.max(rows.start)..run.end.min(rows.end);
            if !here.is_empty() {
                self.emit(here.clone(), sample + (here.start - run.start), sink)?;
            }
            if ends_series && run.end < of_part.end {
                self.mark(run.end, &rows, sink)?;
            }
            sample += run.end - run.start;
        }
        Ok(())
    }

    /// The part's rows within a range of time.
    fn rows_in(&mut self, range: TimeRange) -> Result<Range<u32>, Error> {
        let Self { block, part, times, .. } = self;
        let group = block.group(part);
        let id = block.index.block();
        let first = block.times.first_row_from(group, range.min_ms, times, id)?;
        let end = match range.max_ms.checked_add(1) {
            Some(end_ms) => block.times.first_row_from(group, end_ms, times, id)?,
            None => group.rows,
        };
        Ok(first.max(part.rows.start)..end.min(part.rows.end))
    }

    /// A staleness marker at a row, if the row is wanted.
    fn mark(
        &mut self,
        row: u32,
        wanted: &Range<u32>,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        if wanted.contains(&row) {
            let t_ms = self.block.time(self.block.group(self.part), row, self.times)?;
            sink.floats(&[t_ms], &[stale_marker()]);
        }
        Ok(())
    }

    /// Hands over rows that all have a value, the first of which is the part's sample `sample`.
    fn emit(
        &mut self,
        rows: Range<u32>,
        sample: u32,
        sink: &mut dyn SampleSink,
    ) -> Result<(), Error> {
        let (mut row, mut sample) = (rows.start, sample);
        let id = self.block.index.block();
        let group = self.block.group(self.part);
        while row < rows.end {
            let within = self.decode(sample)?;
            let times = self.times.get(&self.block.times, id, group, row)?;
            let times = &times[row as usize % STRETCH..];
            let values = &self.values.values[within..];
            let left = (rows.end - row) as usize;
            let n = left.min(times.len()).min(values.len());
            if self.values.histograms.is_empty() {
                sink.floats(&times[..n], &values[..n]);
            } else {
                self.values.hand_over(&times[..n], within, sink);
            }
            let n = u32::try_from(n).expect("at most a chunk");
            (row, sample) = (row + n, sample + n);
        }
        Ok(())
    }

    /// Decodes the chunk that holds a sample; gives the sample's place in it.
    fn decode(&mut self, sample: u32) -> Result<usize, Error> {
        // Directories are checked to cover all samples of the part with chunks that are not empty.
        let i = self.chunks.partition_point(|chunk| chunk.first <= sample) - 1;
        let chunk = &self.chunks[i];
        let number = self.first_chunk + i;
        if self.values.chunk != Some(number) {
            let bytes = self.block.chunk_bytes(chunk)?;
            let Decoded { codec, values, histograms, .. } = &mut *self.values;
            values.clear();
            histograms.clear();
            let used = codec::decode(bytes, chunk.samples as usize, codec, values)
                .map_err(Error::decode(self.block.chunks.path()))?;
            if used != chunk.len as usize {
                let rest = bytes.get(used..chunk.len as usize).ok_or_else(|| {
                    let what = format!("chunk at {}: length", chunk.offset);
                    Error::damaged(self.block.chunks.path(), what)
                })?;
                codec::histogram::decode_rest(rest, values, 0..values.len(), codec, histograms)
                    .map_err(Error::decode(self.block.chunks.path()))?;
            }
            self.values.chunk = Some(number);
        }
        Ok((sample - chunk.first) as usize)
    }
}

impl Decoded {
    /// Hands over samples with histograms among them, the first of which is at `within`.
    fn hand_over(&self, t_ms: &[i64], within: usize, sink: &mut dyn SampleSink) {
        let mut histograms =
            self.histograms[codec::histogram::marks(&self.values[..within])..].iter();
        for (t_ms, value) in t_ms.iter().zip(&self.values[within..]) {
            let is_mark = codec::histogram::is_mark(*value);
            match histograms.as_slice().first().filter(|_| is_mark) {
                Some(histogram) => {
                    sink.histogram(*t_ms, Arc::clone(histogram));
                    histograms.next();
                }
                None => sink.floats(&[*t_ms], &[*value]),
            }
        }
    }
}
