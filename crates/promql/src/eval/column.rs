//! One series over the steps of a grid.

use model::FloatHistogram;
use std::sync::Arc;

/// A sample or nothing at each step. A bitmap tells which: NaN is a value like others.
///
/// Nearly all samples are floats, so these have a place for each step, and histograms stand in a
/// list beside them. What asks for values sees the floats only, unless it says `sample`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// One value a step; leftovers where nothing is, or a histogram.
    pub(crate) values: Vec<f64>,
    /// One bit a step, lowest first; bits past the last step are 0.
    pub(crate) present: Vec<u64>,
    /// Steps, ascending, and their histograms; leftovers where nothing is.
    histograms: Vec<(usize, Arc<FloatHistogram>)>,
}

/// What is at a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sample<'a> {
    /// A float.
    Float(f64),
    /// A native histogram.
    Histogram(&'a Arc<FloatHistogram>),
}

/// Words of a bitmap.
pub(crate) fn words(n: usize) -> usize {
    n.div_ceil(64)
}

/// Whether a bit is set.
#[inline]
pub(crate) fn bit(bits: &[u64], i: usize) -> bool {
    bits[i / 64] >> (i % 64) & 1 == 1
}

/// The number of bits set.
pub(crate) fn count(bits: &[u64]) -> usize {
    bits.iter().map(|word| word.count_ones() as usize).sum()
}

