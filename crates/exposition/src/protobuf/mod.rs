//! Pages of messages: `io.prometheus.client.MetricFamily`, each behind its length as a varint.
//!
//! The bytes are read as they stand, field by field. A series is remembered by the hash of its
//! family's name, the bytes of its labels and what it is of the metric (the value, a count, the
//! bucket of a bound), so that a known series costs no look at its labels. A family is read twice:
//! for what it is, which may stand behind its metrics, and for the metrics.

mod family;
mod histogram;
mod series;
mod wire;

use model::FloatHistogram;

use family::{Head, Part, read_head};
use histogram::Histogram;
use series::{ExemplarText, Refused, SeriesText, timestamp};
use wire::{Content, Fields, Malformed, Wire, varint};

use crate::error::{Broken, Stop, SyntaxError};
use crate::nhcb::Classic;
use crate::options::Options;
use crate::parser::LONGEST_MESSAGE;
use crate::predictor::{Key, Walk};
use crate::quote::Quoted;
use crate::sink::{Extras, FamilyType, Known, Metadata, Sink};
use crate::teller::tell_histogram;

/// A page of messages being read.
pub(crate) struct Messages<'m> {
    pub(crate) walk: Walk<'m>,
    options: Options,
    scratch: Scratch,
}

/// Reused from metric to metric.
#[derive(Default)]
struct Scratch {
    histogram: Histogram,
    out: FloatHistogram,
    classic: Classic,
    series: SeriesText,
    exemplar: ExemplarText,
    /// Native exemplars by time.
    by_time: Vec<(i64, usize, usize)>,
    labels: Vec<u8>,
}

/// A metric of a family.
#[derive(Clone, Copy, Default)]
struct Metric<'a> {
    message: &'a [u8],
    value: &'a [u8],
    t_ms: Option<i64>,
    key: Option<Key>,
}

/// Why a family stopped.
enum Trouble<E> {
    Refused(Refused),
    Sink(E),
}

impl<E> From<Refused> for Trouble<E> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl<E> From<Malformed> for Trouble<E> {
    fn from(_: Malformed) -> Self {
        Self::Refused(Refused::Malformed)
    }
}

impl<'m> Messages<'m> {
    pub(crate) fn new(options: &Options, walk: Walk<'m>) -> Self {
        Self { walk, options: *options, scratch: Scratch::default() }
    }

    /// Reads the messages that are whole: how many bytes they take. The last piece has nothing else.
    pub(crate) fn read<S: Sink>(
        &mut self,
        piece: &[u8],
        is_last: bool,
        sink: &mut S,
    ) -> Result<usize, Stop<S::Error>> {
        let mut at = 0;
        while at < piece.len() {
            let Some((len, head)) = varint(&piece[at..]).map_err(|_| malformed_length(at))? else {
                if is_last {
                    return Err(malformed_length(at).into());
                }
                return Ok(at);
            };
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            if len > LONGEST_MESSAGE {
                let message = format!("message longer than {} bytes", LONGEST_MESSAGE);
                return Err(broken(at, message).into());
            }
            let (start, end) = (at + head, at + head + len);
            let Some(message) = piece.get(start..end) else {
                if !is_last {
                    return Ok(at);
                }
                let message = format!(
                    "protobuf message is cut off: insufficient length of buffer, expected at least \
                     {} bytes, got {} bytes",
                    head + len,
                    piece.len() - at
                );
                return Err(broken(at, message).into());
            };
            self.family(message, sink).map_err(|trouble| match trouble {
                Trouble::Sink(error) => Stop::Sink(error),
                Trouble::Refused(Refused::Because(message)) => broken(at, message).into(),
                Trouble::Refused(Refused::Malformed) => {
                    broken(at, "protobuf message is malformed".to_owned()).into()
                }
            })?;
            at = end;
        }
        Ok(at)
    }

