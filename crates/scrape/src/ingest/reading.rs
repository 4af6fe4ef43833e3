//! Reading one page, whole or piece by piece.

use super::budget::Budget;
use super::families::Next;
use super::sink::{Notes, PageSink, Told};
use super::{Ingest, PageError, RETRY_REFUSED, Scene, Tally};
use crate::diagnosis::{LimitPassed, Reason};
use exposition::{Failure, Format, Options, Parser};

/// A page that is being read. Dropped before its end, it stores nothing.
pub(crate) struct Reading<'a> {
    parser: Parser<'a>,
    sink: PageSink<'a>,
}

/// How the reading of a page went.
pub(crate) struct Read {
    tally: Tally,
    notes: Notes,
    passed: Option<u64>,
    result: Result<(), Failure<PageError>>,
}

/// What a page lost although it was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) reason: Reason,
    pub(crate) text: String,
    pub(crate) limit: Option<LimitPassed>,
}

impl Reading<'_> {
    /// Reads on; the bytes that were used up. The rest comes again in front of what follows.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<usize, Failure<PageError>> {
        self.parser.feed(bytes, &mut self.sink)
    }

    /// Reads the rest of the page.
    pub(crate) fn finish(mut self, rest: &[u8]) -> Read {
        let result = self.parser.finish(rest, &mut self.sink);
        self.sink.end(result)
    }

    /// The page ends here for want of time: what was read of it is remembered.
    pub(crate) fn interrupt(self) {
        self.parser.interrupt();
    }

    /// The page ends here, since it cannot be read on.
    pub(crate) fn fail(self, failure: Failure<PageError>) -> Read {
        self.sink.end(Err(failure))
    }
}

impl PageSink<'_> {
    fn end(self, result: Result<(), Failure<PageError>>) -> Read {
        let passed = self.budget.passed(&self.tally);
        Read { tally: self.tally, notes: self.notes, passed, result }
    }
}

impl Ingest {
    /// Reads a page into the row; [`commit`](Self::commit) stores it. What was counted is told also
    /// when the page is refused.
    pub(crate) fn page(
        &mut self,
        scene: &mut Scene<'_>,
        format: Format,
        body: &[u8],
    ) -> (Tally, Result<Option<Loss>, PageError>) {
        let options = options(scene, format);
        let read = match self.sink(scene) {
            Err(error) => return (Tally::default(), Err(error)),
            Ok((mut sink, memory)) => {
                let result = exposition::parse(&options, body, memory, &mut sink);
                sink.end(result)
            }
        };
        self.close(scene, read)
    }

