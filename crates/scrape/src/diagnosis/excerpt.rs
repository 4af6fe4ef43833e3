//! A piece of a page that is kept to be shown.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes kept of a page, most of them before the place that did not fit.
const MAX_BYTES: usize = 64 << 10;
/// Bytes kept behind that place.
const BEHIND: usize = 16 << 10;
/// Bytes kept when all others have taken most of the memory there is.
const FEW_BYTES: usize = 2 << 10;
/// Bytes of all pages kept.
pub(crate) const MAX_KEPT: u64 = 16 << 20;

/// Memory for all pages that are kept.
#[derive(Debug, Default)]
pub(crate) struct Excerpts {
    kept: Arc<AtomicU64>,
}

/// A place in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// Byte in the line, from 1.
    pub column: usize,
    /// Byte in the page, from 0.
    pub offset: usize,
}

/// What of a page was at hand when it failed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen<'a> {
    /// Some of its bytes, in a row.
    pub(crate) bytes: &'a [u8],
    /// Where they begin in the page.
    pub(crate) start: u64,
    /// Bytes of the page that came.
    pub(crate) came: u64,
}

/// A piece of a page, and the place that did not fit.
pub struct Excerpt {
    /// The bytes as they came, unpacked.
    pub bytes: Box<[u8]>,
    /// Where they begin in the page.
    pub start: u64,
    /// Bytes of the page that came.
    pub came: u64,
    /// The place that did not fit, when there is one.
    pub position: Option<Position>,
    #[expect(dead_code, reason = "held, and given back with the bytes")]
    room: Room,
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, start, came, position, .. } = self;
        write!(f, "Excerpt({} of {came} bytes from {start}, {position:?})", bytes.len())
    }
}

impl Excerpt {
    /// The bytes as text.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Bytes of the memory for all; given back when dropped.
struct Room {
    kept: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.kept.fetch_sub(self.bytes, Relaxed);
    }
}

impl Excerpts {
    /// Keeps what surrounds a position, or the beginning; `None` when there is nothing to keep, or
    /// no room.
    pub(crate) fn keep(&self, seen: Seen<'_>, position: Option<Position>) -> Option<Excerpt> {
        if seen.bytes.is_empty() {
            return None;
        }
        [MAX_BYTES, FEW_BYTES].into_iter().find_map(|most| {
            let (from, to) = around(seen, position, most);
            let room = self.room((to - from) as u64)?;
            let bytes = seen.bytes[from..to].into();
            let start = seen.start + from as u64;
            Some(Excerpt { bytes, start, came: seen.came, position, room })
        })
    }

    fn room(&self, bytes: u64) -> Option<Room> {
        let room = Room { kept: Arc::clone(&self.kept), bytes };
        let before = self.kept.fetch_add(bytes, Relaxed);
        (before.saturating_add(bytes) <= MAX_KEPT).then_some(room)
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> u64 {
        self.kept.load(Relaxed)
    }
}

/// The part of the bytes that is kept.
fn around(seen: Seen<'_>, position: Option<Position>, most: usize) -> (usize, usize) {
    let len = seen.bytes.len();
    let Some(position) = position else { return (0, len.min(most)) };
    let at = (position.offset as u64).saturating_sub(seen.start);
    let at = usize::try_from(at).map_or(len, |at| at.min(len));
    let to = len.min(at + BEHIND.min(most / 4));
    (to.saturating_sub(most), to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(len: usize, start: u64, offset: Option<usize>, expected: (u64, usize)) {
        let excerpts = Excerpts::default();
        let bytes = vec![b'x'; len];
        let position = offset.map(|offset| Position { line: 1, column: 1, offset });
        let seen = Seen { bytes: &bytes, start, came: start + len as u64 };
        let kept = excerpts.keep(seen, position).unwrap();
        assert_eq!((kept.start, kept.bytes.len()), expected);
        assert_eq!(excerpts.kept(), expected.1 as u64);
        drop(kept);
        assert_eq!(excerpts.kept(), 0);
    }

    #[test]
    fn what_surrounds_the_place_is_kept() {
        check(100, 0, None, (0, 100));
        check(100, 0, Some(50), (0, 100));
        check(1 << 20, 0, None, (0, 64 << 10));
        check(1 << 20, 0, Some(0), (0, 16 << 10));
        check(1 << 20, 0, Some(500_000), (500_000 + (16 << 10) - (64 << 10), 64 << 10));
        check(1 << 20, 1000, Some(501_000), (501_000 + (16 << 10) - (64 << 10), 64 << 10));
        check(100_000, 0, Some(100_000), (100_000 - (64 << 10), 64 << 10));
        check(10, 1 << 40, Some(3), (1 << 40, 10));
        assert!(Excerpts::default().keep(Seen::default(), None).is_none());
    }

    #[test]
    fn all_of_them_share_a_bounded_memory() {
        let excerpts = Excerpts::default();
        let bytes = vec![b'x'; 60_000];
        let seen = Seen { bytes: &bytes, start: 0, came: 60_000 };
        let kept: Vec<_> = (0..2000).map(|_| excerpts.keep(seen, None)).collect();
        assert!(excerpts.kept() <= MAX_KEPT);
        assert!(kept.iter().flatten().any(|one| one.bytes.len() == FEW_BYTES));
        drop(kept);
        assert_eq!(excerpts.kept(), 0);
    }
}
