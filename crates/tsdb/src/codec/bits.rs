//! Bits, varints and zigzag: what every encoding here is made of.
//!
//! Bits are filled lowest first. A [`BitReader`] past its end reads zeros and keeps counting, so that
//! inner loops need no check per value; whoever used one asks [`BitReader::bytes_used`] at the end,
//! which refuses what was read beyond the bytes.

use super::DecodeError;

/// Appends bit fields to a buffer; the last byte is padded with zeros by [`BitWriter::finish`].
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    acc: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, acc: 0, filled: 0 }
    }

    /// Appends the `n` lowest bits of `value`, all others of which are zero; `n` is at most 64.
    #[inline]
    pub(super) fn put(&mut self, value: u64, n: u32) {
        debug_assert!(n <= 64 && (n == 64 || value >> n == 0), "{value} in {n} bits");
        if n == 0 {
            return;
        }
        self.acc |= value << self.filled;
        let filled = self.filled + n;
        if filled < 64 {
            self.filled = filled;
        } else {
            self.out.extend_from_slice(&self.acc.to_le_bytes());
            self.acc = value.checked_shr(64 - self.filled).unwrap_or(0);
            self.filled = filled - 64;
        }
    }

    pub(super) fn finish(self) {
        let bytes = self.filled.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.acc.to_le_bytes()[..bytes]);
    }
}

/// Reads what a [`BitWriter`] wrote.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// The next bits, at least 57 of them valid, without moving on.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let at = self.pos >> 3;
        let word = match self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(eight) => u64::from_le_bytes(*eight),
            None => self.peek_near_the_end(at),
        };
        word >> (self.pos & 7)
    }

    #[cold]
    fn peek_near_the_end(&self, at: usize) -> u64 {
        let mut eight = [0; 8];
        if let Some(rest) = self.bytes.get(at..) {
            eight[..rest.len()].copy_from_slice(rest);
        }
        u64::from_le_bytes(eight)
    }

    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        self.pos += n;
    }

    /// The next `n` bits, at most 64.
    #[inline]
    pub(super) fn get(&mut self, n: u32) -> u64 {
        if n > 56 {
            let low = self.get(32);
            return low | self.get(n - 32) << 32;
        }
        let value = self.peek() & low_bits(n);
        self.skip(n as usize);
        value
    }

    /// The number of bytes from which bits were taken.
    ///
    /// # Errors
    /// When that is more than there were.
    pub(super) fn bytes_used(&self) -> Result<usize, DecodeError> {
        let used = self.pos.div_ceil(8);
        if used <= self.bytes.len() { Ok(used) } else { Err(DecodeError::Truncated) }
    }
}

/// Reads bytes and varints, each checked.
#[derive(Clone, Debug)]
pub(crate) struct ByteReader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> ByteReader<'a> {
    /// Starts at the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// The number of bytes read.
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    /// The next byte.
    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.pos).ok_or(DecodeError::Truncated)?;
        self.pos += 1;
        Ok(byte)
    }

    /// The next `n` bytes.
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.rest().get(..n).ok_or(DecodeError::Truncated)?;
        self.pos += n;
        Ok(taken)
    }

    /// The next `N` bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let taken = self.rest().first_chunk().ok_or(DecodeError::Truncated)?;
        self.pos += N;
        Ok(*taken)
    }

    /// An unsigned varint: seven bits a byte, lowest first, at most ten bytes.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let first = self.u8()?;
        if first < 0x80 { Ok(u64::from(first)) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> Result<u64, DecodeError> {
        let mut value = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::Invalid("varint"))
    }

    /// A varint that counts or indexes something in memory.
    #[inline]
    pub(crate) fn index(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.varint()?).map_err(|_| DecodeError::Invalid("count"))
    }

    /// A varint of 32 bits.
    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.varint()?).map_err(|_| DecodeError::Invalid("number"))
    }

    /// A signed varint.
    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        Ok(unzigzag(self.varint()?))
    }
}

/// Appends an unsigned varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a signed varint.
#[inline]
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Small numbers of either sign as small unsigned ones: 0, -1, 1, -2, 2, ...
#[inline]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

#[inline]
pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// The number of bits up to the highest set one.
#[inline]
pub(super) fn width(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// A mask of the `n` lowest bits; `n` is at most 64.
#[inline]
pub(super) fn low_bits(n: u32) -> u64 {
    u64::MAX.checked_shr(64 - n).unwrap_or(0)
}
