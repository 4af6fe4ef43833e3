//! What is remembered of a target's page: the order of its series and of its blocks of comments.
//!
//! A series is the 64-bit hash of its text, the length of that text and the sink's slot: 16 bytes.
//! The hash is keyed with a seed of this memory alone, and takes in the type of the family where
//! that decides how labels are stored (`le`, `quantile`), so that a series whose TYPE line changes is
//! another series. A block is a run of comment lines, remembered the same way.
//!
//! A page is walked beside the memory. As long as the page has the remembered order, with some series
//! missing or not, nothing is written but who is missing. Where it has another order or new series,
//! the walk notes the order found, and that becomes the memory when the page ends well. A series that
//! is missing keeps its place for [`KEPT_PAGES`] pages. A page that fails leaves the memory as it was
//! before; one that is interrupted adds what was new in it.
//!
//! Within one page the text is the series: where it stands under two types, the first one decides.

mod metadata;
mod order;
mod table;
mod texts;
mod walk;

use std::hash::{BuildHasher, Hasher};

pub(crate) use walk::{Expected, Walk};

use crate::nhcb::Conversion;
use crate::options::Options;
use crate::sink::FamilyType;

/// A missing series is forgotten after this many pages without it.
const KEPT_PAGES: u32 = 10;
/// Slots from here on mean something only to the sink.
const FIRST_MARK: u32 = u32::MAX - 16;
/// Longer texts of series are not remembered: a page of short lines must not cost a long hash each.
const LONGEST_KEY: usize = 16 << 10;
/// Nor are longer blocks.
pub(crate) const LONGEST_BLOCK: usize = 4 << 10;
const LEN_BITS: u32 = 28;
const _: () = assert!(KEPT_PAGES < 15, "missing pages are counted in four bits");

/// The memory of one target's page.
#[derive(Debug)]
pub struct Predictor {
    seed: foldhash::fast::RandomState,
    options: Option<Options>,
    series: Vec<Series>,
    blocks: Vec<Block>,
    /// The last so many series were learned from pages that were interrupted.
    unfinished: usize,
    /// Some text may be remembered under two types.
    is_torn: bool,
    /// What the slots mean when classic histograms are converted; else they are the sink's.
    conversion: Option<Box<Conversion>>,
}

/// A remembered series.
#[derive(Clone, Copy, Debug)]
struct Series {
    hash: u64,
    /// Length of the text in the low bits, above it the number of pages it was missing from.
    len_and_missing: u32,
    slot: u32,
}

impl Series {
    fn new(key: Key, slot: u32) -> Self {
        Self { hash: key.hash, len_and_missing: key.len, slot }
    }

    #[inline]
    fn len(self) -> usize {
        (self.len_and_missing & ((1 << LEN_BITS) - 1)) as usize
    }

    fn is(self, key: Key) -> bool {
        self.hash == key.hash && self.len() == key.len as usize
    }

    fn missing_pages(self) -> u32 {
        self.len_and_missing >> LEN_BITS
    }

    fn seen(self) -> Self {
        Self { len_and_missing: self.len_and_missing & ((1 << LEN_BITS) - 1), ..self }
    }

    /// Missing from one page more; an expired one is not asked.
    fn missed(self) -> Self {
        Self { len_and_missing: self.len_and_missing + (1 << LEN_BITS), ..self }
    }

    /// Whether it has been missing for too long.
    fn is_expired(self) -> bool {
        self.missing_pages() > KEPT_PAGES
    }
}

/// What a series is found by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    hash: u64,
    len: u32,
}

impl Key {
    /// The key of a part of what this is the key of.
    #[inline]
    pub(crate) fn part(self, part: u64) -> Self {
        let mixed = u128::from(self.hash ^ part) * 0x9e37_79b9_7f4a_7c15;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
        let hash = (mixed >> 64) as u64 ^ mixed as u64;
        Self { hash, ..self }
    }
}

/// A remembered block of comment lines.
#[derive(Clone, Copy, Debug)]
struct Block {
    hash: u64,
    /// Hash of the name of the family in its last TYPE line.
    family: u32,
    len: u16,
    /// The type the block ends with, when it has a TYPE line.
    family_type: Option<FamilyType>,
}
const _: () = assert!(LONGEST_BLOCK <= u16::MAX as usize && size_of::<Block>() == 16);

/// The family that a TYPE line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    pub(crate) family_type: FamilyType,
    /// Hash of its name.
    pub(crate) name: u32,
}

impl Default for Predictor {
    fn default() -> Self {
        Self::new()
    }
}

impl Predictor {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            seed: foldhash::fast::RandomState::default(),
            options: None,
            series: Vec::new(),
            blocks: Vec::new(),
            unfinished: 0,
            is_torn: false,
            conversion: None,
        }
    }

    /// Forgets everything: every series of the next page is unknown, all metadata is told again.
    pub fn clear(&mut self) {
        self.series = Vec::new();
        self.blocks = Vec::new();
        self.unfinished = 0;
        self.is_torn = false;
        self.conversion = None;
    }

    /// Gives every series the slot `map[slot]`, and forgets those for which that is `u32::MAX` or
    /// not there. The last 17 slots of the number range are the sink's own marks and stay.
    pub fn remap(&mut self, map: &[u32]) {
        let new_slot = |slot: u32| {
            if slot >= FIRST_MARK {
                return Some(slot);
            }
            let slot = usize::try_from(slot).ok().and_then(|slot| map.get(slot));
            slot.copied().filter(|slot| *slot != u32::MAX)
        };
        self.unfinished = 0;
        match &mut self.conversion {
            None => self.series.retain_mut(|series| {
                let slot = new_slot(series.slot);
                series.slot = slot.unwrap_or(u32::MAX);
                slot.is_some()
            }),
            Some(conversion) => {
                conversion.remap(new_slot);
                self.series.retain(|series| conversion.has_slot(series.slot));
            }
        }
    }

    /// The number of series remembered, those missing from the last page included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether no series is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Bytes held on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let converted = self.conversion.as_ref().map_or(0, |conversion| conversion.heap_bytes());
        self.series.capacity() * size_of::<Series>()
            + self.blocks.capacity() * size_of::<Block>()
            + converted
    }

    #[inline]
    fn hash(&self, text: &[u8]) -> u64 {
        let mut hasher = self.seed.build_hasher();
        hasher.write(text);
        hasher.finish()
    }
}

const HISTOGRAM_SALT: u64 = 0x9e37_79b9_7f4a_7c15;
const SUMMARY_SALT: u64 = 0xc2b2_ae3d_27d4_eb4f;

/// Keeps apart the same text under types that store its labels differently.
fn salt_of_bounds(family_type: FamilyType) -> u64 {
    match family_type {
        FamilyType::Histogram => HISTOGRAM_SALT,
        FamilyType::Summary => SUMMARY_SALT,
        _ => 0,
    }
}
