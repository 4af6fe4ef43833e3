//! Whole documents with everything they tell, in order.

use std::collections::BTreeMap;

use exposition::{Options, Predictor};
use model::histogram::Span;
use model::{FloatHistogram, Labels};
use serde::Deserialize;

use crate::conformance::format_of;
use crate::recorder::{Exemplar, Recorder, Sample, Told, read_fresh, read_fresh_with};
use crate::{Tally, conformance_folder};

#[derive(Deserialize)]
struct Document {
    id: String,
    format: String,
    #[serde(default)]
    note: String,
    input: Option<String>,
    #[serde(default)]
    entries: Vec<Entry>,
}

/// Exactly one of these.
#[derive(Deserialize, Default)]
struct Entry {
    help: Option<(String, String)>,
    r#type: Option<(String, String)>,
    unit: Option<(String, String)>,
    comment: Option<String>,
    sample: Option<ExpectedSample>,
}

#[derive(Deserialize)]
struct ExpectedSample {
    raw: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    value: Option<Number>,
    timestamp_ms: Option<i64>,
    start_timestamp_ms: Option<i64>,
    #[serde(default)]
    exemplars: Vec<ExpectedExemplar>,
    /// A histogram as one sample: only protobuf and converted documents have them.
    histogram: Option<ExpectedHistogram>,
}

/// With counts as differences to the bucket before.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct ExpectedHistogram {
    schema: i32,
    count: f64,
    sum: f64,
    zero_count: f64,
    zero_threshold: f64,
    positive_spans: Vec<ExpectedSpan>,
    positive_buckets: Vec<f64>,
    negative_spans: Vec<ExpectedSpan>,
    negative_buckets: Vec<f64>,
    custom_values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExpectedSpan {
    offset: i32,
    length: u32,
}

impl ExpectedHistogram {
    fn fits(&self, histogram: &FloatHistogram) -> bool {
        let spans = |spans: &[Span]| spans.iter().map(|s| (s.offset, s.length)).collect::<Vec<_>>();
        let expected_spans =
            |spans: &[ExpectedSpan]| spans.iter().map(|s| (s.offset, s.length)).collect::<Vec<_>>();
        let absolute = |deltas: &[f64]| {
            let mut count = 0.0;
            let add = |delta: &f64| {
                count += delta;
                count
            };
            deltas.iter().map(add).collect::<Vec<_>>()
        };
        let positive =
            buckets(&expected_spans(&self.positive_spans), &absolute(&self.positive_buckets));
        let negative =
            buckets(&expected_spans(&self.negative_spans), &absolute(&self.negative_buckets));
        let told = histogram;
        (self.schema, self.count, self.sum, self.zero_count, self.zero_threshold)
            == (told.schema, told.count, told.sum, told.zero_count, told.zero_threshold)
            && self.custom_values == told.custom_values
            && positive == buckets(&spans(&told.positive_spans), &told.positive_buckets)
            && negative == buckets(&spans(&told.negative_spans), &told.negative_buckets)
    }
}

/// Index and count of the buckets that are not empty.
fn buckets(spans: &[(i32, u32)], counts: &[f64]) -> Vec<(i32, f64)> {
    let mut index = 0;
    let mut indices = Vec::new();
    for (offset, length) in spans {
        index += offset;
        for _ in 0..*length {
            indices.push(index);
            index += 1;
        }
    }
    assert_eq!(indices.len(), counts.len());
    indices.into_iter().zip(counts.iter().copied()).filter(|(_, count)| *count != 0.0).collect()
}

#[derive(Deserialize)]
struct ExpectedExemplar {
    labels: BTreeMap<String, String>,
    value: Number,
    timestamp_ms: Option<i64>,
}

/// `NaN` and the infinities are words here.
#[derive(Deserialize, Clone, Debug)]
#[serde(untagged)]
enum Number {
    Float(f64),
    Word(String),
}

impl Number {
    fn get(&self) -> f64 {
        match self {
            Self::Float(value) => *value,
            Self::Word(word) => word.parse().expect("a float"),
        }
    }
}

#[test]
fn documents_tell_their_entries() {
    let Some(folder) = conformance_folder("documents") else { return };
    let text = std::fs::read_to_string(folder.join("documents.yaml")).unwrap();
    let documents: Vec<Document> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for document in documents {
        let format = format_of(&document.format).expect("a known format");
        let input = document.input.as_deref().expect("text documents have an input");
        let mut options = Options::new(format);
        options.classic_to_nhcb = document.note.contains("nhcb");
        options.start_timestamps = document.note.contains("start timestamps")
            || has_start_times(document.entries.iter().filter_map(|entry| entry.sample.as_ref()));
        tally.add(&document.id, check(&options, input, &document.entries));
    }
    tally.finish("documents");
}

#[derive(Deserialize)]
struct OwnCase {
    id: String,
    format: String,
    input: String,
    samples: Option<Vec<ExpectedSample>>,
    #[serde(default)]
    error: bool,
}

