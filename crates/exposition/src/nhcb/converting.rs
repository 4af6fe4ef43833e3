//! Collects the lines of a histogram on their way to the sink.

use model::FloatHistogram;

use super::{ALONE, Classic, Conversion, Entry, Role};
use crate::parse::read_series;
use crate::sink::{ExemplarLine, Extras, FamilyType, Known, LabelSpan, Metadata, SeriesLine, Sink};
use crate::teller::{Teller, tell_histogram};

/// The histogram being collected; lives as long as the page.
#[derive(Debug)]
pub(crate) struct Collecting {
    group: u32,
    t_ms: Option<i64>,
    start_ms: Option<i64>,
    classic: Classic,
    histogram: FloatHistogram,
    exemplars: Exemplars,
    /// What the last sample was.
    last_is_part: bool,
    last_is_told: bool,
    /// An entry whose slot the sink did not want any more.
    forgotten: Option<u32>,
    labels: Vec<LabelSpan>,
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            group: ALONE,
            t_ms: None,
            start_ms: None,
            classic: Classic::default(),
            histogram: FloatHistogram::default(),
            exemplars: Exemplars::default(),
            last_is_part: false,
            last_is_told: false,
            forgotten: None,
            labels: Vec::new(),
        }
    }
}

/// Exemplars of the lines collected, to be told with the histogram.
#[derive(Debug, Default)]
struct Exemplars {
    text: String,
    labels: Vec<LabelSpan>,
    list: Vec<Exemplar>,
}

#[derive(Debug)]
struct Exemplar {
    text_start: usize,
    labels_start: usize,
    value: f64,
    t_ms: Option<i64>,
}

/// More of them in one histogram are not kept.
const MOST_EXEMPLARS: usize = 256;

impl Exemplars {
    fn clear(&mut self) {
        self.text.clear();
        self.labels.clear();
        self.list.clear();
    }

    fn push(&mut self, exemplar: &ExemplarLine<'_>) {
        if self.list.len() < MOST_EXEMPLARS {
            let (text_start, labels_start) = (self.text.len(), self.labels.len());
            let (value, t_ms) = (exemplar.value, exemplar.t_ms);
            self.list.push(Exemplar { text_start, labels_start, value, t_ms });
            self.text.push_str(exemplar.raw());
            self.labels.extend_from_slice(exemplar.label_spans());
        }
    }

    fn tell<S: Sink>(&self, sink: &mut S) {
        for (at, exemplar) in self.list.iter().enumerate() {
            let next = self.list.get(at + 1);
            let text_end = next.map_or(self.text.len(), |next| next.text_start);
            let labels_end = next.map_or(self.labels.len(), |next| next.labels_start);
            sink.exemplar(&ExemplarLine::new(
                &self.text[exemplar.text_start..text_end],
                &self.labels[exemplar.labels_start..labels_end],
                exemplar.value,
                exemplar.t_ms,
            ));
        }
    }
}

/// A teller that makes histograms of lines. The slots it gives out are places in the conversion.
pub(crate) struct Converting<'a, S> {
    pub(crate) sink: &'a mut S,
    pub(crate) conversion: &'a mut Conversion,
    pub(crate) collecting: &'a mut Collecting,
    pub(crate) keep_classic: bool,
    /// Whether histograms get a label with their type.
    pub(crate) type_labels: bool,
}

