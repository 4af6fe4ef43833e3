//! Coarser buckets: neighbours joined two by two.

use super::{FloatHistogram, Indexed, Layout};

/// The index of a bucket after its schema was lowered by `steps`.
pub(super) fn coarser(index: i32, steps: u32) -> i32 {
    // Upper bounds survive: bucket 2 of the finer schema ends where bucket 1 of the coarser does.
    let index = (i64::from(index) - 1) >> steps.min(62);
    i32::try_from(index + 1).expect("not further from zero than it was")
}

/// How many steps lie between two exponential schemas.
pub(super) fn steps(from: i32, to: i32) -> u32 {
    from.saturating_sub(to).try_into().unwrap_or(0)
}

impl FloatHistogram {
    /// Lowers the resolution of an exponential histogram. Nothing happens when it is as low
    /// already, or when either schema has custom bounds.
    pub fn reduce_resolution(&mut self, schema: i32) {
        if self.is_custom() || schema == super::CUSTOM_BUCKETS || schema >= self.schema {
            return;
        }
        let steps = steps(self.schema, schema);
        let join = |buckets: Indexed<'_>| -> Layout {
            buckets.map(|(index, count)| (coarser(index, steps), count)).collect()
        };
        (self.positive_spans, self.positive_buckets) = join(self.positive()).into_parts();
        (self.negative_spans, self.negative_buckets) = join(self.negative()).into_parts();
        self.schema = schema;
    }
}
