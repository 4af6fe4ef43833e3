//! Every series the head knows: its labels, its number, its place in a group, its postings.
//!
//! A series is a full label set. Its labels are two interned sets, the one its group has in common
//! and its own, so equal exporters share their own sets and a target's labels are kept once. Numbers
//! of forgotten series are given again only when no segment of the log can mention the old meaning.

use super::interner::Interner;
use super::postings::{Pair, Postings};
use crate::codec::DecodeError;
use crate::codec::bits::{ByteReader, put_varint};
use crate::wal::record;
use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet, HashTable};
use model::{Labels, Matcher};
use roaring::RoaringBitmap;
use std::collections::VecDeque;

/// Where a series is written: a column of a group. The column is a hint: a group renumbers its
/// columns, and who uses the hint checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The group's number.
    pub(crate) group: u32,
    /// The column in it.
    pub(crate) column: u32,
}

/// No set, no group: the entry is free.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Series {
    common: u32,
    own: u32,
    place: Place,
}

const FREE: Series = Series { common: NONE, own: NONE, place: Place { group: NONE, column: NONE } };

/// Series, labels and postings of the head.
#[derive(Default)]
pub(crate) struct Registry {
    symbols: Interner<String>,
    /// Label sets: for each label, in order of names, its two symbols as varints.
    sets: Interner<Vec<u8>>,
    series: Vec<Series>,
    by_labels: HashTable<u32>,
    /// Further places of series that several groups write.
    shared: HashMap<u32, Vec<Place>, RandomState>,
    postings: Postings,
    /// Series not in the postings yet: they are indexed when somebody asks.
    unindexed: Vec<u32>,
    /// Free numbers, and those that become free when the log has moved past a segment.
    free: Vec<u32>,
    limbo: VecDeque<(u32, Vec<u32>)>,
    live: usize,
    /// Series that the series log does not have yet.
    unlogged: Vec<u32>,
    /// Series forgotten whose texts are still held.
    forgotten: usize,
}

/// The tables are full: 2^32 series, label sets or symbols, or 4 GiB of text.
#[derive(Debug)]
pub(crate) struct Full;

impl Registry {
    /// The number of a label set, interned.
    fn intern_pairs<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<u32, Full> {
        let mut packed = Vec::with_capacity(64);
        for (name, value) in pairs {
            for text in [name, value] {
                let symbol = self.symbols.intern(text).ok_or(Full)?;
                put_varint(&mut packed, u64::from(symbol));
            }
        }
        self.sets.intern(&packed).ok_or(Full)
    }

    /// The labels of an interned set.
    fn set_labels(&self, set: u32) -> Labels {
        Labels::from_sorted(self.texts(set))
    }

