//! The way through one page beside the memory of the former ones.

use super::table::Table;
use super::{Block, KEPT_PAGES, Key, LONGEST_KEY, Predictor, Series, salt};
use crate::negotiate::Format;
use crate::sink::FamilyType;

/// How many entries behind the expected one are looked at before the table: lines mostly come and
/// go one at a time.
const NEAR: usize = 8;

/// A walk; without [`Walk::finish`] the memory stays as it was.
pub(crate) struct Walk<'m> {
    memory: &'m mut Predictor,
    /// Series remembered before this page; those learned from it stand behind.
    remembered: usize,
    /// The series expected next.
    at: usize,
    /// Set from the first difference on.
    order: Option<Order>,
    table: Option<Table>,
    block_at: usize,
    /// The blocks of this page, from the first difference on.
    blocks: Option<Vec<Block>>,
    family_type: FamilyType,
    salt: u64,
}

/// The order found in the page.
struct Order {
    /// Positions in the list of series, as the page has them; [`SKIPPED`] is added to those that
    /// were expected and not there.
    found: Vec<u32>,
    /// One bit for each remembered series: stood in this page.
    seen: Vec<u64>,
    remembered: usize,
}

const SKIPPED: u32 = 1 << 31;

impl<'m> Walk<'m> {
    /// Begins a page. Another format than last time means that nothing is remembered.
    pub(crate) fn new(memory: &'m mut Predictor, format: Format) -> Self {
        if memory.format != Some(format) {
            memory.clear();
            memory.format = Some(format);
        }
        let remembered = memory.series.len();
        // Who was missing may be back: that has to be written down.
        let order = memory.some_missing.then(|| Order::new(0, remembered));
        Self {
            memory,
            remembered,
            at: 0,
            order,
            table: None,
            block_at: 0,
            blocks: None,
            family_type: FamilyType::Unknown,
            salt: salt(FamilyType::Unknown),
        }
    }

    /// What the last TYPE line said.
    pub(crate) fn family_type(&self) -> FamilyType {
        self.family_type
    }

    /// Notes a TYPE line.
    pub(crate) fn set_family_type(&mut self, family_type: FamilyType) {
        self.family_type = family_type;
        self.salt = salt(family_type);
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
        if let Some(order) = &mut self.order {
            order.push(self.at);
        }
        self.at += 1;
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
        let found = match near.clone().find(|at| old[*at].is(key)) {
            Some(found) => {
                self.note_order().skip(near.start..found);
                found
            }
            None => self.table.get_or_insert_with(|| Table::new(old)).find(old, key)?,
        };
        self.note_order().push(found);
        self.at = found + 1;
        Some(self.memory.series[found].slot)
    }

    /// Remembers a series that [`Walk::find`] did not find.
    pub(crate) fn learn(&mut self, key: Key, slot: u32) {
        if self.memory.series.len() >= SKIPPED as usize {
            return;
        }
        // At the end of all that is remembered the list itself is the order.
        if self.at < self.remembered {
            self.note_order();
        }
        if let Some(order) = &mut self.order {
            order.found.push(position(self.memory.series.len()));
        }
        self.memory.series.push(Series::new(key, slot));
    }

    /// From here on the order is written down.
    fn note_order(&mut self) -> &mut Order {
        let (memory, at, remembered) = (&*self.memory, self.at, self.remembered);
        self.order.get_or_insert_with(|| {
            let mut order = Order::new(at, remembered);
            order.found.extend((remembered..memory.series.len()).map(position));
            order
        })
    }

    /// If a remembered block of comments stands here: its end.
    pub(crate) fn expected_block(&mut self, body: &[u8], start: usize) -> Option<usize> {
        let near = self.block_at..self.memory.blocks.len().min(self.block_at + NEAR);
        for at in near {
            let block = self.memory.blocks[at];
            let end = start + block.len as usize;
            if body.get(start..end).is_some_and(|text| self.memory.hash(text) == block.hash) {
                if at > self.block_at {
                    self.note_blocks();
                }
                if let Some(blocks) = &mut self.blocks {
                    blocks.push(block);
                }
                self.block_at = at + 1;
                if let Some(family_type) = block.family_type {
                    self.set_family_type(family_type);
                }
                return Some(end);
            }
        }
        None
    }

    /// Remembers a block of comments that was read, with the type it ends with.
    pub(crate) fn learn_block(&mut self, text: &[u8], family_type: Option<FamilyType>) {
        self.note_blocks();
        if let (Some(blocks), Ok(len)) = (&mut self.blocks, u32::try_from(text.len())) {
            blocks.push(Block { hash: self.memory.hash(text), len, family_type });
        }
    }

    fn note_blocks(&mut self) {
        let before = &self.memory.blocks[..self.block_at];
        self.blocks.get_or_insert_with(|| before.to_vec());
    }

    /// The page ended well: what was found is what the next page is expected to be.
    pub(crate) fn finish(mut self) {
        if self.at < self.remembered {
            self.note_order();
        }
        if let Some(order) = self.order.take() {
            self.memory.series = order.arrange(&self.memory.series);
            self.memory.some_missing = self.memory.series.iter().any(|s| s.missing_pages() > 0);
        }
        if self.memory.series.len() != self.remembered {
            self.memory.series.shrink_to_fit();
        }
        match self.blocks.take() {
            Some(mut blocks) => {
                blocks.shrink_to_fit();
                self.memory.blocks = blocks;
            }
            // A block that is not there any more is told again when it returns.
            None => self.memory.blocks.truncate(self.block_at),
        }
        self.remembered = self.memory.series.len();
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.memory.series.truncate(self.remembered);
    }
}

impl Order {
    /// The first `at` series came as expected.
    fn new(at: usize, remembered: usize) -> Self {
        let found = Vec::with_capacity(remembered);
        let mut order = Self { found, seen: vec![0; remembered.div_ceil(64)], remembered };
        (0..at).for_each(|at| order.push(at));
        order
    }

    #[inline]
    fn push(&mut self, at: usize) {
        self.found.push(position(at));
        self.see(at);
    }

    fn skip(&mut self, range: std::ops::Range<usize>) {
        self.found.extend(range.map(|at| position(at) | SKIPPED));
    }

    /// Whether the series was seen before.
    #[inline]
    fn see(&mut self, at: usize) -> bool {
        let (word, bit) = (&mut self.seen[at / 64], 1 << (at % 64));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    /// The series in the order of the page; those missing where they were skipped, else at the end.
    fn arrange(mut self, series: &[Series]) -> Vec<Series> {
        let mut arranged = Vec::with_capacity(self.found.len());
        for entry in std::mem::take(&mut self.found) {
            let at = (entry & !SKIPPED) as usize;
            if entry & SKIPPED == 0 {
                arranged.push(series[at].seen());
            } else if !self.see(at) {
                arranged.extend(series[at].missed());
            }
        }
        for (at, one) in series.iter().enumerate().take(self.remembered) {
            if !self.see(at) {
                arranged.extend(one.missed());
            }
        }
        arranged
    }
}

fn position(at: usize) -> u32 {
    u32::try_from(at).expect("the list of series is shorter than 2^31")
}

const _: () = assert!(KEPT_PAGES < 16, "missing pages are counted in four bits");