    fn family<S: Sink>(&mut self, message: &[u8], sink: &mut S) -> Result<(), Trouble<S::Error>> {
        let Some(head) = read_head(message)? else { return Ok(()) };
        let family_key = self.begin_family(&head, sink);
        let mut fields = Fields::of(message);
        while let Some((field, content)) = fields.next()? {
            if field != 4 {
                continue;
            }
            let message = content.bytes()?;
            let metric = self.read_metric(message, head.family_type, family_key)?;
            match head.family_type {
                FamilyType::Histogram | FamilyType::GaugeHistogram => {
                    self.histogram(&head, metric, sink)?;
                }
                FamilyType::Summary => self.summary(&head, metric, sink)?,
                _ => self.single(&head, metric, sink)?,
            }
        }
        Ok(())
    }

    /// Tells the metadata if it is not remembered; what the keys of the family's series begin with.
    fn begin_family<S: Sink>(&mut self, head: &Head<'_>, sink: &mut S) -> u64 {
        let text = &mut self.scratch.labels;
        text.clear();
        text.push(head.family_type as u8);
        for part in [head.name, head.help, head.unit] {
            text.extend_from_slice(&(part.len() as u64).to_le_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let hash = self.walk.hash(text);
        if !self.walk.find_family(hash) {
            self.walk.learn_family(hash);
            let family = head.name.into();
            sink.metadata(Metadata::Help { family, text: head.help.into() });
            if !head.unit.is_empty() {
                let family = head.name.into();
                sink.metadata(Metadata::Unit { family, unit: head.unit.into() });
            }
            sink.metadata(Metadata::Type { family: head.name.into(), kind: head.family_type });
        }
        self.walk.set_family(self.walk.family(head.name, head.family_type));
        if self.options.type_and_unit_labels {
            self.walk.set_unit(head.unit);
        }
        self.walk.hash(head.name.as_bytes()) ^ (1 + head.family_type as u64)
    }

    /// Reads what a metric is but for its value.
    fn read_metric<'a>(
        &mut self,
        message: &'a [u8],
        family_type: FamilyType,
        family_key: u64,
    ) -> Wire<Metric<'a>> {
        let value_field = match family_type {
            FamilyType::Gauge => 2,
            FamilyType::Counter => 3,
            FamilyType::Summary => 4,
            FamilyType::Histogram | FamilyType::GaugeHistogram => 7,
            _ => 5,
        };
        let mut metric = Metric { message, ..Metric::default() };
        // Labels mostly stand together at the front.
        let (mut labels_end, mut is_scattered) = (0, false);
        let mut fields = Fields::of(message);
        let mut start = 0;
        while let Some((field, content)) = fields.next()? {
            match (field, content) {
                (1, _) => {
                    is_scattered |= labels_end != start;
                    labels_end = fields.at();
                }
                (6, content) => metric.t_ms = Some(content.i64()?).filter(|t_ms| *t_ms != 0),
                (field, Content::Bytes(bytes)) if field == value_field => metric.value = bytes,
                (field, _) if field == value_field => return Err(Malformed),
                _ => {}
            }
            start = fields.at();
        }
        let key = if is_scattered {
            let labels = &mut self.scratch.labels;
            labels.clear();
            let mut fields = Fields::of(message);
            let mut start = 0;
            while let Some((field, _)) = fields.next()? {
                if field == 1 {
                    labels.extend_from_slice(&message[start..fields.at()]);
                }
                start = fields.at();
            }
            self.walk.key(labels)
        } else {
            self.walk.key(&message[..labels_end])
        };
        metric.key = key.map(|key| key.part(family_key));
        Ok(metric)
    }

