//! From a page to a row: what a target's lines become in storage.
//!
//! [`Ingest`] is the memory of one target: its group, the order of its page, what was there lately.
//! [`Ingest::page`] reads a page straight into a row and commits it together with the report series;
//! [`Ingest::nothing`] commits the report of a scrape that failed, by which storage ends all other
//! series of the group. A page that is refused half-way stores nothing of itself, and the columns that
//! were new in it are taken back; of one that was interrupted they are kept for the next.

mod budget;
mod created;
mod exemplars;
mod explicit;
mod families;
mod histograms;
mod kept;
mod merge;
mod reading;
mod recent;
mod report;
mod sink;
#[cfg(test)]
mod tests;

pub(crate) use families::FamilyPool;
pub(crate) use kept::KeptByAll;
pub(crate) use reading::Loss;
pub(crate) use report::Report;

use crate::config::Job;
use crate::diagnosis::{LimitPassed, Position, Reason};
use crate::target::Target;
use created::Created;
use exemplars::Exemplars;
use explicit::{Explicit, Ground};
use exposition::Predictor;
use families::Families;
use foldhash::HashSet;
use histograms::Histograms;
use kept::Kept;
use recent::Recent;
use report::ReportColumns;
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
        /// From 0, in the page.
        offset: usize,
    },
    /// More samples than allowed.
    #[error("{}", sample_limit_text(.0))]
    SampleLimit(LimitPassed),
    /// A native histogram with too many buckets.
    #[error("{}", bucket_limit_text(.0))]
    BucketLimit(LimitPassed),
    /// More or longer labels than allowed.
    #[error("{text}")]
    LabelLimit {
        /// Which, with the series and the numbers.
        text: String,
        /// The same in parts.
        limit: LimitPassed,
    },
    /// A series that cannot be one.
    #[error("{0}")]
    Series(String),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] AppendError),
}

fn sample_limit_text(passed: &LimitPassed) -> String {
    let LimitPassed { measured, allowed, series, .. } = passed;
    let first = series.as_ref().map_or_else(String::new, |s| format!(", first beyond it: {s}"));
    format!("sample limit exceeded (samples: {measured}, limit: {allowed}{first})")
}

fn bucket_limit_text(passed: &LimitPassed) -> String {
    let LimitPassed { measured, allowed, series, .. } = passed;
    let series = series.as_deref().unwrap_or("");
    format!(
        "histogram bucket limit exceeded (metric: {series}, buckets: {measured}, limit: {allowed})"
    )
}

impl PageError {
    /// What kind of failure it is.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Syntax { .. } => Reason::Syntax,
            Self::SampleLimit(_) => Reason::SampleLimit,
            Self::BucketLimit(_) => Reason::BucketLimit,
            Self::LabelLimit { .. } => Reason::LabelLimit,
            Self::Series(_) => Reason::Series,
            Self::Store(_) => Reason::Storage,
        }
    }

    /// The limit, when it is one.
    pub(crate) fn limit(&self) -> Option<&LimitPassed> {
        match self {
            Self::SampleLimit(limit)
            | Self::BucketLimit(limit)
            | Self::LabelLimit { limit, .. } => Some(limit),
            Self::Syntax { .. } | Self::Series(_) | Self::Store(_) => None,
        }
    }

    /// The place in the page, when it has one.
    pub(crate) fn position(&self) -> Option<Position> {
        match *self {
            Self::Syntax { line, column, offset, .. } => Some(Position { line, column, offset }),
            _ => None,
        }
    }
}

/// What a page counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Samples read.
    pub(crate) scraped: u64,
    /// Samples left after relabeling, duplicates and those over a limit included.
    pub(crate) kept: u64,
    /// Series of the page.
    pub(crate) series: u64,
    /// Series that were not in the last good scrape.
    pub(crate) added: u64,
    /// Samples of a series that had one already.
    pub(crate) duplicates: u64,
    /// Samples older than the last of their series.
    pub(crate) out_of_order: u64,
    /// Samples too far away in time.
    pub(crate) out_of_bounds: u64,
    /// Samples of series that the store did not want to make.
    pub(crate) refused: u64,
    /// Samples of series beyond the sample limit.
    pub(crate) over_limit: u64,
    /// Native histograms with too many buckets.
    pub(crate) too_large: u64,
    /// Exemplars older than the last of their series.
    pub(crate) exemplars_out_of_order: u64,
}

impl Tally {
    /// Samples that the sample limit counts.
    fn counted(&self) -> u64 {
        self.kept - self.duplicates - self.too_large
    }
}

/// The memory of one target.
pub(crate) struct Ingest {
    group: Option<Box<dyn Group>>,
    memory: Predictor,
    explicit: Explicit,
    histograms: Histograms,
    exemplars: Exemplars,
    created: Created,
    recent: Recent,
    report: ReportColumns,
    families: Families,
    /// Hashes of all series that a soft sample limit let through, or of those that are new in a page
    /// under a hard one.
    taken: HashSet<u64>,
    /// The first series that was beyond the sample limit, as long as some are.
    over_limit: Option<String>,
    scrapes_with_refused: u32,
    kept: Kept,
}

/// Whether what was new in a page that is not stored is of use to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum New {
    /// It was good as far as it was read.
    Keep,
    TakeBack,
}

