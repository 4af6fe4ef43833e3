//! Counter resets, found by comparing buckets.

use super::bounds::exponential_bound;
use super::resolution::{coarser, steps};
use super::{CounterReset, FloatHistogram, Indexed};

impl FloatHistogram {
    /// Whether a counter was reset between another histogram and this one. The hint decides when
    /// it knows; else whether anything became smaller: the count, a bucket, or the width of buckets,
    /// which a counter only ever joins. Custom bounds may differ: those that both have are compared.
    #[must_use]
    pub fn detect_reset(&self, previous: &Self) -> bool {
        match self.counter_reset {
            CounterReset::Reset => return true,
            CounterReset::NotReset => return false,
            CounterReset::Unknown | CounterReset::Gauge => {}
        }
        if self.count < previous.count {
            return true;
        }
        if self.is_custom() {
            return !previous.is_custom() || self.lost_custom(previous);
        }
        if self.schema > previous.schema || self.zero_threshold < previous.zero_threshold {
            return true;
        }
        let Some(zero_count) = previous.zero_count_within(self.zero_threshold) else { return true };
        let steps = steps(previous.schema, self.schema);
        let lost = |mine: Indexed<'_>, theirs: Indexed<'_>| {
            // Buckets inside the wider zero bucket are counted there.
            let bound = |index| exponential_bound(previous.schema, index);
            let outside = theirs.filter(|(index, _)| bound(*index) > self.zero_threshold);
            lost(mine, Joined { finer: outside, steps, next: None })
        };
        self.zero_count < zero_count
            || lost(self.positive(), previous.positive())
            || lost(self.negative(), previous.negative())
    }

    /// What a store says of resets when it hands out a histogram that it keeps after another one of
    /// the same series (`None` after a float, a staleness marker, or at the start): a gauge stays
    /// one; that there was no reset when buckets prove it; else nothing, for what lies between two
    /// samples of a store may be filled in later.
    #[must_use]
    pub fn hint_after(previous: Option<&Self>, current: &Self) -> CounterReset {
        if current.counter_reset == CounterReset::Gauge {
            return CounterReset::Gauge;
        }
        let Some(previous) = previous.filter(|previous| !previous.is_stale()) else {
            return CounterReset::Unknown;
        };
        let same_layout = previous.counter_reset != CounterReset::Gauge
            && current.counter_reset != CounterReset::Reset
            && current.schema == previous.schema
            && current.zero_threshold == previous.zero_threshold
            && current.custom_values == previous.custom_values;
        if same_layout && !current.has_lost(previous) {
            CounterReset::NotReset
        } else {
            CounterReset::Unknown
        }
    }

    /// Whether anything became smaller, of two histograms of the same layout.
    fn has_lost(&self, previous: &Self) -> bool {
        self.count < previous.count
            || self.zero_count < previous.zero_count
            || lost(self.positive(), previous.positive())
            || lost(self.negative(), previous.negative())
    }

    /// The zero count that a histogram would have with a zero bucket so wide or wider; `None` when
    /// a bucket with observations lies across its edge.
    fn zero_count_within(&self, threshold: f64) -> Option<f64> {
        if threshold == self.zero_threshold {
            return Some(self.zero_count);
        }
        let mut zero_count = self.zero_count;
        for side in [self.positive(), self.negative()] {
            for (index, count) in side {
                if exponential_bound(self.schema, index.saturating_sub(1)) >= threshold {
                    break;
                }
                if exponential_bound(self.schema, index) > threshold && count != 0.0 {
                    return None;
                }
                zero_count += count;
            }
        }
        Some(zero_count)
    }

    /// Whether fewer observations lie between two bounds that both histograms have.
    fn lost_custom(&self, previous: &Self) -> bool {
        if self.custom_values == previous.custom_values {
            return lost(self.positive(), previous.positive());
        }
        let (mut mine, mut theirs) = (self.positive().peekable(), previous.positive().peekable());
        let (a, b) = (&self.custom_values, &previous.custom_values);
        let (mut i, mut j) = (0, 0);
        loop {
            let bound = |bounds: &[f64], i: usize| bounds.get(i).copied().unwrap_or(f64::INFINITY);
            let (x, y) = (bound(a, i), bound(b, j));
            if x < y {
                i += 1;
                continue;
            }
            if y < x {
                j += 1;
                continue;
            }
            let up_to = |side: &mut std::iter::Peekable<Indexed<'_>>, last: usize| {
                let mut sum = 0.0;
                while let Some((_, count)) =
                    side.next_if(|(index, _)| usize::try_from(*index).is_ok_and(|i| i <= last))
                {
                    sum += count;
                }
                sum
            };
            if up_to(&mut mine, i) < up_to(&mut theirs, j) {
                return true;
            }
            if i >= a.len() || j >= b.len() {
                return false;
            }
            i += 1;
            j += 1;
        }
    }
}

/// Whether a bucket of `theirs` holds more than that of the same index in `mine`.
fn lost(mine: impl Iterator<Item = (i32, f64)>, theirs: impl Iterator<Item = (i32, f64)>) -> bool {
    let mut mine = mine.peekable();
    for (index, count) in theirs {
        while mine.next_if(|(i, _)| *i < index).is_some() {}
        let now = mine.next_if(|(i, _)| *i == index).map_or(0.0, |(_, count)| count);
        if now < count {
            return true;
        }
    }
    false
}

/// Buckets of a finer schema, joined to those of a coarser one.
struct Joined<I> {
    finer: I,
    steps: u32,
    next: Option<(i32, f64)>,
}

impl<I: Iterator<Item = (i32, f64)>> Iterator for Joined<I> {
    type Item = (i32, f64);

    fn next(&mut self) -> Option<(i32, f64)> {
        let at_hand = self.next.take().or_else(|| self.finer.next());
        let (index, mut sum) = at_hand.map(|(i, count)| (coarser(i, self.steps), count))?;
        for (i, count) in self.finer.by_ref() {
            if coarser(i, self.steps) != index {
                self.next = Some((i, count));
                break;
            }
            sum += count;
        }
        Some((index, sum))
    }
}
