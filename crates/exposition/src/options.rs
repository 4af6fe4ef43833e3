//! How a page is to be read.

use crate::negotiate::Format;

/// What to make of a page. A change of options makes a [`Predictor`](crate::Predictor) forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The format of the page.
    pub format: Format,
    /// Native histograms are told as such; else only their classic form is read. Only protobuf has
    /// them.
    pub native_histograms: bool,
    /// Classic histograms are told as native ones with custom buckets.
    pub classic_to_nhcb: bool,
    /// The classic series of a histogram are told, too, where it is told as a native one.
    pub keep_classic: bool,
    /// Start timestamps are told, and the `_created` lines that bring them are no series.
    pub start_timestamps: bool,
    /// Series get their family's type and unit as the labels `__type__` and `__unit__`.
    pub type_and_unit_labels: bool,
}

impl Options {
    /// A page as it stands, with nothing added or converted.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            native_histograms: false,
            classic_to_nhcb: false,
            keep_classic: false,
            start_timestamps: false,
            type_and_unit_labels: false,
        }
    }
}
