//! Data without I/O: what a series is called, what a sample is, and the small languages around them.
//!
//! Nothing here reads a clock, a file or a socket; everything is a value in, a value out.

#![forbid(unsafe_code)]

pub mod alert;
pub mod duration;
pub mod edits;
pub mod float;
pub mod histogram;
pub mod kahan;
pub mod labels;
pub mod matcher;
pub mod metrics;
pub mod names;
pub mod regex;
pub mod relabel;
pub mod sample;
pub mod scalar;
pub mod size;

pub use alert::Alert;
pub use edits::edits;
pub use histogram::FloatHistogram;
pub use labels::{Labels, LabelsBuilder, METRIC_NAME};
pub use matcher::{MatchOp, Matcher};
pub use sample::{Sample, TimeRange, is_stale, stale_marker};
