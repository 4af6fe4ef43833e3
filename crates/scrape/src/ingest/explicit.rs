//! Series that bring timestamps of their own.
//!
//! They do not fit into the target's row. Series that came with the same timestamp form a class, and
//! a class is a group of its own in which a missing value means nothing; of one scrape it takes a row
//! per timestamp. There are at most [`MAX_CLASSES`]; a series beyond them, or one that falls out of
//! step with its class, is loose: a group for itself.

use super::Tally;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use model::{FloatHistogram, Labels, stale_marker};
use std::sync::Arc;
use storage::{Absence, AppendError, Appendable, Column, Exemplar, Group, GroupSpec, Row, Source};

const MAX_CLASSES: usize = 8;
/// Samples further ahead of the scrape than this are refused.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// Samples further behind the scrape than this are refused.
pub(super) const MAX_BEHIND_MS: i64 = 60 * 60 * 1000;
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

/// A float or a native histogram.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    /// Sets the value in a row; false when its column has one.
    pub(super) fn set(&self, row: &mut Row, column: Column) -> bool {
        match self {
            Self::Float(value) => row.set(column, *value),
            Self::Histogram(histogram) => row.set_histogram(column, Arc::clone(histogram)),
        }
    }

    /// Whether both are the same, bit by bit.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Histogram(a), Self::Histogram(b)) => Arc::ptr_eq(a, b) || a.equals(b),
            _ => false,
        }
    }
}

struct Entry {
    labels: Labels,
    home: Home,
    last: Option<(i64, Value)>,
    /// The scrape it was last in.
    seen: Option<u32>,
    /// Whether its last sample was a value and not the end.
    live: bool,
    /// Whether a sample was good when it was last seen.
    known: bool,
}

/// Why a sample is not stored.
enum Refusal {
    /// The same is there.
    Same,
    OutOfBounds,
    Duplicate,
    OutOfOrder,
}

impl Entry {
    fn refuses(&self, sample: &Pending, at_ms: i64) -> Option<Refusal> {
        let t_ms = sample.t_ms;
        match &self.last {
            // Telling the same again is common, and no fault.
            Some((last_ms, value)) if *last_ms == t_ms && value.is(&sample.value) => {
                Some(Refusal::Same)
            }
            _ if t_ms > at_ms.saturating_add(MAX_AHEAD_MS) => Some(Refusal::OutOfBounds),
            _ if t_ms < at_ms.saturating_sub(MAX_BEHIND_MS) => Some(Refusal::OutOfBounds),
            Some((last_ms, _)) if *last_ms == t_ms => Some(Refusal::Duplicate),
            Some((last_ms, _)) if *last_ms > t_ms => Some(Refusal::OutOfOrder),
            _ => None,
        }
    }
}

enum Home {
    None,
    Class(usize, Option<Column>),
    Loose(Box<dyn Group>, Option<Column>),
}

struct Class {
    group: Box<dyn Group>,
    last_ms: i64,
    /// The timestamp its series have in this scrape.
    now_ms: Option<i64>,
}

#[derive(Clone)]
struct Pending {
    entry: u32,
    t_ms: i64,
    value: Value,
    /// Whether it is the beginning of its series and no sample of the page.
    is_zero: bool,
}

/// Where the groups of a target are opened.
pub(super) struct Ground<'a> {
    pub(super) store: &'a dyn Appendable,
    pub(super) key: &'a str,
    pub(super) common: &'a Labels,
}

impl Ground<'_> {
    pub(super) fn open(&self, what: &str) -> Result<Box<dyn Group>, AppendError> {
        self.store.open_group(&GroupSpec {
            source: Source::Scrape,
            key: format!("{}\n{what}", self.key),
            common: self.common.clone(),
            absence: Absence::MeansNothing,
        })
    }
}

impl Explicit {
    pub(super) fn begin(&mut self) {
        self.pending.clear();
    }

    /// The entry of a series; made when it is not known.
    pub(super) fn entry(&mut self, labels: Labels) -> u32 {
        if let Some(entry) = self.by_labels.get(&labels) {
            return *entry;
        }
        let entry = u32::try_from(self.entries.len()).expect("fewer series than slots");
        self.by_labels.insert(labels.clone(), entry);
        self.entries.push(Entry {
            labels,
            home: Home::None,
            last: None,
            seen: None,
            live: false,
            known: false,
        });
        entry
    }

    pub(super) fn push(&mut self, entry: u32, t_ms: i64, value: Value) {
        self.pending.push(Pending { entry, t_ms, value, is_zero: false });
    }

