//! A sink that writes everything down, with known series looked up as a scrape would do.

use exposition::{
    ExemplarLine, Failure, FamilyType, Format, Known, Metadata, Options, Parser, Predictor,
    SeriesLine, Sink, SyntaxError, parse,
};
use model::{FloatHistogram, Labels};

/// One thing that a page told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Sample(Sample),
    Type(String, FamilyType),
    Help(String, String),
    Unit(String, String),
}

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) raw: String,
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    /// Instead of a value.
    pub(crate) histogram: Option<Box<FloatHistogram>>,
    pub(crate) t_ms: Option<i64>,
    pub(crate) start_ms: Option<i64>,
    pub(crate) exemplars: Vec<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    pub(crate) t_ms: Option<i64>,
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        // Texts show NaN, which is not equal to itself.
        self.labels == other.labels
            && self.raw == other.raw
            && self.value.to_bits() == other.value.to_bits()
            && format!("{:?}", self.histogram) == format!("{:?}", other.histogram)
            && self.t_ms == other.t_ms
            && self.start_ms == other.start_ms
            && format!("{:?}", self.exemplars) == format!("{:?}", other.exemplars)
    }
}

#[derive(Default)]
pub(crate) struct Recorder {
    /// Raw text and labels by slot; lives as long as the predictor.
    pub(crate) series: Vec<(String, Labels)>,
    pub(crate) told: Vec<Told>,
    /// How many samples of the last page came as known ones.
    pub(crate) known: usize,
    /// Every so many known samples a slot is not wanted any more.
    pub(crate) forget_every: Option<usize>,
    asked: usize,
}

impl Recorder {
    /// Reads one more page of the target.
    pub(crate) fn page(
        &mut self,
        format: Format,
        body: &[u8],
        memory: &mut Predictor,
    ) -> Result<(), SyntaxError> {
        self.page_with(&Options::new(format), body, memory)
    }

    pub(crate) fn page_with(
        &mut self,
        options: &Options,
        body: &[u8],
        memory: &mut Predictor,
    ) -> Result<(), SyntaxError> {
        self.told.clear();
        self.known = 0;
        parse(options, body, memory, self).map_err(syntax_error)
    }

    /// Reads a page cut into pieces of these sizes, the last one again and again.
    pub(crate) fn page_in_pieces(
        &mut self,
        options: &Options,
        body: &[u8],
        sizes: &[usize],
        memory: &mut Predictor,
    ) -> Result<(), SyntaxError> {
        self.told.clear();
        self.known = 0;
        let mut parser = Parser::new(options, memory);
        let mut sizes = sizes.iter().copied();
        let mut size = 1;
        let (mut start, mut end) = (0, 0);
        while end < body.len() {
            size = sizes.next().unwrap_or(size).max(1);
            end = body.len().min(end + size);
            start += parser.feed(&body[start..end], self).map_err(syntax_error)?;
            assert!(start <= end, "more was read than there is");
        }
        parser.finish(&body[start..], self).map_err(syntax_error)
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        let samples = self.told.iter().filter_map(|told| match told {
            Told::Sample(sample) => Some(sample.clone()),
            _ => None,
        });
        samples.collect()
    }

    fn push(
        &mut self,
        slot: u32,
        value: f64,
        histogram: Option<&FloatHistogram>,
        t_ms: Option<i64>,
    ) {
        let (raw, labels) = self.series[slot as usize].clone();
        let (histogram, start_ms, exemplars) = (histogram.cloned().map(Box::new), None, Vec::new());
        self.told.push(Told::Sample(Sample {
            raw,
            labels,
            value,
            histogram,
            t_ms,
            start_ms,
            exemplars,
        }));
    }

    fn add_series(&mut self, series: &SeriesLine<'_>) -> u32 {
        let mut builder = model::LabelsBuilder::new();
        series.to_labels(&mut builder);
        self.series.push((series.raw().to_owned(), builder.build()));
        u32::try_from(self.series.len() - 1).expect("few series")
    }

    fn forgets(&mut self) -> bool {
        self.asked += 1;
        self.forget_every.is_some_and(|every| self.asked.is_multiple_of(every))
    }

    fn last_sample(&mut self) -> &mut Sample {
        let Some(Told::Sample(sample)) = self.told.last_mut() else {
            panic!("something about a sample before any")
        };
        sample
    }
}

fn syntax_error(failure: Failure<std::convert::Infallible>) -> SyntaxError {
    match failure {
        Failure::Syntax(error) => error,
        Failure::Sink(never) => match never {},
    }
}

/// Everything a page tells to someone who remembers nothing.
pub(crate) fn read_fresh(format: Format, body: &[u8]) -> Result<Vec<Told>, SyntaxError> {
    read_fresh_with(&Options::new(format), body)
}

pub(crate) fn read_fresh_with(options: &Options, body: &[u8]) -> Result<Vec<Told>, SyntaxError> {
    let mut recorder = Recorder::default();
    recorder.page_with(options, body, &mut Predictor::new())?;
    Ok(recorder.told)
}

impl Sink for Recorder {
    type Error = std::convert::Infallible;

    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, Self::Error> {
        if self.forgets() {
            return Ok(Known::Forget);
        }
        self.push(slot, value, None, t_ms);
        self.known += 1;
        Ok(Known::Taken)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        let slot = self.add_series(series);
        self.push(slot, value, None, t_ms);
        Ok(slot)
    }

    fn known_histogram(
        &mut self,
        slot: u32,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<Known, Self::Error> {
        if self.forgets() {
            return Ok(Known::Forget);
        }
        self.push(slot, 0.0, Some(histogram), t_ms);
        self.known += 1;
        Ok(Known::Taken)
    }

    fn unknown_histogram(
        &mut self,
        series: &SeriesLine<'_>,
        histogram: &FloatHistogram,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        let slot = self.add_series(series);
        self.push(slot, 0.0, Some(histogram), t_ms);
        Ok(slot)
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        self.told.push(match meta {
            Metadata::Type { family, kind } => Told::Type(family.into(), kind),
            Metadata::Help { family, text } => Told::Help(family.into(), text.into()),
            Metadata::Unit { family, unit } => Told::Unit(family.into(), unit.into()),
        });
    }

    fn created(&mut self, start_ms: i64) {
        let sample = self.last_sample();
        assert_eq!(sample.start_ms, None, "one start timestamp a sample");
        sample.start_ms = Some(start_ms);
    }

    fn exemplar(&mut self, line: &ExemplarLine<'_>) {
        let labels = Labels::from_pairs(line.labels());
        let exemplar = Exemplar { labels, value: line.value, t_ms: line.t_ms };
        self.last_sample().exemplars.push(exemplar);
    }
}
