//! The arithmetic of native histograms.

pub(crate) mod edges;
pub(crate) mod mean;
pub(crate) mod quantile;
pub(crate) mod rate;
pub(crate) mod trim;

use model::FloatHistogram;
use std::sync::Arc;

/// A time in milliseconds and a histogram.
pub(crate) type HistogramSample = (i64, Arc<FloatHistogram>);
