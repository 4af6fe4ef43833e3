//! What is kept of pages that were interrupted: series that are not made yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Series kept by all targets together; some 200 bytes each.
const MOST: usize = 1 << 20;

/// A target's part of what all may keep.
#[derive(Debug)]
pub(super) struct Kept {
    all: KeptByAll,
    count: usize,
}

/// What all targets keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptByAll(Arc<AtomicUsize>);

impl Kept {
    pub(super) fn new(all: &KeptByAll) -> Self {
        Self { all: all.clone(), count: 0 }
    }

    /// Keeps so many series; false, and none, when that is more than half of what the others leave.
    pub(super) fn keep(&mut self, count: usize) -> bool {
        if count == self.count {
            return true;
        }
        let others = self.all.0.fetch_sub(self.count, Relaxed) - self.count;
        let fits = count <= MOST.saturating_sub(others) / 2;
        self.count = if fits { count } else { 0 };
        self.all.0.fetch_add(self.count, Relaxed);
        fits
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keep(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_may_keep_half_of_what_the_others_leave() {
        let all = KeptByAll::default();
        let (mut a, mut b) = (Kept::new(&all), Kept::new(&all));
        assert!(a.keep(MOST / 2) && !b.keep(MOST / 2) && b.keep(MOST / 4));
        assert!(!a.keep(MOST / 2 - 1));
        assert!(b.keep(MOST / 2));
        drop((a, b));
        assert_eq!(all.0.load(Relaxed), 0);
    }
}
