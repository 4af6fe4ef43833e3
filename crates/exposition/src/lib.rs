//! Exposition: a target's page of metrics to samples, and our own metrics to such a page.
//!
//! [`parse`] reads the Prometheus text format (0.0.4 and 1.0.0, one grammar), OpenMetrics text (1.0.0
//! and 0.0.1) and delimited protobuf, and tells a [`Sink`] what it finds, in the order of the page;
//! [`Parser`] does the same with a page that comes in pieces. A target's page is nearly the same every
//! time, so a [`Predictor`] remembers the order of its series and a slot the sink gave to each: a known
//! series costs one hash of its text and the reading of its value, and allocates nothing. What is
//! accepted and refused never depends on what is remembered, nor on how a page is cut.
//!
//! [`Options`] say what else is wanted: native histograms, classic ones converted to them, start
//! timestamps, the labels of type and unit. [`negotiate`] chooses the format from a response's
//! `Content-Type`; [`encode`] is the way back; [`lint`] judges the names on a page.

#![forbid(unsafe_code)]

mod dialect;
pub mod encode;
mod error;
mod lint;
mod media_type;
mod negotiate;
mod nhcb;
mod number;
mod options;
mod parse;
mod parser;
mod predictor;
mod protobuf;
mod quote;
mod sink;
mod teller;

pub use error::{Failure, SyntaxError};
pub use lint::{Problem, lint, series_by_family};
pub use negotiate::{Format, Protocol, negotiate};
pub use options::Options;
pub use parser::{Parser, parse};
pub use predictor::Predictor;
pub use sink::{ExemplarLine, FamilyType, Known, Metadata, SeriesLine, Sink};
