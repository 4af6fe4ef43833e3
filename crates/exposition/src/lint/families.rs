//! The families of a page with what the judgement needs of their samples.

use std::collections::{BTreeMap, HashSet};

use model::FloatHistogram;

use crate::sink::{FamilyType, Known, Metadata, SeriesLine, Sink};

/// All families of a page by name.
#[derive(Debug, Default)]
pub(super) struct Families {
    by_name: BTreeMap<String, Family>,
}

/// A family.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) kind: FamilyType,
    pub(super) has_help: bool,
    /// Its series: a histogram has one for each bucket, and two more.
    pub(super) series: usize,
    /// Labels of its metrics, written one after the other; a histogram is one metric.
    metrics: HashSet<Vec<(String, String)>>,
    /// Metrics that were there before.
    pub(super) duplicates: usize,
}

impl Family {
    /// Names of the labels of all metrics.
    pub(super) fn labels(&self) -> impl Iterator<Item = &str> {
        self.metrics.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Whether its metrics are of several lines.
    fn has_parts(&self) -> bool {
        matches!(self.kind, FamilyType::Histogram | FamilyType::Summary)
    }
}

impl Families {
    pub(super) fn with_samples(&self) -> impl Iterator<Item = (&str, &Family)> {
        let families = self.by_name.iter().map(|(name, family)| (name.as_str(), family));
        families.filter(|(_, family)| !family.metrics.is_empty())
    }

    /// The family of a sample.
    fn family_of(&mut self, name: &str) -> &mut Family {
        let mut family = name;
        if !self.by_name.contains_key(name) {
            let is = |stem: &str, kind| self.by_name.get(stem).is_some_and(|f| f.kind == kind);
            for suffix in ["_count", "_sum", "_bucket"] {
                if let Some(stem) = name.strip_suffix(suffix)
                    && (is(stem, FamilyType::Histogram)
                        || suffix != "_bucket" && is(stem, FamilyType::Summary))
                {
                    family = stem;
                }
            }
        }
        self.by_name.entry(family.to_owned()).or_default()
    }
}

impl Sink for Families {
    type Error = std::convert::Infallible;

    fn known(&mut self, _: u32, _: f64, _: Option<i64>) -> Result<Known, Self::Error> {
        // Nothing is remembered, so that every series comes with its labels.
        Ok(Known::Forget)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        _: f64,
        _: Option<i64>,
    ) -> Result<u32, Self::Error> {
        let family = self.family_of(&series.name());
        family.series += 1;
        let bound = family.kind.bound_label();
        let labels = series.labels().filter(|(name, _)| bound != Some(&**name));
        let labels = labels.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if !family.metrics.insert(labels) && !family.has_parts() {
            family.duplicates += 1;
        }
        Ok(0)
    }

    fn known_histogram(
        &mut self,
        _: u32,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<Known, Self::Error> {
        Ok(Known::Forget)
    }

    fn unknown_histogram(
        &mut self,
        series: &SeriesLine<'_>,
        _: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        self.unknown(series, 0.0, t_ms)
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        match meta {
            Metadata::Type { family, kind } => {
                self.by_name.entry(family.into_owned()).or_default().kind = kind;
            }
            Metadata::Help { family, text } => {
                self.by_name.entry(family.into_owned()).or_default().has_help |= !text.is_empty();
            }
            Metadata::Unit { .. } => {}
        }
    }
}