/// The surroundings of one scrape.
pub(crate) struct Scene<'a> {
    pub(crate) store: &'a dyn Appendable,
    pub(crate) job: &'a Job,
    pub(crate) target: &'a Target,
    /// What the target's group is found by.
    pub(crate) group_key: &'a str,
    pub(crate) families: &'a FamilyPool,
    /// Reused by all loops.
    pub(crate) row: &'a mut Row,
    /// The time of the scrape.
    pub(crate) t_ms: i64,
}

impl Scene<'_> {
    fn ground(&self) -> Ground<'_> {
        Ground { store: self.store, key: self.group_key, common: self.target.labels() }
    }
}

impl Ingest {
    pub(crate) fn new(kept: &KeptByAll) -> Self {
        Self {
            group: None,
            memory: Predictor::new(),
            explicit: Explicit::default(),
            histograms: Histograms::default(),
            exemplars: Exemplars::default(),
            created: Created::default(),
            recent: Recent::default(),
            report: ReportColumns::default(),
            families: Families::default(),
            taken: HashSet::default(),
            over_limit: None,
            scrapes_with_refused: 0,
            kept: Kept::new(kept),
        }
    }

    /// Forgets what lines became, since rules or limits changed.
    pub(crate) fn forget(&mut self) {
        self.memory.clear();
        self.forget_slots();
        self.taken.clear();
    }

    fn forget_slots(&mut self) {
        self.histograms.clear();
        self.exemplars.forget();
        self.created.forget();
    }

    /// Empties the row of a scrape that failed.
    pub(crate) fn nothing(&mut self, scene: &mut Scene<'_>, new: New) {
        self.begin(scene);
        self.recent.push(&[]);
        let count = self.group.as_ref().map_or(0, |group| group.new_columns());
        if new == New::TakeBack || !self.kept.keep(count) {
            self.take_back();
        }
    }

    /// Takes back the columns that are new. Which of them the refused page had stays known, since the
    /// next one, if it is alike, gets the same numbers.
    fn take_back(&mut self) {
        self.kept.keep(0);
        let Some(first) = self.group.as_mut().and_then(|group| group.take_back()) else { return };
        let map: Box<[u32]> = (0..first.0).collect();
        self.memory.remap(&map);
        self.follow(&map);
    }

    /// Follows columns that moved.
    fn follow(&mut self, map: &[u32]) {
        self.report.remap(map);
        self.histograms.remap(map);
        self.exemplars.remap(map);
        self.created.remap(map);
        self.explicit.remap(map);
    }

    fn begin(&mut self, scene: &mut Scene<'_>) {
        scene.row.begin(scene.t_ms);
        self.explicit.begin();
        self.exemplars.begin();
        self.created.begin();
    }

    /// Stores the row together with the report series.
    pub(crate) fn commit(
        &mut self,
        scene: &mut Scene<'_>,
        report: &Report,
        tally: &mut Tally,
    ) -> Result<(), AppendError> {
        self.open(scene)?;
        self.report.set(scene, report);
        self.append(scene, tally)
    }

    /// Ends all series of the target, those of the report included.
    pub(crate) fn end(&mut self, scene: &mut Scene<'_>) -> Result<(), AppendError> {
        if self.group.is_none() {
            return Ok(());
        }
        self.nothing(scene, New::TakeBack);
        self.append(scene, &mut Tally::default())
    }

    fn append(&mut self, scene: &mut Scene<'_>, tally: &mut Tally) -> Result<(), AppendError> {
        let track = scene.job.track_timestamps_staleness;
        let stored = self.explicit.commit(&scene.ground(), scene.row, track, tally);
        let entries_moved = stored.as_ref().is_ok_and(|slots_moved| *slots_moved);
        if entries_moved {
            self.memory.clear();
        }
        let group = self.group.as_deref_mut().expect("opened by the caller");
        let appended = group.append(scene.row);
        match &appended {
            Err(AppendError::OutOfOrder { .. }) => tally.out_of_order += scene.row.len() as u64,
            Err(AppendError::OutOfBounds { .. }) => tally.out_of_bounds += scene.row.len() as u64,
            _ => {}
        }
        let appended = appended?;
        self.kept.keep(group.new_columns());
        if !entries_moved {
            self.exemplars.commit(group, &mut self.explicit, tally);
            self.created.commit(&scene.ground());
        }
        self.created.last_row_ms = Some(scene.t_ms);
        if let Some(map) = appended.remap {
            self.memory.remap(&map);
            self.recent.remap(&map);
            self.follow(&map);
        }
        if entries_moved {
            self.forget_slots();
        }
        stored.map(|_| ())
    }

    fn open(&mut self, scene: &Scene<'_>) -> Result<(), AppendError> {
        if self.group.is_none() {
            self.group = Some(scene.store.open_group(&GroupSpec {
                source: Source::Scrape,
                key: scene.group_key.to_owned(),
                common: scene.target.labels().clone(),
                absence: Absence::EndsSeries,
            })?);
        }
        // Before all others, so that they are made without what is new in a page that is not stored.
        let group = self.group.as_deref_mut().expect("opened above");
        self.report.open(group, scene)
    }
}