    /// Takes the beginning of the series whose sample was pushed last.
    pub(super) fn push_zero(&mut self, start_ms: i64, value: Value) {
        let Some(sample) = self.pending.last() else { return };
        let (entry, t_ms) = (sample.entry, sample.t_ms);
        let last_ms = self.entries[entry as usize].last.as_ref().map(|(last_ms, _)| *last_ms);
        if start_ms < t_ms && last_ms.is_none_or(|last_ms| last_ms < start_ms) {
            let zero = Pending { entry, t_ms: start_ms, value, is_zero: true };
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
        self.pending.iter().filter(|pending| !pending.is_zero).count() as u64
    }

    /// Stores exemplars of a series that has samples by now.
    pub(super) fn add_exemplars(
        &mut self,
        entry: u32,
        exemplars: &[Exemplar],
    ) -> Result<usize, AppendError> {
        match &mut self.entries[entry as usize].home {
            Home::Loose(group, Some(column)) => group.add_exemplars(*column, exemplars),
            Home::Class(class, Some(column)) => {
                self.classes[*class].group.add_exemplars(*column, exemplars)
            }
            // The sample was not stored, so there is nothing to be an example of.
            Home::None | Home::Loose(_, None) | Home::Class(_, None) => Ok(exemplars.len()),
        }
    }

    /// How many series of this scrape were not stored in the last good one, and are now.
    pub(super) fn count_new(&self, at_ms: i64) -> u64 {
        let is_new = |pending: &&Pending| {
            let entry = &self.entries[pending.entry as usize];
            !(pending.is_zero || (entry.known && entry.seen >= Some(self.last_good)))
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

    /// Stores what was pushed, if the scrape was good, and ends what was missing, if that is
    /// tracked. True when the slots given out are no longer right.
    pub(super) fn commit(
        &mut self,
        ground: &Ground<'_>,
        at_ms: i64,
        track_staleness: bool,
        tally: &mut Tally,
    ) -> Result<bool, AppendError> {
        self.scrape += 1;
        if self.entries.is_empty() {
            return Ok(false);
        }
        let accepted = self.accept(at_ms, tally);
        let ended = if track_staleness { self.end_missing(at_ms) } else { Vec::new() };
        self.place(&accepted, ground)?;
        self.append(accepted, ground, tally)?;
        self.append(ended, ground, tally)?;
        Ok(self.forget_unseen())
    }

    /// Keeps samples that are after the last one of their series and not too far ahead.
    fn accept(&mut self, at_ms: i64, tally: &mut Tally) -> Vec<Pending> {
        let mut accepted = Vec::with_capacity(self.pending.len());
        for pending in self.pending.drain(..) {
            let entry = &mut self.entries[pending.entry as usize];
            entry.seen = Some(self.scrape);
            let refusal = entry.refuses(&pending, at_ms);
            entry.known |= matches!(refusal, None | Some(Refusal::Same));
            let count = u64::from(!pending.is_zero);
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

    fn end_missing(&mut self, at_ms: i64) -> Vec<Pending> {
        let mut ended = Vec::new();
        for (i, entry) in (0..).zip(&mut self.entries) {
            let missing = entry.live && entry.seen != Some(self.scrape);
            if missing && entry.last.as_ref().is_some_and(|(last_ms, _)| *last_ms < at_ms) {
                let value = Value::Float(stale_marker());
                entry.live = false;
                entry.last = Some((at_ms, value.clone()));
                ended.push(Pending { entry: i, t_ms: at_ms, value, is_zero: false });
            }
        }
        ended
    }

    /// Finds a class for every series that has none: the one whose series have its timestamp now.
    fn place(&mut self, accepted: &[Pending], ground: &Ground<'_>) -> Result<(), AppendError> {
        for class in &mut self.classes {
            class.now_ms = None;
        }
        for pending in accepted {
            if let Home::Class(class, _) = self.entries[pending.entry as usize].home {
                self.classes[class].now_ms = Some(pending.t_ms);
            }
        }
        for pending in accepted {
            if !matches!(self.entries[pending.entry as usize].home, Home::None) {
                continue;
            }
            let found = self.classes.iter().position(|class| class.now_ms == Some(pending.t_ms));
            let home = match found {
                Some(class) => Home::Class(class, None),
                None if self.classes.len() < MAX_CLASSES => {
                    let group = ground.open(&format!("class {}", self.classes.len()))?;
                    let now_ms = Some(pending.t_ms);
                    self.classes.push(Class { group, last_ms: i64::MIN, now_ms });
                    Home::Class(self.classes.len() - 1, None)
                }
                None => self.loose(pending.entry, ground)?,
            };
            self.entries[pending.entry as usize].home = home;
        }
        Ok(())
    }

    fn loose(&self, entry: u32, ground: &Ground<'_>) -> Result<Home, AppendError> {
        let labels = &self.entries[entry as usize].labels;
        Ok(Home::Loose(ground.open(&format!("series {labels}"))?, None))
    }

    fn append(
        &mut self,
        samples: Vec<Pending>,
        ground: &Ground<'_>,
        tally: &mut Tally,
    ) -> Result<(), AppendError> {
        let class_of = |p: &Pending| match self.entries[p.entry as usize].home {
            Home::Class(class, _) => Some(class),
            _ => None,
        };
        let mut samples: Vec<_> = samples.into_iter().map(|p| (class_of(&p), p)).collect();
        samples.sort_by_key(|(class, p)| (*class, p.t_ms));
        for run in samples.chunk_by(|a, b| (a.0, a.1.t_ms) == (b.0, b.1.t_ms)) {
            let loose = match run[0].0 {
                Some(class) => self.append_class(class, run, tally)?,
                None => run.iter().map(|(_, sample)| sample.clone()).collect(),
            };
            for sample in loose {
                self.append_loose(sample, ground, tally)?;
            }
        }
        Ok(())
    }

    /// Appends a row to a class; the samples that it did not take, since it has gone past that time.
    fn append_class(
        &mut self,
        class: usize,
        run: &[(Option<usize>, Pending)],
        tally: &mut Tally,
    ) -> Result<Vec<Pending>, AppendError> {
        let t_ms = run[0].1.t_ms;
        let samples = || run.iter().map(|(_, sample)| sample.clone());
        let mut made = HashSet::new();
        let Self { classes, entries, row, .. } = self;
        let Class { group, last_ms, .. } = &mut classes[class];
        if t_ms <= *last_ms {
            return Ok(samples().collect());
        }
        row.begin(t_ms);
        for (_, sample) in run {
            let entry = &mut entries[sample.entry as usize];
            let Home::Class(_, column) = &mut entry.home else { unreachable!("sorted by class") };
            if column.is_none() {
                match group.column(&entry.labels) {
                    Ok((found, is_new)) => {
                        *column = Some(found);
                        if is_new {
                            made.insert(sample.entry);
                        }
                    }
                    Err(AppendError::SeriesLimit { .. }) => {
                        tally.refused += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            sample.value.set(row, column.expect("set above"));
        }
        match group.append(row) {
            Ok(appended) => {
                *last_ms = t_ms;
                if let Some(map) = appended.remap {
                    for entry in entries {
                        if let Home::Class(of, Some(column)) = entry.home
                            && of == class
                        {
                            let moved = map.get(column.0 as usize).copied().unwrap_or(u32::MAX);
                            let moved = (moved != u32::MAX).then_some(Column(moved));
                            entry.home = Home::Class(of, moved);
                        }
                    }
                }
                Ok(Vec::new())
            }
            Err(AppendError::OutOfOrder { last_ms: stored, .. }) => {
                // An earlier life of this process stored that row, with the series there were then.
                let was_stored = *last_ms == i64::MIN && stored == t_ms;
                *last_ms = stored;
                Ok(samples().filter(|s| !was_stored || made.contains(&s.entry)).collect())
            }
            Err(AppendError::OutOfBounds { .. }) => {
                tally.out_of_bounds += run.len() as u64;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    fn append_loose(
        &mut self,
        sample: Pending,
        ground: &Ground<'_>,
        tally: &mut Tally,
    ) -> Result<(), AppendError> {
        if !matches!(self.entries[sample.entry as usize].home, Home::Loose(..)) {
            self.entries[sample.entry as usize].home = self.loose(sample.entry, ground)?;
        }
        let Self { entries, row, .. } = self;
        let entry = &mut entries[sample.entry as usize];
        let Home::Loose(group, column) = &mut entry.home else { unreachable!("set above") };
        if column.is_none() {
            match group.column(&entry.labels) {
                Ok((found, _)) => *column = Some(found),
                Err(AppendError::SeriesLimit { .. }) => {
                    tally.refused += 1;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        row.begin(sample.t_ms);
        sample.value.set(row, column.expect("set above"));
        match group.append(row) {
            Ok(appended) => {
                if appended.remap.is_some() {
                    *column = None;
                }
            }
            // What an earlier life of this process stored already.
            Err(AppendError::OutOfOrder { t_ms, last_ms }) if t_ms == last_ms => {}
            Err(AppendError::OutOfOrder { .. }) => tally.out_of_order += 1,
            Err(AppendError::OutOfBounds { .. }) => tally.out_of_bounds += 1,
            Err(error) => return Err(error),
        }
        Ok(())
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