    /// Begins to read a page that comes in pieces; [`close`](Self::close) ends it.
    pub(crate) fn read<'a>(
        &'a mut self,
        scene: &'a mut Scene<'_>,
        format: Format,
    ) -> Result<Reading<'a>, PageError> {
        let options = options(scene, format);
        let (sink, memory) = self.sink(scene)?;
        Ok(Reading { parser: Parser::new(&options, memory), sink })
    }

    fn sink<'a>(
        &'a mut self,
        scene: &'a mut Scene<'_>,
    ) -> Result<(PageSink<'a>, &'a mut exposition::Predictor), PageError> {
        self.begin(scene);
        self.open(scene)?;
        self.families.begin(self.memory.tells_all_metadata());
        let Self { group, memory, explicit, families, histograms, exemplars, created, .. } = self;
        let group = group.as_deref_mut().expect("opened above");
        let (job, target, row) = (scene.job, scene.target, &mut *scene.row);
        let recent = &self.recent;
        let live = || recent.live() + explicit.live();
        let budget = Budget::new(job, live, &mut self.taken);
        let retry_refused = self.scrapes_with_refused > 0
            && self.scrapes_with_refused.is_multiple_of(RETRY_REFUSED);
        let sink = PageSink {
            job,
            target,
            group,
            row,
            explicit,
            families,
            histograms,
            exemplars,
            created,
            budget,
            retry_refused,
            wants_more: job.features.exemplar_storage
                || job.features.created_timestamp_zero_ingestion,
            told: Told::default(),
            notes: Notes::default(),
            tally: Tally::default(),
        };
        Ok((sink, memory))
    }

    /// Decides what a page that was read is worth.
    pub(crate) fn close(
        &mut self,
        scene: &mut Scene<'_>,
        read: Read,
    ) -> (Tally, Result<Option<Loss>, PageError>) {
        let Read { mut tally, mut notes, passed, result } = read;
        // Lines that are known to be beyond the limit do not tell their series again.
        if tally.over_limit > 0 {
            notes.over_limit = notes.over_limit.or_else(|| self.over_limit.take());
        }
        self.over_limit.clone_from(&notes.over_limit);
        tally.added =
            self.recent.count_new(scene.row.present()) + self.explicit.count_new(scene.t_ms);
        tally.series = scene.row.len() as u64 + self.explicit.samples();
        if tally.refused > 0 {
            self.scrapes_with_refused += 1;
        }
        let limit = scene.job.limits.samples;
        let result = match result {
            Ok(()) => Ok(()),
            Err(Failure::Syntax(error)) => Err(PageError::Syntax {
                message: error.message,
                line: error.line,
                column: error.column,
                offset: error.offset,
            }),
            Err(Failure::Sink(error)) => Err(error),
        };
        if passed.is_some() || tally.too_large > 0 {
            tally.added = 0;
        }
        let refused = result.and_then(|()| match (passed, notes.too_large.as_ref()) {
            (Some(allowed), _) => Err(PageError::SampleLimit(LimitPassed {
                option: "sample_limit",
                allowed,
                measured: tally.kept,
                series: notes.over_limit.clone(),
            })),
            (None, Some((series, measured))) => Err(PageError::BucketLimit(LimitPassed {
                option: "native_histogram_bucket_limit",
                allowed: scene.job.limits.buckets,
                measured: *measured,
                series: Some(series.clone()),
            })),
            (None, None) => Ok(()),
        });
        if let Err(error) = refused {
            self.recent.note_refused(scene.row.present());
            return (tally, Err(error));
        }
        self.recent.push_good(scene.row.present());
        self.explicit.note_good();
        let print = self.memory.metadata_print();
        if self.families.finish(print, scene.target, scene.families) == Next::InFull {
            self.memory.forget_metadata();
        }
        (tally, Ok(loss(&tally, notes, limit)))
    }
}

fn options(scene: &Scene<'_>, format: Format) -> Options {
    let histograms = scene.target.histograms();
    let features = scene.job.features;
    Options {
        native_histograms: histograms.scrape_native,
        classic_to_nhcb: histograms.convert_classic,
        keep_classic: histograms.always_classic,
        start_timestamps: features.created_timestamp_zero_ingestion,
        type_and_unit_labels: features.type_and_unit_labels,
        ..Options::new(format)
    }
}

/// What a page that is stored did lose.
fn loss(tally: &Tally, notes: Notes, limit: u64) -> Option<Loss> {
    if tally.over_limit > 0 {
        let (refused, samples, series) = (tally.over_limit, tally.kept, notes.over_limit);
        let first = series.as_ref().map_or_else(String::new, |s| format!(", first of them: {s}"));
        let text = format!(
            "sample limit exceeded, {refused} samples of new series refused (samples: {samples}, \
             limit: {limit}, soft{first})"
        );
        let limit =
            LimitPassed { option: "sample_limit", allowed: limit, measured: samples, series };
        return Some(Loss { reason: Reason::SampleLimit, text, limit: Some(limit) });
    }
    if tally.refused > 0 {
        let why = notes
            .refused
            .map_or_else(String::new, |(series, why)| format!(" ({why}; first of them: {series})"));
        let text = format!("{} samples of new series refused by storage{why}", tally.refused);
        return Some(Loss { reason: Reason::Storage, text, limit: None });
    }
    None
}
