//! The way through one page beside the memory of the former ones.

use super::order::{Order, position};
use super::table::Table;
use super::texts::Texts;
use super::{Block, Family, Key, LONGEST_BLOCK, LONGEST_KEY, Predictor, Series, salt_of_bounds};
use crate::negotiate::Format;
use crate::nhcb::Conversion;
use crate::options::Options;
use crate::sink::FamilyType;

/// How many entries behind the expected one are looked at before the table: lines mostly come and
/// go one at a time.
const NEAR: usize = 8;
/// More series than this are not remembered.
const MOST_SERIES: usize = 1 << 31;
/// Nor are more than this of pages that were interrupted.
const MOST_UNFINISHED: usize = 1 << 18;

/// A walk; without [`Walk::finish`] or [`Walk::interrupt`] the memory stays as it was.
pub(crate) struct Walk<'m> {
    pub(super) memory: &'m mut Predictor,
    /// Series remembered before this page; those learned from it stand behind.
    pub(super) remembered: usize,
    /// The series expected next.
    at: usize,
    /// Those that were expected and not there, as long as the order is the remembered one.
    skipped: Vec<u32>,
    /// Those that had been missing and were there.
    returned: Vec<u32>,
    /// Set when the order is not the remembered one any more.
    order: Option<Order>,
    pub(super) table: Option<Table>,
    pub(super) texts: Texts,
    block_at: usize,
    /// The blocks of this page, from the first difference on.
    blocks: Option<Vec<Block>>,
    options: Options,
    family: Family,
    /// Hash of the unit, where it becomes a label.
    unit: u64,
    pub(super) salt: u64,
    /// The memory's, while the page is read.
    pub(crate) conversion: Option<Box<Conversion>>,
}

/// What is known of a block of comments.
pub(crate) enum Expected {
    /// It is remembered and ends there.
    Until(usize),
    Not,
    /// That cannot be told before there are more bytes.
    Unsure,
}

impl<'m> Walk<'m> {
    /// Begins a page. Other options than last time mean that nothing is remembered.
    pub(crate) fn new(memory: &'m mut Predictor, options: &Options) -> Self {
        if memory.options != Some(*options) {
            memory.clear();
            memory.options = Some(*options);
        }
        // Messages hold a histogram together; only lines have to be collected.
        let collects = options.classic_to_nhcb && options.format != Format::Protobuf;
        let conversion = collects.then(|| memory.conversion.take().unwrap_or_default());
        Self {
            remembered: memory.series.len(),
            memory,
            at: 0,
            skipped: Vec::new(),
            returned: Vec::new(),
            order: None,
            table: None,
            texts: Texts::default(),
            block_at: 0,
            blocks: None,
            options: *options,
            family: Family { family_type: FamilyType::Unknown, name: 0 },
            unit: 0,
            salt: 0,
            conversion,
        }
    }

    /// What the last TYPE line said.
    pub(crate) fn family_type(&self) -> FamilyType {
        self.family.family_type
    }

    /// Whether the last TYPE line was about this family.
    pub(crate) fn is_family(&self, name: &str) -> bool {
        self.family.name == self.name_hash(name)
    }

    /// Notes a TYPE line.
    #[inline]
    pub(crate) fn set_family(&mut self, family: Family) {
        self.family = family;
        self.salt = salt_of_bounds(family.family_type);
        if self.is_seasoned() {
            self.season();
        }
    }

    /// Whether more than the type keeps series apart.
    #[inline]
    pub(super) fn is_seasoned(&self) -> bool {
        self.options.classic_to_nhcb || self.options.type_and_unit_labels
    }

    /// Notes the unit that the series coming now get as a label.
    pub(crate) fn set_unit(&mut self, unit: &str) {
        self.unit = if unit.is_empty() { 0 } else { self.memory.hash(unit.as_bytes()) };
        self.set_family(self.family);
    }

    /// The family that a TYPE line begins.
    pub(crate) fn family(&self, name: &str, family_type: FamilyType) -> Family {
        Family { family_type, name: self.name_hash(name) }
    }

