//! The waist: the only words between writers, readers and the engine.
//!
//! Writers append **rows**: one scrape of one target, or one evaluation of one rule group, is a
//! timestamp and a value per column of a [`Group`]. Readers select **series** and are handed runs of
//! samples as columns ([`SeriesSet::read`]). Neither side knows what lies between.

mod append;
mod error;
mod read;

pub use append::{
    Absence, Appendable, Appended, Column, Exemplar, Group, GroupSpec, HISTOGRAM_BITS,
    MAX_EXEMPLAR_RUNES, Row, Source,
};
pub use error::{AppendError, Error};
pub use read::{
    Columns, ExemplarQueryable, LabelQuery, Querier, Queryable, SampleSink, SelectHints,
    SeriesExemplars, SeriesSet, empty_series_set, hand_over,
};
