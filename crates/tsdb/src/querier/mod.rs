//! Reading: the head and the blocks as one store.
//!
//! A selection looks at the head first and at the list of blocks after: rows that are on their way
//! from one to the other are then seen in one of them or in both, and samples that are seen twice are
//! merged by their time.

mod merge;
mod set;

use crate::Error;
use crate::block::{Block, SeriesCursor};
use crate::db::Inner;
use merge::{Found, merge};
use model::{Matcher, TimeRange};
use set::Set;
use std::collections::BTreeSet;
use std::sync::Arc;
use storage::{LabelQuery, Querier, SelectHints, SeriesSet};

/// A view of the database over a time range.
pub(crate) struct DbQuerier {
    db: Arc<Inner>,
    range: TimeRange,
}

impl DbQuerier {
    pub(crate) fn new(db: Arc<Inner>, range: TimeRange) -> Self {
        Self { db, range }
    }

    fn blocks(&self, range: TimeRange) -> Vec<Arc<Block>> {
        let blocks = self.db.blocks();
        blocks.iter().filter(|block| block.meta().range.overlaps(range)).cloned().collect()
    }

    fn select_from(
        &self,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, Error> {
        let range = TimeRange {
            min_ms: hints.range.min_ms.max(self.range.min_ms),
            max_ms: hints.range.max_ms.min(self.range.max_ms),
        };
        if range.min_ms > range.max_ms {
            return Ok(storage::empty_series_set());
        }
        let head = self.db.head.select(matchers, range);
        let blocks = self.blocks(range);
        let mut found = Vec::new();
        let mut cursor = SeriesCursor::default();
        for (number, block) in (0..).zip(&blocks) {
            for series in block.select(matchers)? {
                if block.may_have(series, range, &mut cursor)? {
                    let labels = block.labels(series, &mut cursor)?;
                    found.push(Found { labels, block: number, series });
                }
            }
        }
        let series = merge(&head, found, hints.sorted);
        Ok(Box::new(Set::new(head, blocks, series)))
    }

    fn distinct(&self, query: LabelQuery<'_>, label: Option<&str>) -> Result<Vec<String>, Error> {
        let limit = if query.limit == 0 { usize::MAX } else { query.limit };
        let mut all = BTreeSet::new();
        let in_range = |(min_ms, max_ms)| self.range.overlaps(TimeRange { min_ms, max_ms });
        if self.db.head.range().is_some_and(in_range) {
            let registry = self.db.head.indexed();
            let series = (!query.matchers.is_empty()).then(|| registry.select(query.matchers));
            let texts = match label {
                None => registry.label_names(series.as_ref()),
                Some(name) => registry.label_values(name, series.as_ref()),
            };
            all.extend(texts.into_iter().map(String::from));
        }
        for block in self.blocks(self.range) {
            let series =
                if query.matchers.is_empty() { None } else { Some(block.select(query.matchers)?) };
            let mut seen = 0;
            let each = |text: &str| {
                if !all.contains(text) {
                    all.insert(text.to_owned());
                }
                // Each block's are in order, so the first ones are all that can be wanted of it.
                seen += 1;
                seen < limit
            };
            match label {
                None => block.for_each_label_name(series.as_ref(), each)?,
                Some(name) => block.for_each_label_value(name, series.as_ref(), each)?,
            }
        }
        Ok(all.into_iter().take(limit).collect())
    }
}

impl Querier for DbQuerier {
    fn select(
        &self,
        matchers: &[Matcher],
        hints: &SelectHints,
    ) -> Result<Box<dyn SeriesSet>, storage::Error> {
        self.select_from(matchers, hints).map_err(storage::Error::engine)
    }

    fn label_names(&self, query: LabelQuery<'_>) -> Result<Vec<String>, storage::Error> {
        self.distinct(query, None).map_err(storage::Error::engine)
    }

    fn label_values(
        &self,
        name: &str,
        query: LabelQuery<'_>,
    ) -> Result<Vec<String>, storage::Error> {
        self.distinct(query, Some(name)).map_err(storage::Error::engine)
    }
}