/// Visits the bits that are set, in order.
#[inline]
pub(crate) fn for_each(bits: &[u64], mut visit: impl FnMut(usize)) {
    for (w, word) in bits.iter().enumerate() {
        if *word == u64::MAX {
            (w * 64..w * 64 + 64).for_each(&mut visit);
        } else {
            let mut rest = *word;
            while rest != 0 {
                visit(w * 64 + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }
}

/// Sets the bits that are set in the other one.
pub(crate) fn unite(bits: &mut [u64], other: &[u64]) {
    bits.iter_mut().zip(other).for_each(|(a, b)| *a |= b);
}

/// A bit set in both, if there is one.
pub(crate) fn common(a: &[u64], b: &[u64]) -> Option<usize> {
    let word = a.iter().zip(b).position(|(a, b)| a & b != 0)?;
    Some(word * 64 + (a[word] & b[word]).trailing_zeros() as usize)
}

impl Column {
    /// Nothing at each of `n` steps; keeps the memory.
    pub(crate) fn reset(&mut self, n: usize) {
        self.values.resize(n, 0.0);
        self.present.clear();
        self.present.resize(words(n), 0);
        self.histograms.clear();
    }

    /// A value at each step: the bits; the values are the caller's.
    pub(crate) fn set_all_present(&mut self, n: usize) {
        self.reset(n);
        self.present.fill(u64::MAX);
        if !n.is_multiple_of(64)
            && let Some(last) = self.present.last_mut()
        {
            *last = (1 << (n % 64)) - 1;
        }
    }

    /// Puts a float where no histogram is.
    #[inline]
    pub(crate) fn set(&mut self, i: usize, value: f64) {
        self.values[i] = value;
        self.present[i / 64] |= 1 << (i % 64);
    }

    /// Puts a histogram where nothing is.
    pub(crate) fn set_histogram(&mut self, i: usize, histogram: Arc<FloatHistogram>) {
        match self.histograms.last() {
            Some((last, _)) if *last >= i => {
                match self.histograms.binary_search_by_key(&i, |(step, _)| *step) {
                    Ok(place) => self.histograms[place].1 = histogram,
                    Err(place) => self.histograms.insert(place, (i, histogram)),
                }
            }
            _ => self.histograms.push((i, histogram)),
        }
        self.present[i / 64] |= 1 << (i % 64);
    }

    /// Whether there is a sample, float or histogram.
    #[inline]
    pub(crate) fn has(&self, i: usize) -> bool {
        bit(&self.present, i)
    }

    /// The float at a step.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<f64> {
        (self.has(i) && (self.histograms.is_empty() || self.place(i).is_none()))
            .then(|| self.values[i])
    }

    fn place(&self, i: usize) -> Option<usize> {
        self.histograms.binary_search_by_key(&i, |(step, _)| *step).ok()
    }

    /// The histogram at a step.
    pub(crate) fn histogram(&self, i: usize) -> Option<&Arc<FloatHistogram>> {
        if self.histograms.is_empty() || !self.has(i) {
            return None;
        }
        self.place(i).map(|place| &self.histograms[place].1)
    }

    /// What is at a step.
    pub(crate) fn sample(&self, i: usize) -> Option<Sample<'_>> {
        match self.histogram(i) {
            Some(histogram) => Some(Sample::Histogram(histogram)),
            None => self.has(i).then(|| Sample::Float(self.values[i])),
        }
    }

    /// Steps and histograms, in order.
    pub(crate) fn histograms(&self) -> impl Iterator<Item = (usize, &Arc<FloatHistogram>)> {
        self.histograms.iter().filter(|(i, _)| self.has(*i)).map(|(i, h)| (*i, h))
    }

    /// Whether there are histograms.
    #[inline]
    pub(crate) fn has_histograms(&self) -> bool {
        !self.histograms.is_empty() && self.histograms().next().is_some()
    }

    /// Leaves the floats only; true when there were histograms.
    #[inline]
    pub(crate) fn drop_histograms(&mut self) -> bool {
        if self.histograms.is_empty() {
            return false;
        }
        let mut dropped = false;
        for (i, _) in self.histograms.drain(..) {
            dropped |= bit(&self.present, i);
            self.present[i / 64] &= !(1 << (i % 64));
        }
        dropped
    }

    /// Makes floats of the histograms: what stands in their places.
    pub(crate) fn forget_histograms(&mut self) {
        self.histograms.clear();
    }

    /// Takes the histograms out; nothing stays at their steps.
    pub(crate) fn take_histograms(&mut self) -> Vec<(usize, Arc<FloatHistogram>)> {
        let mut taken = std::mem::take(&mut self.histograms);
        taken.retain(|(i, _)| bit(&self.present, *i));
        for (i, _) in &taken {
            self.present[i / 64] &= !(1 << (i % 64));
        }
        taken
    }

    /// Takes over what another column has at steps at which this one has nothing.
    pub(crate) fn absorb(&mut self, other: &Self) {
        if !self.histograms.is_empty() {
            let present = &self.present;
            self.histograms.retain(|(i, _)| bit(present, *i));
        }
        other.for_each(|i, value| self.set(i, value));
        for (i, histogram) in other.histograms() {
            self.set_histogram(i, Arc::clone(histogram));
        }
    }

    /// The number of samples.
    pub(crate) fn count(&self) -> usize {
        count(&self.present)
    }

    /// The number of samples, histograms counted as the sample limit does.
    pub(crate) fn weight(&self) -> usize {
        let histograms = self.histograms().map(|(_, h)| h.size_in_samples().saturating_sub(1));
        self.count() + histograms.sum::<usize>()
    }

    /// Whether there are no samples.
    pub(crate) fn is_empty(&self) -> bool {
        self.present.iter().all(|word| *word == 0)
    }

    /// Visits steps and floats in order.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, f64)) {
        if self.histograms.is_empty() {
            for_each(&self.present, |i| visit(i, self.values[i]));
        } else {
            let mut histograms = self.histograms.iter().map(|(i, _)| *i).peekable();
            for_each(&self.present, |i| {
                while histograms.next_if(|step| *step < i).is_some() {}
                if histograms.peek() != Some(&i) {
                    visit(i, self.values[i]);
                }
            });
        }
    }

    /// Visits steps and samples in order.
    pub(crate) fn for_each_sample(&self, mut visit: impl FnMut(usize, Sample<'_>)) {
        let mut histograms = self.histograms.iter().peekable();
        for_each(&self.present, |i| {
            while histograms.next_if(|(step, _)| *step < i).is_some() {}
            visit(
                i,
                match histograms.peek() {
                    Some((step, histogram)) if *step == i => Sample::Histogram(histogram),
                    _ => Sample::Float(self.values[i]),
                },
            );
        });
    }

    /// Replaces all values, leftovers too.
    #[inline]
    pub(crate) fn map(&mut self, f: impl Fn(f64) -> f64) {
        self.values.iter_mut().for_each(|v| *v = f(*v));
    }

    /// Replaces all values by step.
    #[inline]
    pub(crate) fn map_steps(&mut self, f: impl Fn(usize, f64) -> f64) {
        self.values.iter_mut().enumerate().for_each(|(i, v)| *v = f(i, *v));
    }

    /// Keeps the samples for which `keep` is true; the value of a histogram is a leftover.
    #[inline]
    pub(crate) fn retain(&mut self, keep: impl Fn(usize, f64) -> bool) {
        for (w, word) in self.present.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let i = w * 64 + rest.trailing_zeros() as usize;
                if !keep(i, self.values[i]) {
                    *word &= !(1 << (i % 64));
                }
                rest &= rest - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_stand_beside_floats() {
        let histogram = |count: f64| Arc::new(FloatHistogram { count, ..Default::default() });
        let shown = |column: &Column| {
            let mut shown = String::new();
            column.for_each_sample(|i, sample| match sample {
                Sample::Float(value) => shown += &format!("{i}:{value} "),
                Sample::Histogram(h) => shown += &format!("{i}:h{} ", h.count),
            });
            shown
        };
        let mut column = Column::default();
        column.reset(5);
        column.set(0, 1.0);
        column.set_histogram(3, histogram(3.0));
        column.set_histogram(1, histogram(2.0));
        column.set(4, 5.0);
        assert_eq!(shown(&column), "0:1 1:h2 3:h3 4:5 ");
        assert_eq!((column.get(1), column.get(4)), (None, Some(5.0)));
        let mut other = Column::default();
        other.reset(5);
        other.set_histogram(2, histogram(9.0));
        column.retain(|i, _| i != 1);
        column.absorb(&other);
        assert_eq!(shown(&column), "0:1 2:h9 3:h3 4:5 ");
        let mut floats = Vec::new();
        column.for_each(|i, _| floats.push(i));
        assert_eq!(floats, [0, 4]);
        assert!(column.has_histograms() && column.drop_histograms());
        assert_eq!(shown(&column), "0:1 4:5 ");
        assert!(!column.drop_histograms());
    }

    #[test]
    fn bits_of_any_length() {
        for n in [0, 1, 63, 64, 65, 200] {
            let mut column = Column::default();
            column.set_all_present(n);
            assert_eq!(column.count(), n);
            column.retain(|i, _| i % 3 == 0);
            let mut seen = Vec::new();
            column.for_each(|i, _| seen.push(i));
            assert_eq!(seen, (0..n).filter(|i| i % 3 == 0).collect::<Vec<_>>());
            assert_eq!(common(&column.present, &column.present), (n > 0).then_some(0));
        }
    }
}
