//! From a page to a row: what a target's lines become in storage.
//!
//! [`Ingest`] is the memory of one target: its group, the order of its page, what was there lately.
//! [`Ingest::page`] reads a page straight into a row and commits it together with the report series;
//! [`Ingest::nothing`] commits the report of a scrape that failed, by which storage ends all other
//! series of the group. A page that is refused half-way stores nothing of itself; columns made for it
//! simply have no value.

mod explicit;
mod families;
mod merge;
mod recent;
mod report;
mod sink;
#[cfg(test)]
mod tests;

pub(crate) use report::Report;

use crate::config::Job;
use crate::target::Target;
use explicit::{Explicit, Ground};
use exposition::{Failure, Format, Options, Predictor};
use families::Families;
pub(crate) use families::FamilyPool;
use recent::Recent;
use report::ReportColumns;
use sink::PageSink;
use storage::{Absence, AppendError, Appendable, Group, GroupSpec, Row, Source};

/// After so many scrapes with refused series it is tried again to make them.
const RETRY_REFUSED: u32 = 10;

/// Why a page was refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// The page is not in its format.
    #[error("{message} (line {line}, column {column})")]
    Syntax {
        /// In the words of Prometheus.
        message: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// More samples than allowed.
    #[error("sample limit exceeded (samples: {samples}, limit: {limit})")]
    SampleLimit {
        /// Samples after relabeling.
        samples: u64,
        /// The limit.
        limit: u64,
    },
    /// More or longer labels than allowed.
    #[error("{0}")]
    LabelLimit(String),
    /// A series that cannot be one.
    #[error("{0}")]
    Series(String),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] AppendError),
}

/// What a page counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Samples read.
    pub(crate) scraped: u64,
    /// Samples left after relabeling, duplicates and those over a limit included.
    pub(crate) kept: u64,
    /// Series that were in none of the last scrapes.
    pub(crate) added: u64,
    /// Samples of a series that had one already.
    pub(crate) duplicates: u64,
    /// Samples older than the last of their series.
    pub(crate) out_of_order: u64,
    /// Samples too far away in time.
    pub(crate) out_of_bounds: u64,
    /// Series that the store did not want to make.
    pub(crate) refused: u64,
}

/// The memory of one target.
pub(crate) struct Ingest {
    group: Option<Box<dyn Group>>,
    memory: Predictor,
    explicit: Explicit,
    recent: Recent,
    report: ReportColumns,
    families: Families,
    scrapes_with_refused: u32,
}

/// The surroundings of one scrape.
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a dyn Appendable,
    pub(crate) job: &'a Job,
    pub(crate) target: &'a Target,
    pub(crate) families: &'a FamilyPool,
    /// Reused by all loops.
    pub(crate) row: &'a mut Row,
    /// The time of the scrape.
    pub(crate) t_ms: i64,
}

impl Scene<'_> {
    fn ground(&self) -> Ground<'_> {
        Ground { store: self.store, key: self.target.key(), common: self.target.labels() }
    }
}

impl Ingest {
    pub(crate) fn new() -> Self {
        Self {
            group: None,
            memory: Predictor::new(),
            explicit: Explicit::default(),
            recent: Recent::default(),
            report: ReportColumns::default(),
            families: Families::default(),
            scrapes_with_refused: 0,
        }
    }

    /// Forgets what lines became, since rules or limits changed.
    pub(crate) fn forget(&mut self) {
        self.memory.clear();
    }