    /// The series with exactly these labels.
    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        let mut pairs: Vec<Pair> = Vec::with_capacity(16);
        for (name, value) in labels {
            pairs.push((self.symbols.find(name)?, self.symbols.find(value)?));
        }
        let hash = pairs.iter().fold(0, |hash, pair| mix(hash, *pair));
        let same = |id: &u32| {
            let mut count = 0;
            let all = self.pairs(*id).all(|pair| {
                count += 1;
                pairs.contains(&pair)
            });
            // Names are distinct, so a subset of equal size is the set itself.
            all && count == pairs.len()
        };
        self.by_labels.find(hash, same).copied()
    }

    /// Makes a series that is not known yet; `common` are the labels it shares with its group.
    pub(crate) fn create(
        &mut self,
        common: &Labels,
        labels: &Labels,
        place: Place,
    ) -> Result<u32, Full> {
        let id = match self.free.last() {
            Some(id) => *id,
            None => u32::try_from(self.series.len()).ok().filter(|id| *id < NONE).ok_or(Full)?,
        };
        self.create_as(id, common, labels, place)?;
        if self.free.last() == Some(&id) {
            self.free.pop();
        }
        self.unlogged.push(id);
        Ok(id)
    }

    /// Makes a series under a number that is not in use, as the series log says.
    fn create_as(
        &mut self,
        id: u32,
        shared: &Labels,
        labels: &Labels,
        place: Place,
    ) -> Result<(), Full> {
        let is_shared = shared.iter().all(|(name, value)| labels.get(name) == Some(value));
        // A series that overrides a label of its group keeps all of its labels to itself.
        let common = self.intern_pairs(shared.iter().filter(|_| is_shared))?;
        let own = labels.iter().filter(|(name, _)| !is_shared || shared.get(name).is_none());
        let own = self.intern_pairs(own)?;
        self.insert(id, Series { common, own, place });
        Ok(())
    }

    fn insert(&mut self, id: u32, new: Series) {
        let i = id as usize;
        if i >= self.series.len() {
            self.series.resize(i + 1, FREE);
        }
        debug_assert_eq!(self.series[i].own, NONE, "the number is in use");
        self.series[i] = new;
        let (series, sets) = (&self.series, &self.sets);
        let hash = |id: &u32| set_pairs(sets, &series[*id as usize]).fold(0, mix);
        self.by_labels.insert_unique(hash(&id), id, hash);
        self.unindexed.push(id);
        self.live += 1;
    }

    /// Whether a number names a series.
    pub(crate) fn knows(&self, id: u32) -> bool {
        self.series.get(id as usize).is_some_and(|series| series.own != NONE)
    }

    /// The labels of a series.
    pub(crate) fn labels(&self, id: u32) -> Labels {
        let series = self.series[id as usize];
        Labels::from_sorted(merged(self.texts(series.common), self.texts(series.own)))
    }

    /// The column of a series in a group, if the group has it.
    pub(crate) fn place_in(&self, id: u32, group: u32) -> Option<Place> {
        self.places(id).find(|place| place.group == group)
    }

    /// All places of a series.
    pub(crate) fn places(&self, id: u32) -> impl Iterator<Item = Place> {
        let first = self.series[id as usize].place;
        let more = if self.shared.is_empty() { None } else { self.shared.get(&id) };
        (first.group != NONE)
            .then_some(first)
            .into_iter()
            .chain(more.into_iter().flatten().copied())
    }

    /// Says that a series is now in a column; earlier places in the same group are replaced.
    pub(crate) fn set_place(&mut self, id: u32, place: Place) {
        let first = &mut self.series[id as usize].place;
        if first.group == place.group || first.group == NONE {
            *first = place;
            return;
        }
        let more = self.shared.entry(id).or_default();
        match more.iter_mut().find(|p| p.group == place.group) {
            Some(found) => *found = place,
            None => more.push(place),
        }
    }

    /// Says that a group no longer writes a series. A series without a place stays until
    /// [`Registry::forget`].
    pub(crate) fn remove_place(&mut self, id: u32, group: u32) {
        let more = self.shared.get_mut(&id);
        let first = &mut self.series[id as usize].place;
        let Some(more) = more else {
            if first.group == group {
                *first = FREE.place;
            }
            return;
        };
        more.retain(|place| place.group != group);
        if first.group == group {
            *first = more.pop().unwrap_or(FREE.place);
        }
        if more.is_empty() {
            self.shared.remove(&id);
        }
    }

    /// Forgets the series that have no place. Their numbers rest until the log has dropped all
    /// segments up to `segment`. Returns how many were forgotten.
    pub(crate) fn forget(&mut self, segment: u32) -> usize {
        self.index();
        let dead: Vec<u32> = (0..)
            .zip(&self.series)
            .filter(|(_, s)| s.own != NONE && s.place.group == NONE)
            .map(|(id, _)| id)
            .collect();
        if dead.is_empty() {
            return 0;
        }
        let mut pairs = HashSet::default();
        for id in &dead {
            pairs.extend(self.pairs(*id));
            let hash = self.pairs(*id).fold(0, mix);
            if let Ok(entry) = self.by_labels.find_entry(hash, |other| other == id) {
                entry.remove();
            }
        }
        self.postings.remove(&dead.iter().copied().collect(), &pairs);
        for id in &dead {
            self.series[*id as usize] = FREE;
        }
        self.live -= dead.len();
        self.forgotten += dead.len();
        let count = dead.len();
        self.limbo.push_back((segment, dead));
        count
    }

    /// Frees the numbers that only segments before `oldest` could mention.
    pub(crate) fn release(&mut self, oldest: u32) {
        while self.limbo.front().is_some_and(|(segment, _)| *segment < oldest) {
            self.free.extend(self.limbo.pop_front().into_iter().flat_map(|(_, ids)| ids));
        }
    }

    /// Puts the numbers nobody uses on the free list, but for those that the log mentions.
    pub(crate) fn collect_free(&mut self, mentioned: &RoaringBitmap) {
        if let Some(largest) = mentioned.max()
            && largest as usize >= self.series.len()
        {
            self.series.resize(largest as usize + 1, FREE);
        }
        let unused = (0..).zip(&self.series).filter(|(_, series)| series.own == NONE);
        self.free = unused.map(|(id, _)| id).filter(|id| !mentioned.contains(*id)).collect();
    }

    /// The series that the series log lacks; the caller writes them or hands them back.
    pub(crate) fn take_unlogged(&mut self) -> Vec<u32> {
        let mut ids = std::mem::take(&mut self.unlogged);
        ids.retain(|id| self.knows(*id));
        ids
    }

    /// Takes back series that could not be written.
    pub(crate) fn put_unlogged(&mut self, mut ids: Vec<u32>) {
        ids.append(&mut self.unlogged);
        self.unlogged = ids;
    }

    /// All series.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let used = (0..).zip(&self.series).filter(|(_, series)| series.own != NONE);
        used.map(|(id, _)| id).collect()
    }

    /// Appends series as the series log has them: per run of series with the same common labels those
    /// labels, the count, and for each its number and own labels.
    pub(crate) fn put_series(&self, ids: &[u32], out: &mut Vec<u8>) {
        let common = |id: &u32| self.series[*id as usize].common;
        for run in ids.chunk_by(|a, b| common(a) == common(b)) {
            record::put_labels(out, &self.set_labels(common(&run[0])));
            put_varint(out, run.len() as u64);
            for id in run {
                put_varint(out, u64::from(*id));
                record::put_labels(out, &self.set_labels(self.series[*id as usize].own));
            }
        }
    }

    /// Makes room for so many more series at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        let (series, sets) = (&self.series, &self.sets);
        let hash = |id: &u32| set_pairs(sets, &series[*id as usize]).fold(0, mix);
        self.by_labels.reserve(more, hash);
        self.series.reserve(more);
        self.unindexed.reserve(more);
    }

    /// Makes the series that [`Registry::put_series`] wrote, nowhere placed; later ones replace
    /// earlier ones of the same number. How many there were.
    pub(crate) fn read_series(&mut self, payload: &[u8]) -> Result<usize, DecodeError> {
        let mut from = ByteReader::new(payload);
        let mut count = 0;
        while !from.rest().is_empty() {
            let common = self.read_set(&mut from, None)?;
            for _ in 0..from.index()? {
                let id = from.u32()?;
                let own = self.read_set(&mut from, Some(common))?;
                // A run of holes costs memory; a number far out is damage.
                if id == NONE || id as usize > self.series.len() + (1 << 24) {
                    return Err(DecodeError::Invalid("series number"));
                }
                let new = Series { common, own, place: FREE.place };
                self.free_number(id);
                if let Some(earlier) = self.find_equal(&new) {
                    self.free_number(earlier);
                }
                self.insert(id, new);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Reads and interns labels, of which none has a name of the `other` set.
    fn read_set(
        &mut self,
        from: &mut ByteReader<'_>,
        other: Option<u32>,
    ) -> Result<u32, DecodeError> {
        const FULL: DecodeError = DecodeError::Invalid("number of label sets");
        let mut packed = Vec::with_capacity(64);
        record::read_label_texts(from, |name, value| {
            let name = self.symbols.intern(name).ok_or(FULL)?;
            if other.is_some_and(|set| pairs_of(self.sets.get(set)).any(|pair| pair.0 == name)) {
                return Err(DecodeError::Invalid("label name"));
            }
            let value = self.symbols.intern(value).ok_or(FULL)?;
            put_varint(&mut packed, u64::from(name));
            put_varint(&mut packed, u64::from(value));
            Ok(())
        })?;
        self.sets.intern(&packed).ok_or(FULL)
    }

    /// The series with the same labels, however they are divided.
    fn find_equal(&self, new: &Series) -> Option<u32> {
        let hash = set_pairs(&self.sets, new).fold(0, mix);
        let same = |id: &u32| {
            let known = &self.series[*id as usize];
            (known.common, known.own) == (new.common, new.own) || {
                let sorted = |series: &Series| {
                    let mut pairs: Vec<Pair> = set_pairs(&self.sets, series).collect();
                    pairs.sort_unstable();
                    pairs
                };
                sorted(known) == sorted(new)
            }
        };
        self.by_labels.find(hash, same).copied()
    }

    fn free_number(&mut self, id: u32) {
        if !self.knows(id) {
            return;
        }
        let hash = self.pairs(id).fold(0, mix);
        if let Ok(entry) = self.by_labels.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
        self.series[id as usize] = FREE;
        self.live -= 1;
    }

    /// Whether some series are missing in the postings: [`Registry::index`] is needed.
    pub(crate) fn needs_index(&self) -> bool {
        !self.unindexed.is_empty()
    }

    /// Brings the postings up to date.
    pub(crate) fn index(&mut self) {
        let mut ids = std::mem::take(&mut self.unindexed);
        // Ascending ids are the cheap way to fill a bitmap.
        ids.sort_unstable();
        let many = ids.len() > 1 << 16;
        for id in ids {
            let series = &self.series[id as usize];
            if series.own != NONE {
                self.postings.insert(id, set_pairs(&self.sets, series));
            }
        }
        if many {
            self.postings.optimize();
        }
    }

    /// Packs the postings.
    pub(crate) fn optimize(&mut self) {
        self.index();
        self.postings.optimize();
    }

    /// The series that satisfy all matchers; [`Registry::index`] comes first.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        self.postings.select(&self.symbols, matchers)
    }

    /// The label names of some series, or of all; unsorted.
    pub(crate) fn label_names(&self, series: Option<&RoaringBitmap>) -> Vec<&str> {
        self.postings.names(series).into_iter().map(|name| self.symbols.get(name)).collect()
    }

    /// The values of a label in some series, or in all; unsorted.
    pub(crate) fn label_values(&self, name: &str, series: Option<&RoaringBitmap>) -> Vec<&str> {
        let Some(name) = self.symbols.find(name) else { return Vec::new() };
        self.postings.values(name, series).into_iter().map(|v| self.symbols.get(v)).collect()
    }

    /// The text of a symbol.
    pub(crate) fn symbol(&self, symbol: u32) -> &str {
        self.symbols.get(symbol)
    }

    /// The postings, for counting.
    pub(crate) fn postings(&self) -> &Postings {
        &self.postings
    }

    /// The number of series.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Bytes of symbols and label sets.
    pub(crate) fn symbol_bytes(&self) -> usize {
        self.symbols.heap_bytes() + self.sets.heap_bytes()
    }

    /// Whether more texts are held for forgotten series than for living ones.
    pub(crate) fn is_stale(&self) -> bool {
        self.forgotten > self.live.max(1 << 12)
    }

    /// The same series under the same numbers, without the texts of forgotten ones.
    pub(crate) fn rebuilt(&self) -> Result<Self, Full> {
        let mut new = Self::default();
        for (id, series) in (0..).zip(&self.series) {
            if series.own != NONE {
                let common = self.set_labels(series.common);
                new.create_as(id, &common, &self.labels(id), series.place)?;
            }
        }
        new.series.resize(self.series.len(), FREE);
        new.shared.clone_from(&self.shared);
        new.free.clone_from(&self.free);
        new.limbo.clone_from(&self.limbo);
        new.unlogged.clone_from(&self.unlogged);
        Ok(new)
    }

    /// Sorts series by their labels.
    pub(crate) fn sort_by_labels(&self, ids: &mut [u32]) {
        let count = u32::try_from(self.symbols.len()).expect("symbols are u32");
        let mut sorted: Vec<u32> = (0..count).collect();
        sorted.sort_unstable_by_key(|symbol| self.symbols.get(*symbol));
        let mut ranks = vec![0u32; sorted.len()];
        for (rank, symbol) in (0..).zip(&sorted) {
            ranks[*symbol as usize] = rank;
        }
        ids.sort_unstable_by(|a, b| self.ranked(*a, &ranks).cmp(self.ranked(*b, &ranks)));
    }

    /// The labels of a series in order, each symbol as its place in the order of texts.
    fn ranked<'a>(&'a self, id: u32, ranks: &'a [u32]) -> impl Iterator<Item = Pair> + 'a {
        let series = &self.series[id as usize];
        let set = |set| {
            let rank = |(name, value): Pair| (ranks[name as usize], ranks[value as usize]);
            pairs_of(self.sets.get(set)).map(rank)
        };
        merged(set(series.common), set(series.own))
    }

    fn pairs(&self, id: u32) -> impl Iterator<Item = Pair> {
        set_pairs(&self.sets, &self.series[id as usize])
    }

    fn texts(&self, set: u32) -> impl Iterator<Item = (&str, &str)> {
        pairs_of(self.sets.get(set)).map(|(n, v)| (self.symbols.get(n), self.symbols.get(v)))
    }
}

/// Two label sets without a name in common, in order of names.
fn merged<T: PartialOrd, V>(
    mut a: impl Iterator<Item = (T, V)>,
    mut b: impl Iterator<Item = (T, V)>,
) -> impl Iterator<Item = (T, V)> {
    let (mut next_a, mut next_b) = (a.next(), b.next());
    std::iter::from_fn(move || match (&next_a, &next_b) {
        (Some(x), Some(y)) if x.0 < y.0 => std::mem::replace(&mut next_a, a.next()),
        (_, Some(_)) => std::mem::replace(&mut next_b, b.next()),
        (_, None) => std::mem::replace(&mut next_a, a.next()),
    })
}

fn set_pairs<'a>(
    sets: &'a Interner<Vec<u8>>,
    series: &Series,
) -> impl Iterator<Item = Pair> + use<'a> {
    pairs_of(sets.get(series.common)).chain(pairs_of(sets.get(series.own)))
}

fn pairs_of(mut packed: &[u8]) -> impl Iterator<Item = Pair> {
    let mut symbol = move || {
        let (mut value, mut shift) = (0, 0);
        while let [byte, rest @ ..] = packed {
            packed = rest;
            value |= u32::from(byte & 0x7f) << shift;
            shift += 7;
            if *byte < 0x80 {
                return Some(value);
            }
        }
        None
    };
    std::iter::from_fn(move || Some((symbol()?, symbol()?)))
}

/// The hash of a set is the same in any order of its pairs, so common and own labels just add up.
fn mix(hash: u64, (name, value): Pair) -> u64 {
    let pair = u64::from(name) << 32 | u64::from(value);
    let spread = (pair ^ pair >> 29).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash.wrapping_add((spread ^ spread >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93))
}
