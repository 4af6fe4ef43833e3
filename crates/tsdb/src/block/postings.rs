//! Postings: the series of a label pair, as ascending numbers.
//!
//! Layout: count (varint); up to 4 series as differences (varints), more as a serialised roaring
//! bitmap.

use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use roaring::RoaringBitmap;

const INLINE: usize = 4;

/// Series of a pair while the block is written; most pairs of a wide label have few.
#[derive(Debug)]
pub(super) enum Builder {
    Few([u32; INLINE], u8),
    Many(Box<RoaringBitmap>),
}

impl Builder {
    pub(super) fn new(series: u32) -> Self {
        Self::Few([series; INLINE], 1)
    }

    /// Adds a series, greater than those before.
    pub(super) fn push(&mut self, series: u32) {
        match self {
            Self::Few(few, count) if usize::from(*count) < INLINE => {
                few[usize::from(*count)] = series;
                *count += 1;
            }
            Self::Few(few, _) => {
                let all = few.iter().copied().chain([series]);
                *self = Self::Many(Box::new(all.collect()));
            }
            Self::Many(many) => {
                many.insert(series);
            }
        }
    }

    pub(super) fn encode(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Few(few, count) => encode_few(&few[..usize::from(*count)], out),
            Self::Many(many) => {
                many.optimize();
                put_varint(out, many.len());
                many.serialize_into(out).expect("a vector takes all bytes");
            }
        }
    }
}

fn encode_few(series: &[u32], out: &mut Vec<u8>) {
    put_varint(out, series.len() as u64);
    let mut previous = 0;
    for series in series {
        put_varint(out, u64::from(series - previous));
        previous = *series;
    }
}

/// Postings read back.
#[derive(Clone, Debug)]
pub(super) enum Postings {
    Few([u32; INLINE], usize),
    Many(RoaringBitmap),
}

impl Postings {
    /// Reads postings of a block with so many series.
    pub(super) fn decode(bytes: &[u8], series: u32) -> Result<Self, DecodeError> {
        let mut from = ByteReader::new(bytes);
        let count = from.index()?;
        let postings = if count <= INLINE {
            let mut few = [0; INLINE];
            let mut last = 0_u32;
            for slot in &mut few[..count] {
                last = last.checked_add(from.u32()?).ok_or(DecodeError::Invalid("posting"))?;
                *slot = last;
            }
            Self::Few(few, count)
        } else {
            let many = RoaringBitmap::deserialize_from(from.rest())
                .map_err(|_| DecodeError::Invalid("roaring bitmap"))?;
            Self::Many(many)
        };
        let inside = match &postings {
            Self::Few(few, count) => few[..*count].iter().all(|s| *s < series),
            Self::Many(many) => many.max().is_none_or(|last| last < series),
        };
        if inside { Ok(postings) } else { Err(DecodeError::Invalid("posting")) }
    }

    /// Adds the series to a set.
    pub(super) fn add_to(self, all: &mut RoaringBitmap) {
        match self {
            Self::Few(few, count) => all.extend(&few[..count]),
            Self::Many(many) if all.is_empty() => *all = many,
            Self::Many(many) => *all |= many,
        }
    }

    /// Whether any of the series is in a set.
    pub(super) fn meets(&self, set: &RoaringBitmap) -> bool {
        match self {
            Self::Few(few, count) => few[..*count].iter().any(|series| set.contains(*series)),
            Self::Many(many) => !many.is_disjoint(set),
        }
    }
}
