//! Rice codes: the high part of a number in unary, its `k` low bits as they are; and zero runs, which
//! are two streams of Rice codes in one.
//!
//! A code: `q` ones and a zero, then the `k` low bits, where `q` is the number shifted right by `k`;
//! from 24 on, 24 ones and all 64 bits of the number instead.
//! Plain: k (u8) · codes. Zero runs: k of the runs (u8) · k of the numbers (u8) · count of numbers
//! that are not zero (varint) · for each, the zeros before it and the number minus one.

use super::DecodeError;
use super::bits::{BitReader, BitWriter, ByteReader, low_bits, put_varint, width};

/// So many ones announce a number as it is.
const ESCAPE: u32 = 24;
const MAX_K: u32 = 62;

/// The best `k` for some numbers and the size of their codes in bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    k: u32,
    pub(super) bits: u64,
}

pub(super) fn plan(numbers: impl Iterator<Item = u64> + Clone, n: usize) -> Plan {
    let sum: u128 = numbers.clone().map(u128::from).sum();
    let mean = u64::try_from(sum / n.max(1) as u128).expect("a mean of numbers of 64 bits");
    let near = width(mean).saturating_sub(1);
    // All candidates in one pass; the last two may be the same.
    let candidates = [0, 1, 2, 3].map(|i| (near.saturating_sub(2) + i).min(MAX_K));
    let mut bits = [0; 4];
    for number in numbers {
        for (bits, k) in bits.iter_mut().zip(candidates) {
            let q = number >> k;
            let plain = q.min(u64::from(ESCAPE)) + 1 + u64::from(k);
            *bits += if q < u64::from(ESCAPE) { plain } else { u64::from(ESCAPE) + 64 };
        }
    }
    let plans = candidates.into_iter().zip(bits).map(|(k, bits)| Plan { k, bits });
    plans.min_by_key(|plan| plan.bits).expect("four candidates")
}

pub(super) fn encode(plan: Plan, numbers: &[u64], out: &mut Vec<u8>) {
    out.push(k_byte(plan));
    let mut bits = BitWriter::new(out);
    for &number in numbers {
        put(&mut bits, number, plan.k);
    }
    bits.finish();
}

pub(super) fn decode(
    from: &mut ByteReader<'_>,
    n: usize,
    out: &mut Vec<u64>,
) -> Result<(), DecodeError> {
    let k = read_k(from)?;
    let mut bits = BitReader::new(from.rest());
    out.extend((0..n).map(|_| get(&mut bits, k)));
    from.take(bits.bytes_used()?)?;
    Ok(())
}

/// How to write mostly zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZeroRunPlan {
    runs: Plan,
    numbers: Plan,
    count: usize,
    pub(super) bits: u64,
}

/// A plan, when at most a third of the numbers are not zero; `runs` is scratch.
pub(super) fn plan_zero_runs(numbers: &[u64], runs: &mut Vec<u64>) -> Option<ZeroRunPlan> {
    let count = numbers.iter().filter(|number| **number != 0).count();
    if count == 0 || count * 3 > numbers.len() {
        return None;
    }
    runs.clear();
    let mut run = 0;
    for &number in numbers {
        if number == 0 {
            run += 1;
        } else {
            runs.push(run);
            run = 0;
        }
    }
    let runs = plan(runs.iter().copied(), count);
    let rest = numbers.iter().filter(|number| **number != 0).map(|number| number - 1);
    let numbers = plan(rest, count);
    Some(ZeroRunPlan { runs, numbers, count, bits: runs.bits + numbers.bits + 32 })
}

pub(super) fn encode_zero_runs(plan: ZeroRunPlan, numbers: &[u64], out: &mut Vec<u8>) {
    out.push(k_byte(plan.runs));
    out.push(k_byte(plan.numbers));
    put_varint(out, plan.count as u64);
    let mut bits = BitWriter::new(out);
    let mut run = 0;
    for &number in numbers {
        if number == 0 {
            run += 1;
        } else {
            put(&mut bits, run, plan.runs.k);
            put(&mut bits, number - 1, plan.numbers.k);
            run = 0;
        }
    }
    bits.finish();
}

pub(super) fn decode_zero_runs(
    from: &mut ByteReader<'_>,
    n: usize,
    out: &mut Vec<u64>,
) -> Result<(), DecodeError> {
    let (run_k, number_k) = (read_k(from)?, read_k(from)?);
    let count = from.index()?;
    if count > n {
        return Err(DecodeError::Invalid("count of zero runs"));
    }
    let first = out.len();
    out.resize(first + n, 0);
    let zeros = &mut out[first..];
    let mut bits = BitReader::new(from.rest());
    let mut at = 0_usize;
    for _ in 0..count {
        let run = usize::try_from(get(&mut bits, run_k)).unwrap_or(usize::MAX);
        at = at.saturating_add(run);
        let number = get(&mut bits, number_k).wrapping_add(1);
        *zeros.get_mut(at).ok_or(DecodeError::Invalid("zero run"))? = number;
        at += 1;
    }
    from.take(bits.bytes_used()?)?;
    Ok(())
}

fn k_byte(plan: Plan) -> u8 {
    u8::try_from(plan.k).expect("k is at most 62")
}

fn read_k(from: &mut ByteReader<'_>) -> Result<u32, DecodeError> {
    let k = u32::from(from.u8()?);
    if k <= MAX_K { Ok(k) } else { Err(DecodeError::Invalid("rice parameter")) }
}

#[inline]
fn put(bits: &mut BitWriter<'_>, number: u64, k: u32) {
    match u32::try_from(number >> k) {
        Ok(q) if q < ESCAPE => {
            bits.put(low_bits(q), q + 1);
            bits.put(number & low_bits(k), k);
        }
        _ => {
            bits.put(low_bits(ESCAPE), ESCAPE);
            bits.put(number, 64);
        }
    }
}

#[inline]
fn get(bits: &mut BitReader<'_>, k: u32) -> u64 {
    let next = bits.peek();
    let q = (!next).trailing_zeros();
    if q >= ESCAPE {
        bits.skip(ESCAPE as usize);
        bits.get(64)
    } else if q + 1 + k <= 56 {
        bits.skip((q + 1 + k) as usize);
        u64::from(q) << k | (next >> (q + 1)) & low_bits(k)
    } else {
        bits.skip(q as usize + 1);
        u64::from(q) << k | bits.get(k)
    }
}
