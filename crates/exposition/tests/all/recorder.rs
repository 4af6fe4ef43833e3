//! A sink that writes everything down, with known series looked up as a scrape would do.

use exposition::{
    ExemplarLine, Failure, FamilyType, Format, Known, Metadata, Options, Predictor, SeriesLine,
    Sink, SyntaxError, parse,
};
use model::{FloatHistogram, Labels};

/// One thing that a page told.
#[derive(Clone, Debug)]
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
    pub(crate) t_ms: Option<i64>,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exemplar {
    pub(crate) labels: Labels,
    pub(crate) value: f64,
    pub(crate) t_ms: Option<i64>,
}

impl PartialEq for Sample {
    fn eq(&self, other: &Self) -> bool {
        self.labels == other.labels
            && self.raw == other.raw
            && self.value.to_bits() == other.value.to_bits()
            && self.t_ms == other.t_ms
            && self.exemplar == other.exemplar
    }
}

#[derive(Default)]
pub(crate) struct Recorder {
    /// Raw text and labels by slot; lives as long as the predictor.
    pub(crate) series: Vec<(String, Labels)>,
    pub(crate) told: Vec<Told>,
    /// How many samples of the last page came as known ones.
    pub(crate) known: usize,
}

impl Recorder {
    /// Reads one more page of the target.
    pub(crate) fn page(
        &mut self,
        format: Format,
        body: &[u8],
        memory: &mut Predictor,
    ) -> Result<(), SyntaxError> {
        self.told.clear();
        self.known = 0;
        match parse(&Options::new(format), body, memory, self) {
            Ok(()) => Ok(()),
            Err(Failure::Syntax(error)) => Err(error),
            Err(Failure::Sink(never)) => match never {},
        }
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        let samples = self.told.iter().filter_map(|told| match told {
            Told::Sample(sample) => Some(sample.clone()),
            _ => None,
        });
        samples.collect()
    }
}

/// Everything a page tells to someone who remembers nothing.
pub(crate) fn read_fresh(format: Format, body: &[u8]) -> Result<Vec<Told>, SyntaxError> {
    let mut recorder = Recorder::default();
    recorder.page(format, body, &mut Predictor::new())?;
    Ok(recorder.told)
}

impl Sink for Recorder {
    type Error = std::convert::Infallible;

    fn known(&mut self, slot: u32, value: f64, t_ms: Option<i64>) -> Result<Known, Self::Error> {
        let (raw, labels) = self.series[slot as usize].clone();
        self.told.push(Told::Sample(Sample { raw, labels, value, t_ms, exemplar: None }));
        self.known += 1;
        Ok(Known::Taken)
    }

    fn known_histogram(
        &mut self,
        _: u32,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<Known, Self::Error> {
        Ok(Known::Taken)
    }

    fn unknown_histogram(
        &mut self,
        _: &SeriesLine<'_>,
        _: &FloatHistogram,
        _: Option<i64>,
    ) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn unknown(
        &mut self,
        series: &SeriesLine<'_>,
        value: f64,
        t_ms: Option<i64>,
    ) -> Result<u32, Self::Error> {
        let mut builder = model::LabelsBuilder::new();
        series.to_labels(&mut builder);
        let (raw, labels) = (series.raw().to_owned(), builder.build());
        self.series.push((raw.clone(), labels.clone()));
        self.told.push(Told::Sample(Sample { raw, labels, value, t_ms, exemplar: None }));
        Ok(u32::try_from(self.series.len() - 1).expect("few series"))
    }

    fn metadata(&mut self, meta: Metadata<'_>) {
        self.told.push(match meta {
            Metadata::Type { family, kind } => Told::Type(family.into(), kind),
            Metadata::Help { family, text } => Told::Help(family.into(), text.into()),
            Metadata::Unit { family, unit } => Told::Unit(family.into(), unit.into()),
        });
    }

    fn exemplar(&mut self, line: &ExemplarLine<'_>) {
        let Some(Told::Sample(sample)) = self.told.last_mut() else {
            panic!("an exemplar without a sample")
        };
        let labels = Labels::from_pairs(line.labels());
        sample.exemplar = Some(Exemplar { labels, value: line.value, t_ms: line.t_ms });
    }
}
