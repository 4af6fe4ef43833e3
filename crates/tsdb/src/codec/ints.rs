//! Integers: residuals of order 0 (over the smallest), 1 (differences) or 2 (differences of them),
//! divided by their greatest common divisor, in the packing that comes out smallest.
//!
//! Layout: head u8 (order in bits 0-1, packing in 2-3, divisor follows 4, differences unsigned 5) ·
//! divisor varint, if any · base: smallest or first number, signed varint · first difference over the
//! divisor, signed varint, in order 2 · residuals packed. The count is known from outside.

use super::bits::{ByteReader, put_signed, put_varint, unzigzag, zigzag};
use super::{DecodeError, pfor, rice};

/// Buffers for residuals; reused from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    orders: [Vec<u64>; 3],
    runs: Vec<u64>,
}

#[derive(Clone, Copy)]
enum Packing {
    Pfor,
    Rice(rice::Plan),
    ZeroRuns(rice::ZeroRunPlan),
    /// All residuals are zero.
    Nothing,
}

impl Packing {
    fn code(self) -> u8 {
        match self {
            Self::Pfor => 0,
            Self::Rice(_) => 1,
            Self::ZeroRuns(_) => 2,
            Self::Nothing => 3,
        }
    }
}

const DIVISOR: u8 = 1 << 4;
const UNSIGNED: u8 = 1 << 5;

/// Appends the numbers, of which there is at least one.
pub(super) fn encode(numbers: &[i64], scratch: &mut Scratch, out: &mut Vec<u8>) {
    let first = numbers[0];
    let divisor = common_divisor(numbers);
    let smallest = numbers.iter().copied().min().unwrap_or(first);
    let unsigned = residuals(numbers, smallest, divisor, &mut scratch.orders);
    let (order, packing) = choose(numbers.len(), scratch);

    let flags = if divisor > 1 { DIVISOR } else { 0 } | if unsigned { UNSIGNED } else { 0 };
    out.push(order | packing.code() << 2 | flags);
    if divisor > 1 {
        put_varint(out, divisor.cast_unsigned());
    }
    put_signed(out, if order == 0 { smallest } else { first });
    if order == 2 {
        put_signed(out, numbers[1].wrapping_sub(first) / divisor);
    }
    let residuals = &scratch.orders[usize::from(order)];
    match packing {
        Packing::Pfor => pfor::encode(residuals, out),
        Packing::Rice(plan) => rice::encode(plan, residuals, out),
        Packing::ZeroRuns(plan) => rice::encode_zero_runs(plan, residuals, out),
        Packing::Nothing => {}
    }
}

/// Appends `n` numbers, at least one.
pub(super) fn decode(
    from: &mut ByteReader<'_>,
    n: usize,
    scratch: &mut Scratch,
    out: &mut Vec<i64>,
) -> Result<(), DecodeError> {
    let head = from.u8()?;
    let order = head & 3;
    let divisor = if head & DIVISOR == 0 { 1 } else { from.varint()?.cast_signed() };
    let base = from.signed()?;
    let first_difference = if order == 2 { from.signed()? } else { 0 };
    let count = n.saturating_sub(usize::from(order));
    let residuals = &mut scratch.orders[0];
    residuals.clear();
    match head >> 2 & 3 {
        0 => pfor::decode(from, count, residuals)?,
        1 => rice::decode(from, count, residuals)?,
        2 => rice::decode_zero_runs(from, count, residuals)?,
        _ => residuals.resize(count, 0),
    }

    let mut last = base;
    let mut add = |difference: i64| {
        last = last.wrapping_add(difference.wrapping_mul(divisor));
        last
    };
    match order {
        0 => out.extend(
            residuals.iter().map(|r| base.wrapping_add(r.cast_signed().wrapping_mul(divisor))),
        ),
        1 => {
            out.push(base);
            if head & UNSIGNED == 0 {
                out.extend(residuals.iter().map(|r| add(unzigzag(*r))));
            } else {
                out.extend(residuals.iter().map(|r| add(r.cast_signed())));
            }
        }
        2 => {
            out.push(base);
            let mut difference = first_difference;
            if n > 1 {
                out.push(add(difference));
            }
            out.extend(residuals.iter().map(|r| {
                difference = difference.wrapping_add(unzigzag(*r));
                add(difference)
            }));
        }
        _ => return Err(DecodeError::Invalid("order")),
    }
    Ok(())
}

/// The greatest common divisor of all differences, 1 when there is none or differences overflow.
fn common_divisor(numbers: &[i64]) -> i64 {
    let mut divisor = 0;
    for pair in numbers.windows(2) {
        let Some(difference) = pair[1].checked_sub(pair[0]) else { return 1 };
        divisor = gcd(difference.unsigned_abs(), divisor);
        if divisor == 1 {
            return 1;
        }
    }
    i64::try_from(divisor).unwrap_or(1).max(1)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Fills the residuals of all orders; true when those of order 1 need no sign.
fn residuals(numbers: &[i64], smallest: i64, divisor: i64, orders: &mut [Vec<u64>; 3]) -> bool {
    let [values, differences, second] = orders;
    values.clear();
    differences.clear();
    second.clear();
    // Sums of differences overflow only where some difference does, or where the divisor is 1.
    let by = divisor.cast_unsigned();
    let over = |number: i64| number.wrapping_sub(smallest).cast_unsigned();
    if divisor > 1 {
        values.extend(numbers.iter().map(|number| over(*number) / by));
    } else {
        values.extend(numbers.iter().map(|number| over(*number)));
    }
    let mut previous = None;
    let mut rising = true;
    for pair in numbers.windows(2) {
        let mut difference = pair[1].wrapping_sub(pair[0]);
        if divisor > 1 {
            difference /= divisor;
        }
        rising &= difference >= 0;
        differences.push(zigzag(difference));
        if let Some(previous) = previous {
            second.push(zigzag(difference.wrapping_sub(previous)));
        }
        previous = Some(difference);
    }
    if rising {
        differences.iter_mut().for_each(|difference| *difference >>= 1);
    }
    rising
}

/// The order and packing with the fewest bits.
fn choose(n: usize, scratch: &mut Scratch) -> (u8, Packing) {
    let Scratch { orders, runs } = scratch;
    let mut best = (u64::MAX, 0, Packing::Nothing);
    for (order, residuals) in (0_u8..).zip(orders.iter()) {
        if residuals.is_empty() {
            continue;
        }
        let base = 16 * u64::from(order);
        let mut offer = |bits: u64, packing| {
            if bits + base < best.0 {
                best = (bits + base, order, packing);
            }
        };
        if residuals.iter().all(|r| *r == 0) {
            offer(0, Packing::Nothing);
            continue;
        }
        offer(pfor::cost(residuals), Packing::Pfor);
        if order > 0 || n < 128 {
            // Slower to decode, so it must win by three percent.
            let plan = rice::plan(residuals.iter().copied(), residuals.len());
            offer((plan.bits + base + 8) * 103 / 100 - base, Packing::Rice(plan));
        }
        if order == 1
            && let Some(plan) = rice::plan_zero_runs(residuals, runs)
        {
            offer(plan.bits, Packing::ZeroRuns(plan));
        }
    }
    (best.1, best.2)
}
