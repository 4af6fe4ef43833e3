//! One series that brings timestamps, and its samples on their way.

use super::homes::Home;
use model::{FloatHistogram, Labels};
use std::sync::Arc;
use storage::{Column, Row};

/// Samples further ahead of the scrape than this are refused.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;
/// Samples further behind the scrape than this are refused.
pub(in crate::ingest) const MAX_BEHIND_MS: i64 = 60 * 60 * 1000;

/// A float or a native histogram.
#[derive(Clone, Debug)]
pub(in crate::ingest) enum Value {
    Float(f64),
    Histogram(Arc<FloatHistogram>),
}

impl Value {
    /// Sets the value in a row; false when its column has one.
    pub(in crate::ingest) fn set(&self, row: &mut Row, column: Column) -> bool {
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

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has a timestamp of its own.
    Own,
    /// It has that of the scrape.
    OfScrape,
    /// The beginning of its series, and no sample of the page.
    Zero,
    /// The end of its series.
    End,
}

#[derive(Clone)]
pub(super) struct Pending {
    pub(super) entry: u32,
    pub(super) t_ms: i64,
    pub(super) value: Value,
    pub(super) kind: Kind,
}

/// What the target's own group has of a series that brings a timestamp for the first time.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::ingest) struct Before {
    pub(in crate::ingest) column: Option<Column>,
    /// Its newest sample there.
    pub(in crate::ingest) newest: Option<(i64, f64)>,
}

pub(super) struct Entry {
    pub(super) labels: Labels,
    pub(super) home: Home,
    pub(super) last: Option<(i64, Value)>,
    /// The scrape it was last in.
    pub(super) seen: Option<u32>,
    /// The scrape that last had a sample of it whose absence means the end.
    pub(super) followed: Option<u32>,
    /// Whether its last sample was a value and not the end.
    pub(super) live: bool,
    /// Whether a sample was good when it was last seen.
    pub(super) known: bool,
    /// Whether it has samples without timestamps, too.
    pub(super) is_mixed: bool,
    /// Its column in the target's own group, where it was before or is as well.
    pub(super) column: Option<Column>,
}

/// Why a sample is not stored.
pub(super) enum Refusal {
    /// The same is there.
    Same,
    OutOfBounds,
    Duplicate,
    OutOfOrder,
}

impl Entry {
    /// One that was last in this scrape, if it was known before.
    pub(super) fn new(labels: Labels, before: Before, scrape: u32) -> Self {
        let was_there = before.newest.is_some();
        let live = before.newest.is_some_and(|(_, value)| !model::is_stale(value));
        Self {
            labels,
            home: Home::None,
            last: before.newest.map(|(t_ms, value)| (t_ms, Value::Float(value))),
            seen: was_there.then_some(scrape),
            followed: live.then_some(scrape),
            live,
            known: was_there,
            is_mixed: before.column.is_some(),
            column: before.column,
        }
    }

    /// Time of the last sample.
    pub(super) fn last_ms(&self) -> i64 {
        self.last.as_ref().map_or(i64::MIN, |(last_ms, _)| *last_ms)
    }

    pub(super) fn refuses(&self, sample: &Pending, at_ms: i64) -> Option<Refusal> {
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
