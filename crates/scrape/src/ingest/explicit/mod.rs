//! Series that bring timestamps of their own.
//!
//! They do not fit into the target's row. Series that came with the same timestamp form a class, and
//! a class is a group of its own in which a missing value means nothing; of one scrape it takes a row
//! per timestamp. There are at most eight; a series beyond them, or one that falls out of step with
//! its class, is loose: a group for itself.
//!
//! A series that brings a timestamp now and then is one of these from then on, in a class for its
//! like, so that one order of time holds for all of its samples. As in Prometheus, its absence means
//! its end when its last sample had the time of the scrape, or when timestamps are tracked.

mod entry;
mod homes;

pub(super) use entry::{Before, MAX_BEHIND_MS, Value};
pub(super) use homes::Ground;

use super::Tally;
use entry::{Entry, Kind, Pending, Refusal};
use foldhash::{HashMap, HashMapExt as _};
use homes::{Class, Home};
use model::{Labels, stale_marker};
use storage::{AppendError, Column, Row};

/// Entries that may be unseen before the unseen are forgotten.
const MAX_UNSEEN: usize = 1024;
/// A series is live when it was in one of so many scrapes.
const RECENT: u32 = 3;

/// The series of one target that bring timestamps.
#[derive(Default)]
pub(super) struct Explicit {
    entries: Vec<Entry>,
    by_labels: HashMap<Labels, u32>,
    classes: Vec<Class>,
    pending: Vec<Pending>,
    row: Row,
    /// Number of the current scrape.
    scrape: u32,
    /// Number of the last scrape whose page was not refused.
    last_good: u32,
}

impl Explicit {
    pub(super) fn begin(&mut self) {
        self.pending.clear();
    }

    /// The entry of a series, if it has one.
    pub(super) fn find(&self, labels: &Labels) -> Option<u32> {
        if self.entries.is_empty() { None } else { self.by_labels.get(labels).copied() }
    }

    /// Makes the entry of a series, of which the target's own group has something before.
    pub(super) fn add(&mut self, labels: &Labels, before: Before) -> u32 {
        let entry = u32::try_from(self.entries.len()).expect("fewer series than slots");
        self.by_labels.insert(labels.clone(), entry);
        self.entries.push(Entry::new(labels.clone(), before, self.scrape));
        entry
    }

    /// Takes a sample with a timestamp of its own.
    pub(super) fn push(&mut self, entry: u32, t_ms: i64, value: Value) {
        self.pending.push(Pending { entry, t_ms, value, kind: Kind::Own });
    }

    /// Takes a sample without, at the time of the scrape.
    pub(super) fn push_at_scrape(&mut self, entry: u32, t_ms: i64, value: Value) {
        let of = &mut self.entries[entry as usize];
        if !of.is_mixed {
            of.is_mixed = true;
            of.home = Home::None;
        }
        self.pending.push(Pending { entry, t_ms, value, kind: Kind::OfScrape });
    }

    /// Takes the beginning of the series whose sample was pushed last.
    pub(super) fn push_zero(&mut self, start_ms: i64, value: Value) {
        let Some(sample) = self.pending.last() else { return };
        let (entry, t_ms) = (sample.entry, sample.t_ms);
        let last_ms = self.entries[entry as usize].last.as_ref().map(|(last_ms, _)| *last_ms);
        if start_ms < t_ms && last_ms.is_none_or(|last_ms| last_ms < start_ms) {
            let zero = Pending { entry, t_ms: start_ms, value, kind: Kind::Zero };
            self.pending.insert(self.pending.len() - 1, zero);
        }
    }

    /// How many series were in one of the last scrapes.
    pub(super) fn live(&self) -> u64 {
        let recently = |entry: &&Entry| entry.seen.is_some_and(|s| self.scrape - s <= RECENT);
        self.entries.iter().filter(recently).count() as u64
    }

    /// How many samples of this scrape there are.
    pub(super) fn samples(&self) -> u64 {
        self.pending.iter().filter(|pending| pending.kind != Kind::Zero).count() as u64
    }

    /// How many series of this scrape were not stored in the last good one, and are now.
    pub(super) fn count_new(&self, at_ms: i64) -> u64 {
        let is_new = |pending: &&Pending| {
            let entry = &self.entries[pending.entry as usize];
            let was_known = entry.known && entry.seen >= Some(self.last_good);
            !(pending.kind == Kind::Zero || was_known)
                && matches!(entry.refuses(pending, at_ms), None | Some(Refusal::Same))
        };
        let mut new: Vec<u32> = self.pending.iter().filter(is_new).map(|p| p.entry).collect();
        new.sort_unstable();
        new.dedup();
        new.len() as u64
    }

