//! The histograms of a group that is summed up, apart from the way of floats.

use super::aggregate::Summary;
use super::{Column, Context, column};
use crate::annotations::{Remark, Remarks};
use crate::engine::EvalError;
use crate::functions::native::mean::Total;
use crate::syntax::NodeId;
use model::histogram::MixedSchemas;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Sums or means of histograms by step.
#[derive(Debug)]
pub(super) struct Histograms {
    /// Steps at which the group has floats.
    floats: Vec<u64>,
    /// `None` where exponential and custom buckets met.
    totals: BTreeMap<usize, Option<Total>>,
    /// What they hold of the sample limit.
    weight: usize,
}

impl Histograms {
    /// Nothing yet, in a group that has floats at some steps.
    pub(super) fn after(floats: &[u64]) -> Self {
        Self { floats: floats.to_vec(), totals: BTreeMap::new(), weight: 0 }
    }

    /// Adds the histograms of a series with that name; looks where it has floats.
    pub(super) fn add(
        &mut self,
        summary: Summary,
        input: &Column,
        cx: &mut Context<'_>,
        (node, name): (NodeId, &str),
    ) -> Result<(), EvalError> {
        input.for_each(|i, _| self.floats[i / 64] |= 1 << (i % 64));
        let mut remarks = Remarks::default();
        for (i, histogram) in input.histograms() {
            let total = match self.totals.entry(i) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let weight = histogram.size_in_samples();
                    cx.hold(weight)?;
                    self.weight += weight;
                    new.insert(Some(Total::new(summary == Summary::Avg)))
                }
            };
            if let Some(sum) = total
                && let Err(MixedSchemas) = sum.add(histogram, &mut remarks)
            {
                remarks.add(Remark::MixedSchemas);
                *total = None;
            }
        }
        remarks.drain().for_each(|remark| cx.remark(node, remark, name));
        Ok(())
    }

    /// Puts the results where there are no floats too; nothing is where there are.
    pub(super) fn write(self, out: &mut Column, cx: &mut Context<'_>, node: NodeId) {
        let mut remarks = Remarks::default();
        cx.release(self.weight);
        for (i, total) in self.totals {
            out.present[i / 64] &= !(1 << (i % 64));
            if column::bit(&self.floats, i) {
                remarks.add(Remark::MixedTypesInGroup);
            } else if let Some(histogram) = total.and_then(|total| total.finish(&mut remarks)) {
                out.set_histogram(i, Arc::new(histogram));
            }
        }
        remarks.drain().for_each(|remark| cx.remark(node, remark, ""));
    }
}
