//! What holds for all rules, and what an evaluation works with.

use model::{Alert, Labels};
use promql::{Control, Engine, Features, InstantSeries};
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::{Appendable, Queryable};

/// What holds for all rules, unless their group says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `$externalLabels` of templates: those of this server.
    pub external_labels: Labels,
    /// Under which URL people find this server, without a slash at its end.
    pub external_url: String,
    /// Time from evaluation to evaluation of groups that name none.
    pub interval_ms: i64,
    /// How far in the past groups are evaluated that do not say.
    pub query_offset_ms: i64,
    /// Time after which an alert that goes on is sent again.
    pub resend_delay_ms: i64,
    /// How long this server may have been away for `for` to go on where it was.
    pub for_outage_tolerance_ms: i64,
    /// The least time from a restart until an alert fires that was pending before.
    pub for_grace_period_ms: i64,
    /// Parts of the language that queries in templates may use.
    pub features: Features,
}

impl Default for Settings {
    /// Prometheus' own.
    fn default() -> Self {
        Self {
            external_labels: Labels::empty(),
            external_url: String::new(),
            interval_ms: 60_000,
            query_offset_ms: 0,
            resend_delay_ms: 60_000,
            for_outage_tolerance_ms: 3_600_000,
            for_grace_period_ms: 600_000,
            features: Features::default(),
        }
    }
}

/// What an evaluation works with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Evaluates the queries.
    pub engine: &'a Engine,
    /// Is asked.
    pub store: &'a dyn Queryable,
    /// Takes the series.
    pub sink: &'a dyn Appendable,
    /// Ends what takes too long.
    pub control: &'a dyn Bounds,
    /// Takes the alerts that are due; `None` when nobody is to be told.
    pub outbox: Option<&'a dyn Outbox>,
    /// Lets rules that do not read each other's series be evaluated at the same time.
    pub helpers: Option<&'a Helpers>,
    /// The time of day at the beginning, in nanoseconds since the Unix epoch, to be shown; `None` for
    /// the time of the evaluation.
    pub started_ns: Option<i64>,
    /// Set when the time of the evaluation is long gone; failures are then told by the outcome alone.
    pub past: Option<&'a dyn Past>,
}

impl<'a> Means<'a> {
    /// One rule after the other; alerts are sent to nobody.
    #[must_use]
    pub fn new(
        engine: &'a Engine,
        store: &'a dyn Queryable,
        sink: &'a dyn Appendable,
        control: &'a dyn Bounds,
    ) -> Self {
        Self {
            engine,
            store,
            sink,
            control,
            outbox: None,
            helpers: None,
            started_ns: None,
            past: None,
        }
    }
}

/// What is known of the past, where many evaluations are cheaper together than one by one.
pub trait Past: Sync {
    /// The answer to the query of the rule that is evaluated, at a time in milliseconds; `None` when it
    /// is to be asked.
    fn answer(&self, t_ms: i64) -> Option<Vec<InstantSeries>>;
}

/// Bounds the time that a rule takes.
pub trait Bounds: Sync {
    /// Runs the evaluation of one rule, all of its queries under one control.
    fn bounded(&self, run: &mut dyn FnMut(&Control));
}

/// One control for all: who stops it stops everything.
impl Bounds for Control {
    fn bounded(&self, run: &mut dyn FnMut(&Control)) {
        run(self);
    }
}

/// Takes alerts on their way to Alertmanagers.
pub trait Outbox: Send + Sync {
    /// Takes alerts; never blocks.
    fn send(&self, alerts: Vec<Alert>);
}

/// How many threads may help at a time, all groups together.
#[derive(Debug)]
pub struct Helpers(AtomicUsize);

impl Helpers {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(AtomicUsize::new(count))
    }

    /// Up to so many of those that are free, until what is returned is dropped.
    pub(crate) fn take(&self, wanted: usize) -> Taken<'_> {
        let take = |free: usize| Some(free - free.min(wanted));
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let before = before.expect("take never declines");
        Taken { helpers: self, count: before.min(wanted) }
    }
}

/// Helpers that were taken.
pub(crate) struct Taken<'a> {
    helpers: &'a Helpers,
    pub(crate) count: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.helpers.0.fetch_add(self.count, Ordering::Relaxed);
    }
}
