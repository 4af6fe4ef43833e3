//! What a query answers with.

use model::{FloatHistogram, Labels};
use std::sync::Arc;

/// The value of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar {
        /// The evaluation time in milliseconds.
        t_ms: i64,
        /// The number.
        value: f64,
    },
    /// A text.
    String {
        /// The evaluation time in milliseconds.
        t_ms: i64,
        /// The text.
        value: String,
    },
    /// At most one sample a series, in the order of the evaluation.
    Vector(Vec<InstantSeries>),
    /// Samples of series, in label order.
    Matrix(Vec<RangeSeries>),
}

/// One series of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct InstantSeries {
    /// Its labels.
    pub labels: Labels,
    /// Time of the sample in milliseconds.
    pub t_ms: i64,
    /// Its value, when it is a float.
    pub value: f64,
    /// Its value, when it is a histogram; wins over `value`.
    pub histogram: Option<Arc<FloatHistogram>>,
}

/// One series of a matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// Times of the float samples in milliseconds, ascending.
    pub t_ms: Vec<i64>,
    /// Their values.
    pub values: Vec<f64>,
    /// Histogram samples, ascending by time.
    pub histograms: Vec<(i64, Arc<FloatHistogram>)>,
}