    fn name_hash(&self, name: &str) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
        let hash = self.memory.hash(name.as_bytes()) as u32;
        hash
    }

    /// Keeps apart the same text where it becomes different series.
    #[cold]
    fn season(&mut self) {
        let Family { family_type, name } = self.family;
        if self.options.classic_to_nhcb && family_type == FamilyType::Histogram {
            self.salt ^= u64::from(name).wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        if self.options.type_and_unit_labels {
            let kind = 1 + family_type as u64;
            self.salt =
                self.salt.rotate_left(7) ^ self.unit ^ kind.wrapping_mul(0x94d0_49bb_1331_11eb);
        }
    }

    /// The hash of any bytes, as long as the memory lives.
    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.memory.hash(bytes)
    }

    /// If the page goes on as expected, up to the blank behind a series: the end of the series and
    /// its slot. Call [`Walk::advance`] when the rest of the line was good, too.
    #[inline]
    pub(crate) fn expected(&self, body: &[u8], start: usize) -> Option<(usize, u32)> {
        if self.at >= self.remembered {
            return None;
        }
        let series = self.memory.series[self.at];
        let end = start + series.len();
        if body.get(end) != Some(&b' ') {
            return None;
        }
        let fits = self.memory.hash(&body[start..end]) ^ self.salt == series.hash;
        fits.then_some((end, series.slot))
    }

    /// The expected series stood there.
    #[inline]
    pub(crate) fn advance(&mut self) {
        if self.order.is_some() || self.memory.series[self.at].missing_pages() > 0 {
            self.note_seen();
        }
        self.at += 1;
    }

    #[cold]
    fn note_seen(&mut self) {
        match &mut self.order {
            Some(order) => order.push(self.at),
            None => self.returned.push(position(self.at)),
        }
    }

    /// What to find a series by; `None` when it is too long to be remembered.
    pub(crate) fn key(&self, text: &[u8]) -> Option<Key> {
        let len = u32::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST_KEY)?;
        Some(Key { hash: self.memory.hash(text) ^ self.salt, len })
    }

    /// Finds a remembered series that was not expected here; the page is expected to go on behind
    /// it.
    pub(crate) fn find(&mut self, key: Key) -> Option<u32> {
        if self.remembered == 0 {
            return None;
        }
        let old = &self.memory.series[..self.remembered];
        let near = self.at..self.remembered.min(self.at + NEAR);
        if let Some(found) = near.clone().find(|at| old[*at].is(key)) {
            match &mut self.order {
                Some(order) => order.skip(near.start..found),
                None => self.skipped.extend((near.start..found).map(position)),
            }
            self.at = found;
        } else {
            let found = self.table.get_or_insert_with(|| Table::new(old)).find(old, key)?;
            self.note_order();
            self.at = found;
        }
        let slot = self.memory.series[self.at].slot;
        self.advance();
        Some(slot)
    }

    /// Gives another slot to the series that stood there last.
    pub(crate) fn replace_slot(&mut self, slot: u32) {
        if let Some(series) = self.at.checked_sub(1).and_then(|at| self.memory.series.get_mut(at)) {
            series.slot = slot;
        }
    }

    /// Remembers a series that [`Walk::find`] did not find.
    pub(crate) fn learn(&mut self, key: Key, slot: u32) {
        if self.memory.series.len() >= MOST_SERIES {
            return;
        }
        // At the end of all that is remembered the list itself is the order.
        if self.at < self.remembered {
            self.note_order();
        }
        if let Some(order) = &mut self.order {
            order.push_new(self.memory.series.len());
        }
        self.memory.series.push(Series::new(key, slot));
    }

    /// From here on the order is written down.
    fn note_order(&mut self) {
        if self.order.is_none() {
            let mut order = Order::new(self.at, &self.skipped, self.remembered);
            (self.remembered..self.memory.series.len()).for_each(|at| order.push_new(at));
            self.order = Some(order);
        }
    }

    /// Whether a remembered block of comments stands here. The piece has all of the page that there
    /// is, or more will come.
    #[inline]
    pub(crate) fn expected_block(&mut self, piece: &[u8], start: usize, is_last: bool) -> Expected {
        let near = self.block_at..self.memory.blocks.len().min(self.block_at + NEAR);
        for at in near {
            let block = self.memory.blocks[at];
            let end = start + usize::from(block.len);
            match piece.get(start..end) {
                None if !is_last => return Expected::Unsure,
                Some(text) if self.memory.hash(text) == block.hash => {
                    self.advance_block(at);
                    return Expected::Until(end);
                }
                _ => {}
            }
        }
        Expected::Not
    }

    /// Whether the metadata of a family of messages is remembered, by what tells it apart.
    pub(crate) fn find_family(&mut self, hash: u64) -> bool {
        let near = self.block_at..self.memory.blocks.len().min(self.block_at + NEAR);
        let found = near.into_iter().find(|at| self.memory.blocks[*at].hash == hash);
        if let Some(at) = found {
            self.advance_block(at);
        }
        found.is_some()
    }

    /// Remembers the metadata of a family of messages.
    pub(crate) fn learn_family(&mut self, hash: u64) {
        self.note_blocks();
        if let Some(blocks) = &mut self.blocks {
            blocks.push(Block { hash, family: 0, len: 0, family_type: None });
        }
    }

    #[inline]
    fn advance_block(&mut self, at: usize) {
        let block = self.memory.blocks[at];
        if at > self.block_at {
            self.note_blocks();
        }
        if let Some(blocks) = &mut self.blocks {
            blocks.push(block);
        }
        self.block_at = at + 1;
        if let Some(family_type) = block.family_type {
            self.set_family(Family { family_type, name: block.family });
        }
    }

    /// Remembers a block of comments that was read, with the family whose TYPE line it has.
    pub(crate) fn learn_block(&mut self, text: &[u8], family: Option<Family>) {
        self.note_blocks();
        let len = u16::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST_BLOCK);
        if let (Some(blocks), Some(len)) = (&mut self.blocks, len) {
            blocks.push(Block {
                hash: self.memory.hash(text),
                family: family.map_or(0, |family| family.name),
                len,
                family_type: family.map(|family| family.family_type),
            });
        }
    }

    /// The blocks of this page are not those remembered.
    pub(crate) fn note_blocks(&mut self) {
        let before = &self.memory.blocks[..self.block_at];
        self.blocks.get_or_insert_with(|| before.to_vec());
    }

    /// Whether a remembered series stood in this page so far.
    pub(super) fn was_seen(&self, at: usize) -> bool {
        match &self.order {
            Some(order) => order.has_seen(at),
            None => at < self.at && !self.skipped.contains(&position(at)),
        }
    }

    /// The page cannot be read on, for no fault of its own: what was new so far is remembered. Of what
    /// was remembered in this way before, as long as most of it came again.
    pub(crate) fn interrupt(mut self) {
        if self.conversion.is_some() {
            return;
        }
        let before = self.memory.unfinished.min(self.remembered);
        let first = self.remembered - before;
        let came = match &self.order {
            Some(order) => (first..self.remembered).filter(|at| order.has_seen(*at)).count(),
            None => {
                let skipped = self.skipped.iter().filter(|at| **at as usize >= first).count();
                self.at.saturating_sub(first).saturating_sub(skipped)
            }
        };
        let series = &mut self.memory.series;
        if came < before.div_ceil(2) {
            series.drain(first..self.remembered);
        }
        series.truncate(first + MOST_UNFINISHED.max(before));
        self.memory.unfinished = series.len() - first;
        self.remembered = series.len();
    }

    /// The page ended well: what was found is what the next page is expected to be.
    pub(crate) fn finish(mut self) {
        match self.order.take() {
            Some(order) => self.memory.series = order.arrange(&self.memory.series),
            None => self.mark_missing(),
        }
        if self.memory.series.len() != self.remembered {
            self.memory.series.shrink_to_fit();
        }
        self.remembered = self.memory.series.len();
        self.memory.unfinished = 0;
        if self.memory.is_torn {
            self.memory.is_torn = self.memory.has_torn_texts();
        }
        if let Some(conversion) = &mut self.conversion {
            let slots = self.memory.series.iter_mut().map(|series| &mut series.slot);
            conversion.end_page(slots);
        }
        match self.blocks.take() {
            Some(mut blocks) => {
                blocks.shrink_to_fit();
                self.memory.blocks = blocks;
            }
            // A block that is not there any more is told again when it returns.
            None => self.memory.blocks.truncate(self.block_at),
        }
    }

    /// The order stays; only who is missing and who returned is written down.
    fn mark_missing(&mut self) {
        let series = &mut self.memory.series;
        for at in &self.returned {
            let one = &mut series[*at as usize];
            *one = one.seen();
        }
        let tail = self.at..self.remembered;
        let mut some_expired = false;
        for at in self.skipped.iter().map(|at| *at as usize).chain(tail) {
            series[at] = series[at].missed();
            some_expired |= series[at].is_expired();
        }
        if some_expired {
            series.retain(|one| !one.is_expired());
        }
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.memory.series.truncate(self.remembered);
        if let Some(mut conversion) = self.conversion.take() {
            conversion.roll_back();
            self.memory.conversion = Some(conversion);
        }
    }
}
