//! Where series that bring timestamps are stored.

use super::Explicit;
use super::entry::Pending;
use crate::ingest::Tally;
use foldhash::{HashSet, HashSetExt as _};
use model::Labels;
use storage::{Absence, AppendError, Appendable, Column, Exemplar, Group, GroupSpec, Source};

const MAX_CLASSES: usize = 8;

pub(super) enum Home {
    None,
    Class(usize, Option<Column>),
    Loose(Box<dyn Group>, Option<Column>),
}

pub(super) struct Class {
    group: Box<dyn Group>,
    last_ms: i64,
    /// The timestamp its series have in this scrape.
    now_ms: Option<i64>,
    /// Whether it is the one of series that have samples without timestamps, too.
    is_mixed: bool,
}

/// Where the groups of a target are opened.
pub(in crate::ingest) struct Ground<'a> {
    pub(in crate::ingest) store: &'a dyn Appendable,
    pub(in crate::ingest) key: &'a str,
    pub(in crate::ingest) common: &'a Labels,
}

impl Ground<'_> {
    pub(in crate::ingest) fn open(&self, what: &str) -> Result<Box<dyn Group>, AppendError> {
        self.store.open_group(&GroupSpec {
            source: Source::Scrape,
            key: format!("{}\n{what}", self.key),
            common: self.common.clone(),
            absence: Absence::MeansNothing,
        })
    }
}

impl Explicit {
    /// Stores exemplars of a series that has samples by now.
    pub(in crate::ingest) fn add_exemplars(
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

    /// Finds a class for every series that has none: the one whose series have its timestamp now, or
    /// that of series which have samples without timestamps.
    pub(super) fn place(
        &mut self,
        samples: &[Pending],
        ground: &Ground<'_>,
    ) -> Result<(), AppendError> {
        for class in &mut self.classes {
            class.now_ms = None;
        }
        for pending in samples {
            if let Home::Class(class, _) = self.entries[pending.entry as usize].home {
                self.classes[class].now_ms = Some(pending.t_ms);
            }
        }
        for pending in samples {
            let entry = &self.entries[pending.entry as usize];
            if !matches!(entry.home, Home::None) {
                continue;
            }
            let (is_mixed, now_ms) = (entry.is_mixed, Some(pending.t_ms));
            let fits = |class: &Class| match is_mixed {
                true => class.is_mixed,
                false => !class.is_mixed && class.now_ms == now_ms,
            };
            let found = self.classes.iter().position(fits);
            let others = self.classes.iter().filter(|class| !class.is_mixed).count();
            let home = match found {
                Some(class) => Home::Class(class, None),
                None if is_mixed || others < MAX_CLASSES => {
                    let name = if is_mixed { "mixed".into() } else { format!("class {others}") };
                    let group = ground.open(&name)?;
                    self.classes.push(Class { group, last_ms: i64::MIN, now_ms, is_mixed });
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

    pub(super) fn append(
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
}
