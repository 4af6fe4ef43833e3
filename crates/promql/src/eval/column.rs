//! One series over the steps of a grid.

/// A value or nothing at each step. A bitmap tells which: NaN is a value like others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Column {
    /// One value a step; leftovers where nothing is.
    pub(crate) values: Vec<f64>,
    /// One bit a step, lowest first; bits past the last step are 0.
    pub(crate) present: Vec<u64>,
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

    #[inline]
    pub(crate) fn set(&mut self, i: usize, value: f64) {
        self.values[i] = value;
        self.present[i / 64] |= 1 << (i % 64);
    }

    #[inline]
    pub(crate) fn has(&self, i: usize) -> bool {
        bit(&self.present, i)
    }

    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<f64> {
        self.has(i).then(|| self.values[i])
    }

    /// The number of values.
    pub(crate) fn count(&self) -> usize {
        count(&self.present)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.present.iter().all(|word| *word == 0)
    }

    /// Visits steps and values in order.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, f64)) {
        for_each(&self.present, |i| visit(i, self.values[i]));
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

    /// Keeps the values for which `keep` is true.
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
