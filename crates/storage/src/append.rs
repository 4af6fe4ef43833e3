//! The append side: groups, columns, rows.

use crate::AppendError;
use model::sample::NORMAL_NAN_BITS;
use model::{FloatHistogram, Labels, stale_marker};
use std::sync::Arc;

/// Who writes a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A scraped target.
    Scrape,
    /// A rule group.
    Rules,
    /// Anything else: remote write, tests, imports.
    Other,
}

/// What it means that a series has no value in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Absence {
    /// The series ended: readers see a staleness marker at that row.
    EndsSeries,
    /// Nothing: the series simply has no sample there. Endings are explicit markers.
    MeansNothing,
}

/// How a group is found again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupSpec {
    /// Who writes.
    pub source: Source,
    /// What tells groups of one source apart and survives restarts: for a target its public labels
    /// and URL, for a rule group file and name.
    pub key: String,
    /// Labels that most series of the group have in common; a hint for compact storage only.
    pub common: Labels,
    /// The meaning of missing values.
    pub absence: Absence,
}

/// A series within one group; valid until [`Appended::remap`] says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Column(pub u32);

/// One timestamp and at most one value per column. Reused from row to row by its writer.
#[derive(Clone, Debug, Default)]
pub struct Row {
    t_ms: i64,
    values: Vec<f64>,
    present: Vec<u64>,
    len: usize,
    histograms: Vec<(Column, Arc<FloatHistogram>)>,
}

/// What stands among a row's values where a column has a histogram: a NaN that no float sample can be.
pub const HISTOGRAM_BITS: u64 = 0x7ff0_0000_0000_0048;

impl Row {
    /// An empty row at time 0.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties the row and sets its time; keeps the memory.
    pub fn begin(&mut self, t_ms: i64) {
        self.t_ms = t_ms;
        self.len = 0;
        self.present.fill(0);
        self.histograms.clear();
    }

    /// Sets a value. False, and no change, when the column has one already.
    #[inline]
    pub fn set(&mut self, column: Column, value: f64) -> bool {
        if value.to_bits() == HISTOGRAM_BITS {
            return self.put(column, f64::from_bits(NORMAL_NAN_BITS));
        }
        self.put(column, value)
    }

    /// Sets a histogram; a stale one is the staleness marker. False, and no change, when the column has
    /// a value already.
    pub fn set_histogram(&mut self, column: Column, histogram: Arc<FloatHistogram>) -> bool {
        if model::is_stale(histogram.sum) {
            return self.put(column, stale_marker());
        }
        let is_first = self.put(column, f64::from_bits(HISTOGRAM_BITS));
        if is_first {
            self.histograms.push((column, histogram));
        }
        is_first
    }

    #[inline]
    fn put(&mut self, column: Column, value: f64) -> bool {
        let i = column.0 as usize;
        if i >= self.values.len() {
            self.grow(i);
        }
        let (word, bit) = (i / 64, 1 << (i % 64));
        if self.present[word] & bit != 0 {
            return false;
        }
        self.present[word] |= bit;
        self.values[i] = value;
        self.len += 1;
        true
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn t_ms(&self) -> i64 {
        self.t_ms
    }

    /// The number of values, histograms among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the row has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One more than the last column with a value; 0 when there is none.
    #[must_use]
    pub fn columns(&self) -> usize {
        let last = self.present.iter().rposition(|word| *word != 0);
        last.map_or(0, |w| (w + 1) * 64 - self.present[w].leading_zeros() as usize)
    }

    /// The value of a column, if it has one and that is no histogram.
    #[must_use]
    pub fn get(&self, column: Column) -> Option<f64> {
        let i = column.0 as usize;
        let word = self.present.get(i / 64)?;
        let value = (word & (1 << (i % 64)) != 0).then(|| self.values[i]);
        value.filter(|value| value.to_bits() != HISTOGRAM_BITS)
    }

    /// The histograms, in the order in which they were set.
    #[must_use]
    pub fn histograms(&self) -> &[(Column, Arc<FloatHistogram>)] {
        &self.histograms
    }

    /// Values by column, [`HISTOGRAM_BITS`] for a histogram; what [`Row::present`] does not mark is
    /// leftover.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// A bit per column, 64 columns a word, lowest bit first; may be longer or shorter than a
    /// group's columns.
    #[must_use]
    pub fn present(&self) -> &[u64] {
        &self.present
    }

    #[cold]
    fn grow(&mut self, i: usize) {
        let columns = (i + 1).next_multiple_of(64).max(self.values.len() * 2);
        self.values.resize(columns, 0.0);
        self.present.resize(columns.div_ceil(64), 0);
    }
}

/// What a committed row did.
#[derive(Debug, Default)]
pub struct Appended {
    /// Values stored.
    pub samples: usize,
    /// When the group dropped columns that had no value for long: the new column by old column, or
    /// `u32::MAX` for a dropped one. All columns the writer remembers must be translated.
    pub remap: Option<Box<[u32]>>,
}

/// Something that opens groups.
pub trait Appendable: Send + Sync {
    /// Opens a group for its one writer; finds it again when it existed before.
    ///
    /// # Errors
    /// When the store cannot take groups.
    fn open_group(&self, spec: &GroupSpec) -> Result<Box<dyn Group>, AppendError>;
}

/// The series of one target, as its one writer sees them.
pub trait Group: Send {
    /// The column of the series with exactly these labels (the metric name among them), and whether
    /// it was made just now. A new series is one that nobody sees before the first row with a value for
    /// a column that is new; until then it may be [taken back](Self::take_back).
    ///
    /// # Errors
    /// When a new series is refused; known series are always found.
    fn column(&mut self, labels: &Labels) -> Result<(Column, bool), AppendError>;

    /// The column of a series, if it has one.
    fn find(&self, labels: &Labels) -> Option<Column>;

    /// How many columns are new, without a value in any row.
    fn new_columns(&self) -> usize;

    /// Takes back the columns that are new; the number of the first, when there were some.
    fn take_back(&mut self) -> Option<Column>;

    /// Time and value of the newest sample of a series in this group: the staleness marker when it has
    /// ended, [`HISTOGRAM_BITS`] for a histogram. Takes as long as a small query.
    fn newest(&self, labels: &Labels) -> Option<(i64, f64)>;

    /// Commits a row. All of its values become visible to readers at once, and are in the log that
    /// survives the process at its next flush.
    ///
    /// # Errors
    /// When the row is refused; nothing of it is stored then.
    fn append(&mut self, row: &Row) -> Result<Appended, AppendError>;

    /// Keeps exemplars of a series, oldest first; gives the number stored. One that the series' newest
    /// equals is there already, which is no error; one older than it, or with more than
    /// [`MAX_EXEMPLAR_RUNES`], is passed over; so are those of a series that no row had a value for.
    ///
    /// # Errors
    /// When the group may not be written.
    fn add_exemplars(
        &mut self,
        column: Column,
        exemplars: &[Exemplar],
    ) -> Result<usize, AppendError>;
}

/// Characters of all names and values of an exemplar's labels at most.
pub const MAX_EXEMPLAR_RUNES: usize = 128;

/// An example of what a sample counts, usually the trace of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// What identifies it.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    pub t_ms: i64,
}
