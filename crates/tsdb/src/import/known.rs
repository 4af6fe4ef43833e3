//! What is stored already.

use super::Planned;
use crate::db::Db;
use crate::{Error, querier::DbQuerier};
use model::{METRIC_NAME, Matcher, TimeRange};
use std::sync::Arc;
use storage::{Columns, Querier, SelectHints};

/// Takes out samples that come nearer than `apart_ms`, which is by batch, to one that is stored, or to
/// one of an earlier batch; how many. Series are in label order.
pub(super) fn pass_over(
    db: &Db,
    series: &mut [Planned],
    apart_ms: &[i64],
    range: TimeRange,
) -> Result<u64, Error> {
    let widest = apart_ms.iter().copied().max().unwrap_or(1);
    let range = TimeRange {
        min_ms: range.min_ms.saturating_sub(widest),
        max_ms: range.max_ms.saturating_add(widest),
    };
    let querier = DbQuerier::new(Arc::clone(&db.0), range);
    let mut passed = 0;
    for named in series.chunk_by_mut(|a, b| a.labels.metric_name() == b.labels.metric_name()) {
        passed += of_metric(&querier, named, apart_ms, range)?;
    }
    Ok(passed)
}

/// The same for the series of one metric name.
fn of_metric(
    querier: &DbQuerier,
    series: &mut [Planned],
    apart_ms: &[i64],
    range: TimeRange,
) -> Result<u64, Error> {
    let matchers = [Matcher::equal(METRIC_NAME, series[0].labels.metric_name())];
    let hints = SelectHints { range, sorted: true, labels_only: false };
    let stored = querier.select(&matchers, &hints).map_err(into_error)?;
    let (mut at, mut passed) = (0, 0);
    let (mut columns, mut taken) = (Columns::default(), Vec::new());
    for same in series.chunk_by_mut(|a, b| a.labels == b.labels) {
        taken.clear();
        while at < stored.len() && stored.labels(at) < same[0].labels {
            at += 1;
        }
        if at < stored.len() && stored.labels(at) == same[0].labels {
            columns.clear();
            stored.read(at, range, &mut columns).map_err(into_error)?;
            taken.extend(times(&columns));
            taken.sort_unstable();
        }
        for planned in same {
            passed += thin(&mut planned.columns, &taken, apart_ms[planned.batch]);
            taken.extend(times(&planned.columns));
            taken.sort_unstable();
        }
    }
    Ok(passed)
}

fn into_error(error: storage::Error) -> Error {
    match error {
        storage::Error::Engine(error) => match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => unreachable!("an error of another engine: {other}"),
        },
        storage::Error::Canceled | storage::Error::NotReady => {
            unreachable!("the querier is our own, and nobody can cancel it")
        }
    }
}

fn times(columns: &Columns) -> impl Iterator<Item = i64> {
    columns.t_ms.iter().copied().chain(columns.histograms.iter().map(|(t_ms, _)| *t_ms))
}

/// Takes out samples too near to times that are taken; how many.
fn thin(columns: &mut Columns, taken: &[i64], apart_ms: i64) -> u64 {
    if taken.is_empty() {
        return 0;
    }
    let is_free = |t_ms: i64| {
        let from = taken.partition_point(|taken| taken.saturating_add(apart_ms) <= t_ms);
        taken.get(from).is_none_or(|taken| taken.saturating_sub(t_ms) >= apart_ms)
    };
    let before = columns.t_ms.len() + columns.histograms.len();
    let mut free = columns.t_ms.iter().map(|t_ms| is_free(*t_ms)).collect::<Vec<_>>().into_iter();
    columns.values.retain(|_| free.next().unwrap_or(false));
    columns.t_ms.retain(|t_ms| is_free(*t_ms));
    columns.histograms.retain(|(t_ms, _)| is_free(*t_ms));
    (before - columns.t_ms.len() - columns.histograms.len()) as u64
}