    /// The page of this scrape is not refused.
    pub(super) fn note_good(&mut self) {
        self.last_good = self.scrape + 1;
    }

    /// Follows columns of the target's own group that moved.
    pub(super) fn remap(&mut self, map: &[u32]) {
        for entry in &mut self.entries {
            let moved = entry.column.and_then(|column| map.get(column.0 as usize)).copied();
            entry.column = moved.filter(|column| *column != u32::MAX).map(Column);
        }
    }

    /// Stores what was pushed, if the scrape was good, and ends what was missing; `own` is the row of
    /// the target's own group. True when the slots given out are no longer right.
    pub(super) fn commit(
        &mut self,
        ground: &Ground<'_>,
        own: &Row,
        track_staleness: bool,
        tally: &mut Tally,
    ) -> Result<bool, AppendError> {
        self.scrape += 1;
        if self.entries.is_empty() {
            return Ok(false);
        }
        let mut samples = self.accept(own, track_staleness, tally);
        self.end_missing(own.t_ms(), &mut samples);
        self.place(&samples, ground)?;
        self.append(samples, ground, tally)?;
        Ok(self.forget_unseen())
    }

    /// Keeps samples that are after the last one of their series and not too far ahead.
    fn accept(&mut self, own: &Row, track: bool, tally: &mut Tally) -> Vec<Pending> {
        let mut accepted = Vec::with_capacity(self.pending.len());
        for pending in self.pending.drain(..) {
            let entry = &mut self.entries[pending.entry as usize];
            entry.seen = Some(self.scrape);
            let own_value = entry.column.and_then(|column| own.get(column));
            if let Some(value) = own_value.filter(|_| entry.last_ms() < own.t_ms()) {
                // The page has it without a timestamp as well.
                entry.last = Some((own.t_ms(), Value::Float(value)));
            }
            let mut refusal = entry.refuses(&pending, own.t_ms());
            let is_again = pending.kind == Kind::OfScrape && entry.followed == Some(self.scrape);
            if is_again && matches!(refusal, Some(Refusal::Same)) {
                refusal = Some(Refusal::Duplicate);
            }
            if matches!(refusal, None | Some(Refusal::Same)) {
                entry.known = true;
                let is_tracked = pending.kind == Kind::Own && track;
                if is_tracked || pending.kind == Kind::OfScrape {
                    entry.followed = Some(self.scrape);
                }
            }
            let count = u64::from(pending.kind != Kind::Zero);
            match refusal {
                Some(Refusal::Same) => {}
                Some(Refusal::OutOfBounds) => tally.out_of_bounds += count,
                Some(Refusal::Duplicate) => tally.duplicates += count,
                Some(Refusal::OutOfOrder) => tally.out_of_order += count,
                None => {
                    entry.last = Some((pending.t_ms, pending.value.clone()));
                    entry.live = true;
                    accepted.push(pending);
                }
            }
        }
        accepted
    }

    /// Ends series whose absence means that, where they have no sample after this.
    fn end_missing(&mut self, at_ms: i64, samples: &mut Vec<Pending>) {
        for (i, entry) in (0..).zip(&mut self.entries) {
            let is_missing = entry.followed == self.scrape.checked_sub(1);
            if is_missing && entry.last_ms() < at_ms {
                let value = Value::Float(stale_marker());
                entry.live = false;
                entry.last = Some((at_ms, value.clone()));
                samples.push(Pending { entry: i, t_ms: at_ms, value, kind: Kind::End });
            }
        }
    }

    /// Bounds what is remembered of series that no longer come.
    fn forget_unseen(&mut self) -> bool {
        let scrape = self.scrape;
        let seen = |entry: &Entry| entry.live && entry.seen.is_some_and(|s| scrape - s <= RECENT);
        let unseen = self.entries.iter().filter(|entry| !seen(entry)).count();
        if unseen <= MAX_UNSEEN.max(self.entries.len() / 2) {
            return false;
        }
        self.entries.retain(seen);
        self.by_labels = HashMap::with_capacity(self.entries.len());
        for (i, entry) in (0..).zip(&self.entries) {
            self.by_labels.insert(entry.labels.clone(), i);
        }
        true
    }
}