    /// Reads a page into the row; [`commit`](Self::commit) stores it. What was counted is told also
    /// when the page is refused.
    pub(crate) fn page(
        &mut self,
        scene: &mut Scene<'_>,
        format: Format,
        body: &[u8],
    ) -> (Tally, Result<(), PageError>) {
        let (mut tally, result) = self.read(scene, format, body);
        tally.added = self.recent.count_new(scene.row.present()) + self.explicit.count_new();
        self.recent.push(scene.row.present());
        let limit = scene.job.limits.samples;
        let result = match result {
            Ok(()) if limit > 0 && tally.kept > limit => {
                self.memory.clear();
                tally.added = 0;
                Err(PageError::SampleLimit { samples: tally.kept, limit })
            }
            Ok(()) => Ok(()),
            Err(Failure::Syntax(error)) => Err(PageError::Syntax {
                message: error.message,
                line: error.line,
                column: error.column,
            }),
            Err(Failure::Sink(error)) => Err(error),
        };
        if self.families.publish(scene.target, scene.families) {
            self.memory.clear();
        }
        if tally.refused > 0 {
            self.scrapes_with_refused += 1;
            if self.scrapes_with_refused.is_multiple_of(RETRY_REFUSED) {
                self.memory.clear();
            }
        }
        (tally, result)
    }

    fn read(
        &mut self,
        scene: &mut Scene<'_>,
        format: Format,
        body: &[u8],
    ) -> (Tally, Result<(), Failure<PageError>>) {
        scene.row.begin(scene.t_ms);
        self.explicit.begin();
        if let Err(error) = self.open(scene) {
            return (Tally::default(), Err(Failure::Sink(error.into())));
        }
        let Self { group, memory, explicit, families, .. } = self;
        let group = group.as_deref_mut().expect("opened above");
        let (job, target, row) = (scene.job, scene.target, &mut *scene.row);
        let tally = Tally::default();
        let mut sink = PageSink { job, target, group, row, explicit, families, tally };
        let result = exposition::parse(&Options::new(format), body, memory, &mut sink);
        (sink.tally, result)
    }

    /// Empties the row of a scrape that failed.
    pub(crate) fn nothing(&mut self, scene: &mut Scene<'_>) {
        scene.row.begin(scene.t_ms);
        self.explicit.begin();
        self.recent.push(&[]);
    }

    /// Stores the row together with the report series.
    pub(crate) fn commit(
        &mut self,
        scene: &mut Scene<'_>,
        report: &Report,
        tally: &mut Tally,
    ) -> Result<(), AppendError> {
        self.open(scene)?;
        let group = self.group.as_deref_mut().expect("opened above");
        self.report.set(group, scene, report)?;
        self.append(scene, tally)
    }

    /// Ends all series of the target, those of the report included.
    pub(crate) fn end(&mut self, scene: &mut Scene<'_>) -> Result<(), AppendError> {
        if self.group.is_none() {
            return Ok(());
        }
        self.nothing(scene);
        self.append(scene, &mut Tally::default())
    }

    fn append(&mut self, scene: &mut Scene<'_>, tally: &mut Tally) -> Result<(), AppendError> {
        let track = scene.job.track_timestamps_staleness;
        let stored = self.explicit.commit(&scene.ground(), scene.t_ms, track, tally);
        if stored.as_ref().is_ok_and(|slots_moved| *slots_moved) {
            self.memory.clear();
        }
        let group = self.group.as_deref_mut().expect("opened by the caller");
        let appended = group.append(scene.row);
        match &appended {
            Err(AppendError::OutOfOrder { .. }) => tally.out_of_order += scene.row.len() as u64,
            Err(AppendError::OutOfBounds { .. }) => tally.out_of_bounds += scene.row.len() as u64,
            _ => {}
        }
        if let Some(map) = appended?.remap {
            self.memory.remap(&map);
            self.recent.remap(&map);
            self.report.remap(&map);
        }
        stored.map(|_| ())
    }

    fn open(&mut self, scene: &Scene<'_>) -> Result<(), AppendError> {
        if self.group.is_none() {
            self.group = Some(scene.store.open_group(&GroupSpec {
                source: Source::Scrape,
                key: scene.target.key().to_owned(),
                common: scene.target.labels().clone(),
                absence: Absence::EndsSeries,
            })?);
        }
        Ok(())
    }
}
