//! Classic histograms of a `load_with_nhcb` block as native ones with custom buckets.

use super::store::LoadedSeries;
use model::histogram::{CUSTOM_BUCKETS, Layout};
use model::{FloatHistogram, Labels, METRIC_NAME};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which part of a classic histogram a series is.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// A bucket, by its upper bound.
    Bucket(f64),
    Count,
    Sum,
}

/// What the series of one classic histogram say at one time.
#[derive(Clone, Debug, Default)]
struct Parts {
    /// Upper bounds and cumulative counts.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// Native histograms made of all classic ones of a block.
pub(super) fn converted(loaded: &[LoadedSeries]) -> Result<Vec<LoadedSeries>, String> {
    let mut found: BTreeMap<Labels, BTreeMap<i64, Parts>> = BTreeMap::new();
    for series in loaded {
        let name = series.labels.metric_name();
        let le = || series.labels.get("le").and_then(model::float::parse);
        let (stem, part) = if let Some(stem) = name.strip_suffix("_bucket") {
            let Some(le) = le().filter(|le| !le.is_nan()) else { continue };
            (stem, Part::Bucket(le))
        } else if let Some(stem) = name.strip_suffix("_count") {
            (stem, Part::Count)
        } else if let Some(stem) = name.strip_suffix("_sum") {
            (stem, Part::Sum)
        } else {
            continue;
        };
        let labels = series.labels.filter(|name, _| name != "le").with(METRIC_NAME, stem);
        let times = found.entry(labels).or_default();
        for (t_ms, value) in &series.samples {
            let parts = times.entry(*t_ms).or_default();
            match part {
                Part::Bucket(le) => parts.buckets.push((le, *value)),
                Part::Count => parts.count = Some(*value),
                Part::Sum => parts.sum = *value,
            }
        }
    }
    let mut converted = Vec::new();
    for (labels, times) in found.into_iter().filter(|(_, times)| !times.is_empty()) {
        let mut histograms = Vec::with_capacity(times.len());
        for (t_ms, parts) in times {
            let histogram = parts.native().map_err(|error| format!("{labels}: {error}"))?;
            histograms.push((t_ms, Arc::new(histogram)));
        }
        converted.push(LoadedSeries { labels, samples: Vec::new(), histograms, needs: None });
    }
    Ok(converted)
}

impl Parts {
    fn native(mut self) -> Result<FloatHistogram, String> {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Of equal bounds in different writing, one counts.
        self.buckets.dedup_by(|later, kept| later.0 == kept.0);
        let last = self.buckets.last().copied();
        let count = self.count.or(last.map(|(_, count)| count)).unwrap_or(0.0);
        if last.is_none_or(|(le, _)| le != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        if self.buckets.last().is_some_and(|(_, last)| *last != count) {
            return Err(format!("count mismatch: count={count}"));
        }
        let bounds = self.buckets.iter().map(|(le, _)| *le);
        let custom_values = bounds.filter(|le| *le != f64::INFINITY).collect();
        let mut before = 0.0;
        let each =
            self.buckets.iter().map(|(_, count)| *count - std::mem::replace(&mut before, *count));
        let layout: Layout = (0..).zip(each).filter(|(_, count)| *count != 0.0).collect();
        let (positive_spans, positive_buckets) = layout.into_parts();
        let histogram = FloatHistogram {
            schema: CUSTOM_BUCKETS,
            count,
            sum: self.sum,
            positive_spans,
            positive_buckets,
            custom_values,
            ..FloatHistogram::default()
        };
        histogram.validate().map_err(|error| error.to_string())?;
        Ok(histogram)
    }
}
