//! One text under two types in one page.
//!
//! A bound is stored as the type of its family says, so the same text under another type is another
//! series, and is remembered as one when the type changes from page to page. Within one page the first
//! type decides: what comes later is the same series once more. Such pages are odd, so all of this
//! costs nothing as long as no text that has bounds is both new and known under another type.

use super::table::Table;
use super::walk::Walk;
use super::{HISTOGRAM_SALT, Key, Predictor, SUMMARY_SALT, Series};
use crate::sink::FamilyType;
use foldhash::HashMap;

/// What texts with bounds were told as in this page: by hash and length, the salt and the slot.
pub(super) type Texts = HashMap<(u64, u32), (u64, u32)>;

/// What turns the key of a text under one type into that under another.
const TURNS: [u64; 3] = [HISTOGRAM_SALT, SUMMARY_SALT, HISTOGRAM_SALT ^ SUMMARY_SALT];

impl Walk<'_> {
    /// Whether lines have to be looked at one by one, since some text may stand under two types.
    pub(crate) fn is_torn(&self) -> bool {
        self.memory.is_torn
    }

    /// The slot as which a text with bounds was told before in this page under another type, and a type
    /// that stores bounds as that one does.
    #[cold]
    pub(crate) fn told_as_other(&mut self, key: Key) -> Option<(u32, FamilyType)> {
        if self.is_seasoned() {
            return None;
        }
        if let Some((salt, slot)) = self.texts.get(&(key.hash ^ self.salt, key.len)) {
            return (*salt != self.salt).then_some((*slot, type_of(*salt)));
        }
        if self.remembered == 0 {
            return None;
        }
        for turn in TURNS {
            let other = Key { hash: key.hash ^ turn, ..key };
            let old = &self.memory.series[..self.remembered];
            let table = self.table.get_or_insert_with(|| Table::new(old));
            let Some(found) = table.find(old, other) else { continue };
            if self.was_seen(found) {
                return Some((self.memory.series[found].slot, type_of(self.salt ^ turn)));
            }
            // It may come later in this page.
            self.memory.is_torn = true;
        }
        None
    }

    /// Notes as what a text with bounds was told.
    pub(crate) fn note_text(&mut self, key: Key, slot: u32) {
        if !self.is_seasoned() {
            self.texts.insert((key.hash ^ self.salt, key.len), (self.salt, slot));
        }
    }
}

fn type_of(salt: u64) -> FamilyType {
    match salt {
        HISTOGRAM_SALT => FamilyType::Histogram,
        SUMMARY_SALT => FamilyType::Summary,
        _ => FamilyType::Unknown,
    }
}

impl Predictor {
    /// Whether a text is remembered under two types.
    pub(super) fn has_torn_texts(&self) -> bool {
        let table = Table::new(&self.series);
        self.series.iter().any(|one: &Series| {
            let len = u32::try_from(one.len()).expect("28 bits");
            let turned = TURNS.map(|turn| Key { hash: one.hash ^ turn, len });
            turned.iter().any(|key| table.find(&self.series, *key).is_some())
        })
    }
}
