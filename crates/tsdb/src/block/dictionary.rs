//! Sorted texts, front-coded: found by number (their rank) and by content.
//!
//! Layout: count u32 · per 16 texts the offset of the first, u32, from the first text on · texts, each:
//! bytes shared with the one before (varint, not for the first of 16) · length of the rest (varint) ·
//! the rest. Fixed-size numbers are little endian.

use super::series::u32_at;
use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use std::cmp::Ordering;

const PER_RESTART: usize = 16;

/// Appends texts, which ascend strictly in byte order.
pub(super) fn encode<'a>(texts: impl ExactSizeIterator<Item = &'a str>, out: &mut Vec<u8>) {
    let count = texts.len();
    out.extend_from_slice(&u32::try_from(count).expect("fewer than 2^32 texts").to_le_bytes());
    let restarts = out.len();
    let start = restarts + 4 * count.div_ceil(PER_RESTART);
    out.resize(start, 0);
    let mut previous = "";
    for (i, text) in texts.enumerate() {
        debug_assert!(i == 0 || previous < text, "texts must ascend");
        let mut shared = 0;
        if i % PER_RESTART == 0 {
            let offset = u32::try_from(out.len() - start).expect("less than 4 GiB of texts");
            let at = restarts + 4 * (i / PER_RESTART);
            out[at..at + 4].copy_from_slice(&offset.to_le_bytes());
        } else {
            shared = previous.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
            put_varint(out, shared as u64);
        }
        put_varint(out, (text.len() - shared) as u64);
        out.extend_from_slice(&text.as_bytes()[shared..]);
        previous = text;
    }
}

/// Reads what [`encode`] wrote.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dictionary<'a> {
    count: usize,
    restarts: &'a [u8],
    texts: &'a [u8],
}

impl<'a> Dictionary<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let count = u32_at(bytes, 0)? as usize;
        let restarts = bytes.get(4..).ok_or(DecodeError::Truncated)?;
        let (restarts, texts) = restarts
            .split_at_checked(4 * count.div_ceil(PER_RESTART))
            .ok_or(DecodeError::Truncated)?;
        Ok(Self { count, restarts, texts })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Replaces `text` by the text of a rank.
    pub(super) fn get(&self, rank: usize, text: &mut Vec<u8>) -> Result<(), DecodeError> {
        let mut walk = self.walk(rank / PER_RESTART * PER_RESTART)?;
        for _ in 0..=rank % PER_RESTART {
            walk.step(text)?;
        }
        Ok(())
    }

    /// The rank of a text, or that of the first one greater.
    pub(super) fn find(&self, wanted: &[u8]) -> Result<Result<usize, usize>, DecodeError> {
        let mut text = Vec::new();
        let (mut low, mut high) = (0, self.count.div_ceil(PER_RESTART));
        while low < high {
            let middle = low + (high - low) / 2;
            self.walk(middle * PER_RESTART)?.step(&mut text)?;
            if text.as_slice() <= wanted { low = middle + 1 } else { high = middle }
        }
        let Some(restart) = low.checked_sub(1) else { return Ok(Err(0)) };
        let mut walk = self.walk(restart * PER_RESTART)?;
        while walk.rank < self.count {
            let rank = walk.rank;
            walk.step(&mut text)?;
            match text.as_slice().cmp(wanted) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Ok(rank)),
                Ordering::Greater => return Ok(Err(rank)),
            }
        }
        Ok(Err(self.count))
    }

    /// Calls `each` with rank and text from a rank on, in order, while it says so.
    pub(super) fn for_each(
        &self,
        from: usize,
        mut each: impl FnMut(usize, &str) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut text = Vec::new();
        let mut walk = self.walk(from / PER_RESTART * PER_RESTART)?;
        while walk.rank < self.count {
            let rank = walk.rank;
            walk.step(&mut text)?;
            if rank >= from && !each(rank, utf8(&text)?)? {
                break;
            }
        }
        Ok(())
    }

    /// Walks from a rank that starts a run of 16.
    fn walk(&self, rank: usize) -> Result<Walk<'a>, DecodeError> {
        if rank >= self.count {
            return Ok(Walk { from: ByteReader::new(&[]), rank });
        }
        let offset = u32_at(self.restarts, rank / PER_RESTART)? as usize;
        let texts = self.texts.get(offset..).ok_or(DecodeError::Truncated)?;
        Ok(Walk { from: ByteReader::new(texts), rank })
    }
}

struct Walk<'a> {
    from: ByteReader<'a>,
    rank: usize,
}

impl Walk<'_> {
    /// Makes `text`, the text before, the next one.
    fn step(&mut self, text: &mut Vec<u8>) -> Result<(), DecodeError> {
        let shared = if self.rank.is_multiple_of(PER_RESTART) { 0 } else { self.from.index()? };
        if shared > text.len() {
            return Err(DecodeError::Invalid("front coding"));
        }
        text.truncate(shared);
        let rest = self.from.index()?;
        text.extend_from_slice(self.from.take(rest)?);
        self.rank += 1;
        Ok(())
    }
}

pub(super) fn utf8(text: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(text).map_err(|_| DecodeError::Invalid("text"))
}