    /// A counter, a gauge or what is neither.
    fn single<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let (mut value, mut created_ms, mut exemplar) = (0.0, None, None);
        let mut fields = Fields::of(metric.value);
        let is_counter = head.family_type == FamilyType::Counter;
        while let Some((field, content)) = fields.next()? {
            match field {
                1 => value = content.f64()?,
                2 if is_counter => exemplar = Some(content.bytes()?),
                3 if is_counter => created_ms = Some(timestamp(content.bytes()?)?),
                _ => {}
            }
        }
        self.sample(head, metric, Part::Value, value, created_ms, sink)?;
        if let Some(exemplar) = exemplar {
            self.scratch.exemplar.read(exemplar)?;
            sink.exemplar(&self.scratch.exemplar.line());
        }
        Ok(())
    }

    fn summary<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let (mut count, mut sum, mut created_ms) = (0, 0.0, None);
        let mut fields = Fields::of(metric.value);
        while let Some((field, content)) = fields.next()? {
            match field {
                1 => count = content.u64()?,
                2 => sum = content.f64()?,
                4 => created_ms = Some(timestamp(content.bytes()?)?),
                _ => {}
            }
        }
        self.sample(head, metric, Part::Count, count as f64, created_ms, sink)?;
        self.sample(head, metric, Part::Sum, sum, created_ms, sink)?;
        let mut fields = Fields::of(metric.value);
        while let Some((field, content)) = fields.next()? {
            if field == 3 {
                let (quantile, value) = read_quantile(content.bytes()?)?;
                self.sample(head, metric, Part::Quantile(quantile), value, created_ms, sink)?;
            }
        }
        Ok(())
    }

    /// A histogram in the forms that the options want of it.
    fn histogram<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        self.scratch.histogram.read(metric.value)?;
        let Options { native_histograms, classic_to_nhcb, keep_classic, .. } = self.options;
        if native_histograms && self.scratch.histogram.is_native() {
            self.native(head, metric, sink)?;
            if keep_classic && !self.scratch.histogram.buckets.is_empty() {
                self.classic(head, metric, true, sink)?;
            }
        } else if classic_to_nhcb && head.family_type == FamilyType::Histogram {
            self.classic(head, metric, keep_classic, sink)?;
            self.converted(head, metric, sink)?;
        } else {
            self.classic(head, metric, true, sink)?;
        }
        Ok(())
    }

    fn native<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let is_gauge = head.family_type == FamilyType::GaugeHistogram;
        let Scratch { histogram, out, .. } = &mut self.scratch;
        histogram.write_native(is_gauge, out).map_err(|error| {
            Refused::Because(format!("native histogram {}: {error}", Quoted(head.name.as_bytes())))
        })?;
        self.whole_histogram(head, metric, sink)?;
        self.native_exemplars(metric, sink)
    }

    /// The classic buckets as one histogram, if they are one.
    fn converted<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let Scratch { histogram, classic, out, .. } = &mut self.scratch;
        histogram.collect(classic);
        if classic.write(out) {
            self.whole_histogram(head, metric, sink)?;
            self.native_exemplars(metric, sink)?;
        }
        Ok(())
    }

    /// Tells the histogram that was written.
    fn whole_histogram<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let key = metric.key.map(|key| key.part(Part::Native.mark()));
        let known = key.and_then(|key| self.walk.find(key));
        let extras = self.extras(head);
        let created_ms = self.scratch.histogram.created_ms;
        let Scratch { out, series, .. } = &mut self.scratch;
        let mut refused = None;
        let slot = tell_histogram(sink, known, out, metric.t_ms, |tell| {
            match series.write(head.name, "", metric.message, None) {
                Ok(()) => tell(&series.line(head.family_type, extras)).map(Some),
                Err(why) => {
                    refused = Some(why);
                    Ok(None)
                }
            }
        });
        let slot = slot.map_err(Trouble::Sink)?.flatten();
        if let Some(refused) = refused {
            return Err(refused.into());
        }
        match (known, key, slot) {
            (Some(_), _, Some(slot)) => self.walk.replace_slot(slot),
            (None, Some(key), Some(slot)) => self.walk.learn(key, slot),
            _ => {}
        }
        if let Some(start_ms) = self.start(created_ms) {
            sink.created(start_ms);
        }
        Ok(())
    }

    /// The exemplars of a histogram told as one: its own, else those of its buckets; by time.
    fn native_exemplars<S: Sink>(
        &mut self,
        metric: Metric<'_>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let Scratch { histogram, exemplar, by_time, .. } = &mut self.scratch;
        by_time.clear();
        let mut note = |(start, end)| -> Result<(), Refused> {
            exemplar.read(&metric.value[start..end])?;
            by_time.extend(exemplar.t_ms.map(|t_ms| (t_ms, start, end)));
            Ok(())
        };
        if histogram.exemplars.is_empty() {
            histogram
                .buckets
                .iter()
                .filter_map(|bucket| bucket.exemplar)
                .try_for_each(&mut note)?;
        } else {
            histogram.exemplars.iter().copied().try_for_each(&mut note)?;
        }
        by_time.sort_unstable();
        for (_, start, end) in by_time.iter() {
            exemplar.read(&metric.value[*start..*end])?;
            sink.exemplar(&exemplar.line());
        }
        Ok(())
    }

    /// The classic series; if not all, only the buckets that no histogram can have.
    fn classic<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        is_all: bool,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let histogram = &self.scratch.histogram;
        let (count, sum) = (histogram.classic_count(), histogram.sum);
        let (created_ms, lacks_infinite) =
            (histogram.created_ms, histogram.lacks_infinite_bucket());
        if is_all {
            self.sample(head, metric, Part::Count, count, created_ms, sink)?;
            self.sample(head, metric, Part::Sum, sum, created_ms, sink)?;
        }
        for at in 0..self.scratch.histogram.buckets.len() {
            let bucket = self.scratch.histogram.buckets[at];
            if !is_all && !bucket.bound.is_nan() {
                continue;
            }
            self.sample(head, metric, Part::Bucket(bucket.bound), bucket.count, created_ms, sink)?;
            if let Some((start, end)) = bucket.exemplar {
                self.scratch.exemplar.read(&metric.value[start..end])?;
                sink.exemplar(&self.scratch.exemplar.line());
            }
        }
        if is_all && lacks_infinite {
            self.sample(head, metric, Part::Bucket(f64::INFINITY), count, created_ms, sink)?;
        }
        Ok(())
    }

    #[inline]
    fn sample<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        part: Part,
        value: f64,
        created_ms: Option<i64>,
        sink: &mut S,
    ) -> Result<(), Trouble<S::Error>> {
        let key = metric.key.map(|key| key.part(part.mark()));
        let known = key.and_then(|key| self.walk.find(key));
        let is_taken = match known {
            Some(slot) => {
                sink.known(slot, value, metric.t_ms).map_err(Trouble::Sink)? == Known::Taken
            }
            None => false,
        };
        if !is_taken {
            let slot = self.unknown(head, metric, part, value, sink)?;
            match (known, key) {
                (Some(_), _) => self.walk.replace_slot(slot),
                (None, Some(key)) => self.walk.learn(key, slot),
                (None, None) => {}
            }
        }
        if let Some(start_ms) = self.start(created_ms) {
            sink.created(start_ms);
        }
        Ok(())
    }

    #[cold]
    fn unknown<S: Sink>(
        &mut self,
        head: &Head<'_>,
        metric: Metric<'_>,
        part: Part,
        value: f64,
        sink: &mut S,
    ) -> Result<u32, Trouble<S::Error>> {
        let extras = self.extras(head);
        let series = &mut self.scratch.series;
        series.write(head.name, part.suffix(), metric.message, part.bound())?;
        let line = series.line(head.family_type, extras);
        sink.unknown(&line, value, metric.t_ms).map_err(Trouble::Sink)
    }

    fn extras<'a>(&self, head: &Head<'a>) -> Extras<'a> {
        if self.options.type_and_unit_labels {
            Extras { has_type: true, unit: head.unit }
        } else {
            Extras::default()
        }
    }

    /// The start timestamp to tell.
    fn start(&self, created_ms: Option<i64>) -> Option<i64> {
        created_ms.filter(|start_ms| self.options.start_timestamps && *start_ms != 0)
    }
}

/// Quantile and value.
fn read_quantile(message: &[u8]) -> Wire<(f64, f64)> {
    let (mut quantile, mut value) = (0.0, 0.0);
    let mut fields = Fields::of(message);
    while let Some((field, content)) = fields.next()? {
        match field {
            1 => quantile = content.f64()?,
            2 => value = content.f64()?,
            _ => {}
        }
    }
    Ok((quantile, value))
}

fn malformed_length(at: usize) -> Broken {
    broken(at, "protobuf message has a malformed length: invalid varint encountered".to_owned())
}

fn broken(offset: usize, message: String) -> Broken {
    Broken { error: SyntaxError { line: 1, column: offset + 1, offset, message }, reach: 0 }
}