impl<S: Sink> Converting<'_, S> {
    /// Tells the histogram collected so far, if it is one.
    fn flush(&mut self) -> Result<(), S::Error> {
        let Self { sink, conversion, collecting, .. } = self;
        if collecting.group == ALONE {
            return Ok(());
        }
        let group = &mut conversion.groups[collecting.group as usize];
        if collecting.classic.write(&mut collecting.histogram) {
            let labels = &mut collecting.labels;
            let family_type = FamilyType::Histogram;
            let extras = Extras { has_type: self.type_labels, unit: &group.unit };
            let series = &*group.series;
            let histogram = &collecting.histogram;
            let new_slot = tell_histogram(*sink, group.slot, histogram, collecting.t_ms, |tell| {
                let name = read_series(series, labels);
                tell(&SeriesLine::new(series, name, labels, family_type, extras))
            })?;
            group.slot = new_slot.or(group.slot);
            if let Some(start_ms) = collecting.start_ms {
                sink.created(start_ms);
            }
            collecting.exemplars.tell(*sink);
        }
        collecting.group = ALONE;
        collecting.start_ms = None;
        collecting.classic.clear();
        collecting.exemplars.clear();
        Ok(())
    }

    /// Goes on to a line of a group; what was collected of another one is told.
    #[inline]
    fn enter(&mut self, entry: Entry) -> Result<(), S::Error> {
        if entry.group != self.collecting.group { self.flush() } else { Ok(()) }
    }

    #[inline]
    fn take(&mut self, entry: Entry, value: f64, t_ms: Option<i64>) {
        let collecting = &mut *self.collecting;
        collecting.last_is_told = entry.slot.is_some();
        collecting.last_is_part = true;
        match entry.role {
            Role::Plain => {
                collecting.last_is_part = false;
                return;
            }
            Role::Bucket(bound) => collecting.classic.bucket(bound, value),
            Role::Sum => collecting.classic.sum(value),
            Role::Count => collecting.classic.count(value),
        }
        if collecting.group != entry.group {
            collecting.group = entry.group;
            collecting.t_ms = t_ms;
        }
    }

    /// What a line is that was never seen.
    fn classify(&mut self, series: &SeriesLine<'_>, is_own: &dyn Fn(&str) -> bool) -> (Role, u32) {
        let alone = (Role::Plain, ALONE);
        if series.family_type() != FamilyType::Histogram {
            return alone;
        }
        let name = series.name();
        let suffixes = ["_bucket", "_count", "_sum"];
        let Some(suffix) = suffixes.into_iter().find(|suffix| name.ends_with(suffix)) else {
            return alone;
        };
        if !is_own(&name[..name.len() - suffix.len()]) {
            return alone;
        }
        let role = match suffix {
            "_count" => Role::Count,
            "_sum" => Role::Sum,
            _ => {
                let bound = series.labels().find(|(name, _)| name == "le");
                let bound = bound.and_then(|(_, text)| model::float::parse(&text));
                bound.filter(|bound| !bound.is_nan()).map_or(Role::Plain, Role::Bucket)
            }
        };
        (role, self.conversion.group(&series.without_part(suffix, "le"), series.unit()))
    }
}

impl<S: Sink> Teller for Converting<'_, S> {
    type Error = S::Error;

    #[inline]
    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, S::Error> {
        let entry = self.conversion.entries[slot as usize];
        self.enter(entry)?;
        if let Some(told) = entry.slot
            && self.sink.known(told, value, t_ms)? == Known::Forget
        {
            self.collecting.forgotten = Some(slot);
            return Ok(Known::Forget);
        }
        self.take(entry, value, t_ms);
        Ok(Known::Taken)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        is_own: &dyn Fn(&str) -> bool,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, S::Error> {
        let (role, group) = self.classify(series, is_own);
        let mut entry = Entry { role, group, slot: None };
        self.enter(entry)?;
        if self.keep_classic || matches!(role, Role::Plain) {
            entry.slot = Some(self.sink.unknown(series, value, t_ms)?);
        }
        self.take(entry, value, t_ms);
        Ok(match self.collecting.forgotten.take() {
            Some(slot) => {
                self.conversion.entries[slot as usize] = entry;
                slot
            }
            None => self.conversion.add_entry(entry),
        })
    }

    fn created(&mut self, start_ms: i64) {
        if self.collecting.last_is_part {
            self.collecting.start_ms.get_or_insert(start_ms);
        }
        if self.collecting.last_is_told {
            self.sink.created(start_ms);
        }
    }

    fn exemplar(&mut self, exemplar: &ExemplarLine<'_>) {
        if self.collecting.last_is_part {
            self.collecting.exemplars.push(exemplar);
        }
        if self.collecting.last_is_told {
            self.sink.exemplar(exemplar);
        }
    }

    fn metadata(&mut self, metadata: Metadata<'_>) {
        self.sink.metadata(metadata);
    }

    fn interrupted(&mut self) -> Result<(), S::Error> {
        self.flush()
    }
}
