//! What a panic leaves of a group.
//!
//! A panic is a bug, and one that is met while one group is changed must not cost the others. What is
//! certain of a group then are its chunks and mini-batches and the delta rows that can still be read;
//! the log has a key row next, so that what it has of the group before does not matter. When the next
//! change panics as well, or there are histograms, the open rows are given up in memory; the log has
//! them.

use super::GroupHead;
use crate::codec::row::{self, RowState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

impl GroupHead {
    /// Changes the group. When that panics, the group is whole again before anyone else sees it.
    pub(crate) fn change<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let mut changing = Changing { group: self, is_done: false };
        let done = work(changing.group);
        changing.is_done = true;
        done
    }

    #[cold]
    fn mend(&mut self) {
        let in_minis: usize = self.open.minis.iter().map(|mini| mini.rows()).sum();
        let rows = self.open.t_ms.len().saturating_sub(in_minis);
        let is_second = std::mem::replace(&mut self.is_mended, true);
        let read = if is_second || self.histograms.is_some() { None } else { self.read_tail(rows) };
        match read {
            Some((state, bytes)) if in_minis + rows == self.open.t_ms.len() => {
                self.open.tail.truncate(bytes);
                self.state = state;
                self.tail_rows = rows;
            }
            _ => self.give_up_open_rows(),
        }
        self.last_ms = self.range().map_or(self.last_ms, |(_, last_ms)| last_ms);
        self.logged = None;
        self.unlogged_drop.clear();
    }

    /// So many delta rows: the state after them and the bytes they take.
    fn read_tail(&self, rows: usize) -> Option<(RowState, usize)> {
        let read = || {
            let (mut state, mut bytes) = ((*self.open.base).clone(), 0);
            for _ in 0..rows {
                bytes += row::decode(self.open.tail.get(bytes..)?, &mut state).ok()?;
            }
            Some((state, bytes))
        };
        catch_unwind(AssertUnwindSafe(read)).ok().flatten()
    }

    fn give_up_open_rows(&mut self) {
        self.open.t_ms.clear();
        self.open.minis.clear();
        self.open.tail.clear();
        self.tail_rows = 0;
        self.histograms = None;
        self.state = RowState::new();
        self.open.base = Arc::default();
        self.open.live_before = Arc::from([]);
        self.skipped = false;
    }
}

struct Changing<'g> {
    group: &'g mut GroupHead,
    is_done: bool,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if self.is_done {
            self.group.is_mended = false;
        } else {
            self.group.mend();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::group::Unused;
    use crate::wal::record::GroupEntry;
    use model::Labels;
    use storage::{Absence, Column, Row, Source};

    fn group() -> GroupHead {
        let mut group = GroupHead::new(GroupEntry {
            group: 7,
            source: Source::Scrape,
            absence: Absence::EndsSeries,
            key: "a".into(),
            common: Labels::empty(),
        });
        group.add_columns(&[1, 2, 3]);
        group
    }

    fn row(n: i64) -> Row {
        let mut row = Row::new();
        row.begin(n * 1000);
        for column in 0..3 {
            if (n + i64::from(column)) % 5 > 0 {
                row.set(Column(column), (n / 2 + i64::from(column)) as f64);
            }
        }
        row
    }

    fn panic_after(group: &mut GroupHead, work: impl FnOnce(&mut GroupHead)) {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            group.change(|group| {
                work(group);
                panic!("a bug, for the test");
            });
        }));
        assert!(panicked.is_err());
    }

    /// All of the open rows, as they were encoded.
    fn open(group: &GroupHead) -> (Vec<i64>, Vec<u8>, usize) {
        (group.open.t_ms.clone(), group.open.tail.clone(), group.open.minis.len())
    }

    #[test]
    fn rows_that_were_whole_stay() {
        let (mut broken, mut sound) = (group(), group());
        for n in 1..200 {
            let row = row(n);
            match n % 9 {
                // Half of a row.
                3 => panic_after(&mut broken, |group| {
                    row::encode(&row, &mut group.state, &mut group.open.tail);
                }),
                // The row, and then something else.
                5 => panic_after(&mut broken, |group| group.open.tail.extend([1, 2, 3])),
                _ => {}
            }
            assert_eq!(open(&broken), open(&sound), "before row {n}");
            for group in [&mut broken, &mut sound] {
                group.change(|group| group.push(&row, None));
                if n % 60 == 0 {
                    group.change(|group| group.seal(Unused::Stay));
                }
            }
        }
        assert_eq!(open(&broken), open(&sound));
        let chunks = |group: &GroupHead| -> Vec<Vec<u8>> {
            group.chunks.iter().map(|chunk| chunk.bytes().to_vec()).collect()
        };
        assert_eq!(chunks(&broken), chunks(&sound));
    }

    #[test]
    fn what_panics_again_is_given_up() {
        let mut group = group();
        for n in 1..30 {
            group.change(|group| group.push(&row(n), None));
        }
        group.change(|group| group.seal(Unused::Stay));
        for n in 30..50 {
            group.change(|group| group.push(&row(n), None));
        }
        panic_after(&mut group, |_| {});
        assert_eq!((group.last_ms(), group.open.t_ms.len()), (49_000, 20));
        panic_after(&mut group, |_| {});
        assert_eq!((group.last_ms(), group.open.t_ms.len()), (29_000, 0));
        group.change(|group| group.push(&row(60), None));
        assert_eq!((group.last_ms(), group.open.t_ms.len()), (60_000, 1));
    }
}
