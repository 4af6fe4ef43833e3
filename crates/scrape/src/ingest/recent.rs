//! Which columns had a value in the last scrapes; tells which series are new.

/// A series is live when it was in one of so many scrapes.
const SCRAPES: usize = 3;

/// A bit per column for each of the last scrapes.
#[derive(Debug, Default)]
pub(super) struct Recent {
    scrapes: [Vec<u64>; SCRAPES],
    next: usize,
    /// Columns of the last good scrape and of what was read of the refused pages since.
    known: Vec<u64>,
}

impl Recent {
    /// How many of the columns that are present now were not in the last good scrape, nor in a
    /// refused page after it.
    pub(super) fn count_new(&self, present: &[u64]) -> u64 {
        let known = |i: usize| self.known.get(i).copied().unwrap_or(0);
        present.iter().enumerate().map(|(i, now)| u64::from((now & !known(i)).count_ones())).sum()
    }

    /// Takes note of what was read of a page that is refused.
    pub(super) fn note_refused(&mut self, present: &[u64]) {
        if self.known.len() < present.len() {
            self.known.resize(present.len(), 0);
        }
        for (known, now) in self.known.iter_mut().zip(present) {
            *known |= now;
        }
    }

    /// Remembers a good scrape.
    pub(super) fn push_good(&mut self, present: &[u64]) {
        self.push(present);
        self.known.clear();
        self.known.extend_from_slice(present);
    }

    /// How many columns were present in any of the remembered scrapes.
    pub(super) fn live(&self) -> u64 {
        let words = self.scrapes.iter().map(Vec::len).max().unwrap_or(0);
        let any = |i| self.scrapes.iter().fold(0, |all, s| all | s.get(i).copied().unwrap_or(0));
        (0..words).map(|i: usize| u64::from(any(i).count_ones())).sum()
    }

    /// Remembers a scrape in place of the oldest.
    pub(super) fn push(&mut self, present: &[u64]) {
        let used = present.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        let oldest = &mut self.scrapes[self.next];
        oldest.clear();
        oldest.extend_from_slice(&present[..used]);
        self.next = (self.next + 1) % SCRAPES;
    }

    /// Follows columns that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        for scrape in self.scrapes.iter_mut().chain([&mut self.known]) {
            let mut moved = Vec::new();
            for (old, new) in map.iter().enumerate() {
                let was = scrape.get(old / 64).is_some_and(|word| word & (1 << (old % 64)) != 0);
                if was && *new != u32::MAX {
                    let new = *new as usize;
                    if moved.len() <= new / 64 {
                        moved.resize(new / 64 + 1, 0);
                    }
                    moved[new / 64] |= 1 << (new % 64);
                }
            }
            *scrape = moved;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_new_when_the_last_good_scrape_had_it_not() {
        let mut recent = Recent::default();
        assert_eq!(recent.count_new(&[0b11, 1]), 3);
        recent.push_good(&[0b11, 1]);
        for _ in 0..4 {
            assert_eq!(recent.count_new(&[0b111, 1]), 1);
            recent.push(&[]);
        }
        recent.note_refused(&[0b100, 0, 1]);
        assert_eq!(recent.count_new(&[0b1111, 1, 1]), 1);
        recent.push_good(&[0]);
        assert_eq!(recent.count_new(&[0b11]), 2);
    }

    #[test]
    fn columns_that_move_stay_known() {
        let mut recent = Recent::default();
        recent.push_good(&[0b1011]);
        recent.remap(&[1, u32::MAX, 2, 70]);
        assert_eq!(recent.count_new(&[0b10, 1 << 6]), 0);
        assert_eq!(recent.count_new(&[0b101]), 2);
    }
}