#[test]
fn small_cases_tell_their_samples() {
    let Some(folder) = conformance_folder("small cases") else { return };
    let text = std::fs::read_to_string(folder.join("own.yaml")).unwrap();
    let cases: Vec<OwnCase> = serde_saphyr::from_str(&text).unwrap();
    let mut tally = Tally::default();
    for case in cases {
        let format = format_of(&case.format).expect("a known format");
        let outcome = if case.error {
            match read_fresh(format, case.input.as_bytes()) {
                Ok(_) => Err("accepted".to_owned()),
                Err(_) => Ok(()),
            }
        } else {
            let samples = case.samples.unwrap_or_default();
            let mut options = Options::new(format);
            options.start_timestamps = has_start_times(samples.iter());
            let entry = |sample| Entry { sample: Some(sample), ..Entry::default() };
            check_samples(&options, &case.input, samples.into_iter().map(entry).collect())
        };
        tally.add(&case.id, outcome);
    }
    tally.finish("small cases");
}

fn has_start_times<'a>(mut samples: impl Iterator<Item = &'a ExpectedSample>) -> bool {
    samples.any(|sample| sample.start_timestamp_ms.is_some())
}

/// Only the samples count, not what the page says about families.
fn check_samples(options: &Options, input: &str, expected: Vec<Entry>) -> Result<(), String> {
    let mut told = read_fresh_with(options, input.as_bytes()).map_err(|error| error.to_string())?;
    told.retain(|told| matches!(told, Told::Sample(_)));
    compare(&told, &expected)
}

/// The same is told of the page at first and when all of it is known, whole and in pieces.
fn check(options: &Options, input: &str, expected: &[Entry]) -> Result<(), String> {
    let body = input.as_bytes();
    let (mut recorder, mut memory) = (Recorder::default(), Predictor::new());
    recorder.page_with(options, body, &mut memory).map_err(|error| error.to_string())?;
    compare(&recorder.told, expected)?;
    let samples = recorder.samples();
    recorder.page_with(options, body, &mut memory).map_err(|error| error.to_string())?;
    if recorder.samples() != samples || recorder.known != samples.len() {
        return Err("the second time it tells something else".to_owned());
    }
    let pieces = recorder.page_in_pieces(options, body, &[7], &mut Predictor::new());
    pieces.map_err(|error| error.to_string())?;
    compare(&recorder.told, expected)
}

fn compare(told: &[Told], expected: &[Entry]) -> Result<(), String> {
    let mut told = told.iter();
    for entry in expected.iter().filter(|entry| entry.comment.is_none()) {
        let Some(one) = told.next() else {
            return Err("something is missing at the end".to_owned());
        };
        if !entry.fits(one) {
            return Err(format!("{one:?} is not as expected"));
        }
    }
    match told.next() {
        Some(more) => Err(format!("unexpected: {more:?}")),
        None => Ok(()),
    }
}

impl Entry {
    fn fits(&self, told: &Told) -> bool {
        let is = |pair: &Option<(String, String)>, family: &str, text: &str| {
            pair.as_ref().is_some_and(|(f, t)| f == family && t == text)
        };
        match told {
            Told::Help(family, text) => is(&self.help, family, text),
            Told::Unit(family, unit) => is(&self.unit, family, unit),
            Told::Type(family, kind) => {
                is(&self.r#type, family, kind.as_str())
                    || (kind.as_str() == "unknown" && is(&self.r#type, family, "untyped"))
            }
            Told::Sample(sample) => self.sample.as_ref().is_some_and(|entry| entry.fits(sample)),
        }
    }
}

impl ExpectedSample {
    fn fits(&self, sample: &Sample) -> bool {
        let raw = self.raw.as_ref().is_none_or(|raw| *raw == sample.raw);
        // Entries without labels only tell which lines are series.
        let Some(labels) = &self.labels else { return raw };
        let exemplars = self.exemplars.len() == sample.exemplars.len()
            && self.exemplars.iter().zip(&sample.exemplars).all(|(one, told)| one.fits(told));
        let value = match (&self.histogram, &sample.histogram) {
            (Some(expected), Some(histogram)) => expected.fits(histogram),
            (None, None) => self.value.as_ref().is_some_and(|value| {
                let value = value.get();
                if value.is_nan() {
                    sample.value.to_bits() == model::sample::NORMAL_NAN_BITS
                } else {
                    value.to_bits() == sample.value.to_bits()
                }
            }),
            _ => false,
        };
        raw && exemplars
            && value
            && Labels::from_pairs(labels) == sample.labels
            && self.timestamp_ms == sample.t_ms
            && self.start_timestamp_ms == sample.start_ms
    }
}

impl ExpectedExemplar {
    fn fits(&self, exemplar: &Exemplar) -> bool {
        Labels::from_pairs(&self.labels) == exemplar.labels
            && self.value.get().to_bits() == exemplar.value.to_bits()
            && self.timestamp_ms == exemplar.t_ms
    }
}
