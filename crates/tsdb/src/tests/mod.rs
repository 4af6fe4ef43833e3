//! The database through its door.

mod basics;
mod damage;
mod faults;
mod life;
mod property;
mod storms;
mod threads;

use crate::{Db, Options};
use model::{Labels, Matcher, TimeRange};
use std::collections::BTreeMap;
use storage::{
    Absence, Appendable, Columns, Group, GroupSpec, Queryable, Row, SelectHints, Source,
};

/// Samples by labels; values as bits, since the staleness marker is a NaN.
type Contents = BTreeMap<String, Vec<(i64, u64)>>;

fn spec(key: &str, common: &[(&str, &str)], absence: Absence) -> GroupSpec {
    GroupSpec {
        source: Source::Scrape,
        key: key.into(),
        common: Labels::from_pairs(common.iter().copied()),
        absence,
    }
}

fn series(name: &str, target: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("instance", target), ("job", "test")])
}

/// Appends a row of values by labels, opening columns as needed.
fn append(group: &mut dyn Group, t_ms: i64, values: &[(Labels, f64)]) {
    let mut row = Row::new();
    row.begin(t_ms);
    for (labels, value) in values {
        let (column, _) = group.column(labels).unwrap();
        assert!(row.set(column, *value), "{labels} twice");
    }
    group.append(&row).unwrap();
}

/// Everything a store has in a range.
fn contents(store: &dyn Queryable, range: TimeRange) -> Contents {
    selected(store, &[], range)
}

fn selected(store: &dyn Queryable, matchers: &[Matcher], range: TimeRange) -> Contents {
    let hints = SelectHints { range, sorted: true, labels_only: false };
    let set = store.querier(range).unwrap().select(matchers, &hints).unwrap();
    let mut contents = Contents::new();
    let mut last: Option<Labels> = None;
    for i in 0..set.len() {
        let labels = set.labels(i);
        assert!(last.as_ref().is_none_or(|last| *last < labels), "{labels} out of order");
        last = Some(labels.clone());
        let mut columns = Columns::default();
        set.read(i, range, &mut columns).unwrap();
        assert!(columns.t_ms.is_sorted_by(|a, b| a < b), "{labels}: {:?}", columns.t_ms);
        let samples: Vec<_> =
            columns.t_ms.iter().copied().zip(columns.values.iter().map(|v| v.to_bits())).collect();
        if !samples.is_empty() {
            contents.insert(labels.to_string(), samples);
        }
    }
    contents
}

fn small() -> Options {
    Options::default()
}

fn reopen(dir: &std::path::Path) -> Db {
    let (db, report) = Db::open(dir, small()).unwrap();
    assert_eq!(report.damage, []);
    db
}
