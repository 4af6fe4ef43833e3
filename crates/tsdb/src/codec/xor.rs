//! XOR with the value before: for floats that are no decimals. The idea is Gorilla's.
//!
//! First value: 64 bits. Then per value: `0` when it equals the one before; `10` and the bits that
//! differ, when they lie in the window of the last value written with one; `11`, leading zeros of the
//! XOR (5 bits), width of the window (6 bits, 0 is 64) and the window. Bits lowest first.

use super::DecodeError;
use super::bits::{BitReader, BitWriter, ByteReader, low_bits};

/// Appends the values, of which there is at least one.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) {
    let mut bits = BitWriter::new(out);
    let mut previous = values[0].to_bits();
    bits.put(previous, 64);
    let mut window: Option<(u32, u32)> = None;
    for value in &values[1..] {
        let value = value.to_bits();
        let xor = value ^ previous;
        previous = value;
        if xor == 0 {
            bits.put(0, 1);
            continue;
        }
        let leading = xor.leading_zeros().min(31);
        let trailing = xor.trailing_zeros();
        match window {
            Some((lead, trail)) if leading >= lead && trailing >= trail => {
                bits.put(0b01, 2);
                bits.put(xor >> trail, 64 - lead - trail);
            }
            _ => {
                let width = 64 - leading - trailing;
                bits.put(0b11 | u64::from(leading) << 2 | (u64::from(width) & 63) << 7, 13);
                bits.put(xor >> trailing, width);
                window = Some((leading, trailing));
            }
        }
    }
    bits.finish();
}

/// Appends `n` values, at least one.
pub(super) fn decode(
    from: &mut ByteReader<'_>,
    n: usize,
    out: &mut Vec<f64>,
) -> Result<(), DecodeError> {
    let mut bits = BitReader::new(from.rest());
    let mut previous = bits.get(64);
    out.push(f64::from_bits(previous));
    let (mut width, mut trailing) = (0, 0);
    for _ in 1..n {
        let next = bits.peek();
        if next & 1 == 0 {
            bits.skip(1);
        } else {
            if next & 2 == 0 {
                bits.skip(2);
            } else {
                bits.skip(13);
                let field = |at: u32, n| u32::try_from(next >> at & low_bits(n)).unwrap_or(0);
                let leading = field(2, 5);
                width = match field(7, 6) {
                    0 => 64,
                    width => width,
                };
                trailing =
                    (64 - leading).checked_sub(width).ok_or(DecodeError::Invalid("window"))?;
            }
            previous ^= bits.get(width) << trailing;
        }
        out.push(f64::from_bits(previous));
    }
    from.take(bits.bytes_used()?)?;
    Ok(())
}
