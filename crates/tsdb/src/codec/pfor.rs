//! PFOR: blocks of 128 numbers in fields of one width, the few larger ones patched afterwards.
//!
//! A block: width in bits (u8, the top bit set when patches follow) · number of patches (u8, if any)
//! · the low bits of every number · per patch its index (7 bits), the width of its high bits minus
//! one (6 bits) and the high bits; padded to a byte.

use super::DecodeError;
use super::bits::{BitReader, BitWriter, ByteReader, low_bits, width};

const BLOCK: usize = 128;
const MAX_PATCHES: u32 = 31;
const PATCHED: u8 = 0x80;

/// The size of the encoding in bits.
pub(super) fn cost(numbers: &[u64]) -> u64 {
    numbers.chunks(BLOCK).map(|block| plan(block).bits).sum()
}

/// Appends the numbers.
pub(super) fn encode(numbers: &[u64], out: &mut Vec<u8>) {
    for block in numbers.chunks(BLOCK) {
        let Plan { width: w, patches, .. } = plan(block);
        let width_byte = u8::try_from(w).expect("a width is at most 64");
        if patches == 0 {
            out.push(width_byte);
        } else {
            out.push(width_byte | PATCHED);
            out.push(u8::try_from(patches).expect("at most 31 patches"));
        }
        let mask = low_bits(w);
        let mut bits = BitWriter::new(out);
        for &number in block {
            bits.put(number & mask, w);
        }
        if patches > 0 {
            for (i, &number) in block.iter().enumerate().filter(|(_, number)| **number > mask) {
                let high = number >> w;
                bits.put(i as u64, 7);
                bits.put(u64::from(width(high) - 1), 6);
                bits.put(high, width(high));
            }
        }
        bits.finish();
    }
}

/// Appends `n` numbers.
pub(super) fn decode(
    from: &mut ByteReader<'_>,
    n: usize,
    out: &mut Vec<u64>,
) -> Result<(), DecodeError> {
    let mut left = n;
    while left > 0 {
        let count = left.min(BLOCK);
        let head = from.u8()?;
        let w = u32::from(head & !PATCHED);
        if w > 64 {
            return Err(DecodeError::Invalid("width"));
        }
        let patches = if head & PATCHED == 0 { 0 } else { from.u8()? };
        let bytes = from.rest();
        let first = out.len();
        let mut bits = BitReader::new(bytes);
        unpack(bytes, &mut bits, w, count, out);
        for _ in 0..patches {
            let i = first + usize::from(bits.get(7).to_le_bytes()[0]);
            let high_width = 1 + u32::from(bits.get(6).to_le_bytes()[0]);
            let high = bits.get(high_width);
            let number = out.get_mut(i).ok_or(DecodeError::Invalid("patch"))?;
            *number |= high.checked_shl(w).ok_or(DecodeError::Invalid("patch"))?;
        }
        from.take(bits.bytes_used()?)?;
        left -= count;
    }
    Ok(())
}

fn unpack(bytes: &[u8], bits: &mut BitReader<'_>, w: u32, count: usize, out: &mut Vec<u64>) {
    if w == 0 {
        out.resize(out.len() + count, 0);
        return;
    }
    let mut rest = count;
    if w <= 56 && bytes.len() >= 8 {
        // As long as eight bytes can be read, no field depends on the one before.
        let mask = low_bits(w);
        let fast = count.min((bytes.len() - 8) * 8 / w as usize);
        out.extend((0..fast).map(|i| {
            let at = i * w as usize;
            let word = bytes[at >> 3..].first_chunk().expect("fast leaves eight bytes");
            (u64::from_le_bytes(*word) >> (at & 7)) & mask
        }));
        bits.skip(fast * w as usize);
        rest -= fast;
    }
    out.extend((0..rest).map(|_| bits.get(w)));
}

struct Plan {
    width: u32,
    patches: u32,
    bits: u64,
}

fn plan(block: &[u64]) -> Plan {
    let mut of_width = [0_u32; 65];
    let mut largest = 0;
    for &number in block {
        let w = width(number);
        of_width[w as usize] += 1;
        largest = largest.max(w);
    }
    let count = block.len() as u64;
    let mut best = Plan { width: largest, patches: 0, bits: count * u64::from(largest) + 8 };
    let mut patches = 0;
    for w in (0..largest).rev() {
        patches += of_width[w as usize + 1];
        if patches > MAX_PATCHES {
            break;
        }
        let patch_bits = u64::from(patches) * u64::from(7 + 6 + largest - w);
        let bits = count * u64::from(w) + 16 + patch_bits;
        if bits < best.bits {
            best = Plan { width: w, patches, bits };
        }
    }
    best
}
