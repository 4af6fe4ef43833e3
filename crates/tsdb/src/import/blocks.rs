//! What lies before the head: blocks.

use super::Plan;
use crate::Error;
use crate::block::{BlockMeta, BlockWriter, GroupIx, Run, SeriesPart};
use crate::db::{Inner, Place};
use crate::maintain::new_ulid;
use model::sample::NORMAL_NAN_BITS;
use model::{FloatHistogram, Labels, TimeRange};
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::{Absence, Columns, HISTOGRAM_BITS};

/// The rows of a batch in one block.
struct BatchGroup<'a> {
    index: GroupIx,
    t_ms: &'a [i64],
}

/// What a series has in one group; reused from series to series.
#[derive(Default)]
struct Part {
    runs: Vec<Run>,
    values: Vec<f64>,
    histograms: Vec<Arc<FloatHistogram>>,
}

impl Inner {
    /// Writes all that lies before `end_ms`, a block for each time that compacted blocks cover, and
    /// shows each as it is done; the number of blocks and samples.
    pub(super) fn import_blocks(
        &self,
        place: &Place,
        plan: &Plan,
        end_ms: i64,
        now_ms: i64,
    ) -> Result<(usize, u64), Error> {
        let window_ms = self.options.max_block_ms;
        let windows: BTreeSet<i64> = plan
            .batches
            .iter()
            .flat_map(|batch| batch.t_ms.iter().take_while(|t_ms| **t_ms < end_ms))
            .map(|t_ms| t_ms.div_euclid(window_ms))
            .collect();
        let (mut blocks, mut samples) = (0, 0);
        for window in windows {
            let min_ms = window.saturating_mul(window_ms);
            let max_ms = min_ms.saturating_add(window_ms - 1).min(end_ms - 1);
            let meta = write(place, plan, TimeRange { min_ms, max_ms }, now_ms)?;
            let block = self.open_block(place, &meta)?;
            self.replace_blocks(&[], [block]);
            blocks += 1;
            samples += meta.stats.num_samples;
        }
        Ok((blocks, samples))
    }
}

/// Writes a block of all samples within a range, of which there are some.
fn write(place: &Place, plan: &Plan, window: TimeRange, now_ms: i64) -> Result<BlockMeta, Error> {
    let dir = place.dir.join("blocks");
    let times: Vec<&[i64]> = plan.batches.iter().map(|batch| within(&batch.t_ms, window)).collect();
    let firsts = times.iter().filter_map(|t_ms| t_ms.first());
    let lasts = times.iter().filter_map(|t_ms| t_ms.last());
    let range = TimeRange {
        min_ms: firsts.min().copied().unwrap_or(window.min_ms),
        max_ms: lasts.max().copied().unwrap_or(window.max_ms),
    };
    let mut writer = BlockWriter::new(Arc::clone(&place.disk), &dir, new_ulid(now_ms), range)?;
    let mut groups: Vec<Option<BatchGroup<'_>>> = Vec::with_capacity(times.len());
    for (batch, t_ms) in plan.batches.iter().zip(times) {
        groups.push(if t_ms.is_empty() {
            None
        } else {
            let index = writer.group(key(&batch.key), Absence::MeansNothing, t_ms)?;
            Some(BatchGroup { index, t_ms })
        });
    }
    let mut parts: Vec<(GroupIx, u32, Part)> = Vec::new();
    for same in plan.series.chunk_by(|a, b| a.labels == b.labels) {
        let mut used = 0;
        for planned in same {
            let Some(group) = &groups[planned.batch] else { continue };
            if parts.len() == used {
                parts.push((GroupIx(0), 0, Part::default()));
            }
            let (index, rows, part) = &mut parts[used];
            part.read(&planned.columns, group.t_ms, range);
            if !part.values.is_empty() {
                *index = group.index;
                *rows = u32::try_from(group.t_ms.len()).expect("rows of one block");
                used += 1;
            }
        }
        if used > 0 {
            let parts: Vec<SeriesPart<'_>> = parts[..used].iter().map(as_written).collect();
            writer.series(&same[0].labels, &parts)?;
        }
    }
    Ok(writer.finish(Vec::new())?)
}

fn as_written((group, rows, part): &(GroupIx, u32, Part)) -> SeriesPart<'_> {
    SeriesPart {
        group: *group,
        rows: 0..*rows,
        present_before: false,
        runs: &part.runs,
        values: &part.values,
        histograms: &part.histograms,
    }
}

impl Part {
    /// Takes the samples within a range; all of their times are among those of the rows.
    fn read(&mut self, columns: &Columns, rows: &[i64], range: TimeRange) {
        self.runs.clear();
        self.values.clear();
        self.histograms.clear();
        let floats = within(&columns.t_ms, range);
        let first = columns.t_ms.partition_point(|t_ms| *t_ms < range.min_ms);
        let mut floats = floats.iter().zip(&columns.values[first..]).peekable();
        let inside = columns.histograms.iter().filter(|(t_ms, _)| range.contains(*t_ms));
        let mut histograms = inside.peekable();
        for (row, t_ms) in (0..).zip(rows) {
            if let Some((_, value)) = floats.next_if(|(float, _)| *float == t_ms) {
                let is_mark = value.to_bits() == HISTOGRAM_BITS;
                self.values.push(if is_mark { f64::from_bits(NORMAL_NAN_BITS) } else { *value });
            } else if let Some((_, histogram)) = histograms.next_if(|(at, _)| at == t_ms) {
                self.values.push(f64::from_bits(HISTOGRAM_BITS));
                self.histograms.push(Arc::clone(histogram));
            } else {
                continue;
            }
            match self.runs.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => self.runs.push(row..row + 1),
            }
        }
        debug_assert!(
            floats.next().is_none() && histograms.next().is_none(),
            "times without a row"
        );
    }
}

fn within(t_ms: &[i64], range: TimeRange) -> &[i64] {
    let first = t_ms.partition_point(|t| *t < range.min_ms);
    &t_ms[first..t_ms.partition_point(|t| *t <= range.max_ms).max(first)]
}

/// What tells the batch in other blocks: the same in every process, and no group of the head's.
fn key(batch: &str) -> u64 {
    Labels::from_pairs([("source", "import"), ("key", batch)]).hash64().max(1)
}
