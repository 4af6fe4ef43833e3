//! Finds a remembered series anywhere in the page; built when it is needed first.

use super::{Key, Series};

/// Open addressing over positions in the list of series; at most half full.
pub(super) struct Table {
    places: Vec<u32>,
}

const EMPTY: u32 = u32::MAX;

impl Table {
    /// Of equal series the first is found.
    pub(super) fn new(series: &[Series]) -> Self {
        let mut table = Self { places: vec![EMPTY; (series.len() * 2).next_power_of_two()] };
        for (at, one) in (0..EMPTY).zip(series) {
            let place = table.place(one.hash, |at| series[at].hash == one.hash);
            if table.places[place] == EMPTY {
                table.places[place] = at;
            }
        }
        table
    }

    pub(super) fn find(&self, series: &[Series], key: Key) -> Option<usize> {
        let found = self.places[self.place(key.hash, |at| series[at].hash == key.hash)];
        (found != EMPTY && series[found as usize].is(key)).then_some(found as usize)
    }

    /// The place of the first that `is` it, or the empty place where it would be.
    fn place(&self, hash: u64, is: impl Fn(usize) -> bool) -> usize {
        let mask = self.places.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
        let mut place = (hash ^ (hash >> 32)) as usize & mask;
        while self.places[place] != EMPTY && !is(self.places[place] as usize) {
            place = (place + 1) & mask;
        }
        place
    }
}
